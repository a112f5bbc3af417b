import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Plain } from '../../src/values/plain.js'
import { fitValue, keepEnds, shareOut, sizeOf, valueBytes } from '../../src/values/room.js'
import { toSnapshot } from '../../src/values/snapshot.js'
import { clampText, dropOverlap } from '../../src/values/text.js'
import { cpuMs, leastBelow } from '../fixtures/cost.js'

const json = fc.jsonValue({ maxDepth: 4, noUnicodeString: false }) as fc.Arbitrary<Plain>
const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0)

describe('shareOut', () => {
  it('gives whole what fits, equal parts of the rest, and never more than there is', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { maxLength: 20 }), fc.nat(5000), (demands, total) => {
        const grants = shareOut(demands, total)
        expect(sum(grants)).toBeLessThanOrEqual(total)
        if (sum(demands) <= total) {
          expect(grants).toEqual(demands)
          return
        }
        expect(sum(grants)).toBe(total)
        const cut = grants.filter((grant, i) => grant < (demands[i] ?? 0))
        // What does not divide evenly makes a difference of one, also between one that is cut and an equal demand that is not.
        const equalPart = Math.min(...cut)
        for (const [i, grant] of grants.entries()) {
          const demand = demands[i] ?? 0
          expect(grant).toBeLessThanOrEqual(Math.min(demand, equalPart + 1))
          expect(grant).toBeGreaterThanOrEqual(Math.min(demand, equalPart))
        }
      }),
      { examples: [[[3, 4, 4], 10]] },
    )
  })

  it('does not depend on the order', () => {
    expect(shareOut([1000, 5, 1000, 1], 206)).toEqual([100, 5, 100, 1])
    expect(shareOut([1, 1000, 5, 1000], 206)).toEqual([1, 100, 5, 100])
  })
})

describe('fitValue', () => {
  it('never takes more than its room by more than the marks of what was left out', () => {
    fc.assert(
      fc.property(json, fc.integer({ min: 0, max: 2000 }), (value, maxBytes) => {
        const fitted = fitValue(value, maxBytes)
        if (valueBytes(value) <= maxBytes) {
          expect(fitted).toBe(value)
          return
        }
        // Numbers are never cut, and a list of nothing but its mark stays.
        expect(valueBytes(fitted)).toBeLessThanOrEqual(Math.max(maxBytes, 100) + 100)
      }),
      { numRuns: 500 },
    )
  })

  it('keeps short fields whole beside a long one, first or last', () => {
    const long = 'x'.repeat(100_000)
    for (const value of [
      { long, answer: 'forty-two', tokens: 7, list: [1, 2, 3] },
      { answer: 'forty-two', tokens: 7, list: [1, 2, 3], long },
      { tokens: 7, nested: { answer: 'forty-two', long }, answer: 'forty-two', list: [1, 2, 3] },
    ]) {
      const fitted = fitValue(value, 1000)
      expect(fitted).toMatchObject({ answer: 'forty-two', tokens: 7, list: [1, 2, 3] })
      expect(JSON.stringify(fitted)).toContain('[truncated, 100000 characters]')
      expect(valueBytes(fitted)).toBeLessThanOrEqual(1000)
      expect(valueBytes(fitted)).toBeGreaterThan(900)
    }
  })

  it('keeps both ends of a list that is too long: the instructions and the last question', () => {
    const messages = Array.from({ length: 10_000 }, (_, i) => ({ role: i === 0 ? 'system' : 'user', content: `message ${i}` }))
    const fitted = fitValue(messages, 5000) as readonly Plain[]
    expect([fitted[0], fitted.at(-1)]).toEqual([messages[0], messages.at(-1)])
    expect(valueBytes(fitted)).toBeLessThanOrEqual(5000)
    expect(valueBytes(fitted)).toBeGreaterThan(4500)
    expect(valueBytes(fitValue(fitted, 1000))).toBeLessThanOrEqual(1000)
    const mark = fitted.find((item) => typeof item === 'string')
    expect(mark).toBe(`[truncated, ${10_000 - fitted.length + 1} of 10000 items left out]`)
  })

  it('says which fields are missing', () => {
    const fields = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`key ${i}`, i]))
    const fitted = fitValue(fields, 2000) as Record<string, Plain>
    expect(fitted['…']).toBe(`[truncated, ${5000 - Object.keys(fitted).length + 1} of 5000 fields left out]`)
    expect(fitted).toMatchObject({ 'key 0': 0, 'key 4999': 4999 })
    expect(valueBytes(fitted)).toBeLessThanOrEqual(2000)
    expect(valueBytes(fitted)).toBeGreaterThan(1500)
  })

  it('costs what its value costs, however deep or wide that is', async () => {
    const wide = (count: number): Plain => Array.from({ length: count }, (_, i) => ({ i, text: 'x'.repeat(50) }))
    const cost = (count: number): number => {
      const value = wide(count)
      const before = cpuMs()
      for (let i = 0; i < 3; i += 1) fitValue(value, 100_000)
      return cpuMs() - before
    }
    const limitMs = 12 * Math.max(15, cost(20_000))
    expect(await leastBelow(limitMs, () => cost(80_000))).toBeLessThan(limitMs)
  })
})

