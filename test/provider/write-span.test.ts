import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HoneyHiveTracer, type TracerOptions } from '../../src/index.js'
import { JsonWriter } from '../../src/otlp/json-writer.js'
import { toText } from '../../src/otlp/protobuf.js'
import { resourceOf, scopeOf, toFinishedSpan } from '../../src/provider/finished-span.js'
import { GuardedSpan } from '../../src/provider/guarded-span.js'
import type { SpanRecord } from '../../src/provider/span-record.js'
import { writeSpan } from '../../src/provider/write-span.js'
import { IS_LONG } from '../faults/long.js'

const RUNS = IS_LONG ? 5_000 : 200
const API_KEY = 'hh-key-that-must-not-travel'

const name = fc.oneof(
  fc.string(),
  fc.constantFrom('a', 'a.b', 'b', 'token', 'api_key', '7', '__proto__', 'honeyhive_inputs.a', 'run_id', API_KEY),
)
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('Bearer abcdefghijklmnop', API_KEY, `x${API_KEY}`, 'x'.repeat(3_000)))
const leaf = fc.oneof(text, fc.double(), fc.integer(), fc.boolean(), fc.constant(null))
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 5 }),
  ),
}))
const bucket = fc.dictionary(name, value, { maxKeys: 6 })
const enrichment = fc.record(
  {
    inputs: bucket,
    outputs: bucket,
    metadata: bucket,
    metrics: bucket,
    error: text,
    eventType: fc.constantFrom('model', 'tool'),
    eventName: name,
  },
  { requiredKeys: [] },
)
const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })
const shape = fc.record({
  name: text,
  attributes: fc.dictionary(name, fc.oneof(text, fc.integer(), fc.array(fc.string(), { maxLength: 3 })), { maxKeys: 5 }),
  enrichment,
  status: fc.option(fc.record({ code: fc.nat(2), message: text }), { nil: undefined }),
  event: rarely(text),
  exception: rarely(text),
})

const SETTINGS: [string, Partial<TracerOptions>][] = [
  ['as it comes', {}],
  ['few attributes', { limits: { maxAttributes: 14 } }],
  ['little room', { limits: { maxSpanBytes: 2_048 } }],
  ['short values', { limits: { maxValueLength: 10 } }],
  ['a redaction function', { redact: (path, value) => (path.endsWith('a') ? 'gone' : value) }],
  ['nothing redacted', { redact: false }],
]

/** A request as its fields, attributes by name: their order says nothing. */
function read(bytes: Uint8Array | undefined): unknown {
  return JSON.parse(toText(bytes as Uint8Array), (field, value) =>
    field === 'attributes'
      ? value.toSorted((a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
      : value,
  )
}

describe('writeSpan', () => {
  const writer = new JsonWriter()

  function write(record: SpanRecord): { isWritten: boolean; bytes: Uint8Array } {
    let isWritten = false
    const bytes = writer.write([
      {
        resource: resourceOf(record),
        instrumentationScope: scopeOf(record),
        toReadable: () => toFinishedSpan(record),
        writeTo(out) {
          const before = out.length
          isWritten = writeSpan(record, out)
          if (isWritten) return
          expect(out.length, 'what was begun is taken back').toBe(before)
          out.span(toFinishedSpan(record))
        },
      },
    ])
    return { isWritten, bytes }
  }

  it.each(SETTINGS)('writes what the finished span says, or nothing: %s', async (_, settings) => {
    const tracer = HoneyHiveTracer.init({ apiKey: API_KEY, testMode: true, ...settings })
    let written = 0
    let filled = 0
    fc.assert(
      fc.property(shape, ({ name, attributes, enrichment, status, event, exception }) => {
        tracer.startActiveSpan(name, { attributes }, (span) => {
          tracer.enrichSpan(enrichment as never)
          if (status !== undefined) span.setStatus(status)
          if (event !== undefined) span.addEvent(event)
          if (exception !== undefined) span.recordException(exception)
          const record = GuardedSpan.recordOf(span) as SpanRecord
          if (record.buckets !== undefined) filled++
          const { isWritten, bytes } = write(record)
          expect(read(bytes)).toEqual(read(JsonTraceSerializer.serializeRequest([toFinishedSpan(record)])))
          if (isWritten) written++
        })
      }),
      { numRuns: RUNS },
    )
    // Where there is little room it is chance.
    if (settings.limits?.maxValueLength !== undefined || typeof settings.redact === 'function') expect(written).toBe(0)
    else if (settings.limits === undefined) expect(written).toBeGreaterThan(0)
    expect(filled).toBeGreaterThan(RUNS / 4)
    await tracer.shutdown()
  })

  it('asks a redaction function once for each leaf, of a span that does not fit too', async () => {
    const asked: string[] = []
    const tracer = HoneyHiveTracer.init({
      apiKey: API_KEY,
      testMode: true,
      limits: { maxSpanBytes: 2_048 },
      redact(path, value) {
        asked.push(path)
        return value
      },
    })
    tracer.startActiveSpan('large', (span) => {
      tracer.enrichSpan({ inputs: { a: 'x'.repeat(3_000), b: 1 } })
      asked.length = 0
      write(GuardedSpan.recordOf(span) as SpanRecord)
      expect(asked.toSorted()).toEqual(['honeyhive_inputs.a', 'honeyhive_inputs.b', 'name'])
    })
    await tracer.shutdown()
  })

  it('takes the run of an experiment before metadata of the same name', async () => {
    const tracer = HoneyHiveTracer.init({
      apiKey: API_KEY,
      testMode: true,
      runId: 'run-1',
      datasetId: 'set-1',
      datapointId: 'row-1',
    } as never)
    tracer.startActiveSpan('row', (span) => {
      tracer.enrichSpan({ metadata: { run_id: 'another', kept: 1 } })
      const record = GuardedSpan.recordOf(span) as SpanRecord
      expect(record.buckets?.metadata).toMatchObject({ run_id: 'another' })
      const { isWritten, bytes } = write(record)
      expect(isWritten).toBe(true)
      expect(read(bytes)).toEqual(read(JsonTraceSerializer.serializeRequest([toFinishedSpan(record)])))
    })
    await tracer.shutdown()
  })
})
