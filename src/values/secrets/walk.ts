import { NativeSet } from '../../natives.js'
import { type MediaMode, summariseBuffer, summariseField } from '../media.js'
import { isPlainArray, type Plain, type PlainObject, setField } from '../plain.js'
import type { KeyRules } from './key-rules.js'
import { takeFreeName } from './free-name.js'
import { findSecretItems, isListOfNames } from './lists.js'
import { toFieldRole } from './named-values.js'
import { isModelToken, isSchema, LITERALS_OF_SCHEMA } from './look-alikes.js'

/** Gives back what may be shown in place of one value that stands at `path`. */
export type MaskLeaf = (path: string, leaf: Plain) => Plain

/** What a walk over a value needs. */
export interface WalkRules {
  readonly keyRules: KeyRules
  readonly replacement: string
  /** Whether media are summarised. */
  readonly media: MediaMode
  /** Whether a function of the user sees each leaf with its path. */
  readonly hasFunction: boolean
  /** What may be shown in place of one value that stands at `path`. */
  maskLeaf(path: string, leaf: Plain): Plain
  /** The name of a field without secrets. */
  maskName(name: string): string
}

const NONE: readonly number[] = Object.freeze([])

/** Walks values down to their leaves; what holds nothing to mask comes back as the same object. */
export class SecretWalk {
  readonly #rules: WalkRules
  /** Joining the path of each field costs more than looking up its name. */
  readonly #seesPaths: boolean

  constructor(rules: WalkRules) {
    this.#rules = rules
    this.#seesPaths = rules.hasFunction || rules.keyRules.hasPaths
  }

  /** @param name that of the field the value stands in, or of the list around it. */
  value(path: string, value: Plain, name = ''): Plain {
    const { hasFunction, media } = this.#rules
    if (value === null) return null
    if (typeof value !== 'object') return hasFunction || typeof value === 'string' ? this.#rules.maskLeaf(path, value) : value
    if (isPlainArray(value)) return this.#items(path, value, name)
    const summary = media === 'summary' ? summariseBuffer(value) : undefined
    return summary === undefined ? this.#fields(path, value) : this.#rules.maskLeaf(path, summary)
  }

  #items(path: string, items: readonly Plain[], name: string): readonly Plain[] {
    const { hasFunction } = this.#rules
    const secret = this.#findSecrets(items, name)
    let copy: Plain[] | undefined
    for (let i = 0; i < items.length; i += 1) {
      const item = items[i] as Plain
      if (!hasFunction && (typeof item === 'number' || typeof item === 'boolean') && secret === NONE) continue
      const at = this.#seesPaths ? `${path}.${i}` : path
      const shown = secret.includes(i) && item !== null ? this.#hide(at) : this.value(at, item, name)
      if (shown === item) continue
      copy ??= items.slice()
      copy[i] = shown
    }
    return copy ?? items
  }

  /** Pairs, raw headers and arguments begin with text. */
  #findSecrets(items: readonly Plain[], name: string): readonly number[] {
    const { keyRules } = this.#rules
    if (!keyRules.isActive || typeof items[0] !== 'string' || items.length < 2) return NONE
    const found = findSecretItems(items.length === 2 ? pairOf(items) : items.map(textOf), keyRules)
    return found.length === 0 || isListOfNames(name) ? NONE : found
  }

  #fields(path: string, fields: PlainObject): PlainObject {
    const { keyRules } = this.#rules
    const names = Object.keys(fields)
    const named = keyRules.isActive ? this.#findNamedValue(fields, names) : undefined
    let copy: { [key: string]: Plain } | undefined
    for (const name of names) {
      const field = fields[name] as Plain
      const at = this.#seesPaths ? `${path}.${name}` : path
      const shown = name === named && field !== null ? this.#hide(at) : this.#field(at, name, fields)
      if (shown === field) continue
      copy ??= copyOf(fields)
      setField(copy, name, shown)
    }
    return this.#withShownNames(copy ?? fields, names)
  }

  #withShownNames(fields: PlainObject, names: readonly string[]): PlainObject {
    if (!this.#hasOther(names)) return fields
    const copy: { [key: string]: Plain } = {}
    const taken = new NativeSet<string>()
    for (const name of names) setField(copy, takeFreeName(this.#rules.maskName(name), taken), fields[name] as Plain)
    return copy
  }

  #hasOther(names: readonly string[]): boolean {
    for (const name of names) if (this.#rules.maskName(name) !== name) return true
    return false
  }

  /** The field that holds what another field calls a secret: `value` in `{ name: 'Authorization', value }`. */
  #findNamedValue(fields: PlainObject, names: readonly string[]): string | undefined {
    if (names.length < 2 || names.length > MAX_NAMED_FIELDS) return undefined
    const value = findValueField(names)
    if (value === undefined) return undefined
    const isNamed = names.some((name) => {
      const said = fields[name]
      const role = typeof said === 'string' && said.length <= MAX_NAME_CHARS ? toFieldRole(name) : undefined
      return (role === 'name' || role === 'kind') && this.#rules.keyRules.isSecretTextName(said as string)
    })
    return isNamed ? value : undefined
  }

  #field(path: string, name: string, fields: PlainObject): Plain {
    const { keyRules } = this.#rules
    const field = this.#withoutMedium(name, fields)
    if (field === null) return null
    if (!keyRules.isSecretField(path, name, typeof field === 'string')) return this.value(path, field, name)
    if (isModelToken(name, fields)) return this.value(path, field, name)
    return isSchema(field) ? this.#schema(path, field) : this.#hide(path)
  }

  /** What stands in place of a secret. */
  #hide(path: string): Plain {
    return this.#rules.maskLeaf(path, this.#rules.replacement)
  }

  #withoutMedium(name: string, fields: PlainObject): Plain {
    const field = fields[name] as Plain
    return this.#rules.media === 'summary' && typeof field === 'string' ? (summariseField(name, field, fields) ?? field) : field
  }

  /** The schema of a secret says what one looks like; only its literals may be one. */
  #schema(path: string, schema: PlainObject): Plain {
    const literals = Object.keys(schema).filter((name) => LITERALS_OF_SCHEMA.has(name))
    const shown = this.#fields(path, schema)
    if (literals.length === 0) return shown
    const copy = copyOf(shown)
    for (const name of literals) setField(copy, name, this.#hide(this.#seesPaths ? `${path}.${name}` : path))
    return copy
  }
}

/** Loops, and no function for each object that is looked at. */
function findValueField(names: readonly string[]): string | undefined {
  for (const name of names) if (toFieldRole(name) === 'value') return name
  return undefined
}

const MAX_NAMED_FIELDS = 24
const MAX_NAME_CHARS = 96

function pairOf([name, value]: readonly Plain[]): readonly (string | undefined)[] {
  return [textOf(name as Plain), typeof value === 'string' ? value : undefined]
}

function textOf(item: Plain): string | undefined {
  return typeof item === 'string' ? item : undefined
}

function copyOf(fields: PlainObject): { [key: string]: Plain } {
  const copy: { [key: string]: Plain } = {}
  for (const name of Object.keys(fields)) setField(copy, name, fields[name] as Plain)
  return copy
}
