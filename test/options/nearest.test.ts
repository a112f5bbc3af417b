import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { editDistance, findNearest, toPlainName } from '../../src/options/nearest.js'

describe('editDistance', () => {
  it.each([
    ['kitten', 'sitting', 3],
    ['saturday', 'sunday', 3],
    ['', 'abc', 3],
    ['abc', '', 3],
    ['', '', 0],
    ['same', 'same', 0],
  ])('of %j and %j is %d', (from, to, distance) => {
    expect(editDistance(from, to)).toBe(distance)
    expect(editDistance(Array.from(from), Array.from(to))).toBe(distance)
  })

  it('is a distance: zero only for equals, the same both ways, never longer by a detour', () => {
    const word = fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b', 'c') })
    fc.assert(
      fc.property(word, word, word, (a, b, c) => {
        expect(editDistance(a, b) === 0).toBe(a === b)
        expect(editDistance(a, b)).toBe(editDistance(b, a))
        expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c))
      }),
    )
  })
})

describe('findNearest', () => {
  const known = ['batch', 'fetch', 'apiKey', 'sessionName', 'sessionId', 'serverUrl']

  it.each([
    ['api_key', 'apiKey'],
    ['APIKEY', 'apiKey'],
    ['sesionName', 'sessionName'],
    ['session_nmae', 'sessionName'],
    ['bacth', 'batch'],
    ['serverURL', 'serverUrl'],
  ])('takes %s for %s', (name, near) => {
    expect(findNearest(name, known)).toBe(near)
  })

  it.each(['zzz', '', '___', 'x'.repeat(61), 'completelyDifferent'])('finds nothing near %j', (name) => {
    expect(findNearest(name, known)).toBeUndefined()
  })

  it('finds nothing among no names', () => {
    expect(findNearest('batch', [])).toBeUndefined()
  })
})

describe('toPlainName', () => {
  it('makes one word of every spelling', () => {
    expect(['event_name', 'eventName', 'Event-Name', 'EVENT NAME'].map(toPlainName)).toEqual(Array(4).fill('eventname'))
  })
})
