import { NativeSet } from '../../natives.js'
import { isLeftOpen, isVariableAt, isVariableValue } from './references.js'

/** Tells values from what only stands where a value could: words of a sentence, types, placeholders, references of code. */

const FIRST_WORDS: ReadonlySet<string> = new NativeSet([
  ...['the', 'a', 'an', 'this', 'that', 'these', 'those', 'your', 'our', 'my', 'his', 'her', 'their', 'its', 'is', 'are', 'was', 'were'],
  ...['be', 'been', 'must', 'should', 'can', 'could', 'may', 'might', 'will', 'would', 'shall', 'has', 'have', 'had', 'do', 'does', 'did'],
  ...['not', 'to', 'for', 'of', 'in', 'on', 'at', 'by', 'with', 'from', 'as', 'and', 'or', 'but', 'if', 'when', 'where', 'which', 'who'],
  ...[
    'what',
    'how',
    'why',
    'it',
    'you',
    'we',
    'they',
    'he',
    'she',
    'please',
    'enter',
    'use',
    'using',
    'see',
    'any',
    'some',
    'each',
    'both',
  ],
  ...['at', 'always', 'never', 'only', 'one', 'two', 'there', 'here', 'keep', 'let', 'make', 'minimum', 'maximum', 'between', 'e', 'i'],
])
const LONE_WORDS: ReadonlySet<string> = new NativeSet([
  ...['required', 'optional', 'none', 'null', 'nil', 'true', 'false', 'undefined', 'string', 'str', 'yes', 'no', 'on', 'off', 'redacted'],
  ...['hidden', 'masked', 'missing', 'invalid', 'expired', 'empty', 'unset', 'omitted', 'text', 'number', 'boolean', 'bool', 'object'],
  ...[
    'function',
    'unknown',
    'bytes',
    'int',
    'incorrect',
    'wrong',
    'accepted',
    'rejected',
    'failed',
    'unauthorized',
    'forbidden',
    'granted',
  ],
  ...['denied', 'ok', 'changed', 'include', 'omit', 'self', 'private', 'public', 'never', 'str|none'],
])
const CODE_WORD = /^(?:await|new|function|async|typeof|lambda|yield|return|not|if|self|this)[ \t]+[\w$("'`]/
/** `token: Token<T>`, `secret: SecretKey | undefined` */
const TYPE = /^[A-Z][a-z]+(?:[A-Z][a-z]+)*(?:[<)]|\[\]|\s?\|)/
const CALL_OR_INDEX = /^[A-Za-z_$][\w$]*(?:\??\.[A-Za-z_$][\w$]*){0,8}(?:\(|\[['"`\d])/
const KNOWN_HOLDER =
  /^(?:process|os|env|ENV|import|config|cfg|conf|settings|self|this|req|request|res|response|args|argv|opts|options|ctx|context|props|params|state|user|data|body|headers|secrets|vars|var|local|module|Deno|Bun|std|app|event|input|form|session|kwargs|payload)\??\.[A-Za-z_$][\w$.?]*(?:[\s,;)}\]]|$)/
const DOTTED = /^(?=[A-Za-z_$.]*(?:[a-z][A-Z]|_|[A-Z][a-z]))[A-Za-z_$]+(?:\??\.[A-Za-z_$]+){1,8}(?=[\s,;)}\]]|$)/
const OPERAND = /^[A-Za-z_$][\w$]* (?:\?\??|\|\||&&|\+) /
const REGEX_LITERAL = /^\/\^[[(]/
const WORD = /^[*_`"'(]{0,3}[\p{L}'’-]+[*_`"').,;:!?]{0,4}$/u
/** Words, and nothing that a secret would have. */
const REMARK = /^(?:\s+[\p{L}'’(),.;:!?]+)+$/u
/** A shorter replacement may be the beginning of a secret of several words. */
const LEAST_MARK_CHARS = 3
const SENTENCE_WORDS = 5
const LOOK_AHEAD_CHARS = 96

/** Whether a bare value at `from` is a name, a type or an expression of a program, or nothing but references. */
export function isReference(text: string, from: number): boolean {
  return isVariableAt(text, from) || isExpression(text.slice(from, from + LOOK_AHEAD_CHARS))
}

/** {@link isReference} for a value whose end is known. */
export function isReferenceValue(value: string): boolean {
  return isVariableValue(value) || isExpression(value.slice(0, LOOK_AHEAD_CHARS))
}

function isExpression(ahead: string): boolean {
  return (
    REGEX_LITERAL.test(ahead) ||
    CALL_OR_INDEX.test(ahead) ||
    KNOWN_HOLDER.test(ahead) ||
    CODE_WORD.test(ahead) ||
    TYPE.test(ahead) ||
    DOTTED.test(ahead) ||
    OPERAND.test(ahead)
  )
}

/**
 * Whether a bare value only repeats what its field is called: `login(password=password)`, `token = userToken`.
 *
 * @param isEnded whether a mark of programs ends it: `;`, `,` or `)`.
 */
export function isVariable(name: string, value: string, isEnded: boolean, isSecretName: (name: string) => boolean): boolean {
  if (!/^[A-Za-z_$][\w$]{0,63}$/.test(value)) return false
  if (isEnded && isSecretName(value)) return true
  return (
    value.toLowerCase() === name.slice(name.lastIndexOf('.') + 1).toLowerCase() ||
    (/[a-z][A-Z]|[a-z]_[a-z]|^[A-Z]+_[A-Z_]+$/.test(value) && isSecretName(value))
  )
}

/** Whether a value was masked or left open by whoever wrote the text. */
export function isPlaceholder(value: string, replacement: string): boolean {
  return isMasked(value, 0, value.length, replacement) || isLeftOpen(value)
}

/**
 * Whether what stands from `from` to `to` is the replacement, and no secret that merely begins like it. A value may end inside the
 * replacement, where that holds a bracket; words may follow it, where they followed the secret.
 */
export function isMasked(text: string, from: number, to: number, replacement: string): boolean {
  const end = from + replacement.length
  if (replacement === '' || !text.startsWith(replacement, from)) return false
  return to <= end || (replacement.length >= LEAST_MARK_CHARS && REMARK.test(text.slice(end, Math.min(to, end + LOOK_AHEAD_CHARS))))
}

/** Whether a bare value at `from` is what a function gives back. */
export function isCall(text: string, from: number): boolean {
  return CALL_OR_INDEX.test(text.slice(from, from + LOOK_AHEAD_CHARS))
}

/** Whether a bare value is a single word that says something of a secret and is none: `required`, `string`, `true`. */
export function isLoneWord(value: string): boolean {
  return LONE_WORDS.has(value.replace(/[.,;:!?)\]}]+$/, '').toLowerCase())
}

/** Whether the text at `from` goes on as a sentence does. */
export function isSentence(text: string, from: number): boolean {
  const [line = ''] = text.slice(from, from + LOOK_AHEAD_CHARS).split(/[\n\r]|\\{1,16}[nr]/, 1)
  const words = line.split(/\s+/)
  const [first = ''] = words
  if (words.length > 1 && (FIRST_WORDS.has(first.toLowerCase()) || (/^\d{1,4}$/.test(first) && WORD.test(words[1] ?? '')))) return true
  return words.length >= SENTENCE_WORDS && words.slice(0, SENTENCE_WORDS).every((word) => WORD.test(word))
}
