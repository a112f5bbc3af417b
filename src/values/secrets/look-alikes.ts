/** Tells what bears the name of a secret and is none: the schema of a parameter, the token of a model's answer. */
import { NativeSet } from '../../natives.js'
import { parseJsonText } from '../../builtins.js'
import { isPlainArray, type Plain, type PlainObject } from '../plain.js'

const SCHEMA_TYPES: ReadonlySet<Plain | undefined> = new NativeSet(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'])
const SCHEMA_WORDS: ReadonlySet<string> = new NativeSet([
  ...['type', 'title', 'description', 'format', 'minLength', 'maxLength', 'pattern', 'minimum', 'maximum', 'enum', 'const', 'default'],
  ...['example', 'examples', 'items', 'properties', 'required', 'additionalProperties', '$ref', 'anyOf', 'oneOf', 'allOf', 'nullable'],
  ...['deprecated', 'readOnly', 'writeOnly', 'minItems', 'maxItems', 'uniqueItems', 'contentEncoding', '$schema', 'not', 'optional'],
])
/** What in a schema may be a value. */
export const LITERALS_OF_SCHEMA: ReadonlySet<string> = new NativeSet(['const', 'default', 'example', 'examples', 'enum'])
/** What stands beside a token of a model's answer or of a tokenizer. */
const BESIDE_MODEL_TOKEN = [
  'logprob',
  'log_prob',
  'logProb',
  'top_logprobs',
  'topLogprobs',
  'probability',
  'token_id',
  'tokenId',
  'special',
]

/** Whether a value is a JSON schema. */
export function isSchema(value: Plain): value is PlainObject {
  if (typeof value !== 'object' || value === null || isPlainArray(value)) return false
  const names = Object.keys(value)
  if (names.length === 0 || !names.every((name) => SCHEMA_WORDS.has(name))) return false
  return names.some((name) => name === '$ref' || name.endsWith('Of')) || hasSchemaType(value['type'])
}

function hasSchemaType(type: Plain | undefined): boolean {
  return SCHEMA_TYPES.has(type) || (Array.isArray(type) && type.every((one: Plain) => SCHEMA_TYPES.has(one)))
}

/** Whether a field called `token` is a piece of text that a model wrote. */
export function isModelToken(name: string, fields: PlainObject): boolean {
  return name === 'token' && BESIDE_MODEL_TOKEN.some((other) => Object.hasOwn(fields, other))
}

/** Whether a field called `token` at `at` of JSON text stands beside what a model says of its own text. */
export function isModelTokenText(text: string, name: string, at: number): boolean {
  if (name !== 'token') return false
  const around = text.slice(Math.max(0, at - 160), at + 240)
  return /\\{0,16}"(?:log_?prob|top_?logprobs|probability|token_id|special)\\{0,16}"\s*:/i.test(around)
}

/** Whether the JSON text from `from` to `to` is the schema of a parameter, without literals. */
export function isSchemaText(text: string, from: number, to: number): boolean {
  if (text[from] !== '{' || to - from > MAX_SCHEMA_CHARS) return false
  const value = parseUnescaped(text.slice(from, to))
  return value !== undefined && isSchema(value) && !Object.keys(value).some((name) => LITERALS_OF_SCHEMA.has(name))
}

const MAX_SCHEMA_CHARS = 4096

function parseUnescaped(text: string): Plain | undefined {
  let shown = text
  for (let level = 0; level < 4; level += 1) {
    try {
      return parseJsonText(shown) as Plain
    } catch {
      // One level of escaping more.
      shown = shown.replace(/\\(["\\])/g, '$1')
    }
  }
  return undefined
}
