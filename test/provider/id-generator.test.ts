import { describe, expect } from 'vitest'
import { createIds, PooledIdGenerator } from '../../src/provider/id-generator.js'
import { tracerTest as test } from '../fixtures/tracer.js'

const traceId = '11111111111111111111111111111111'
const spanId = '2222222222222222'

describe('PooledIdGenerator', () => {
  test('gives ids of the right form, none of them twice, over many blocks of randomness', () => {
    let fills = 0
    const ids = new PooledIdGenerator((buffer) => {
      fills++
      crypto.getRandomValues(buffer)
    })
    const given = Array.from({ length: 2_000 }, () => [ids.generateTraceId(), ids.generateSpanId()]).flat()
    expect(given.filter((id) => !/^([0-9a-f]{16}|[0-9a-f]{32})$/.test(id))).toEqual([])
    expect(new Set(given).size).toBe(given.length)
    expect(fills).toBe(12)
  })

  test('never gives an id of zeros, which is invalid', () => {
    let fills = 0
    const ids = new PooledIdGenerator((buffer) => buffer.fill(fills++ === 0 ? 0 : 0xab))
    expect(ids.generateTraceId()).toBe('ab'.repeat(16))
    expect(ids.generateSpanId()).toBe('ab'.repeat(8))
  })

  test('gives one that only begins with zeros', () => {
    const ids = new PooledIdGenerator((buffer) => buffer.fill(0xab).fill(0, 0, 4))
    expect(ids.generateTraceId()).toBe(`00000000${'ab'.repeat(12)}`)
  })
})

describe('createIds', () => {
  test("gives the ids of the user's generator", () => {
    const ids = createIds({ generateTraceId: () => traceId, generateSpanId: () => spanId })
    expect([ids.generateTraceId(), ids.generateSpanId()]).toEqual([traceId, spanId])
  })

  test('gives a random id in place of one that is none, and when the generator throws', () => {
    const fail = (): never => {
      throw new Error('no ids today')
    }
    for (const wrong of [() => '', () => '0'.repeat(32), () => 'z'.repeat(32), () => 7 as never, () => undefined as never, fail]) {
      const ids = createIds({ generateTraceId: wrong, generateSpanId: wrong })
      expect(ids.generateTraceId()).toMatch(/^[0-9a-f]{32}$/)
      expect(ids.generateSpanId()).toMatch(/^[0-9a-f]{16}$/)
    }
  })

  test('belongs to one tracer: the ids of another are not those of its generator', ({ createTracer }) => {
    const idGenerator = { generateTraceId: () => traceId, generateSpanId: () => spanId }
    const [one, other] = [createTracer({ idGenerator }), createTracer()]
    one.startActiveSpan('one', () => other.startSpan('other').end())
    expect(one.spans[0]?.spanContext()).toMatchObject({ traceId, spanId })
    expect(other.spans[0]?.spanContext().traceId).not.toBe(traceId)
  })

  test('names a child by its own id in the trace of its root', ({ createTracer }) => {
    let next = 0
    const tracer = createTracer({ idGenerator: { generateTraceId: () => traceId, generateSpanId: () => `222222222222222${++next}` } })
    tracer.startActiveSpan('root', () => tracer.startSpan('child').end())
    expect(tracer.tree()).toEqual([{ name: 'root', children: [{ name: 'child' }] }])
    expect(new Set(tracer.spans.map((span) => span.spanContext().traceId))).toEqual(new Set([traceId]))
  })
})
