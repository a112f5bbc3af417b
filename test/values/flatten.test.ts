import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AttributeScalar, flatten, toAttributeValue } from '../../src/values/flatten.js'
import { type Plain, toSnapshot } from '../../src/values/snapshot.js'
import { cpuMs, leastBelow, leastCpuMsOfEach, toReferenceMs } from '../fixtures/cost.js'
import { checkPrototypesUntouched, hostileErrors, hostileValues } from '../fixtures/hostile.js'

const ROOMY = 100_000

function attributesOf(value: Plain, budget = ROOMY): Record<string, AttributeScalar> {
  return run(value, budget).attributes
}

function run(value: Plain, budget = ROOMY) {
  const entries: [string, AttributeScalar][] = []
  flatten('p', value, budget, (key, item) => entries.push([key, item]))
  expect(new Set(entries.map(([key]) => key)).size).toBe(entries.length)
  return { attributes: Object.fromEntries(entries), count: entries.length }
}

/** What a backend does with bucket attributes: split on dots, parse JSON containers, rebuild arrays. */
function unflatten(attributes: Record<string, AttributeScalar>): unknown {
  const root = new Map<string, unknown>()
  for (const [key, value] of Object.entries(attributes)) {
    const parts = key.split('.')
    let at = root
    for (const part of parts.slice(0, -1)) {
      if (!at.has(part)) at.set(part, new Map())
      at = at.get(part) as Map<string, unknown>
      expect(at).toBeInstanceOf(Map)
    }
    const last = parts.at(-1) as string
    expect(at.has(last)).toBe(false)
    at.set(last, typeof value === 'string' && /^[[{]/.test(value) ? JSON.parse(value) : value)
  }
  return settle(root.get('p'))
}

function settle(node: unknown): unknown {
  if (!(node instanceof Map)) return node
  const keys = [...node.keys()]
  if (keys.every((key, i) => key === String(i))) return keys.map((key) => settle(node.get(key)))
  return Object.fromEntries(keys.map((key) => [key, settle(node.get(key))]))
}

/** Data whose meaning paths can carry: no null fields, no dots in names, no names that are numbers, no JSON in strings. */
const name = fc.string({ minLength: 1, unit: fc.constantFrom(...'abcxyz_- é') })
const tree = fc.letrec<{ node: Plain }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 5, depthSize: 'medium' },
    fc.string({ unit: 'grapheme' }).filter((text) => !/^[[{]/.test(text)),
    fc.integer(),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }).map((value) => value || 0),
    fc.array(tie('node')),
    fc.dictionary(name, tie('node'), { noNullPrototype: true }),
  ),
})).node

const bucket = fc.dictionary(name, tree, { noNullPrototype: true, minKeys: 1 })

