/** Deepest nesting that is written out; anything below becomes a marker, as JSON text that deep is not compared in practice. */
const MAX_DEPTH = 200

/**
 * `value` as the text Python's `json.dumps(value, sort_keys=True)` gives, so that both SDKs derive the same ids.
 *
 * Separators are `", "` and `": "`, keys are sorted by code point, everything outside printable ASCII is escaped.
 * A whole number is written as an integer, because JavaScript cannot tell `1` from `1.0`. What Python would refuse
 * (cycles, functions, getters that throw) becomes a marker or is left out as `JSON.stringify` does; never throws.
 */
export function toPythonJson(value: unknown): string {
  return write(value, []) ?? 'null'
}

/** `above` holds the objects around the value, outermost first. */
function write(value: unknown, above: object[]): string | undefined {
  switch (typeof value) {
    case 'string':
      return quote(value)
    case 'number':
      return toPythonNumber(value)
    case 'bigint':
      return value.toString()
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      return value === null ? 'null' : writeObject(value, above)
    default:
      return undefined
  }
}

function writeObject(value: object, above: object[]): string | undefined {
  if (above.includes(value)) return '"[Circular]"'
  if (above.length >= MAX_DEPTH) return '"[Too deep]"'
  above.push(value)
  const text = writeInside(value, above)
  above.pop()
  return text
}

function writeInside(value: object, above: object[]): string | undefined {
  const toJson = readProperty(value, 'toJSON')
  if (typeof toJson === 'function') return writeConverted(value, toJson as () => unknown, above)
  if (Array.isArray(value)) return `[${Array.from(value, (item) => write(item, above) ?? 'null').join(', ')}]`
  let parts = ''
  for (const key of sortKeys(Object.keys(value))) {
    const text = write(readProperty(value, key), above)
    if (text !== undefined) parts += `${parts === '' ? '' : ', '}${quote(key)}: ${text}`
  }
  return `{${parts}}`
}

function writeConverted(value: object, toJson: () => unknown, above: object[]): string | undefined {
  let converted: unknown
  try {
    converted = toJson.call(value)
  } catch {
    return '"[Throws]"'
  }
  return write(converted, above)
}

function readProperty(value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key]
  } catch {
    return '[Throws]'
  }
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\f': '\\f',
  '\b': '\\b',
}

function quote(text: string): string {
  if (!/["\\]|[^ -~]/.test(text)) return `"${text}"`
  // Without the `u` flag the expression sees UTF-16 units, which is what Python escapes for astral characters.
  const escaped = text.replace(/["\\]|[^ -~]/g, (unit) => SHORT_ESCAPES[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return `"${escaped}"`
}

function toPythonNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity'
  if (Object.is(value, -0)) return '-0.0'
  if (Number.isInteger(value)) return BigInt(value).toString()
  // Python leaves fixed notation below 1e-4, JavaScript below 1e-6; the digits are the same shortest ones.
  const text = Math.abs(value) < 1e-4 ? value.toExponential() : value.toString()
  return text.replace(/e([+-])(\d)$/, 'e$10$2')
}

// Without halves of surrogate pairs the order of UTF-16 units is that of code points.
function sortKeys(keys: string[]): readonly string[] {
  if (keys.length < 2) return keys
  return /[\ud800-\udfff]/.test(keys.join('')) ? keys.sort(compareCodePoints) : keys.sort()
}

function compareCodePoints(a: string, b: string): number {
  const left = Array.from(a, (character) => character.codePointAt(0) ?? 0)
  const right = Array.from(b, (character) => character.codePointAt(0) ?? 0)
  const length = Math.min(left.length, right.length)
  for (let i = 0; i < length; i += 1) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}
