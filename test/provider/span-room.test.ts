import type { Link } from '@opentelemetry/api'
import type { TimedEvent } from '@opentelemetry/sdk-trace'
import { describe, expect, it } from 'vitest'
import { chooseAttributes, fitParts } from '../../src/provider/span-room.js'
import type { Entry, SpanParts } from '../../src/provider/span-parts.js'

const NOTHING: SpanParts = { identity: {}, event: [], texts: { name: 'step' }, buckets: [], attributes: [], events: [], links: [] }
const cut = (parts: Partial<SpanParts>, maxSpanBytes: number, maxBucketBytes = maxSpanBytes) =>
  fitParts({ ...NOTHING, ...parts }, { maxSpanBytes, maxBucketBytes })
const bytesIn = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))
const countOf = (mark: string, value: unknown): number => JSON.stringify(value).split(mark).length - 1
const event = (name: string, second: number, text = ''): TimedEvent => ({
  name,
  time: [second, 0],
  attributes: text === '' ? {} : { text },
})
const link = (at: number, text = ''): Link => ({
  context: { traceId: `${at}`.padStart(32, '0'), spanId: `${at}`.padStart(16, '0'), traceFlags: 1 },
  attributes: { text },
})

describe('the parts of a span in its room', () => {
  it('are given back as they are where they fit, and each bucket may have what is left', () => {
    const parts: SpanParts = {
      ...NOTHING,
      buckets: [
        ['inputs', 'a'.repeat(100)],
        ['outputs', 'b'],
      ],
      attributes: [['x', 1]],
    }
    const fitted = fitParts(parts, { maxSpanBytes: 10_000, maxBucketBytes: 10_000 })
    expect(fitted.parts).toBe(parts)
    expect(fitted.dropped).toBeUndefined()
    const [inputs = 0, outputs = 0] = fitted.bucketBytes
    expect(inputs - outputs).toBe(99)
    expect(inputs + outputs).toBeLessThan(10_000)
    expect(inputs + outputs).toBeGreaterThan(9_000)
  })

  it('cut a bucket that is over its own limit, and it alone', () => {
    const { parts, dropped } = cut(
      {
        buckets: [
          ['inputs', 'é'.repeat(600)],
          ['outputs', 'whole'],
        ],
      },
      100_000,
      1_000,
    )
    expect(parts.buckets.map(([name, value]) => [name, Buffer.byteLength(String(value)) <= 1_000])).toEqual([
      ['inputs', true],
      ['outputs', true],
    ])
    expect(parts.buckets[1]?.[1]).toBe('whole')
    expect(String(parts.buckets[0]?.[1])).toMatch(/^é{100}/)
    expect(dropped).toEqual({ attributes: 0, events: 0, links: 0 })
  })

  it('have a share each: what is huge takes nothing from what is small, and all of it together fits', () => {
    const huge = 'x'.repeat(100_000)
    const { parts, dropped } = cut(
      {
        texts: { name: 'step', error: huge, status: huge },
        buckets: [
          ['inputs', { all: huge }],
          ['outputs', { answer: 42 }],
        ],
        attributes: [
          ['note', 'short'],
          ['http.body', huge],
        ],
        events: [event('retry', 1), event('dump', 2, huge)],
        links: [link(1, huge), link(2)],
      },
      20_000,
    )
    expect(countOf('x', parts)).toBeLessThan(20_000)
    expect(countOf('x', parts)).toBeGreaterThan(15_000)
    expect(parts.texts.name).toBe('step')
    expect(parts.texts.error?.length).toBe(parts.texts.status?.length)
    expect(parts.buckets[1]?.[1]).toEqual({ answer: 42 })
    expect(parts.attributes[0]).toEqual(['note', 'short'])
    expect(parts.attributes[1]?.[1]).toMatch(/^xxx/)
    expect(parts.events.map(({ name }) => name)).toEqual(['retry', 'dump'])
    expect(parts.links.map(({ context }) => context.spanId)).toEqual(['1'.padStart(16, '0'), '2'.padStart(16, '0')])
    expect(dropped).toEqual({ attributes: 0, events: 0, links: 0 })
  })

  it('of a family of attributes keep the first and the last, in their order, and all of a small family', () => {
    const prompts = Array.from({ length: 500 }, (_, i): Entry => [`gen_ai.prompt.${i}.content`, `${i} `.repeat(50)])
    const attributes: Entry[] = [...prompts.slice(0, 250), ['shop.id', 'a'], ['shop.cart', 'b'], ...prompts.slice(250)]
    const { parts, dropped } = cut({ attributes }, 10_000)
    const keys = parts.attributes.map(([key]) => key)
    expect(keys).toEqual(attributes.map(([key]) => key).filter((key) => keys.includes(key)))
    expect(keys).toEqual(expect.arrayContaining(['gen_ai.prompt.0.content', 'gen_ai.prompt.499.content', 'shop.id', 'shop.cart']))
    expect(keys).not.toContain('gen_ai.prompt.250.content')
    expect(dropped?.attributes).toBe(502 - keys.length)
    expect(bytesIn(parts.attributes)).toBeLessThan(10_000)
  })

  it('keep a list one of its type', () => {
    const { parts } = cut(
      {
        attributes: [
          ['a.numbers', Array.from({ length: 5_000 }, (_, i) => i)],
          ['b.texts', Array<string>(5_000).fill('text')],
          ['c.flag', true],
        ],
      },
      4_000,
    )
    const [numbers, texts, flag] = parts.attributes.map(([, value]) => value) as [number[], string[], boolean]
    expect(numbers.slice(0, 3)).toEqual([0, 1, 2])
    expect(numbers.length).toBeGreaterThan(50)
    expect(numbers.length).toBeLessThan(200)
    expect(texts.every((text) => typeof text === 'string')).toBe(true)
    expect(texts.length).toBeGreaterThan(10)
    expect(flag).toBe(true)
  })

  it('keep what failed among hundreds of events, in the order of time', () => {
    const noise = Array.from({ length: 400 }, (_, i) => event(`chunk ${i}`, i + 1, 'x'.repeat(200)))
    const failure = event('exception', 200, 'the reason')
    const { parts, dropped } = cut({ events: [...noise, failure] }, 8_000)
    const names = parts.events.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['chunk 0', 'chunk 399', 'exception']))
    expect(parts.events.map(({ time }) => time[0])).toEqual(parts.events.map(({ time }) => time[0]).toSorted((a, b) => a - b))
    expect(parts.events.find(({ name }) => name === 'exception')?.attributes).toEqual({ text: 'the reason' })
    expect(dropped?.events).toBe(401 - names.length)
  })

  it('count what an event and a link lost of their own', () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`key ${i}`, 'x'.repeat(100)]))
    const { parts } = cut(
      { events: [{ name: 'dump', time: [1, 0], attributes: many, droppedAttributesCount: 2 }], links: [{ ...link(1), attributes: many }] },
      6_000,
    )
    const [kept] = parts.events
    expect(kept?.droppedAttributesCount).toBe(302 - Object.keys(kept?.attributes ?? {}).length)
    expect(parts.links[0]?.droppedAttributesCount).toBe(300 - Object.keys(parts.links[0]?.attributes ?? {}).length)
  })
})

describe('attributes that are chosen by their number', () => {
  it('are all of them where there are places', () => {
    expect([...chooseAttributes(['a', 'b'], 2)]).toEqual([0, 1])
  })

  it('are the beginning and the end of a large family, and all of a small one', () => {
    const keys = [...Array.from({ length: 100 }, (_, i) => `llm.input_messages.${i}.content`), 'user', 'order.id']
    const chosen = chooseAttributes(keys, 10)
    expect(chosen.size).toBe(10)
    expect([...chosen].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 96, 97, 98, 99, 100, 101])
  })
})
