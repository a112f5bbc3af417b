import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Attributes, Span } from '@opentelemetry/api'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import type { TracerOptions } from '../../src/index.js'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const opened: TestTracer[] = []
const init = (options: TracerOptions): TestTracer => {
  const tracer = createTestTracer(options)
  opened.push(tracer)
  return tracer
}
afterEach(() => Promise.all(opened.splice(0).map((tracer) => tracer.shutdown())))

const sizeOf = ({ name, status, attributes, events, links }: TestTracer['spans'][number]): number =>
  Buffer.byteLength(JSON.stringify({ name, status, attributes, events, links }))

const SMALL = { metadata: { tenant: 'acme' }, metrics: { score: 0.5 }, feedback: { rating: 5 }, userProperties: { plan: 'pro' } }
const EXPLICIT: Attributes = {
  'honeyhive_metadata.tenant': 'acme',
  'honeyhive_metrics.score': 0.5,
  'honeyhive_feedback.rating': 5,
  'honeyhive_user_properties.plan': 'pro',
}
/** What an instrumentor sets last. */
const ANSWER: Attributes = {
  'gen_ai.response.model': 'm-1',
  'gen_ai.usage.input_tokens': 12,
  'gen_ai.usage.output_tokens': 7,
  'llm.output_messages.0.message.content': 'the answer',
}

