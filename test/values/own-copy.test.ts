import { describe, expect, it } from 'vitest'
import { toOwnCopy } from '../../src/values/own-copy.js'

describe('toOwnCopy', () => {
  it('has lists and literals of its own, down to the innermost', () => {
    const value = { messages: [{ role: 'user' }], bare: Object.assign(Object.create(null), { n: 1 }), none: null, text: 'a' }
    const copy = toOwnCopy(value)
    expect(copy).toEqual(value)
    copy.messages.push({ role: 'assistant' })
    Object.assign(copy.messages[0] ?? {}, { role: 'tool' })
    copy.bare.n = 2
    expect(value).toMatchObject({ messages: [{ role: 'user' }], bare: { n: 1 } })
    expect(Object.getPrototypeOf(copy.bare)).toBeNull()
  })

  it('shares objects of a class, proxies, functions and lists that are more than their items', () => {
    const sparse = new Array(2 ** 32 - 1)
    const value = [new Date(0), new Map(), Buffer.from('a'), new (class Own {})(), new Proxy({}, {}), () => 1, /a/.exec('a'), sparse]
    expect(toOwnCopy(value).every((item, i) => item === value[i])).toBe(true)
  })

  it('keeps cycles, one object in several places, symbols, getters that it does not read and names such as __proto__', () => {
    let reads = 0
    const key = Symbol('key')
    const shared = { n: 1 }
    const value: Record<PropertyKey, unknown> = JSON.parse('{"__proto__":{"a":1}}')
    Object.assign(value, { one: shared, other: shared, [key]: shared })
    value.self = value
    Object.defineProperty(value, 'late', { get: () => ++reads, enumerable: true, configurable: true })
    const copy = toOwnCopy(value)
    expect(reads).toBe(0)
    expect(copy.self).toBe(copy)
    expect(copy.one).not.toBe(shared)
    expect([copy.other, copy[key]]).toEqual([copy.one, copy.one])
    expect(copy.other).toBe(copy.one)
    expect(Object.keys(copy)).toEqual(Object.keys(value))
    expect(copy.late).toBe(1)
  })

  it('gives what is too deep as it is', () => {
    let deep: unknown[] = []
    for (let i = 0; i < 100_000; i += 1) deep = [deep]
    expect(toOwnCopy(deep)).toBe(deep)
  })
})
