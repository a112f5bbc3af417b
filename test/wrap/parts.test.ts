import { ReadableStream } from 'node:stream/web'
import { createContext, runInContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { isLiteral, searchFields } from '../../src/wrap/parts.js'

const promise = Promise.resolve(1)
const stream = (): ReadableStream => new ReadableStream()
const isLate = (field: object): boolean => field instanceof ReadableStream
const pathsIn = (value: object, isPlain = true): (readonly string[])[] =>
  (searchFields(value, isPlain, isLate)?.parts ?? []).map(({ path }) => path)
const filler = (count: number): Record<string, unknown> => Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, i]))

describe('what completes later in the fields of a result', () => {
  it('is found in literals and lists, in the order of the fields, on two levels', () => {
    expect(pathsIn({ a: promise, b: 1, c: { d: stream(), e: { f: promise } }, g: [null, 'x', promise], h: [[promise]] })).toEqual([
      ['a'],
      ['c', 'd'],
      ['g', '2'],
    ])
    expect(pathsIn([null, promise, { a: stream() }, [stream()]])).toEqual([['1'], ['2', 'a'], ['3', '0']])
    expect(searchFields({ a: 1, b: null }, true, isLate)).toBeUndefined()
  })

  it('is looked for in the first 40 fields and in the first 16 items of each list', () => {
    expect(pathsIn({ ...filler(39), last: promise })).toEqual([['last']])
    expect(pathsIn({ ...filler(40), last: promise })).toEqual([])
    expect(pathsIn([...Array<null>(15).fill(null), promise, promise])).toEqual([['15']])
    // The fields of all levels are counted together.
    expect(pathsIn({ first: filler(37), list: [1, promise] })).toEqual([])
    expect(pathsIn({ first: filler(36), list: [promise, promise] })).toEqual([
      ['list', '0'],
      ['list', '1'],
    ])
  })

  it('of objects of a class, are streams alone, and those on the first level', () => {
    class Answer {
      body = stream()
      promised = promise
      inner = { body: stream() }
      list = [stream()]
    }
    expect(pathsIn(new Answer(), false)).toEqual([['body']])
    expect(pathsIn(Object.assign(new Uint8Array(2), { body: stream() }), false)).toEqual([])
    expect(pathsIn(Object.assign(new String('a'), { body: stream() }), false)).toEqual([])
  })

  it('is not asked of a proxy', () => {
    const asked: PropertyKey[] = []
    const proxy = new Proxy({ a: promise }, { get: (_, key) => asked.push(key), ownKeys: () => asked.push('keys') as never })
    expect(pathsIn({ proxy, list: [proxy] })).toEqual([])
    expect(asked).toEqual([])
  })

  it('a literal is one of any realm, with and without a prototype; an object of a class is none', () => {
    const other: unknown = runInContext('({ a: 1 })', createContext())
    expect([{}, [], Object.create(null), other, new Map(), new (class {})()].map((value) => isLiteral(value as object))).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
    ])
  })
})
