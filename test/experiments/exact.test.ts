import { expect, test } from 'vitest'
import { toContentText } from '../../src/experiments/exact.js'

test('the content of two values differs whenever a program could tell them apart', () => {
  const values = [
    1,
    '1',
    0,
    -0,
    1n,
    null,
    undefined,
    [1],
    { 0: 1 },
    new Date(1),
    new Date(2),
    new Map([[1, 2]]),
    new Map([['1', 2]]),
    [[1, 2]],
    new Set([1, 2]),
    new Uint8Array([0, 0, 128, 63]),
    new Float32Array([1]),
    /a/g,
    /a/,
    new URL('http://a/'),
    { href: 'http://a/', searchParams: 1 },
    { href: 'http://a/', searchParams: 2 },
    {},
    { a: undefined },
  ]
  const texts = values.map(toContentText)
  expect(texts.every((text) => text !== undefined)).toBe(true)
  expect(new Set(texts).size).toBe(values.length)
})

test('the order of the keys does not matter, that of the items does', () => {
  expect(toContentText({ a: 1, b: [1, 2] })).toBe(toContentText({ b: [1, 2], a: 1 }))
  expect(toContentText([1, 2])).not.toBe(toContentText([2, 1]))
})

test('there is none for what cannot be seen whole', () => {
  const match = /b/.exec('abc')
  const circle: unknown[] = []
  circle.push(circle)
  // biome-ignore lint/suspicious/noSparseArray: a hole is what this is about
  for (const unseen of [() => 1, match, [1, , 2], Object.assign([1], { x: 1 }), circle, new Error('x'), Object('x'), { [Symbol('s')]: 1 }])
    expect(toContentText({ unseen })).toBeUndefined()
})