describe('sizeOf', () => {
  it.each([
    [0, 3],
    [999, 3],
    [1_000, 8],
    [-99, 3],
    [-100, 8],
    [2 ** 31 - 1, 8],
    [2 ** 31, 18],
    [1.5, 18],
    [true, 5],
    [null, 4],
    ['abc', 5],
    [[], 2],
    [[1, 'a'], 10],
    [{}, 2],
    [{ key: 1 }, 12],
  ] as const)('of %j is %i', (value, bytes) => expect(sizeOf(value)).toBe(bytes))
})

describe('keepEnds', () => {
  it('keeps all that fits and as much of one end as of the other else', () => {
    expect(keepEnds([10, 10, 10], 30)).toEqual({ head: 3, tail: 0 })
    const { head, tail } = keepEnds(new Array(100).fill(10), 264)
    expect([head, tail]).toEqual([10, 10])
    expect(keepEnds([10], 5)).toEqual({ head: 0, tail: 0 })
  })

  it('keeps no more than fits beside the mark, the head first, and as much as that allows', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(sizes, fc.integer({ min: 0, max: 1_500 }), (least, maxBytes) => {
        const { head, tail } = keepEnds(least, maxBytes)
        const sum = (items: readonly number[]): number => items.reduce((total, size) => total + size, 0)
        if (sum(least) <= maxBytes) return void expect({ head, tail }).toEqual({ head: least.length, tail: 0 })
        const kept = sum(least.slice(0, head)) + sum(least.slice(least.length - tail))
        const next = head === tail ? least[head] : least[least.length - 1 - tail]
        expect([0, 1]).toContain(head - tail)
        expect(kept === 0 || kept + 64 <= maxBytes).toBe(true)
        expect(head + tail === least.length - 1 || kept + 64 + Number(next) > maxBytes).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

describe('a snapshot', () => {
  it('is charged as much as it gives back', () => {
    fc.assert(
      fc.property(fc.anything({ withMap: true, withSet: true, withDate: true, withBigInt: true }), (value) => {
        const { value: copy, bytes } = toSnapshot(value, { maxBytes: 1_000_000 })
        expect(bytes).toBe(sizeOf(copy))
      }),
      { numRuns: 500 },
    )
  })

  it('keeps the small fields of a value whose large ones come first', () => {
    const rows = Array.from({ length: 600_000 }, (_, i) => ({ i }))
    const value = { rows, text: 'x'.repeat(10_000_000), answer: 'short', usage: { tokens: 7, of: ['a', 'b'] } }
    const { value: copy, truncated, bytes } = toSnapshot(value, { maxBytes: 100_000 })
    expect(copy).toMatchObject({ answer: 'short', usage: { tokens: 7, of: ['a', 'b'] } })
    expect(truncated).toBe(true)
    expect(bytes).toBeLessThan(110_000)
  })

  it('does not hold what getters make beyond a multiple of its room', () => {
    let made = 0
    const make = (): string => {
      made += 1
      return `${made} `.padEnd(50_000, 'x')
    }
    const fields = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`k${i}`, undefined]))
    const value = Object.defineProperties({}, Object.fromEntries(Object.keys(fields).map((key) => [key, { enumerable: true, get: make }])))
    const { value: copy, bytes } = toSnapshot(value, { maxBytes: 50_000 })
    expect(made).toBe(1000)
    expect(Object.keys(copy as object)).toHaveLength(1000)
    expect(bytes).toBeLessThan(110_000)
  })
})

describe('dropOverlap', () => {
  it('takes from a cut text what redaction alone needed, and nothing from others', () => {
    const cut = clampText('x'.repeat(100_000), 5000)
    expect(dropOverlap(cut)).toMatch(/^x+… \[truncated, 100000 characters\]$/)
    expect(cut.length - dropOverlap(cut).length).toBe(1024)
    expect(dropOverlap('all of it')).toBe('all of it')
  })
})