describe('the room of a span', () => {
  const large = 'x'.repeat(5_000_000)
  const context = { traceId: '1'.repeat(32), spanId: '1'.repeat(16), traceFlags: 1 }
  const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`key${i}`, i]))
  const parts: Record<string, (span: Span) => unknown> = {
    updateName: (span) => span.updateName(large),
    'status text': (span) => span.setStatus({ code: 2, message: large }),
    'name of an event': (span) => span.addEvent(large),
    'attributes of an event': (span) => span.addEvent('event', many),
    'attributes of a link': (span) => span.addLink({ context, attributes: many }),
    'name of an error': (span) => span.recordException(Object.assign(new Error('x'), { name: large })),
    'message of an error': (span) => span.recordException(new Error(large)),
    'event type': (span) => span.setAttribute('honeyhive_event_type', large),
    'event name': (span) => span.setAttribute('honeyhive_event_name', large),
    'event id': (span) => span.setAttribute('honeyhive_event_id', large),
    'name of an attribute': (span) => span.setAttribute(large, 1),
    'one attribute': (span) => span.setAttribute('text', large),
    'a list': (span) => span.setAttribute('list', new Array(100_000).fill('one of many')),
    'many attributes': (span) => span.setAttributes(many),
    'many events': (span) => Array.from({ length: 1000 }, () => span.addEvent('event', { text: large.slice(0, 10_000) })),
    'text of three bytes a character': (span) => span.setAttribute('text', '漢'.repeat(1_000_000)),
  }
  for (const [part, write] of Object.entries(parts)) {
    test(`is held when the large part is: ${part}`, () => {
      const tracer = init({ limits: { maxSpanBytes: 200_000 } })
      tracer.startActiveSpan('step', (span) => {
        tracer.enrichSpan(SMALL)
        write(span)
        span.setAttributes(ANSWER)
      })
      const [span] = tracer.spans
      if (span === undefined) throw new Error('no span')
      expect(sizeOf(span)).toBeLessThan(260_000)
      expect(span.attributes).toMatchObject({ ...EXPLICIT, ...ANSWER, 'honeyhive.truncated': true })
    })
  }

  test('a name given at the start is cut as any other', () => {
    const tracer = init({})
    tracer.startSpan(large).end()
    tracer.trace({ eventName: large, eventType: 'chain' })(() => 1)()
    for (const span of tracer.spans) {
      expect(sizeOf(span)).toBeLessThan(20_000)
      expect(span.attributes['honeyhive.truncated']).toBe(true)
    }
  })

  test('is shared by what was said first and what was said last, whatever the order', () => {
    const bulk = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`llm.input_messages.${i}.message.content`, `message ${i}`]))
    for (const order of [
      [bulk, ANSWER],
      [ANSWER, bulk],
    ]) {
      const tracer = init({})
      tracer.startActiveSpan('chat', (span) => {
        for (const attributes of order) span.setAttributes(attributes)
        tracer.enrichSpan({ ...SMALL, outputs: { rows: Array.from({ length: 2000 }, (_, row) => ({ row })) } })
      })
      const { attributes, droppedAttributesCount } = tracer.spans[0] ?? { attributes: {}, droppedAttributesCount: 0 }
      expect(attributes).toMatchObject({
        ...ANSWER,
        ...EXPLICIT,
        'llm.input_messages.0.message.content': 'message 0',
        'llm.input_messages.4999.message.content': 'message 4999',
      })
      expect(JSON.stringify(attributes)).toContain('1999')
      expect(Object.keys(attributes).length).toBeLessThanOrEqual(1024)
      const kept = Object.keys(attributes).filter((key) => key.startsWith('llm.input_messages'))
      expect(droppedAttributesCount).toBe(5000 - kept.length)
    }
  })

  function heapInUse(): number {
    collect()
    return process.memoryUsage().heapUsed
  }

  test('an open span holds a multiple of its limit at most, and what was said stays', () => {
    const tracer = init({ limits: { maxSpanBytes: 100_000 } })
    tracer.startActiveSpan('agent', (span) => {
      tracer.enrichSpan(SMALL)
      const before = heapInUse()
      for (let i = 0; i < 600; i += 1) span.setAttribute(`chunk.${i}`, Buffer.alloc(50_000, 'x').toString())
      expect(heapInUse() - before).toBeLessThan(5_000_000)
      span.setAttributes(ANSWER)
    })
    expect(tracer.spans[0]?.attributes).toMatchObject({ ...EXPLICIT, ...ANSWER, 'honeyhive.truncated': true })
  })

  test('what is replaced gives its room back: a million small changes take none', () => {
    const tracer = init({ limits: { maxSpanBytes: 20_000 } })
    tracer.startActiveSpan('agent', (span) => {
      for (let i = 0; i < 20_000; i += 1) {
        tracer.enrichSpan({ metadata: { step: i, text: `step ${i}`, list: [i, null, true] } })
        span.updateName(`step ${i}`).setStatus({ code: 2, message: `error ${i}` })
        span.setAttribute('progress', [i, i + 1])
      }
    })
    const [span] = tracer.spans
    expect(span?.attributes).not.toHaveProperty(['honeyhive.truncated'])
    expect(span?.attributes).toMatchObject({ 'honeyhive_metadata.step': 19_999, 'honeyhive_metadata.text': 'step 19999' })
  })

  test('no secret stands in clear text at a cut', () => {
    const secret = 'sk-1234567890abcdef1234567890'
    for (let pad = 0; pad < 60; pad += 3) {
      const tracer = init({ limits: { maxSpanBytes: 8000 }, capture: { maxBytes: 3000 }, redact: { patterns: [/sk-[0-9a-f]{20,}/] } })
      tracer.trace({ eventName: 'f' })((text: string) => text)(`${' '.repeat(pad)}${`${secret} `.repeat(20_000)}`)
      expect(JSON.stringify(tracer.spans[0]?.attributes)).not.toMatch(/sk-\d/)
    }
  })

  test('random spans and limits: what was said explicitly survives, and the limit holds', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.integer({ min: 0, max: 200_000 }).map((length) => 'y'.repeat(length)),
    )
    const moves = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('attribute' as const), key: fc.string({ minLength: 1, maxLength: 30 }), value: text }),
        fc.record({ kind: fc.constant('event' as const), key: fc.string({ minLength: 1, maxLength: 30 }), value: text }),
        fc.record({ kind: fc.constant('outputs' as const), key: fc.string({ minLength: 1, maxLength: 30 }), value: text }),
        fc.record({ kind: fc.constant('explicit' as const), key: fc.constant('x'), value: fc.constant('x') }),
      ),
      { maxLength: 40 },
    )
    fc.assert(
      fc.property(
        moves,
        fc.integer({ min: 8000, max: 300_000 }),
        fc.integer({ min: 30, max: 200 }),
        (program, maxSpanBytes, maxAttributes) => {
          const tracer = createTestTracer({ limits: { maxSpanBytes, maxAttributes } })
          tracer.startActiveSpan('step', (span) => {
            tracer.enrichSpan(SMALL)
            for (const { kind, key, value } of program) {
              if (kind === 'attribute') span.setAttribute(key, value)
              else if (kind === 'event') span.addEvent(key, { value })
              else if (kind === 'outputs') tracer.enrichSpan({ outputs: { [key]: value } })
              else span.setAttributes(ANSWER)
            }
          })
          const [span] = tracer.spans
          if (span === undefined) throw new Error('no span')
          expect(span.attributes).toMatchObject(EXPLICIT)
          expect(Object.keys(span.attributes).length).toBeLessThanOrEqual(maxAttributes)
          expect(sizeOf(span)).toBeLessThanOrEqual(1.2 * maxSpanBytes + 2000)
          void tracer.shutdown()
        },
      ),
      { numRuns: 150 },
    )
  })
})
