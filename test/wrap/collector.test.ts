import { describe, expect, test } from 'vitest'
import { createCollector } from '../../src/wrap/collector.js'

function gather(items: readonly unknown[], maxBytes = 10_000) {
  const collector = createCollector(maxBytes)
  for (const item of items) collector.add(item)
  return collector
}

describe('what a reader would have read', () => {
  test.each<[string, unknown[], unknown]>([
    ['nothing', [], []],
    ['texts are pieces of one', ['Hel', 'lo'], 'Hello'],
    ['bytes too, cut inside a character', [Buffer.from('né€').subarray(0, 2), Buffer.from('né€').subarray(2)], 'né€'],
    ['other items are a list', [1, { a: 1 }, 'x'], [1, { a: 1 }, 'x']],
    ['equal items are told apart', [{ a: 1 }, { a: 1 }], [{ a: 1 }, { a: 1 }]],
    ['a value that grows is its last state', [{}, { a: 'x' }, { a: 'xy', b: [1] }, { a: 'xy', b: [1, 2] }], { a: 'xy', b: [1, 2] }],
    ['one that does not grow on is followed by what came then', [{ a: 'x' }, { a: 'xy' }, { b: 1 }], [{ a: 'xy' }, { b: 1 }]],
    ['a single item is a list of one', [{ a: 1 }], [{ a: 1 }]],
  ])('%s', (_name, items, expected) => {
    expect(gather(items).result()).toEqual(expected)
  })

  test('items beyond the bytes are counted', () => {
    const result = gather(
      Array.from({ length: 1000 }, (_, i) => ({ i, text: 'x'.repeat(20) })),
      500,
    ).result() as unknown[]
    expect(result.length).toBeLessThan(20)
    expect(result.at(-1)).toMatch(/^\[9\d\d more items\]$/)
    expect(gather(['abc', 'def', 'ghi'], 4).result()).toBe('abcd… [cut]')
  })

  test('chunks of a known format make the answer, whatever else comes among them', () => {
    const chunk = (content: string) => ({ choices: [{ index: 0, delta: { content } }] })
    const collector = gather([chunk('Hel'), { note: 1 }, chunk('lo')])
    expect(collector.result()).toMatchObject({ choices: [{ message: { content: 'Hello' } }], other_chunks: [{ note: 1 }] })
    expect(collector.count).toBe(3)
  })

  test('the body of an event stream is read where its events are known', () => {
    const body = ['Hel', 'lo'].map((content) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`)
    expect(gather([...body, 'data: [DONE]\n\n']).result()).toMatchObject({ choices: [{ message: { content: 'Hello' } }] })
    expect(gather(['data: plain\n\n', 'data: {"a":1}\n\n']).result()).toBe('data: plain\n\ndata: {"a":1}\n\n')
  })

  test('chunks that mean nothing stand in their order, and may be no objects', () => {
    const chunk = (content: string) => ({ choices: [{ index: 0, delta: { content } }] })
    const result = gather([chunk('Hel'), { note: 1 }, null, { note: 2 }, 5, chunk('lo')]).result()
    expect(result).toMatchObject({ choices: [{ message: { content: 'Hello' } }], other_chunks: [{ note: 1 }, null, { note: 2 }, 5] })
  })

  test('a value that grows takes the bytes of its last state alone', () => {
    const states = Array.from({ length: 40 }, (_, i) => ({ text: 'x'.repeat(10 * i) }))
    expect(gather(states, 1_000).result()).toEqual(states.at(-1))
  })

  test('a piece of text is part of the answer where there is something in it', () => {
    const collector = createCollector(1_000)
    expect(['a', '', 'b'].map((piece) => collector.add(piece))).toEqual([true, false, true])
  })

  test('channels beyond those that are told apart are left out', () => {
    const collector = createCollector(100_000)
    const told = Array.from({ length: 20 }, (_, i) => collector.add({ i }, `channel ${i}`))
    expect(told).toEqual(Array.from({ length: 20 }, (_, i) => i < 17))
    expect(collector.result()).toHaveLength(17)
  })

  test('the return value of a generator stands beside its items', () => {
    expect(gather([1]).result('end')).toEqual({ result: [1], returned: 'end' })
  })

  test('an error that came as a chunk is kept as it is', () => {
    const error = new Error('down')
    expect(
      gather([
        { type: 'text-start', id: '1' },
        { type: 'error', error },
      ]).failure?.error,
    ).toBe(error)
  })

  test('of several channels the one with the whole answer counts, else the one with text, else all', () => {
    const told = (...items: [string, unknown][]): unknown => {
      const collector = createCollector(1000)
      for (const [channel, item] of items) collector.add(item, channel)
      return collector.result()
    }
    const chunk = { choices: [{ index: 0, delta: { content: 'Hi' } }] }
    expect(told(['raw', 'H'], ['chunk', chunk], ['raw', 'i'])).toMatchObject({ choices: [{ message: { content: 'Hi' } }] })
    expect(told(['progress', { n: 1 }], ['token', 'a'], ['token', 'b'])).toBe('ab')
    expect(told(['a', { n: 1 }], ['b', { m: 2 }])).toEqual([
      { event: 'a', content: [{ n: 1 }] },
      { event: 'b', content: [{ m: 2 }] },
    ])
  })
})
