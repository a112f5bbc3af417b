import {
  type Attributes,
  diag,
  DiagLogLevel,
  type HrTime,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type SpanOptions,
  type SpanStatus,
} from '@opentelemetry/api'
import {
  type ReadableSpan,
  type Sampler,
  SamplingDecision,
  type SpanLimits,
  type SpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { hrTimeToMilliseconds } from '@opentelemetry/core'
import fc from 'fast-check'
import { describe, expect, onTestFinished, vi } from 'vitest'
import type { TestTracer, TestTracerOptions } from '../../src/testing/index.js'
import type { ResolvedLimits } from '../../src/config/resolved.js'
import { SpanData } from '../../src/provider/span-data.js'
import { IS_LONG } from '../faults/long.js'
import { tracerTest as test } from '../fixtures/tracer.js'

const RUNS = IS_LONG ? 5_000 : 150
const START: HrTime = [1_700_000_000, 5]
const LINKED = { traceId: 'd4cda95b652f4a1592b449d5929fda1b', spanId: '6e0c63257de34c92', traceFlags: 1, isRemote: true }

const attributes: fc.Arbitrary<Attributes> = fc.dictionary(
  fc.constantFrom('a', 'b', 'c', 'd', '7'),
  fc.oneof(fc.constantFrom<string>('text', ''), fc.integer(), fc.boolean(), fc.constant<string[]>(['x', 'y'])),
  { maxKeys: 4 },
)
const time = fc.tuple(fc.constantFrom(1_600_000_000, 1_700_000_000, 1_700_000_009), fc.nat(999_999_999))
/** What a caller may do to a span, of what OpenTelemetry's own span takes without a word. */
const step = fc.oneof(
  fc.record({ name: fc.constantFrom('one', 'two'), attributes, time }).map(
    (given) =>
      (span: Span): unknown =>
        span.addEvent(given.name, given.attributes, given.time),
  ),
  attributes.map(
    (given) =>
      (span: Span): unknown =>
        span.addLink({ context: LINKED, attributes: given }),
  ),
  fc.record({ code: fc.constantFrom(0, 1, 2), message: fc.constantFrom('first', 'second', undefined, 7 as never) }).map(
    (status) =>
      (span: Span): unknown =>
        span.setStatus(status as SpanStatus),
  ),
  fc.constantFrom('renamed', 'again').map(
    (name) =>
      (span: Span): unknown =>
        span.updateName(name),
  ),
  attributes.map(
    (given) =>
      (span: Span): unknown =>
        span.setAttributes(given),
  ),
)
const limits = fc.record({
  eventCountLimit: fc.constantFrom(0, 1, 3, 128),
  linkCountLimit: fc.constantFrom(0, 1, 3, 128),
  attributePerEventCountLimit: fc.constantFrom(0, 2, 128),
  attributePerLinkCountLimit: fc.constantFrom(0, 2, 128),
})
const options: fc.Arbitrary<SpanOptions> = fc.record({
  kind: fc.constantFrom(...[SpanKind.INTERNAL, SpanKind.CLIENT, SpanKind.CONSUMER]),
  attributes,
  links: fc.array(
    attributes.map((given) => ({ context: LINKED, attributes: given })),
    { maxLength: 4 },
  ),
})

/** What the span model of OpenTelemetry says of a span, without what is ours. */
function modelOf(span: ReadableSpan): unknown {
  const { name, kind, startTime, endTime, duration, status, events, links, droppedEventsCount, droppedLinksCount } = span
  const own = Object.entries(span.attributes).filter(([key]) => !key.startsWith('honeyhive'))
  return {
    ...{ name, kind, startTime, endTime, duration, status, droppedEventsCount, droppedLinksCount },
    attributes: own.sort(),
    events: events.map((event) => [event.name, event.time, event.attributes ?? {}, event.droppedAttributesCount]),
    links: links.map((link) => ({ ...link })),
  }
}

describe('a recorded span', () => {
  test('becomes what the span of OpenTelemetry’s SDK becomes', ({ createTracer }) => {
    fc.assert(
      fc.property(options, limits, fc.array(step, { maxLength: 12 }), time, (given, within, steps, endTime) => {
        const [ours, theirs] = [endedHere(createTracer, within), endedInTheSdk(within)].map((run) => {
          const said = listenToDiag()
          const span = run.start({ ...given, startTime: START })
          for (const act of steps) act(span)
          span.end(endTime)
          // Of times that were given the wrong way round ours says nothing.
          return {
            model: modelOf(run.ended()),
            said: said.filter((line) => !/Inconsistent start and end time|Registered a global/.test(line)),
          }
        })
        expect(ours).toEqual(theirs)
      }),
      { numRuns: RUNS },
    )
  })

  test('ends when it started where its end is given as earlier', ({ tracer }) => {
    const span = tracer.provider.getTracer('lib').startSpan('call', { startTime: START })
    span.end([1_600_000_000, 0])
    expect(tracer.spans[0]).toMatchObject({ startTime: START, endTime: START, duration: [0, 0] })
  })

  test('ends now where no end is given, on the clock of its start', ({ tracer }) => {
    const library = tracer.provider.getTracer('lib')
    const [before, after] = [Date.now() - 60_000, Date.now() + 60_000]
    for (const startTime of [undefined, START, [4_000_000_000, 0] as HrTime]) library.startSpan('call', startTime && { startTime }).end()
    const [plain, past, future] = tracer.spans.map(({ startTime, endTime }) => [startTime, endTime].map(hrTimeToMilliseconds))
    for (const at of [...(plain ?? []), past?.[1] ?? 0]) expect(at > before && at < after).toBe(true)
    expect(plain?.[1]).toBeGreaterThanOrEqual(plain?.[0] ?? Number.NaN)
    expect(future?.[1]).toBe(future?.[0])
  })

  test('is not over before it began where only its end is given', ({ tracer }) => {
    tracer.startSpan('call').end([1_600_000_000, 0])
    expect(tracer.spans[0]?.duration).toEqual([0, 0])
  })

  test('tells its times in milliseconds, those that were given too', () => {
    const listener = { onEnding: () => undefined, onEnd: () => undefined }
    const limits = { maxEvents: 1, maxLinks: 1, maxAttributes: 1 } as ResolvedLimits
    const timesOf = (given: HrTime | undefined): unknown => {
      const data = new SpanData({ name: 'call', kind: SpanKind.INTERNAL, links: [] }, {}, limits, listener)
      data.begin(5_000, given)
      const open = data.endUnixMs
      data.end(4_000, given && [given[0] + 1, 0])
      return [data.startUnixMs, open, data.endUnixMs]
    }
    expect(timesOf(undefined)).toEqual([5_000, undefined, 5_000])
    expect(timesOf([7, 0])).toEqual([7_000, undefined, 8_000])
  })

  test('has no end and no duration while it is open', ({ createTracer }) => {
    const seen: unknown[] = []
    const look = (span: ReadableSpan): void => void seen.push([span.endTime, span.duration, span.ended])
    const onStart: SpanProcessor['onStart'] = (span) => look(span)
    const tracer = createTracer({ spanProcessors: [{ ...NOTHING, onStart }] })
    tracer.startSpan('call').end()
    expect(seen).toEqual([[[0, 0], [-1, -1], false]])
  })

  test('is written to in onStart and onEnding, and not in onEnd', ({ createTracer }) => {
    const order: string[] = []
    const write =
      (name: string) =>
      (span: unknown): void => {
        order.push(name)
        if (name !== 'onEnd') (span as Span).setAttribute(name, true)
      }
    const processor = { ...NOTHING, onStart: write('onStart'), onEnding: write('onEnding'), onEnd: write('onEnd') }
    const tracer = createTracer({ spanProcessors: [processor] })
    tracer.startSpan('call').end()
    expect(order).toEqual(['onStart', 'onEnding', 'onEnd'])
    expect(tracer.spans[0]?.attributes).toMatchObject({ onStart: true, onEnding: true })
  })

  test('beyond its limits, with a logger of the host that throws, disturbs nobody', ({ createTracer }) => {
    let isSet = false
    const fail = (): void => {
      if (isSet) throw new Error('the logger of the host')
    }
    diag.setLogger({ error: fail, warn: fail, info: fail, debug: fail, verbose: fail }, { logLevel: DiagLogLevel.ALL })
    onTestFinished(() => {
      isSet = false
      diag.disable()
    })
    isSet = true
    const tracer = createTracer({ limits: { maxEvents: 1, maxLinks: 1 } })
    const span = tracer.startSpan('call')
    for (const name of ['one', 'two']) span.addEvent(name).addLink({ context: LINKED })
    span.setStatus({ code: 2, message: 7 as never }).end()
    span.setAttribute('late', true)
    expect(tracer.spans.map(({ events, links, status }) => [events.length, links.length, status])).toEqual([[1, 1, { code: 2 }]])
    expect(tracer.stats()).toMatchObject({ ended: 1, pending: 0 })
  })

  test('that a processor ends as it starts arrives', ({ createTracer }) => {
    const onStart: SpanProcessor['onStart'] = (span) => span.end()
    const tracer = createTracer({ spanProcessors: [{ ...NOTHING, onStart }] })
    tracer.startSpan('call').end()
    expect(tracer.spans.map(({ name }) => name)).toEqual(['call'])
  })
})

describe('what a sampler does to what it is given', () => {
  test('counts for attributes, as in OpenTelemetry’s SDK, and for nothing else', ({ createTracer }) => {
    const kept: { attributes?: Attributes; links?: unknown[] } = {}
    const sampler: Sampler = {
      shouldSample: (_context, _traceId, _name, _kind, given, links) => {
        Object.assign(given, { written: true, bad: { deep: 1 } })
        links.push({ context: LINKED })
        Object.assign(kept, { attributes: given, links })
        return { decision: SamplingDecision.RECORD_AND_SAMPLED, attributes: { answered: 1 } }
      },
    }
    const tracer = createTracer({ sampler })
    const plain = createTracer()
    const span = tracer.startSpan('call', { attributes: { a: 1 } })
    Object.assign(kept.attributes ?? {}, { late: true })
    span.end()
    plain.startSpan('other').end()
    expect(tracer.spans[0]?.attributes).toMatchObject({ a: 1, written: true, answered: 1 })
    expect(tracer.spans[0]?.attributes).not.toHaveProperty('late')
    expect([tracer.spans[0]?.links, plain.spans[0]?.links]).toEqual([[], []])
  })

  test('is undone when it throws or answers with no decision: the span is kept as it was', ({ createTracer }) => {
    const answers = [
      () => {
        throw new Error('no')
      },
      () => ({ decision: 7 as SamplingDecision }),
      () => undefined as never,
    ]
    for (const answer of answers) {
      const sampler: Sampler = {
        shouldSample: (_context, _traceId, _name, _kind, given) => {
          Object.assign(given, { written: true })
          return answer()
        },
      }
      const warn = vi.fn()
      const tracer = createTracer({ sampler, logger: { debug: () => undefined, warn, error: warn } })
      tracer.startSpan('call', { attributes: { a: 1 } }).end()
      expect(tracer.spans.map(({ attributes: own }) => [own['a'], own['written']])).toEqual([[1, undefined]])
      expect(warn.mock.calls.join()).toContain('the configured sampler threw; the span is kept')
    }
  })

  test('with a tracestate that cannot be written down loses that alone', ({ createTracer }) => {
    const traceState = 'a=1' as never
    const sampler: Sampler = { shouldSample: () => ({ decision: SamplingDecision.RECORD_AND_SAMPLED, traceState }) }
    const tracer = createTracer({ sampler })
    tracer.startSpan('call').end()
    expect(tracer.spans[0]?.spanContext().traceState).toBeUndefined()
  })

  test('with a tracestate that throws when it is written down loses that alone, on span, child and link', ({ createTracer }) => {
    const traceState = {
      serialize: () => {
        throw new Error('no')
      },
    } as never
    const sampler: Sampler = { shouldSample: () => ({ decision: SamplingDecision.RECORD_AND_SAMPLED, traceState }) }
    const tracer = createTracer({ sampler })
    const context = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1, traceState }
    tracer.startActiveSpan('call', { links: [{ context }] }, () => tracer.startSpan('child').end())
    expect(tracer.spans.map(({ name, links }) => [name, links.length])).toEqual([
      ['child', 0],
      ['call', 1],
    ])
    expect(tracer.spans[1]?.spanContext().traceState?.serialize()).toBe('')
    expect(tracer.stats().dropped.unserializable).toBe(0)
  })
})

