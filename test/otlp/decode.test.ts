import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { SpanKind, SpanStatusCode, trace, context } from '@opentelemetry/api'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { decodeOtlpJson } from '../../src/otlp/decode.js'
import { decodeOtlpProtobuf } from '../../src/otlp/decode-protobuf.js'
import { OtlpDecodeError, TooManySpansError } from '../../src/otlp/decoded-span.js'
import { test, toExport } from '../dev/fixtures.js'

const options = { maxSpans: 100, nowMs: 1_000 }
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const decodeSpan = (span: Record<string, unknown>) => decodeOtlpJson({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }, options)

const makeProtobuf = (): Uint8Array => {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'svc', 'process.pid': 7 }),
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  })
  const tracer = provider.getTracer('scope', '1.2.3')
  const parent = tracer.startSpan('parent ü', { startTime: 1_700_000_000_000 })
  const link = { context: { traceId: TRACE, spanId: SPAN, traceFlags: 1 }, attributes: { 'honeyhive.link': 'cross-tracer' } }
  const child = tracer.startSpan(
    'child',
    {
      kind: SpanKind.CLIENT,
      startTime: 1_700_000_000_001,
      links: [link],
      attributes: { s: 'x', b: true, i: -3, d: 0.5, list: ['a', 'b'] },
    },
    trace.setSpan(context.active(), parent),
  )
  child.addEvent('gen_ai.choice', { index: 0 })
  child.setStatus({ code: SpanStatusCode.ERROR, message: 'broken' })
  child.end(1_700_000_000_002)
  parent.end(1_700_000_000_003)
  return ProtobufTraceSerializer.serializeRequest(exporter.getFinishedSpans()) ?? new Uint8Array()
}

describe('protobuf', () => {
  test('reads what the official serializer writes', () => {
    const { spans, rejected } = decodeOtlpProtobuf(makeProtobuf(), options)
    expect(rejected).toBe(0)
    const child = spans.find((span) => span.name === 'child')
    const parent = spans.find((span) => span.name === 'parent ü')
    expect(child).toMatchObject({
      parentSpanId: parent?.spanId,
      traceId: parent?.traceId,
      startMs: 1_700_000_000_001,
      endMs: 1_700_000_000_002,
      attributes: { s: 'x', b: true, i: -3, d: 0.5, list: ['a', 'b'] },
      events: [{ name: 'gen_ai.choice', attributes: { index: 0 } }],
      links: [{ traceId: TRACE, spanId: SPAN, attributes: { 'honeyhive.link': 'cross-tracer' } }],
      isError: true,
      statusMessage: 'broken',
      scopeName: 'scope',
      scopeVersion: '1.2.3',
      resource: { 'service.name': 'svc', 'process.pid': 7 },
    })
    expect(parent?.parentSpanId).toBe('')
  })

  test('H92 any damage is an error of its own kind or fewer spans, never a crash or an endless loop', () => {
    const whole = makeProtobuf()
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        fc.nat(whole.length),
        (changes, length) => {
          const bytes = Uint8Array.from(whole.subarray(0, length))
          for (const [at, byte] of changes) if (at < length) bytes[at] = byte
          try {
            decodeOtlpProtobuf(bytes, options)
          } catch (error) {
            if (!(error instanceof OtlpDecodeError)) throw error
          }
        },
      ),
      { numRuns: 2_000, seed: 7 },
    )
  })

  test.for([
    ['a varint of eleven bytes', [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
    ['a length past the end', [0x0a, 0x7f, 0x00]],
    ['an unknown wire type', [0x0b]],
    ['field number 0', [0x02, 0x00]],
    ['a fixed64 cut short', [0x09, 0x00]],
  ] as const)('H92 %s is refused', ([, bytes]) => {
    expect(() => decodeOtlpProtobuf(Uint8Array.from(bytes), options)).toThrow(OtlpDecodeError)
  })

  test('H92 values nested ten thousand deep end in a marker', () => {
    let value: Buffer = Buffer.from([0x0a, 0x01, 0x78])
    for (let depth = 0; depth < 10_000; depth++) value = wrap(5, wrap(1, value))
    const attribute = Buffer.concat([wrap(1, Buffer.from('deep')), wrap(2, value)])
    const span = Buffer.concat([wrap(1, Buffer.from(TRACE, 'hex')), wrap(2, Buffer.from(SPAN, 'hex')), wrap(9, attribute)])
    const [decoded] = decodeOtlpProtobuf(wrap(1, wrap(2, wrap(2, span))), options).spans
    expect(JSON.stringify(decoded?.attributes)).toContain('[nested too deep]')
  })
})

const wrap = (field: number, bytes: Buffer): Buffer => {
  const length: number[] = []
  let rest = bytes.byteLength
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) length.push((rest % 0x80) + 0x80)
  return Buffer.concat([Buffer.from([field * 8 + 2, ...length, rest]), bytes])
}

