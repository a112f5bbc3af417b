/*
 * Masks what stands beside the name of a secret in text that is no JSON: query strings, forms, header lines, env files, YAML,
 * connection strings, program text, attributes of markup, pairs in lists. One pass over the separators; what is looked at
 * around each of them is bounded, so the time is linear.
 */
import { type NameInText, readFormPath, readNameBefore, readPhrase, readWordBefore } from './field-name.js'
import { isLineStart, readQuotedValue, readValue, type ValueInText, type ValuePlace } from './field-value.js'
import { isMasked, isPlaceholder, isSentence, isVariable } from './harmless.js'
import type { KeyRules } from './key-rules.js'
import { findSecretsInList } from './list-in-text.js'
import { NamedValues } from './named-values.js'
import { isModelTokenText } from './look-alikes.js'
import { TextCuts } from './text-cuts.js'

const EQUAL_SIGN = 61
const COLON_SIGN = 58
const OPEN_BRACKET = 91
const OPEN_PARENTHESIS = 40
const PERCENT = 37
const SEPARATOR = /[=:[(|–—→：＝]|->|%(?:25)*3[AaDd]/g
const OTHER_SIGNS = '|–—→-：＝'
const NO_ASSIGNMENT_BEFORE = '!<>=+*/|^~'
const FIRST_QUOTE = /^\s{0,16}[bBuUrR]?\\{0,16}["'`&%]/
/** What is called, with the dot before a method. */
const CALLED = /\.?([\p{L}\p{M}\p{N}_]+)$/u
const SETTER_WORD = /^(?:set|with|put|use)_?(?=[\p{L}_])/u
/** Names of which one word alone says nothing: `API key: …`. */
const LAST_WORDS = /^(?:keys?|codes?|phrase|signature)$/i

/** `text` with `replacement` in place of what stands beside names that `rules` know. */
export function maskFields(text: string, rules: KeyRules, replacement: string): string {
  const cuts = new TextCuts(text)
  const pairs = new NamedValues(text, rules, (value) => cut(value))

  /** @param quote what stands around the name: in JSON what takes the place of a number is a text. */
  function cut(value: ValueInText | undefined, quote = ''): void {
    if (value === undefined || isMasked(text, value.from, value.to, replacement)) return
    if (isPlaceholder(text.slice(value.from, Math.min(value.to, value.from + 257)), replacement)) return
    const isNumber = quote.endsWith('"') && isInJson(text, value)
    cuts.add(value.from, value.to, isNumber ? quote + replacement + quote : replacement)
  }

  SEPARATOR.lastIndex = 0
  for (let found = SEPARATOR.exec(text); found !== null; found = SEPARATOR.exec(text)) {
    const at = found.index
    if (at < cuts.end) SEPARATOR.lastIndex = cuts.end
    else if (isOpening(text.charCodeAt(at))) {
      if (!isBeforeQuote(text, at)) continue
      for (const value of findSecretsInList(text, at, rules)) cut(value)
      cut(readSetterValue(text, at, rules))
    } else {
      const bare = toPlace(text, at, found[0].length)
      if (bare === undefined) continue
      const place = withOwnName(text, at, bare, rules)
      if (!isSecret(text, place, rules)) pairs.meet(place)
      else if (!isInSecretName(text, at, rules)) cut(readNamedValue(text, place, rules), place.name.quote)
    }
  }
  return cuts.finish()
}

/** A number or word that ends where a field of JSON does. */
function isInJson(text: string, { from, to }: ValueInText): boolean {
  return /^-?[\w.+-]{1,64}$/.test(text.slice(from, Math.min(to, from + 65))) && /^\s{0,16}[,}]/.test(text.slice(to, to + 17))
}

/** The colon of `"Pwd:": 1` ends a name in quotes, whose own colon is met next and masks the value. */
function isInSecretName(text: string, at: number, rules: KeyRules): boolean {
  const end = /^\\{0,16}["']\s{0,8}:/.exec(text.slice(at + 1, at + 27))?.[0].length
  const whole = end === undefined ? undefined : placeOf(text, at + end, at + end + 1, ':')
  return whole !== undefined && whole.name.quote !== '' && whole.name.from < at && isSecret(text, whole, rules)
}

function isOpening(code: number): boolean {
  return code === OPEN_BRACKET || code === OPEN_PARENTHESIS
}

/** A list of texts begins with a quote, at once or after white space. */
function isBeforeQuote(text: string, at: number): boolean {
  const code = text.charCodeAt(at + 1)
  return !isLetterOrBracket(code) && FIRST_QUOTE.test(text.slice(at + 1, at + 20))
}

function isLetterOrBracket(code: number): boolean {
  return (code >= 65 && code <= 91 && code !== 66 && code !== 82) || (code >= 97 && code <= 123 && code !== 98 && code !== 114)
}

function toPlace(text: string, at: number, length: number): ValuePlace | undefined {
  const code = text.charCodeAt(at)
  if (code === PERCENT) return placeOf(text, at, at + length, /[dD]$/.test(text.slice(at, at + length)) ? '%=' : '%:')
  if (OTHER_SIGNS.includes(text[at] ?? '')) return isMeantAsSeparator(text, at) ? placeOf(text, at, at + length, ':') : undefined
  const after = text.charCodeAt(at + 1)
  if (code === COLON_SIGN) {
    if (after === COLON_SIGN || text.charCodeAt(at - 1) === COLON_SIGN) return undefined
    return after === EQUAL_SIGN ? placeOf(text, at, at + 2, '=') : placeOf(text, at, at + 1, ':')
  }
  if (after === EQUAL_SIGN || text[at + 1] === '~' || NO_ASSIGNMENT_BEFORE.includes(text[at - 1] ?? ' ') || text[at - 1] === ':')
    return undefined
  return text[at + 1] === '>' ? arrowPlace(text, at) : placeOf(text, at, at + 1, '=')
}

/** A dash or an arrow between words, a bar in a table. */
function isMeantAsSeparator(text: string, at: number): boolean {
  if (text[at] !== '|') return true
  const line = text.slice(Math.max(0, at - 128), at)
  return /(?:^|\n)[ \t]{0,8}\|[^\n]*$/.test(line)
}

/** `=>` stands between a name and its value in Ruby and PHP, and behind an argument in JavaScript. */
function arrowPlace(text: string, at: number): ValuePlace | undefined {
  const place = placeOf(text, at, at + 2, '=')
  if (place === undefined || place.name.quote !== '' || text[place.name.from - 1] === ':') return place
  return /^\s{0,4}["']/.test(text.slice(at + 2, at + 8)) ? place : undefined
}

function placeOf(text: string, at: number, from: number, separator: ValuePlace['separator']): ValuePlace | undefined {
  const name = readNameBefore(text, at)
  return name === undefined ? undefined : { name, from, separator }
}

/** Names of the user's own may have several words, and stand in brackets. */
function withOwnName(text: string, at: number, place: ValuePlace, rules: KeyRules): ValuePlace {
  if (place.name.quote !== '') return place
  const path = rules.hasPaths ? readFormPath(text, at) : undefined
  if (path !== undefined && rules.isSecretName(path.name)) return { ...place, name: path }
  const name = rules.nameWords < 2 ? undefined : readPhrase(text, place.name, rules.nameWords, rules.isOwnName)
  return name === undefined ? place : { ...place, name }
}

function isSecret(text: string, { name, separator, from }: ValuePlace, rules: KeyRules): boolean {
  if (name.quote !== '') return rules.isSecretTextName(name.name) && !isModelTokenText(text, name.name, from)
  const isStrong = rules.isSecretName(name.name)
  if (!isStrong && !LAST_WORDS.test(name.name)) return rules.isSecretTextName(name.name) && isTextValue(text, name, separator, from)
  const before = readWordBefore(text, name.from)
  if (before === '') return isStrong
  // `next token: 5` speaks of model text, `API key: …` of a secret; both say so by the word in front.
  return rules.isSecretName(`${before}_${name.name}`) || (isStrong && !/^tokens?$/i.test(name.name))
}

function readNamedValue(text: string, place: ValuePlace, rules: KeyRules): ValueInText | undefined {
  const value = readValue(text, place)
  if (value === undefined || /["'`]/.test(text[value.from - 1] ?? '')) return value
  const said = text.slice(value.from, Math.min(value.to, value.from + 65))
  return isVariable(place.name.name, said, /[;,)]/.test(text[value.to] ?? ''), rules.isSecretName) ? undefined : value
}

/** `setPassword("…")`, `.apiKey("…")`. */
function readSetterValue(text: string, at: number, rules: KeyRules): ValueInText | undefined {
  const called = text[at] === '(' ? CALLED.exec(text.slice(Math.max(0, at - 64), at)) : null
  if (called === null) return undefined
  const [whole, name = ''] = called
  const set = name.replace(SETTER_WORD, '')
  const isSetter = (set !== name && rules.isSecretTextName(set)) || (whole !== name && rules.isSecretTextName(name))
  if (!isSetter) return undefined
  const value = readQuotedValue(text, at + 1)
  return value === undefined || isSentence(text, value.from) ? undefined : value
}

/** `pass=12` counts and `pass: yes` judges. */
function isTextValue(text: string, name: NameInText, separator: ValuePlace['separator'], from: number): boolean {
  if (separator === ':' && !isLineStart(text, name.from) && !/^\s?["'`]/.test(text.slice(from, from + 2))) return false
  return /otp/i.test(name.name) || !/^\s{0,2}\d{1,3}(?:\D|$)/.test(text.slice(from, from + 8))
}
