import { SpanStatusCode } from '@opentelemetry/api'
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { describe, expect, it } from 'vitest'

const load = (name: string) => import(new URL(`../../bench/peers/lib/${name}.mjs`, import.meta.url).href)
const { spansOf } = await load('decode')
const { cases, grade } = await load('fidelity-cases')
const { readFlat } = await load('read-span')

function finishedSpans() {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  const tracer = provider.getTracer('test')
  const span = tracer.startSpan('call', { startTime: [1_700_000_000, 0] })
  span.setAttributes({ text: 'Ötter 🦦', whole: -7, part: 0.25, yes: true, list: ['a', 'b'], numbers: [1, 2.5] })
  span.addEvent('said', { what: 'no holt' })
  span.setStatus({ code: SpanStatusCode.OK })
  span.end([1_700_000_000, 2_500_000])
  return exporter.getFinishedSpans()
}

describe('spansOf', () => {
  const spans = finishedSpans()
  const expected = [
    {
      traceId: spans[0]?.spanContext().traceId,
      spanId: spans[0]?.spanContext().spanId,
      parentSpanId: '',
      name: 'call',
      durationMs: 2.5,
      attributes: { text: 'Ötter 🦦', whole: -7, part: 0.25, yes: true, list: ['a', 'b'], numbers: [1, 2.5] },
      events: [{ what: 'no holt' }],
      key: 'Bearer k',
    },
  ]

  it('reads the JSON that OpenTelemetry writes', () => {
    const body = Buffer.from(JsonTraceSerializer.serializeRequest(spans) ?? [])
    expect(spansOf({ path: '/v1/traces', ctype: 'application/json', enc: '', body, key: 'Bearer k' })).toEqual(expected)
  })

  it('reads the protobuf that OpenTelemetry writes', () => {
    const body = Buffer.from(ProtobufTraceSerializer.serializeRequest(spans) ?? [])
    expect(spansOf({ path: '/v1/traces', ctype: 'application/x-protobuf', enc: '', body, key: 'Bearer k' })).toEqual(expected)
  })

  it('leaves other requests alone', () => {
    expect(spansOf({ path: '/session/start', ctype: 'application/json', enc: '', body: Buffer.from('{}'), key: '' })).toEqual([])
  })
})

describe('grade', () => {
  it('tells whole, cut and said, changed and lost apart', () => {
    const map = cases.Map
    expect(grade(map, { river: 'Tweed', depth: 3 }, [])).toBe('whole')
    expect(grade(map, {}, [])).toBe('lost')
    expect(grade(map, undefined, [])).toBe('lost')
    expect(grade(map, { river: 'Tweed' }, [])).toBe('changed')
    expect(grade(map, { river: 'Tweed' }, ['a mark'])).toBe('cut and said')
    expect(grade(map, '[Map 2 entries, 20 bytes]', [])).toBe('cut and said')
  })

  it('says when what is whole is said to be cut', () => {
    const text = cases['text of 10 KB']
    expect(grade(text, text.make(), [])).toBe('whole')
    expect(grade(text, text.make(), ['a mark'])).toBe('whole, said to be cut')
    expect(grade(text, text.make().slice(0, 9000), [])).toBe('changed')
  })

  it('takes what JSON keeps of a value for whole', () => {
    for (const [name, { make, exact }] of Object.entries<{ make: () => unknown; exact?: unknown[] }>(cases)) {
      if (exact === undefined) continue
      expect([name, grade({ exact }, JSON.parse(JSON.stringify(make())), [])]).toEqual([name, 'whole'])
    }
  })
})

describe('readFlat', () => {
  it('nests names with dots and makes lists of index names', () => {
    const attributes = { 'in.a.b': 1, 'in.list.0': 'x', 'in.list.1': 'y', 'in.json': '[1,{"c":2}]', other: 1 }
    expect(readFlat(attributes, 'in')).toEqual({ a: { b: 1 }, list: ['x', 'y'], json: [1, { c: 2 }] })
  })

  it('reads a value that stands whole, and nothing where there is none', () => {
    expect(readFlat({ in: 'text' }, 'in')).toBe('text')
    expect(readFlat({ other: 1 }, 'in')).toBeUndefined()
  })
})
