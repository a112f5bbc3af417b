import type { Attributes, HrTime, SpanContext } from '@opentelemetry/api'
import { createTraceState } from '@opentelemetry/api'
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JsonWriter } from '../../src/otlp/json-writer.js'
import { SHARED_ATTRIBUTES } from '../../src/otlp/request.js'
import { toText } from '../../src/otlp/protobuf.js'

const RUNS = process.env['TEST_LONG'] === undefined ? 300 : 20_000

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'binary', minLength: 60, maxLength: 70 }),
  fc.constantFrom(
    '',
    '"',
    '\\',
    '\u0000',
    '\u007f',
    '\ud800',
    'a\udfff',
    '\u2028',
    '__proto__',
    '7',
    'x'.repeat(70_000),
    'é'.repeat(40_000),
  ),
)
const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -0, 1, 9, 10, 2 ** 31 - 1, 2 ** 31, -1, 1e21, 5e-324, Number.NaN, Number.POSITIVE_INFINITY),
)
const scalar = fc.oneof(text, number, fc.boolean())
const value = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 4 }),
  fc.array(fc.option(text), { maxLength: 3 }),
  fc.uint8Array({ maxLength: 5 }),
)
/** Names that are numbers stand first in every object, before what is shared: they have a test of their own. */
const attributeName = text.filter((name) => !/^\d+$/.test(name))
const attributes = fc
  .array(fc.tuple(attributeName, value), { maxLength: 8 })
  .map((entries) => Object.fromEntries(entries) as unknown as Attributes)
const time: fc.Arbitrary<HrTime> = fc.oneof(
  fc.tuple(fc.nat(4_000_000_000), fc.nat(999_999_999)),
  fc.tuple(fc.integer({ min: -2, max: 2 }), fc.double({ min: -2e9, max: 3e9, noNaN: true })),
)
const id = (chars: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[0-9a-f]{${chars}}$`))
const context: fc.Arbitrary<SpanContext> = fc.record(
  {
    traceId: id(32),
    spanId: id(16),
    traceFlags: fc.nat(255),
    isRemote: fc.boolean(),
    traceState: fc.constantFrom(createTraceState('vendor=1'), createTraceState()),
  },
  { requiredKeys: ['traceId', 'spanId', 'traceFlags'] },
)
const count = fc.nat(2 ** 31 - 1)
const resources = ['app', 'other'].map((name, i) =>
  resourceFromAttributes({ 'service.name': name }, i === 0 ? { schemaUrl: 'https://schema/resource' } : {}),
)
const scopes: ReadableSpan['instrumentationScope'][] = [
  { name: 'a' },
  { name: 'a', version: '1' },
  { name: '"é', version: '', schemaUrl: '' },
  { name: 'b', schemaUrl: 'https://schema/scope', attributes: { team: 'a' }, droppedAttributesCount: 3 },
]
const shared = [{ 'honeyhive.session_id': 'one', 'honeyhive.session_auto_create': true }, { 'honeyhive.session_id': 'é"' }, {}]

const span = fc
  .record({
    name: text,
    kind: fc.nat(4),
    context,
    parentSpanContext: fc.option(context, { nil: undefined }),
    startTime: time,
    endTime: time,
    status: fc.record({ code: fc.nat(2), message: text }, { requiredKeys: ['code'] }),
    own: attributes,
    shared: fc.constantFrom(...shared),
    events: fc.array(fc.record({ name: text, time, attributes, droppedAttributesCount: count }, { requiredKeys: ['name', 'time'] }), {
      maxLength: 3,
    }),
    links: fc.array(fc.record({ context, attributes, droppedAttributesCount: count }, { requiredKeys: ['context'] }), { maxLength: 3 }),
    resource: fc.constantFrom(...resources),
    instrumentationScope: fc.constantFrom(...scopes),
    droppedAttributesCount: count,
    droppedEventsCount: count,
    droppedLinksCount: count,
  })
  .map(({ context, own, shared, ...rest }) => ({
    ...rest,
    attributes: { ...shared, ...own, ...shared },
    [SHARED_ATTRIBUTES]: shared,
    spanContext: () => context,
  }))
const batches = fc.array(span, { maxLength: 6 }) as unknown as fc.Arbitrary<ReadableSpan[]>

describe('JsonWriter', () => {
  const writer = new JsonWriter()

  it('writes what the official serialiser writes, byte for byte, whatever the spans hold', () => {
    fc.assert(
      fc.property(batches, (spans) => {
        expect(toText(writer.write(spans))).toBe(toText(JsonTraceSerializer.serializeRequest(spans) as Uint8Array))
      }),
      { numRuns: RUNS },
    )
  })

  it('writes numbers that are names before what is shared, in the order of the object', () => {
    const [one] = shared
    const [given] = fc.sample(batches, { numRuns: 20, seed: 1 }).find((batch) => batch.length > 0) as ReadableSpan[]
    const odd = {
      ...given,
      attributes: { b: 1, ...one, 7: 'seven' },
      [SHARED_ATTRIBUTES]: one,
      spanContext: given?.spanContext,
    } as ReadableSpan
    const [{ scopeSpans }] = JSON.parse(toText(writer.write([odd]))).resourceSpans
    const names: string[] = scopeSpans[0].spans[0].attributes.map(({ key }: { key: string }) => key)
    expect(names.toSorted()).toEqual(['7', 'b', ...Object.keys(one as object)].toSorted())
  })

  it('gives each request bytes of its own', () => {
    const [first, second] = fc.sample(batches, { numRuns: 50, seed: 7 }).filter((batch) => batch.length > 1) as [
      ReadableSpan[],
      ReadableSpan[],
    ]
    const written = writer.write(first)
    const before = toText(written)
    writer.write(second)
    expect(toText(written)).toBe(before)
  })

  it('is whole again after a span that throws', () => {
    const [good = []] = fc.sample(batches, { numRuns: 20, seed: 3 }).filter((batch) => batch.length > 0)
    const bad = Object.defineProperty({ ...good[0] }, 'events', {
      get() {
        throw new Error('no events')
      },
    }) as ReadableSpan
    const before = toText(writer.write(good))
    expect(() => writer.write([...good, bad])).toThrow('no events')
    expect(toText(writer.write(good))).toBe(before)
  })
})