describe('JSON', () => {
  test('ids in hex, upper-case hex and base64 are the same ids', () => {
    const toBase64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64')
    for (const [traceId, spanId] of [
      [TRACE, SPAN],
      [TRACE.toUpperCase(), SPAN.toUpperCase()],
      [toBase64(TRACE), toBase64(SPAN)],
    ] as const) {
      expect(decodeSpan({ traceId, spanId, parentSpanId: null }).spans).toMatchObject([{ traceId: TRACE, spanId: SPAN, parentSpanId: '' }])
    }
  })

  test.for([
    [{ traceId: TRACE.slice(1), spanId: SPAN }],
    [{ traceId: 'z'.repeat(32), spanId: SPAN }],
    [{ traceId: '0'.repeat(32), spanId: SPAN }],
    [{ traceId: TRACE, spanId: '' }],
    [{ traceId: TRACE, spanId: 7 }],
    [{ traceId: TRACE, spanId: '0'.repeat(16) }],
    [{}],
  ] as const)('H92 a span with ids %j is rejected and counted', ([span]) => {
    const { spans, rejected, rejectedBecause } = decodeSpan({ ...span })
    expect([spans.length, rejected]).toEqual([0, 1])
    expect(rejectedBecause).toMatch(/trace id|span id/)
  })

  test('status and kind as numbers, names and full names; snake_case fields', () => {
    const codes = [2, '2', 'STATUS_CODE_ERROR', 1, 'STATUS_CODE_OK', 0, undefined].map(
      (code) => decodeSpan({ traceId: TRACE, spanId: SPAN, status: { code } }).spans[0]?.isError,
    )
    expect(codes).toEqual([true, true, true, false, false, false, false])
    expect(
      decodeOtlpJson(
        { resource_spans: [{ scope_spans: [{ spans: [{ trace_id: TRACE, span_id: SPAN, start_time_unix_nano: 5_000_000 }] }] }] },
        options,
      ).spans,
    ).toMatchObject([{ startMs: 5 }])
  })

  test('every kind of value', () => {
    const attributes = [
      ['text', { stringValue: 'x' }],
      ['yes', { boolValue: true }],
      ['int', { intValue: '7' }],
      ['big', { intValue: '9223372036854775807' }],
      ['double', { doubleValue: 0.5 }],
      ['nan', { doubleValue: 'NaN' }],
      ['list', { arrayValue: { values: [{ intValue: 1 }, { kvlistValue: { values: [{ key: 'k', value: { stringValue: 'v' } }] } }] } }],
      ['bytes', { bytesValue: 'AQI=' }],
      ['none', {}],
    ].map(([key, value]) => ({ key, value }))
    expect({ ...decodeSpan({ traceId: TRACE, spanId: SPAN, attributes }).spans[0]?.attributes }).toEqual({
      text: 'x',
      yes: true,
      int: 7,
      big: '9223372036854775807',
      double: 0.5,
      nan: 'NaN',
      list: [1, { k: 'v' }],
      bytes: 'AQI=',
      none: null,
    })
  })

  test.for([
    [0, 0],
    ['NaN', 'x'],
    [-5, -1],
    ['99999999999999999999999999', '1e400'],
    [null, undefined],
  ] as const)('H92 times %j become the time of arrival', ([start, end]) => {
    expect(decodeSpan({ traceId: TRACE, spanId: SPAN, startTimeUnixNano: start, endTimeUnixNano: end }).spans).toMatchObject([
      { startMs: 1_000, endMs: 1_000 },
    ])
  })

  test('an end before the start counts as no time at all', () => {
    expect(decodeSpan({ traceId: TRACE, spanId: SPAN, startTimeUnixNano: '9000000', endTimeUnixNano: '4000000' }).spans).toMatchObject([
      { startMs: 9, endMs: 9 },
    ])
  })

  test.for([[[]], [null], ['text'], [5]] as const)('H92 %j is no export request', ([body]) => {
    expect(() => decodeOtlpJson(body, options)).toThrow(OtlpDecodeError)
  })

  test('H92 wrong types inside are passed over', () => {
    const odd = {
      resourceSpans: [
        null,
        5,
        {
          resource: 'x',
          scopeSpans: [
            {
              scope: [],
              spans: [null, 'x', { traceId: TRACE, spanId: SPAN, attributes: 'x', events: {}, links: [null, {}], status: 4, name: 9 }],
            },
            7,
          ],
        },
      ],
    }
    expect(decodeOtlpJson(odd, options).spans).toMatchObject([{ name: '', events: [], links: [] }])
  })

  test('H92 more spans than allowed are refused together', () => {
    expect(() => decodeOtlpJson(toExport(Array.from({ length: 101 }, () => ({}))), options)).toThrow(TooManySpansError)
  })
})
