// Values that are passed to a traced function, and what a reader of the span must find of each. `exact` is what arrives when nothing is
// changed, in any of the forms JSON leaves open; `parts` are texts that must all be there where no form is prescribed.
import { isDeepStrictEqual } from 'node:util'

class Otter {
  #secret = 1
  constructor(name) {
    this.name = name
    this.holt = { river: 'Tweed' }
  }
}
const longText = (bytes) => {
  let text = ''
  for (let i = 0; text.length < bytes; i++) text += `line ${i}: the otter floats on its back\n`
  return text.slice(0, bytes - 8) + 'the end.'
}
const circular = () => {
  const value = { name: 'holt', cub: { name: 'pup' } }
  value.cub.parent = value
  return value
}

/** Each: `make` the value, `exact` forms or `parts` of it, and `after`, what the program does to it once the call is over. */
export const cases = {
  'nested objects': {
    make: () => ({ a: { b: { c: { d: { e: [{ f: 'deep' }] } } } } }),
    exact: [{ a: { b: { c: { d: { e: [{ f: 'deep' }] } } } } }],
  },
  arrays: { make: () => [1, 'two', null, [3, [4]], { five: 5 }, true], exact: [[1, 'two', null, [3, [4]], { five: 5 }, true]] },
  'empty object and array': { make: () => ({ o: {}, a: [], s: '' }), exact: [{ o: {}, a: [], s: '' }] },
  numbers: {
    make: () => ({ int: 42, float: 0.1, big: 9_007_199_254_740_991, negative: -1.5 }),
    exact: [{ int: 42, float: 0.1, big: 9_007_199_254_740_991, negative: -1.5 }],
  },
  'NaN and Infinity': { make: () => ({ n: Number.NaN, i: Number.POSITIVE_INFINITY }), parts: ['NaN', 'Infinity'] },
  unicode: { make: () => 'Ötter 🦦 水獺 \u0000 \u2028 e\u0301', exact: ['Ötter 🦦 水獺 \u0000 \u2028 e\u0301'] },
  'lone surrogates': { make: () => 'before \ud83e after', exact: ['before \ud83e after', 'before \ufffd after'] },
  'text of 10 KB': { make: () => longText(10_000), exact: [longText(10_000)] },
  'text of 1 MB': { make: () => longText(1_000_000), exact: [longText(1_000_000)] },
  Date: { make: () => new Date(1_700_000_000_000), exact: ['2023-11-14T22:13:20.000Z', 1_700_000_000_000] },
  Map: {
    make: () =>
      new Map([
        ['river', 'Tweed'],
        ['depth', 3],
      ]),
    parts: ['river', 'Tweed', 'depth', '3'],
  },
  Set: { make: () => new Set(['otter', 'beaver']), parts: ['otter', 'beaver'] },
  bigint: { make: () => 123_456_789_012_345_678_901n, parts: ['123456789012345678901'] },
  Error: { make: () => new TypeError('no holt', { cause: new Error('flood') }), parts: ['TypeError', 'no holt', 'flood'] },
  circular: { make: circular, parts: ['holt', 'pup'] },
  'undefined field': {
    make: () => ({ a: 1, b: undefined }),
    exact: [{ a: 1 }, { a: 1, b: null }, { a: 1, b: 'undefined' }, { a: 1, b: '[undefined]' }],
  },
  'text that is JSON': { make: () => '{"a":1}', exact: ['{"a":1}'] },
  'names with dots': { make: () => ({ 'a.b': 1, a: 2 }), exact: [{ 'a.b': 1, a: 2 }] },
  'names that are numbers': { make: () => ({ 0: 'zero', 1: 'one' }), exact: [{ 0: 'zero', 1: 'one' }] },
  'class instance': { make: () => new Otter('Lutra'), exact: [{ name: 'Lutra', holt: { river: 'Tweed' } }] },
  'typed array': { make: () => new Float32Array([0.5, 1.5, 2.5]), parts: ['0.5', '1.5', '2.5'] },
  'mutated after the call': {
    make: () => ({ state: 'as passed', list: [1] }),
    after: (value) => {
      value.state = 'changed later'
      value.list.push(2)
    },
    exact: [{ state: 'as passed', list: [1] }],
  },
}

const said =
  /failed to serial|truncat|\bcut\b|omitted|elided|\[circular|\.\.\. ?\d+|more (items|keys|chars|bytes)|\[.*(bytes|chars)\b|sha256/i
const bytesOf = (value) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).length

/**
 * What became of one value: `whole` (`whole, said to be cut` where a mark says otherwise), `cut and said` (a mark tells that something is missing), `changed` (some of it is there, nothing tells
 * that the rest is not), or `lost`.
 */
export function grade({ exact, parts }, got, marks) {
  const whole = marks.length > 0 ? 'whole, said to be cut' : 'whole'
  if (exact?.some((form) => isDeepStrictEqual(form, got))) return whole
  const text = typeof got === 'string' ? got : (JSON.stringify(got) ?? '')
  if (parts?.every((part) => text.includes(part))) return whole
  if (got === undefined) return 'lost'
  if (said.test(text) || marks.length > 0) return 'cut and said'
  const rest = text.replace(/[{}[\]"':,\s]|null/g, '')
  if (rest === '' && !exact?.some((form) => bytesOf(form) <= 4)) return 'lost'
  return 'changed'
}