describe('flatten', () => {
  it('loses nothing: what a backend rebuilds equals the data', () => {
    fc.assert(
      fc.property(bucket, (value) => {
        expect(unflatten(attributesOf(value))).toEqual(value)
      }),
      { numRuns: 200 },
    )
  })

  it('loses nothing under any budget, which is never exceeded', () => {
    fc.assert(
      fc.property(bucket, fc.integer({ min: 1, max: 12 }), (value, budget) => {
        const { attributes, count } = run(value, budget)
        expect(count).toBeLessThanOrEqual(budget)
        expect(unflatten(attributes)).toEqual(value)
      }),
      { numRuns: 300 },
    )
  })

  it('keeps every leaf of any JSON, colliding names included, and never emits one key twice', () => {
    const json = fc.dictionary(fc.constantFrom('a', 'b', 'a.b', 'a.b.c', 'b.c', '', '.', 'c'), fc.jsonValue({ maxDepth: 3 }), {
      noNullPrototype: true,
    })
    fc.assert(
      fc.property(json, fc.integer({ min: 1, max: 30 }), (value, budget) => {
        const { attributes } = run(value as Plain, budget)
        const keys = Object.keys(attributes)
        for (const key of keys) expect(keys.some((other) => other.startsWith(`${key}.`))).toBe(false)
      }),
    )
  })

  it('keeps the order of the fields, whatever the budget', () => {
    const value = { z: { b: 1, a: [2, { y: 3, x: 4 }] }, m: 'text', a: { k: true, b: false } }
    const namesOf = (budget: number): string[] => Object.keys(attributesOf(value, budget))
    expect(namesOf(ROOMY)).toEqual(['p.z.b', 'p.z.a.0', 'p.z.a.1.y', 'p.z.a.1.x', 'p.m', 'p.a.k', 'p.a.b'])
    expect(namesOf(6)).toEqual(['p.z.b', 'p.z.a.0', 'p.z.a.1', 'p.m', 'p.a.k', 'p.a.b'])
    expect(namesOf(3)).toEqual(['p.z', 'p.m', 'p.a'])
    expect(namesOf(1)).toEqual(['p'])
  })

  it('leaves fields of null out, whatever the budget', () => {
    const value = { a: null, b: { c: null, d: 1, e: [1, 2, 3] }, f: { g: null, h: 'x' } }
    expect(attributesOf(value)).toEqual({ 'p.b.d': 1, 'p.b.e.0': 1, 'p.b.e.1': 2, 'p.b.e.2': 3, 'p.f.h': 'x' })
    expect(attributesOf(value, 3)).toEqual({ 'p.b.d': 1, 'p.b.e': '[1,2,3]', 'p.f.h': 'x' })
  })

  it('writes nothing as JSON that has its paths within the budget, however it is nested', () => {
    expect(attributesOf({ a: { b: { c: 1 } }, d: [1, 2] }, 3)).toEqual({ 'p.a.b.c': 1, 'p.d.0': 1, 'p.d.1': 2 })
    expect(attributesOf({ a: {}, d: [1, 2] }, 3)).toEqual({ 'p.a': '{}', 'p.d.0': 1, 'p.d.1': 2 })
    expect(
      attributesOf(
        {
          f: [
            { a: { b: { c: 1 } }, d: [1, 2] },
            { x: 1, y: 2 },
          ],
        },
        4,
      ),
    ).toEqual({
      'p.f.0.a.b.c': 1,
      'p.f.0.d': '[1,2]',
      'p.f.1.x': 1,
      'p.f.1.y': 2,
    })
  })

  it.each([ROOMY, 2])('names a path of up to 1,024 characters, and writes what lies below a longer one as JSON (budget %i)', (budget) => {
    const below = (chars: number): string[] =>
      Object.keys(attributesOf({ ['k'.repeat(chars)]: { x: 1, y: 2 } }, budget)).map((key) => key.slice(-2))
    expect(below(1_022)).toEqual(['.x', '.y'])
    expect(below(1_023)).toEqual(['kk'])
  })

  it('writes lists and objects as paths', () => {
    expect(
      attributesOf({
        q: 'cats',
        messages: [
          { role: 'user', n: 1 },
          { role: 'bot', n: 2.5 },
        ],
        ok: true,
      }),
    ).toEqual({
      'p.q': 'cats',
      'p.messages.0.role': 'user',
      'p.messages.0.n': 1,
      'p.messages.1.role': 'bot',
      'p.messages.1.n': 2.5,
      'p.ok': true,
    })
    expect(attributesOf('text')).toEqual({ p: 'text' })
    expect(attributesOf(null)).toEqual({ p: 'null' })
  })

  it('sends as JSON what paths cannot say', () => {
    expect(attributesOf({ none: null, list: [], object: {}, gaps: [1, null], deep: { only: null } })).toEqual({
      'p.list': '[]',
      'p.object': '{}',
      'p.gaps': '[1,null]',
      'p.deep': '{"only":null}',
    })
    expect(attributesOf([])).toEqual({ p: '[]' })
  })

  it('keeps both sides of a key that is leaf and prefix', () => {
    expect(attributesOf({ in: { a: 1, 'a.b': 2 } })).toEqual({ 'p.in': '{"a":1,"a.b":2}' })
    expect(attributesOf({ a: 1, 'a.b': 2, a_b: 3 })).toEqual({ 'p.a': 1, 'p.a_b': 3, 'p.a_b_': 2 })
    expect(attributesOf({ 'x.y': 1, 'x.z': 2 })).toEqual({ 'p.x.y': 1, 'p.x.z': 2 })
  })

  it('collapses the largest subtree first, and only as deep as needed', () => {
    const value = { small: { a: 1, b: 2 }, big: { list: Array.from({ length: 50 }, (_, i) => i), note: 'kept' } }
    expect(Object.keys(attributesOf(value, 4))).toEqual(['p.small.a', 'p.small.b', 'p.big.list', 'p.big.note'])
    expect(Object.keys(attributesOf(value, 1))).toEqual(['p'])
  })

  it('H27 writes numbers that OTLP cannot carry as text', () => {
    expect(attributesOf([2 ** 53, -(2 ** 63), 1e300, 5e-324, -0, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53 - 1])).toEqual({
      'p.0': '9007199254740992',
      'p.1': '-9223372036854776000',
      'p.2': '1e+300',
      'p.3': 5e-324,
      'p.4': 0,
      'p.5': 'NaN',
      'p.6': 'Infinity',
      'p.7': 2 ** 53 - 1,
    })
  })

  it('H21 makes text and names well-formed', () => {
    expect(attributesOf({ '\ud800k': 'a\udc00b' })).toEqual({ 'p.\ufffdk': 'a\ufffdb' })
  })

  it('costs the same whatever dots its names have', async () => {
    const names = (name: (i: number) => string, count: number): Plain =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [name(i), i]))
    const pairs: [Plain, Plain][] = [
      [{ a: 1, ...(names((i) => `a.${i}`, 60_000) as object) }, names((i) => `ab${i}`, 60_001)],
      [names((i) => i + '.'.repeat(1000), 900), names((i) => i + 'x'.repeat(1000), 900)],
      [names((i) => '.'.repeat(i + 1), 1000), names((i) => 'x'.repeat(i + 1), 1000)],
      [
        names((i) => [...i.toString(2).padStart(14, '0')].map((bit) => (bit === '1' ? '.' : '_')).join('a'), 16_384),
        names((i) => `${i}`.padStart(27, 'x'), 16_384),
      ],
    ]
    for (const [odd, plain] of pairs) {
      const works = [odd, plain].map((value) => () => flatten('p', value, ROOMY, () => undefined))
      const ratio = (): number => {
        const [ofOdd = 0, ofPlain = 0] = leastCpuMsOfEach(3, works)
        return ofOdd / Math.max(10, ofPlain)
      }
      expect(await leastBelow(5, ratio)).toBeLessThan(5)
    }
  })

  it('H30 does not multiply long keys', () => {
    const value = { ['k'.repeat(10_240)]: Array.from({ length: 1000 }, (_, i) => i) }
    const { attributes } = run(value)
    expect(Object.keys(attributes).join('').length).toBeLessThan(2000)
    expect(unflatten(attributes)).toEqual(value)
  })

  for (const { id, title, make, heavy } of [...hostileValues, ...hostileErrors]) {
    it(`${id} ${title}: becomes OTLP-safe attributes within the budget`, () => {
      const check = checkPrototypesUntouched()
      const { value } = toSnapshot(make(), { maxBytes: 262_144 })
      const before = cpuMs()
      const { attributes, count } = run(value, 1000)
      expect(toReferenceMs(cpuMs() - before, heavy === true ? 2000 : 1000)).toBeLessThan(heavy === true ? 2000 : 1000)
      expect(count).toBeLessThanOrEqual(1000)
      let bytes = 0
      for (const [key, item] of Object.entries(attributes)) {
        expect(Buffer.from(key).toString()).toBe(key)
        if (typeof item === 'number') expect(Number.isFinite(item) && (!Number.isInteger(item) || Number.isSafeInteger(item))).toBe(true)
        else expect(['string', 'boolean']).toContain(typeof item)
        if (typeof item === 'string') expect(Buffer.from(item).toString() === item).toBe(true)
        bytes += Buffer.byteLength(String(item))
      }
      expect(bytes).toBeLessThanOrEqual(2 * 262_144)
      check()
    })
  }
})