/** What is said to OpenTelemetry's diagnostics until the test is over. */
function listenToDiag(): string[] {
  const lines: string[] = []
  const take =
    (level: string) =>
    (...said: unknown[]): void =>
      void lines.push(`${level} ${String(said[0])}`)
  diag.setLogger(
    { error: take('error'), warn: take('warn'), info: take('info'), debug: take('debug'), verbose: take('verbose') },
    { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true },
  )
  onTestFinished(() => diag.disable())
  return lines
}

const NOTHING: SpanProcessor = {
  onStart: () => undefined,
  onEnd: () => undefined,
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
}

interface Run {
  start(options: SpanOptions): Span
  ended(): ReadableSpan
}

function endedHere(createTracer: (options?: TestTracerOptions) => TestTracer, within: Required<Pick<SpanLimits, LimitName>>): Run {
  const tracer = createTracer({
    limits: {
      maxEvents: within.eventCountLimit,
      maxLinks: within.linkCountLimit,
      maxAttributesPerEvent: within.attributePerEventCountLimit,
      maxAttributesPerLink: within.attributePerLinkCountLimit,
    },
  })
  return {
    start: (given) => tracer.provider.getTracer('lib').startSpan('call', given, ROOT_CONTEXT),
    ended: () => tracer.spans[0] as ReadableSpan,
  }
}

type LimitName = 'eventCountLimit' | 'linkCountLimit' | 'attributePerEventCountLimit' | 'attributePerLinkCountLimit'

function endedInTheSdk(spanLimits: SpanLimits): Run {
  const spans: ReadableSpan[] = []
  const provider = new TracerProvider({ spanLimits, spanProcessors: [{ ...NOTHING, onEnd: (span) => void spans.push(span) }] })
  return {
    start: (given) => provider.getTracer('lib').startSpan('call', given, ROOT_CONTEXT),
    ended: () => spans[0] as ReadableSpan,
  }
}
