/** Tells what stands for a value that is kept elsewhere: variables, templates, placeholders. A secret may begin like one; a reference is the whole value. */

/** Words of one case with a digit or two at most: `API_KEY`, `db_password2`, `userId`, but not `Zx9qLm27`. */
const NAME =
  '(?:_?[A-Z]+\\d?(?:_[A-Z]+\\d{0,3}|_\\d{1,3})*|_?[a-z]+\\d?(?:_[a-z]+\\d?|_\\d{1,3})*|[A-Za-z][a-z]+(?:[A-Z][a-z]{2,})*(?:[A-Z]{2,4}|[A-Z][a-z])?)(?![A-Za-z0-9_])'
const PATH = `(?:(?:\\??\\.|->|::)${NAME}|\\[['"]?[A-Za-z_.-]{1,40}['"]?\\]|\\[\\d{1,4}\\]|\\(\\))*`
const BRACES = '\\{(?:[^{}\\n]|\\{[^{}\\n]{0,64}\\}){0,128}\\}'
const DOUBLE_BRACES = '\\$?\\{{2,3}[^{}\\n]{0,128}\\}{2,3}'
const PARENTHESES = '\\((?:[^()\\n]|\\([^()\\n]{0,64}\\)){0,128}\\)?'
/** `%C3%` is the beginning of percent-encoded text. */
const WINDOWS_VARIABLE = '%(?![0-9A-Fa-f]{2}%)[A-Za-z_]\\w{0,63}%'
const MARKUP =
  '<\\/?(?:[abipsu]|br|hr|em|tt|td|th|tr|li|ul|ol|dd|dt|dl|h[1-6]|div|span|code|pre|kbd|strong|small|font|label|input|button|table|form|option|select|textarea)(?=[\\s>/])[^<>\\n]{0,200}>?'
const VARIABLE = new RegExp(
  [
    ...[DOUBLE_BRACES, `\\$${BRACES}`, `\\$(?:[Ee]nv:|ENV:)?${NAME}${PATH}`, `\\$${PARENTHESES}${PATH}`, WINDOWS_VARIABLE, `#${BRACES}`],
    ...[MARKUP, '<[^<>\\s][^<>\\n]{0,128}>', '\\[[A-Za-z_ -]{1,64}\\]'],
  ].join('|'),
  'y',
)
const PLACEHOLDER = new RegExp(`${DOUBLE_BRACES}|\\$${BRACES}|%s|\\{[A-Za-z_.]{0,64}\\}|<[A-Za-z_ .-]{1,40}>`, 'y')
const MARKUP_BEFORE_VALUE = new RegExp(MARKUP, 'y')
/** What joins two references in one value: `${USER}:${PASSWORD}`. */
const JOINT = /[-_.:/@+]{0,3}/y
/** `${API_KEY:-hunter2}` holds what is used where the variable is not set. */
const DEFAULT = /\$\{[\w.]+:[-=+]?[^-=+?}\s]/
const VALUE_END = /[.,:;!?]{0,3}(?:$|[\s“”"'`<>)\]}|&;])|,(?=[\w.-]{1,40}[:=]|["'\\])|\\{1,16}[nrtu"']/y
const SCHEME = /^(?:bearer|basic|token) /i
/** Marks of whoever left out or hid a value, with its last four characters at most. */
const FILLER =
  /^(?:(?:\*{3,}|•{2,})\w{0,4}|[x*•.…_?-]{3,}|[•.?]{2}|…|\[?REDACTED[^\]\n]{0,40}\]|REDACTED|<redacted[^>]{0,40}>)(?![\w$#@%^&*+=])/i
const YOURS = /^(?:your|YOUR|Your)(?:[-_ ](?:[A-Za-z]?[a-z]{1,20}|[A-Z]{1,20}|\d{1,3})(?![A-Za-z0-9])){1,8}/
/** What may follow in the same line: marks that end a sentence, and words. */
const REMARK = /^[.,;:!?)\]}"']{0,8}(?:\s+[\p{L}'’(),.;:!?]+)*\s*$/u
const PEM = /^-----BEGIN /
const LOOK_AHEAD_CHARS = 288

/** The position behind the references that stand at `from`, one joined to the next; `from` where none does. */
export function skipReferences(text: string, from: number): number {
  return from + endOfAll(VARIABLE, text.slice(from, from + LOOK_AHEAD_CHARS))
}

/** Whether a bare value at `from` is nothing but references. */
export function isVariableAt(text: string, from: number): boolean {
  if (startsWith(MARKUP_BEFORE_VALUE, text, from)) return true
  const end = skipReferences(text, from)
  return end > from && startsWith(VALUE_END, text, end) && !DEFAULT.test(text.slice(from, end))
}

/** {@link isVariableAt} for a value whose end is known. */
export function isVariableValue(value: string): boolean {
  return value !== '' && skipReferences(value, 0) === value.length && !DEFAULT.test(value)
}

/** Whether a value in quotes or in an element is left open: a template, stars, `your-key`. */
export function isLeftOpen(value: string): boolean {
  // The block of a key goes as a whole, by its looks; its first line alone would hide the rest.
  if (PEM.test(value)) return true
  const bare = value.replace(SCHEME, '')
  const end = endOfAll(PLACEHOLDER, bare) || (FILLER.exec(bare) ?? YOURS.exec(bare))?.[0].length
  return end !== undefined && REMARK.test(bare.slice(end)) && !DEFAULT.test(bare)
}

function endOfAll(expression: RegExp, text: string): number {
  let end = 0
  for (let at = 0; startsWith(expression, text, at); at = JOINT.lastIndex) {
    end = expression.lastIndex
    startsWith(JOINT, text, end)
  }
  return end
}

function startsWith(expression: RegExp, text: string, at: number): boolean {
  expression.lastIndex = at
  return expression.test(text)
}