describe('toAttributeValue', () => {
  it('keeps scalars and lists of one type, and copies the list', () => {
    const list = ['a', 'b']
    const copy = toAttributeValue(list)
    expect(copy).toEqual(['a', 'b'])
    expect(copy).not.toBe(list)
    expect([toAttributeValue(1), toAttributeValue('x'), toAttributeValue(false), toAttributeValue([1, 2]), toAttributeValue([])]).toEqual([
      1,
      'x',
      false,
      [1, 2],
      [],
    ])
  })

  it('turns the rest into text', () => {
    expect([
      toAttributeValue(undefined),
      toAttributeValue(null),
      toAttributeValue(Number.NaN),
      toAttributeValue(2 ** 63),
      toAttributeValue(5n),
    ]).toEqual([undefined, undefined, 'NaN', '9223372036854776000', '5'])
    expect([toAttributeValue({ a: 1 }), toAttributeValue([1, 'a']), toAttributeValue([1, null]), toAttributeValue([2 ** 60, 1])]).toEqual([
      '{"a":1}',
      '[1,"a"]',
      '[1,null]',
      ['1152921504606847000', '1'],
    ])
  })

  for (const { id, title, make, heavy } of [...hostileValues, ...hostileErrors]) {
    if (heavy === true) continue
    it(`${id} ${title}: gives an OTLP-safe value or nothing`, () => {
      const value = toAttributeValue(make())
      for (const item of Array.isArray(value) ? value : [value]) {
        expect(['string', 'number', 'boolean', 'undefined']).toContain(typeof item)
        if (typeof item === 'number') expect(Number.isFinite(item)).toBe(true)
        if (typeof item === 'string') expect(Buffer.from(item).toString() === item).toBe(true)
      }
    })
  }
})
