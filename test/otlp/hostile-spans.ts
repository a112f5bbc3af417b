import type { Attributes, HrTime, SpanContext } from '@opentelemetry/api'
import { createTraceState } from '@opentelemetry/api'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import fc from 'fast-check'
import { expect } from 'vitest'
import { type ExportableSpan, toExportable } from '../../src/otlp/span-writer.js'
import { IS_LONG } from '../faults/long.js'

/** Spans with anything that a span can hold, and some things that it should not. */

export const RUNS = IS_LONG ? 5_000 : 300

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
  fc.dictionary(fc.string(), scalar, { maxKeys: 3 }),
)
const attributes = fc.array(fc.tuple(text, value), { maxLength: 8 }).map((entries) => Object.fromEntries(entries) as unknown as Attributes)
/** Times that a clock shows. */
export const TIMES: fc.Arbitrary<HrTime> = fc.tuple(fc.nat(8_000_000_000), fc.nat(999_999_999))
/** Times that somebody made up. */
export const ANY_TIMES: fc.Arbitrary<HrTime> = fc.oneof(
  TIMES,
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
const scopes = [
  { name: 'a' },
  { name: 'a', version: '1' },
  { name: '"é', version: '', schemaUrl: '' },
  { name: 'b', schemaUrl: 'https://schema/scope', attributes: { team: 'a' }, droppedAttributesCount: 3 },
] as ReadableSpan['instrumentationScope'][]
const headOf = (time: fc.Arbitrary<HrTime>) => ({
  name: text,
  kind: fc.nat(4),
  context,
  parentSpanContext: fc.option(context, { nil: undefined }),
  startTime: time,
  endTime: time,
  status: fc.record({ code: fc.nat(2), message: text }, { requiredKeys: ['code'] }),
  resource: fc.constantFrom(...resources),
  instrumentationScope: fc.constantFrom(...scopes),
})
const eventOf = (time: fc.Arbitrary<HrTime>) =>
  fc.record({ name: text, time, attributes, droppedAttributesCount: count }, { requiredKeys: ['name', 'time'] })
const link = fc.record({ context, attributes, droppedAttributesCount: count }, { requiredKeys: ['context'] })

export const readableAt = (time: fc.Arbitrary<HrTime>): fc.Arbitrary<ReadableSpan> =>
  fc
    .record({
      ...headOf(time),
      attributes,
      events: fc.array(eventOf(time), { maxLength: 3 }),
      links: fc.array(link, { maxLength: 3 }),
      droppedAttributesCount: count,
      droppedEventsCount: count,
      droppedLinksCount: count,
    })
    .map(({ context, ...rest }) => ({ ...rest, spanContext: () => context }) as unknown as ReadableSpan)

const shared: Attributes[] = [
  { 'honeyhive.session_id': 'one', 'honeyhive.session_auto_create': true },
  { 'honeyhive.session_id': 'é"' },
  {},
]
/** The attributes of an object stand in its order, in which numbers come first. */
const ordered = attributes.map((all) => Object.fromEntries(Object.entries(all).filter(([name]) => !/^\d+$/.test(name))))

/** Spans that are written attribute by attribute. */
export const plainAt = (time: fc.Arbitrary<HrTime>): fc.Arbitrary<Written> =>
  fc.record({ ...headOf(time), shared: fc.constantFrom(...shared), own: ordered }).map(
    ({ context, shared, own, ...rest }): Written => ({
      readable: {
        ...rest,
        attributes: { ...shared, ...own },
        events: [],
        links: [],
        droppedAttributesCount: 0,
        droppedEventsCount: 0,
        droppedLinksCount: 0,
        spanContext: () => context,
      } as unknown as ReadableSpan,
      shared,
      own,
    }),
  )

export interface Written {
  readonly readable: ReadableSpan
  readonly shared: Attributes
  readonly own: Attributes
}

/** Written attribute by attribute. */
export function piecewise({ readable, shared, own }: Written): ExportableSpan {
  return {
    ...toExportable(readable),
    writeTo(out) {
      out.begin(readable.spanContext(), readable.parentSpanContext, readable.name, readable)
      expect(out.shared(shared)).toBe(Object.keys(shared).length)
      for (const [name, value] of Object.entries(own)) out.attribute(name, value as string)
      out.end(readable.status.code, readable.status.message)
    },
  }
}
