import { readQuotedValue, type ValueInText, type ValuePlace } from './field-value.js'
import type { KeyRules } from './key-rules.js'
import { remember } from './remembered.js'

/** What a field says of the object it stands in: what another field's value is called, or that value. */
export type FieldRole = 'name' | 'kind' | 'value'

const NAME_FIELD = /(?:^|[a-z_.-])(?:name|key|header|field|param|parameter|property|attribute|variable)$|^[kn]$/i
const KIND_FIELD = /^(?:type|id|label|title|autocomplete)$/i
const VALUE_FIELD = /(?:^|[a-z_.-])(?:value|values|val)$|^(?:v|stringValue|string_value|default)$/i
const MARKUP_VALUE_FIELD = /^content$/i

/** The role of a field by its name: `{ name, value }`, `{ headerName, headerValue }`, `{ ParameterKey, ParameterValue }`. */
export const toFieldRole: (name: string) => FieldRole | undefined = remember((name) => {
  if (name.length > 40) return undefined
  if (NAME_FIELD.test(name)) return 'name'
  if (VALUE_FIELD.test(name)) return 'value'
  return KIND_FIELD.test(name) ? 'kind' : undefined
})

const MAX_DISTANCE = 600
const MAX_NAME_CHARS = 96
const BARE_VALUE = /[^\s,;}\]<>"']{1,512}/y
const FORM_PART =
  /[^\n]{0,200}?(?:\r\n|\n|\\{1,16}r\\{1,16}n|\\{1,16}n)(?:[\w-]{1,40}:[^\n]{0,200}?(?:\r\n|\n|\\{1,16}r\\{1,16}n|\\{1,16}n)){0,6}(?:\r\n|\n|\\{1,16}r\\{1,16}n|\\{1,16}n)/y
const FORM_PART_END = /(?:\r\n|\n|\\{1,16}r\\{1,16}n|\\{1,16}n)--/g
const ELEMENT_TEXT = /\\{0,16}["']\s{0,8}(?:[\w:.-]{1,40}=\\{0,16}["'][^"'<>]{0,200}["']\s{0,8}){0,8}>([^<]{1,4096})</y

/** Joins fields that name a secret with the fields that hold it, as they are met from left to right in one text. */
export class NamedValues {
  readonly #text: string
  readonly #rules: KeyRules
  readonly #cut: (value: ValueInText) => void
  #name: { readonly at: number; readonly isSecret: boolean; readonly role: FieldRole } | undefined
  #value: { readonly at: number; readonly range: ValueInText } | undefined

  constructor(text: string, rules: KeyRules, cut: (value: ValueInText) => void) {
    this.#text = text
    this.#rules = rules
    this.#cut = cut
  }

  /** Takes a field that is not secret by its own name. */
  meet(place: ValuePlace): void {
    const isMarkup = place.separator === '=' && MARKUP_VALUE_FIELD.test(place.name.name)
    const role = isMarkup ? 'value' : toFieldRole(place.name.name)
    if (role === undefined) return
    const range = this.#read(place)
    if (range === undefined) return
    if (role === 'value') this.#meetValue(place.name.from, range)
    else this.#meetName(place.name.from, range, role)
  }

  #meetName(at: number, range: ValueInText, role: FieldRole): void {
    const name = this.#text.slice(range.from, Math.min(range.to, range.from + MAX_NAME_CHARS + 1))
    const isSecret = name.length <= MAX_NAME_CHARS && this.#rules.isSecretTextName(name)
    if (!isSecret && (role === 'kind' || this.#isKindSecret(at))) return
    if (isSecret && this.#cutInside(range)) return
    const value = this.#value
    this.#name = { at, isSecret, role }
    if (value === undefined || !this.#isSameObject(value.range.to, at)) return
    this.#value = undefined
    this.#name = undefined
    if (isSecret) this.#cut(value.range)
  }

  /** `type="password" name="pw"`: the kind says more than the name. */
  #isKindSecret(at: number): boolean {
    const name = this.#name
    return name?.isSecret === true && name.role === 'kind' && this.#isSameObject(name.at, at)
  }

  #meetValue(at: number, range: ValueInText): void {
    const name = this.#name
    this.#value = { at, range }
    if (name === undefined || !this.#isSameObject(name.at, at)) return
    this.#name = undefined
    this.#value = undefined
    if (name.isSecret) this.#cut(range)
  }

  /** What the name stands in may be a part of a form or an element, whose text is the value. */
  #cutInside(range: ValueInText): boolean {
    const text = this.#text
    if (/form-data/i.test(text.slice(Math.max(0, range.from - 64), range.from))) {
      const from = endOf(FORM_PART, text, range.to)
      if (from === -1) return false
      FORM_PART_END.lastIndex = from
      this.#cut({ from, to: FORM_PART_END.exec(text)?.index ?? text.length })
      return true
    }
    ELEMENT_TEXT.lastIndex = range.to
    const inner = ELEMENT_TEXT.exec(text)?.[1]
    if (inner === undefined || inner.trim() === '') return false
    this.#cut({ from: ELEMENT_TEXT.lastIndex - 1 - inner.length, to: ELEMENT_TEXT.lastIndex - 1 })
    return true
  }

  #isSameObject(from: number, to: number): boolean {
    return to - from <= MAX_DISTANCE && !/[{}]|\n[ \t]*\n/.test(this.#text.slice(from, to))
  }

  #read({ from }: ValuePlace): ValueInText | undefined {
    const text = this.#text
    let at = from
    while (at < from + 8 && (text[at] === ' ' || text[at] === '\t')) at += 1
    const quoted = readQuotedValue(text, at)
    if (quoted !== undefined) return quoted
    BARE_VALUE.lastIndex = at
    return BARE_VALUE.test(text) ? { from: at, to: BARE_VALUE.lastIndex } : undefined
  }
}

function endOf(expression: RegExp, text: string, at: number): number {
  expression.lastIndex = at
  return expression.test(text) ? expression.lastIndex : -1
}
