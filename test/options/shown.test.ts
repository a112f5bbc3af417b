import { describe, expect, it } from 'vitest'
import { toKind, toShown } from '../../src/options/shown.js'

describe('toShown', () => {
  it.each([
    ['text', '"text"'],
    ['two\nlines', '"two\\nlines"'],
    ['x'.repeat(61), `"${'x'.repeat(60)}…"`],
    [3, '3'],
    [-0, '-0'],
    [Number.NaN, 'NaN'],
    [10n, '10n'],
    [true, 'true'],
    [null, 'null'],
    [undefined, 'undefined'],
    [[1], 'an array'],
    [{ secret: 'x' }, 'an object'],
    [() => 1, 'a function'],
    [Symbol('x'), 'a symbol'],
  ])('shows value %#', (value, shown) => {
    expect(toShown(value)).toBe(shown)
  })
})

describe('toKind', () => {
  it('tells nothing of the value', () => {
    expect(['secret', 1, { a: 1 }, [1], null].map(toKind)).toEqual(['a string', 'a number', 'an object', 'an array', 'null'])
  })
})
