import {
  type Attributes,
  type Baggage,
  type BaggageEntry,
  baggageEntryMetadataFromString,
  type Context,
  context,
  createContextKey,
  createTraceState,
  defaultTextMapGetter,
  defaultTextMapSetter,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
} from '@opentelemetry/api'
import { CompositePropagator, suppressTracing, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
import { B3InjectEncoding, B3Propagator } from '@opentelemetry/propagator-b3'
import { JaegerPropagator } from '@opentelemetry/propagator-jaeger'
import { defaultResource, emptyResource, type Resource, resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { createComposableProbabilitySampler, createCompositeSampler } from '@opentelemetry/sampler-composite'
import {
  AlwaysOffSampler,
  createAlwaysRecordSampler,
  ParentBasedSampler,
  type ReadableSpan,
  SamplingDecision,
  type SpanExporter,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createRoutingProvider, HoneyHiveTracer } from '../../src/index.js'
import { createTestTracer, type TestTracer, type TestTracerOptions } from '../../src/testing/index.js'
import { startReceiver } from '../fixtures/receiver.js'

/** The rows of OpenTelemetry's compliance matrix that no other test shows; `docs/opentelemetry.md` names each test with its row. */

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const REMOTE = { traceId: TRACE, spanId: SPAN, traceFlags: TraceFlags.SAMPLED, isRemote: true } as const

const opened: TestTracer[] = []
function init(options: TestTracerOptions = {}): TestTracer {
  const tracer = createTestTracer(options)
  opened.push(tracer)
  return tracer
}

let tracer: TestTracer
beforeEach(() => {
  tracer = init()
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await Promise.all(opened.splice(0).map((each) => each.shutdown()))
})

const last = (from: TestTracer = tracer): ReadableSpan => from.spans.at(-1) as ReadableSpan
const named = (name: string, from: TestTracer = tracer): ReadableSpan => from.spans.find((span) => span.name === name) as ReadableSpan

/** A processor that keeps what it is told. */
class Listener implements SpanProcessor {
  readonly starts: { readonly span: Span; readonly parentContext: Context }[] = []
  readonly ends: ReadableSpan[] = []
  onEnding?: (span: Span) => void

  constructor(onEnding?: (span: Span) => void) {
    if (onEnding !== undefined) this.onEnding = onEnding
  }

  onStart(span: Span, parentContext: Context): void {
    this.starts.push({ span, parentContext })
  }

  onEnd(span: ReadableSpan): void {
    this.ends.push(span)
  }

  forceFlush(): Promise<void> {
    return Promise.resolve()
  }

  shutdown(): Promise<void> {
    return Promise.resolve()
  }
}

describe('forceFlush of a provider', () => {
  /** Counts its flushes; they do what `flush` does. */
  const flushing = (flush: () => Promise<void> = () => Promise.resolve()): SpanProcessor & { count: number } => ({
    count: 0,
    onStart: () => undefined,
    onEnd: () => undefined,
    forceFlush() {
      this.count++
      return flush()
    },
    shutdown: () => Promise.resolve(),
  })

  test('delivers what ended, and asks the processors', async () => {
    const processor = flushing()
    const batches: string[][] = []
    const exporter: SpanExporter = {
      export(spans, done) {
        batches.push(spans.map(({ name }) => name))
        done({ code: 0 })
      },
      shutdown: () => Promise.resolve(),
    }
    const own = HoneyHiveTracer.init({ exporter, spanProcessors: [processor] })
    own.otelTracer.startSpan('s').end()
    expect(await own.provider.forceFlush()).toBeUndefined()
    expect([batches, processor.count]).toEqual([[['s']], 1])
    await own.shutdown()
  })

  test('rejects with a list of what failed or took too long, as in the SDK; who does not wait hears nothing', async () => {
    const failure = new Error('failed')
    const [failing, hanging] = [flushing(() => Promise.reject(failure)), flushing(() => new Promise(() => undefined))]
    const exporter: SpanExporter = { export: (_, done) => done({ code: 1 }), shutdown: () => Promise.resolve() }
    const logger = { debug: () => undefined, warn: () => undefined, error: () => undefined }
    const own = HoneyHiveTracer.init({ exporter, logger, spanProcessors: [failing, hanging] })
    own.otelTracer.startSpan('s').end()
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    void own.provider.forceFlush({ timeoutMillis: 10 })
    const errors: unknown = await own.provider.forceFlush({ timeoutMillis: 20 }).catch((reason: unknown) => reason)
    await turn()
    process.off('unhandledRejection', unhandled)
    expect(errors).toEqual([failure, expect.any(Error), expect.any(Error)])
    expect(String((errors as Error[])[1]?.message)).toContain('20 ms')
    expect(unhandled).not.toHaveBeenCalled()
    await own.shutdown(1)
  })

  test('is for the tracer active where it is called, else for the one behind the provider, else for all', async () => {
    const [a, b] = [flushing(), flushing()]
    const [first, second] = [init({ spanProcessors: [a] }), init({ spanProcessors: [b] })]
    await first.provider.forceFlush()
    expect([a.count, b.count]).toEqual([1, 0])
    await second.startActiveSpan('s', () => first.provider.forceFlush())
    expect([a.count, b.count]).toEqual([1, 1])
    await createRoutingProvider({ fallback: second }).forceFlush()
    expect([a.count, b.count]).toEqual([1, 2])
    await createRoutingProvider().forceFlush({ timeoutMillis: Number.NaN })
    expect([a.count, b.count]).toEqual([2, 3])
  })

  test('is there and shutdown is not: a library that is handed it may not end the tracers it serves', () => {
    expect(tracer.provider).not.toHaveProperty('shutdown')
  })
})

class SpanMetricReader extends MetricReader {
  protected onShutdown(): Promise<void> {
    return Promise.resolve()
  }

  protected onForceFlush(): Promise<void> {
    return Promise.resolve()
  }
}

describe('tracer provider', () => {
  test('gives tracers by name, version and schema URL, each its own instrumentation scope', () => {
    tracer.provider.getTracer('lib', '1.2', { schemaUrl: 'https://opentelemetry.io/schemas/1.30.0' }).startSpan('one').end()
    tracer.provider.getTracer('other').startSpan('two').end()
    expect(tracer.spans.map((span) => span.instrumentationScope)).toEqual([
      { name: 'lib', version: '1.2', schemaUrl: 'https://opentelemetry.io/schemas/1.30.0' },
      { name: 'other', version: undefined, schemaUrl: undefined },
    ])
  })

  test('keeps an empty or invalid name and gives a working tracer', () => {
    tracer.provider.getTracer('').startSpan('unnamed').end()
    expect(last().instrumentationScope.name).toBe('')
    tracer.provider
      .getTracer(undefined as never)
      .startSpan('still recorded')
      .end()
    expect(last().name).toBe('still recorded')
  })

  test('tracers, spans and events of parallel calls stay apart', async () => {
    await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        tracer.provider.getTracer(`lib-${i}`).startActiveSpan(`outer-${i}`, async (outer) => {
          await turn()
          outer.addEvent(`event-${i}`).setAttribute('at', i)
          await tracer.provider.getTracer(`lib-${i}`).startActiveSpan(`inner-${i}`, async (inner) => {
            await turn()
            inner.end()
          })
          outer.end()
        }),
      ),
    )
    expect(tracer.spans.length).toBe(200)
    for (let i = 0; i < 100; i++) {
      const [outer, inner] = [named(`outer-${i}`), named(`inner-${i}`)]
      expect([outer.instrumentationScope.name, inner.parentSpanContext?.spanId]).toEqual([`lib-${i}`, outer.spanContext().spanId])
      expect([outer.events.map(({ name }) => name), outer.attributes.at]).toEqual([[`event-${i}`], i])
    }
  })

  test('shutdown and forceFlush reach every processor; what starts later is not recorded and counted', async () => {
    const listener = new Listener()
    const calls = [vi.spyOn(listener, 'forceFlush'), vi.spyOn(listener, 'shutdown')]
    const own = init({ spanProcessors: [listener] })
    own.startActiveSpan('s', () => undefined)
    expect([await own.forceFlush(), await own.shutdown()]).toEqual([true, true])
    expect(calls.map((call) => call.mock.calls.length)).toEqual([1, 1])
    const late = own.otelTracer.startSpan('late')
    expect(late.isRecording()).toBe(false)
    late.end()
    expect(listener.starts.length).toBe(1)
    expect(own.stats().dropped.afterShutdown).toBe(1)
  })
})

describe('context interaction', () => {
  test('the span an instrumentor makes active is the active span, and no other one afterwards', () => {
    tracer.otelTracer.startActiveSpan('active', (span) => {
      expect(trace.getActiveSpan()).toBe(span)
      span.end()
    })
    expect(trace.getActiveSpan()).toBeUndefined()
  })

  test('context.with and trace.setSpan make a span of the tracer active', () => {
    const span = tracer.otelTracer.startSpan('by hand')
    context.with(trace.setSpan(context.active(), span), () => {
      expect(trace.getActiveSpan()).toBe(span)
      tracer.otelTracer.startSpan('child').end()
      tracer.startSpan('our own child').end()
    })
    span.end()
    expect([named('child'), named('our own child')].map((child) => child.parentSpanContext?.spanId)).toEqual(
      Array(2).fill(span.spanContext().spanId),
    )
  })

  test('values of a context travel beside our scope', async () => {
    const key = createContextKey('key')
    expect(context.active().getValue(key)).toBeUndefined()
    await context.with(context.active().setValue(key, 'value'), () =>
      tracer.startActiveSpan('inside', async () => {
        await turn()
        expect(context.active().getValue(key)).toBe('value')
        expect(context.active().deleteValue(key).getValue(key)).toBeUndefined()
      }),
    )
    expect(context.active().getValue(key)).toBeUndefined()
  })

  test('no propagator and no provider is registered', () => {
    tracer.otelTracer.startActiveSpan('s', (span) => span.end())
    expect(propagation.fields()).toEqual([])
    expect(trace.getTracer('x').startSpan('x').isRecording()).toBe(false)
  })

  test('the context manager is registered with the first span of an instrumentor, not before, and never when that is forbidden', () => {
    const contextsStick = (): boolean => {
      const key = createContextKey('key')
      return context.with(ROOT_CONTEXT.setValue(key, true), () => context.active().getValue(key) === true)
    }
    context.disable()
    const library = tracer.provider.getTracer('lib')
    tracer.startActiveSpan('ours', () => undefined)
    const forbidden = init({ registerContextManager: false })
    forbidden.otelTracer.startSpan('s').end()
    expect(contextsStick()).toBe(false)
    library.startSpan('s').end()
    expect(contextsStick()).toBe(true)
  })
})

describe('span context', () => {
  test('is valid, of 32 and 16 hexadecimal digits, and sampled', () => {
    const shown = tracer.startSpan('s').spanContext()
    expect(isSpanContextValid(shown)).toBe(true)
    expect([shown.traceId, shown.spanId, shown.traceFlags]).toEqual([
      expect.stringMatching(/^[0-9a-f]{32}$/),
      expect.stringMatching(/^[0-9a-f]{16}$/),
      TraceFlags.SAMPLED,
    ])
  })

  test('says of an extracted parent and link that they are remote, of a local parent that it is not', () => {
    tracer.withRemoteContext({ traceparent: `00-${TRACE}-${SPAN}-01` }, () =>
      tracer.startActiveSpan('continued', { links: [{ context: REMOTE }] }, () => tracer.startSpan('child').end()),
    )
    expect(named('continued').parentSpanContext?.isRemote).toBe(true)
    expect(named('continued').links[0]?.context.isRemote).toBe(true)
    expect(named('child').parentSpanContext?.isRemote ?? false).toBe(false)
  })

  test('tracestate comes in with a parent, stays on its descendants and goes out again', () => {
    const headers = { traceparent: `00-${TRACE}-${SPAN}-01`, tracestate: 'vendor=one,other=two' }
    const sent = tracer.withRemoteContext(headers, () =>
      tracer.startActiveSpan('a', () => tracer.startActiveSpan('b', () => tracer.injectContext({}))),
    )
    expect(sent).toMatchObject({ tracestate: 'vendor=one,other=two', traceparent: expect.stringContaining(TRACE) })
    expect(tracer.spans.map((span) => span.spanContext().traceState?.serialize())).toEqual(Array(2).fill('vendor=one,other=two'))
  })

  test('the random flag of a caller is handed on where no span of ours lies between', () => {
    const headers = { traceparent: `00-${TRACE}-${SPAN}-03` }
    expect(tracer.withRemoteContext(headers, () => tracer.injectContext({}))).toMatchObject(headers)
  })
})

describe('parents', () => {
  const starts = (name: string, at?: Context, options = {}): ReadableSpan => {
    tracer.otelTracer.startSpan(name, options, at).end()
    return last()
  }

  test('root: true, ROOT_CONTEXT and a context without a span make a root', () => {
    tracer.otelTracer.startActiveSpan('outer', (outer) => {
      const roots = [
        starts('option', undefined, { root: true }),
        starts('root context', ROOT_CONTEXT),
        starts('deleted', trace.deleteSpan(context.active())),
      ]
      for (const root of roots) {
        expect(root.parentSpanContext).toBeUndefined()
        expect(root.spanContext().traceId).not.toBe(outer.spanContext().traceId)
      }
      expect(starts('default').parentSpanContext?.spanId).toBe(outer.spanContext().spanId)
      outer.end()
    })
  })

  test('the span in a given context is the parent: ours, wrapped as a span context, or remote', () => {
    const own = tracer.otelTracer.startSpan('own')
    tracer.otelTracer.startActiveSpan('elsewhere', (elsewhere) => {
      expect(starts('a', trace.setSpan(ROOT_CONTEXT, own)).parentSpanContext?.spanId).toBe(own.spanContext().spanId)
      expect(starts('b', trace.setSpanContext(ROOT_CONTEXT, own.spanContext())).parentSpanContext?.spanId).toBe(own.spanContext().spanId)
      expect(starts('c', trace.setSpanContext(ROOT_CONTEXT, REMOTE)).parentSpanContext).toMatchObject({ traceId: TRACE, spanId: SPAN })
      elsewhere.end()
    })
    own.end()
  })

  test('startSpan takes no Span and no SpanContext in place of a context', () => {
    const own = tracer.otelTracer.startSpan('own')
    expect(starts('given a span', own as never).parentSpanContext).toBeUndefined()
    expect(starts('given ids', own.spanContext() as never).parentSpanContext).toBeUndefined()
    own.end()
  })

  test('processors and samplers get the parent context, values included', () => {
    const [listener, key, sampled] = [new Listener(), createContextKey('key'), [] as Context[]]
    const sampler = {
      shouldSample: (at: Context) => {
        sampled.push(at)
        return { decision: SamplingDecision.RECORD_AND_SAMPLED }
      },
    }
    const own = init({ spanProcessors: [listener], sampler })
    const at = trace.setSpanContext(ROOT_CONTEXT.setValue(key, 'value'), REMOTE)
    own.otelTracer.startSpan('s', {}, at).end()
    for (const seen of [listener.starts[0]?.parentContext, sampled[0]]) {
      expect(seen?.getValue(key)).toBe('value')
      expect(trace.getSpanContext(seen as Context)).toMatchObject({ traceId: TRACE, spanId: SPAN, isRemote: true })
    }
  })
})

describe('span', () => {
  test('is renamed, timed by its user and ended once', () => {
    const span = tracer.otelTracer.startSpan('before', { startTime: [1_700_000_000, 123_456_789], kind: SpanKind.CLIENT })
    expect(span.isRecording()).toBe(true)
    span.updateName('after')
    span.end([1_700_000_001, 987_654_321])
    span.end([1_800_000_000, 0])
    expect(span.isRecording()).toBe(false)
    span.setAttribute('late', true).addEvent('late').updateName('late')
    expect(last()).toMatchObject({
      name: 'after',
      kind: SpanKind.CLIENT,
      startTime: [1_700_000_000, 123_456_789],
      endTime: [1_700_000_001, 987_654_321],
      events: [],
    })
    expect(last().attributes.late).toBeUndefined()
    expect(tracer.spans.length).toBe(1)
  })

  test('status: OK is final, UNSET changes nothing, a description belongs to ERROR alone', () => {
    const statuses = (...given: { code: SpanStatusCode; message?: string }[]): ReadableSpan['status'] => {
      const span = tracer.otelTracer.startSpan('s')
      for (const status of given) span.setStatus(status)
      span.end()
      return last().status
    }
    const [unset, ok, error] = [{ code: SpanStatusCode.UNSET }, { code: SpanStatusCode.OK }, { code: SpanStatusCode.ERROR, message: 'why' }]
    expect(statuses()).toEqual(unset)
    expect(statuses(error, unset)).toEqual(error)
    expect(statuses(error, ok)).toEqual(ok)
    expect(statuses(ok, error)).toEqual(ok)
    expect(statuses({ ...ok, message: 'left out' })).toEqual(ok)
  })

  test('onEnding may still write, onEnd may not; both see it redacted and flattened', () => {
    const listener = new Listener((span) => {
      expect(span.isRecording()).toBe(true)
      span.setAttribute('ending', 'yes')
    })
    const own = init({ spanProcessors: [listener], redact: { keys: ['password'] } })
    own.startActiveSpan('s', { inputs: { chat: { text: 'hi' }, password: 'hunter2' } }, () => undefined)
    const [ended] = listener.ends
    expect(ended?.attributes).toMatchObject({ ending: 'yes', 'honeyhive_inputs.chat.text': 'hi', 'honeyhive.session_id': own.sessionId })
    expect(JSON.stringify(ended?.attributes)).not.toContain('hunter2')
    expect(last(own).attributes).toEqual(ended?.attributes)
    listener.starts[0]?.span.setAttribute('late', true)
    expect(ended?.attributes.late).toBeUndefined()
  })

  test('several processors are called in their order', () => {
    const order: string[] = []
    const note = (name: string): SpanProcessor => ({
      onStart: () => order.push(`${name} start`),
      onEnding: () => order.push(`${name} ending`),
      onEnd: () => order.push(`${name} end`),
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    })
    init({ spanProcessors: [note('1'), note('2')] })
      .startSpan('s')
      .end()
    expect(order).toEqual(['1 start', '2 start', '1 ending', '2 ending', '1 end', '2 end'])
  })

  test('a readable span has scope, resource, parent, links, events and dropped counts', () => {
    const listener = new Listener()
    const own = init({ spanProcessors: [listener], limits: { maxEvents: 1 } })
    own.provider
      .getTracer('lib', '2')
      .startSpan('s', { links: [{ context: REMOTE, attributes: { kept: 1 } }] })
      .addEvent('1')
      .addEvent('2')
      .end()
    expect(listener.ends[0]).toMatchObject({
      instrumentationScope: { name: 'lib', version: '2' },
      links: [{ context: REMOTE, attributes: { kept: 1 } }],
      events: [{ name: '2' }],
      droppedEventsCount: 1,
      droppedLinksCount: 0,
      droppedAttributesCount: 0,
      ended: true,
    })
    expect(listener.ends[0]?.resource.attributes['service.name']).toBe('honeyhive-service')
  })
})

describe('attributes', () => {
  test('every type of the specification arrives as it was given', () => {
    const attributes: Attributes = {
      text: 'text',
      yes: true,
      double: 0.5,
      integer: 2 ** 53 - 1,
      texts: ['a', 'b'],
      numbers: [1, 2.5],
      truths: [true, false],
      'ключ 🔑': 'значение 🦦',
    }
    tracer.otelTracer
      .startSpan('s', { attributes: { early: 1 } })
      .setAttributes(attributes)
      .setAttribute('text', 'changed')
      .end()
    expect(last().attributes).toMatchObject({ ...attributes, early: 1, text: 'changed' })
  })

  test('what has no OTLP form in JSON becomes text: no finite number, mixed lists, objects, big integers', () => {
    const odd = { nan: Number.NaN, infinite: Number.POSITIVE_INFINITY, mixed: [1, 'a'], fields: { a: 1 }, big: 10n }
    tracer.otelTracer
      .startSpan('s')
      .setAttributes(odd as never)
      .end()
    expect(last().attributes).toMatchObject({ nan: 'NaN', infinite: 'Infinity', mixed: '[1,"a"]', fields: '{"a":1}', big: '10' })
  })

  test('null and undefined are no values: neither sets nor removes anything', () => {
    const span = tracer.otelTracer.startSpan('s', { attributes: { none: null as never } })
    span.setAttribute('kept', 'before')
    for (const nothing of [null, undefined]) span.setAttribute('kept', nothing as never).setAttribute('absent', nothing as never)
    span.end()
    expect(last().attributes.kept).toBe('before')
    expect(Object.keys(last().attributes)).not.toContain('absent')
    expect(Object.keys(last().attributes)).not.toContain('none')
  })

  test('events and links keep at most limits.maxAttributes attributes each, and count the rest', () => {
    const own = init({ limits: { maxAttributes: 40 } })
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, i]))
    own.otelTracer.startSpan('s').addEvent('e', many).addLink({ context: REMOTE, attributes: many }).end()
    const [event, link] = [last(own).events[0], last(own).links[0]]
    expect([Object.keys(event?.attributes ?? {}).length, event?.droppedAttributesCount]).toEqual([40, 60])
    expect([Object.keys(link?.attributes ?? {}).length, link?.droppedAttributesCount]).toEqual([40, 60])
  })
})

describe('links, events and exceptions', () => {
  test('links at the start and later keep their order, trace state and attributes', () => {
    const link = (n: number) => ({
      context: { ...REMOTE, spanId: SPAN.replace(/1$/, String(n)), traceState: createTraceState(`n=${n}`) },
      attributes: { n },
    })
    tracer.otelTracer
      .startSpan('s', { links: [link(1), link(2)] })
      .addLink(link(3))
      .addLinks([link(4), link(5)])
      .end()
    expect(last().links.map(({ attributes }) => attributes?.n)).toEqual([1, 2, 3, 4, 5])
    expect(last().links.map(({ context: { traceState } }) => traceState?.serialize())).toEqual(['n=1', 'n=2', 'n=3', 'n=4', 'n=5'])
  })

  test('events keep their order, attributes and times', () => {
    tracer.otelTracer.startSpan('s').addEvent('1', { a: 1 }, [1_700_000_000, 5]).addEvent('2', [1_600_000_000, 5]).addEvent('3').end()
    expect(last().events.map(({ name }) => name)).toEqual(['1', '2', '3'])
    expect(last().events[0]).toMatchObject({ attributes: { a: 1 }, time: [1_700_000_000, 5] })
    expect(last().events[1]?.time).toEqual([1_600_000_000, 5])
  })

  test('beyond the limit the oldest events and links make room, as in the SDK', () => {
    const own = init({ limits: { maxEvents: 2, maxLinks: 2 } })
    const span = own.otelTracer.startSpan('s')
    for (const n of [1, 2, 3]) span.addEvent(`e${n}`).addLink({ context: REMOTE, attributes: { n } })
    span.end()
    expect([last(own).events.map(({ name }) => name), last(own).links.map(({ attributes }) => attributes?.n)]).toEqual([
      ['e2', 'e3'],
      [2, 3],
    ])
  })

  test('startActiveSpan records what is thrown once, with status ERROR', () => {
    const failure = new RangeError('too far')
    expect(() =>
      tracer.startActiveSpan('s', () => {
        throw failure
      }),
    ).toThrow(failure)
    expect(last().events.map(({ name }) => name)).toEqual(['exception'])
    expect(last().status).toEqual({ code: SpanStatusCode.ERROR, message: 'too far' })
  })

  test('recordException writes type, message and stack trace at the given time', () => {
    const span = tracer.otelTracer.startSpan('s')
    span.recordException(new RangeError('too far'), [1_700_000_000, 0])
    span.end()
    expect(last().events).toMatchObject([
      {
        name: 'exception',
        time: [1_700_000_000, 0],
        attributes: {
          'exception.type': 'RangeError',
          'exception.message': 'too far',
          'exception.stacktrace': expect.stringContaining('RangeError'),
        },
      },
    ])
  })
})

describe('sampling', () => {
  test('attributes and trace state of a sampler count', () => {
    const traceState = createTraceState('sampler=yes')
    const own = init({
      sampler: { shouldSample: () => ({ decision: SamplingDecision.RECORD_AND_SAMPLED, attributes: { by: 'sampler' }, traceState }) },
    })
    const sent = own.startActiveSpan('s', () => own.injectContext({}))
    expect(sent).toMatchObject({ tracestate: 'sampler=yes' })
    expect(last(own).attributes.by).toBe('sampler')
    expect(last(own).spanContext().traceState?.serialize()).toBe('sampler=yes')
  })

  test('a span that is not recorded has new ids and an unset sampled flag, which its children follow', () => {
    const own = init({ sampler: new ParentBasedSampler({ root: new AlwaysOffSampler() }) })
    own.startActiveSpan('outer', (outer) => {
      const inner = own.startSpan('inner')
      expect([outer, inner].map((span) => [span.isRecording(), span.spanContext().traceFlags])).toEqual(
        Array(2).fill([false, TraceFlags.NONE]),
      )
      expect(isSpanContextValid(inner.spanContext())).toBe(true)
      expect(inner.spanContext().traceId).toBe(outer.spanContext().traceId)
      expect(inner.spanContext().spanId).not.toBe(outer.spanContext().spanId)
    })
    expect(own.spans.length).toBe(0)
  })

  test('RECORD_ONLY: processors see the span, nobody exports it', () => {
    const listener = new Listener()
    const own = init({ spanProcessors: [listener], sampler: createAlwaysRecordSampler(new AlwaysOffSampler()) })
    const span = own.startSpan('s')
    expect([span.isRecording(), span.spanContext().traceFlags]).toEqual([true, TraceFlags.NONE])
    span.end()
    expect([listener.starts.length, listener.ends.length, own.spans.length]).toEqual([1, 1, 0])
    expect(own.stats().dropped.unsampled).toBe(1)
  })

  test('sampleRate decides as TraceIdRatioBasedSampler does', () => {
    const [rate, ids] = [
      0.3,
      Array.from({ length: 500 }, (_, i) => ((i + 1) * 0x5deece66d).toString(16).padStart(12, '7').repeat(3).slice(0, 32)),
    ]
    const next = [...ids]
    const own = init({
      sampleRate: rate,
      idGenerator: { generateTraceId: () => next.shift() ?? '', generateSpanId: () => SPAN },
    })
    for (const _ of ids) own.startSpan('s').end()
    const sdk = new TraceIdRatioBasedSampler(rate)
    const kept = ids.filter((id) => sdk.shouldSample(ROOT_CONTEXT, id).decision === SamplingDecision.RECORD_AND_SAMPLED)
    expect(own.spans.map((span) => span.spanContext().traceId)).toEqual(kept)
    expect(kept.length).toBeGreaterThan(50)
    expect(kept.length).toBeLessThan(450)
  })

  test('a composite sampler with its threshold in tracestate fits the option `sampler`', () => {
    const own = init({ sampler: createCompositeSampler(createComposableProbabilitySampler(0.5)) })
    for (let i = 0; i < 200; i++) own.startSpan('s').end()
    expect(own.spans.length).toBeGreaterThan(20)
    expect(own.spans.length).toBeLessThan(180)
    for (const span of own.spans) expect(span.spanContext().traceState?.get('ot')).toMatch(/th:8\b/)
  })
})

describe('id generator', () => {
  test('ids of the user are used; what is no valid id is replaced', () => {
    const ids = [TRACE, 'nonsense']
    const own = init({ idGenerator: { generateTraceId: () => ids.shift() ?? '', generateSpanId: () => SPAN } })
    own.startSpan('given').end()
    own.startSpan('replaced').end()
    expect(named('given', own).spanContext()).toMatchObject({ traceId: TRACE, spanId: SPAN })
    expect(named('replaced', own).spanContext().traceId).toMatch(/^[0-9a-f]{32}$/)
  })
})

describe('span metrics', () => {
  const readMetrics = async (reader: SpanMetricReader): Promise<Record<string, unknown>> => {
    const { resourceMetrics } = await reader.collect()
    const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)
    return Object.fromEntries(
      metrics.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints.map(({ value, attributes }) => [value, attributes])]),
    )
  }

  test('a meter provider of the tracer counts its spans, as the SDK does', async () => {
    const reader = new SpanMetricReader()
    const own = init({ meterProvider: new MeterProvider({ readers: [reader] }), spanFilter: { exclude: ['left out'] } })
    const other = init()
    const outer = own.startSpan('outer')
    own.startActiveSpan('root', () => own.startSpan('inner').end())
    own.withRemoteContext({ traceparent: `00-${TRACE}-${SPAN}-01` }, () => own.startSpan('continued').end())
    own.startSpan('left out').end()
    other.startSpan('of another tracer').end()
    const result = { 'otel.span.sampling_result': 'RECORD_AND_SAMPLE' }
    const started = (origin: string): object => ({ 'otel.span.parent.origin': origin, ...result })
    expect(await readMetrics(reader)).toEqual({
      'otel.sdk.span.started': [
        [2, started('none')],
        [1, started('local')],
        [1, started('remote')],
      ],
      'otel.sdk.span.live': [[1, result]],
    })
    outer.end()
    expect(await readMetrics(reader)).toMatchObject({ 'otel.sdk.span.live': [[0, result]] })
  })

  test('what the sampler drops or only records is counted as that', async () => {
    const reader = new SpanMetricReader()
    const decisions = [SamplingDecision.NOT_RECORD, SamplingDecision.RECORD, SamplingDecision.RECORD_AND_SAMPLED]
    const sampler = { shouldSample: () => ({ decision: decisions.shift() ?? SamplingDecision.NOT_RECORD }) }
    const own = init({ meterProvider: new MeterProvider({ readers: [reader] }), sampler })
    for (const name of ['a', 'b', 'c']) own.startSpan(name)
    const metrics = await readMetrics(reader)
    expect(metrics['otel.sdk.span.started']).toMatchObject(
      ['DROP', 'RECORD_ONLY', 'RECORD_AND_SAMPLE'].map((result) => [1, { 'otel.span.sampling_result': result }]),
    )
    expect(metrics['otel.sdk.span.live']).toHaveLength(2)
  })

  test('one that throws costs no span and no call', () => {
    const no = (): never => {
      throw new Error('metrics')
    }
    const meters = [
      no,
      () => ({ createCounter: no, createUpDownCounter: no }),
      () => ({ createCounter: () => ({ add: no }), createUpDownCounter: () => ({ add: no }) }),
    ]
    for (const getMeter of meters) {
      const own = init({ meterProvider: { getMeter } as never })
      expect(own.startActiveSpan('s', () => 'result')).toBe('result')
      expect([own.spans.length, own.stats().ended, own.stats().open]).toEqual([1, 1, 0])
    }
  })
})

describe('baggage', () => {
  test('the host’s baggage passes through its own propagator beside ours and is never ours', () => {
    const both = new CompositePropagator({ propagators: [new W3CBaggagePropagator(), tracer.propagator] })
    const carrier: Record<string, string> = {}
    const at = propagation.setBaggage(ROOT_CONTEXT, propagation.createBaggage({ tenant: { value: 'acme' } }))
    both.inject(at, carrier, defaultTextMapSetter)
    expect(carrier.baggage).toBe(`tenant=acme,session_id=${tracer.sessionId},source=dev`)
    expect(propagation.getBaggage(both.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter))?.getEntry('tenant')?.value).toBe('acme')
    expect(tracer.getBaggage('tenant')).toBeUndefined()
  })

  const inject = (at: Context, from = tracer, carrier: Record<string, string> = {}): Record<string, string> => {
    from.propagator.inject(at, carrier, defaultTextMapSetter)
    return carrier
  }
  const ours = (from: TestTracer = tracer): string => `session_id=${from.sessionId},source=dev`
  const holding = (entries: Record<string, BaggageEntry>): Context =>
    propagation.setBaggage(ROOT_CONTEXT, propagation.createBaggage(entries))

  test('what the host put into a context goes out by tracer.propagator, properties included; injectContext sends none of it', () => {
    const metadata = baggageEntryMetadataFromString('p=1;flag')
    const at = holding({ tenant: { value: 'acme & sons' }, 'a/b': { value: 'ü', metadata }, '(c)': { value: '' } })
    expect(inject(at).baggage).toBe(`tenant=acme%20%26%20sons,a%2Fb=%C3%BC;p=1;flag,%28c%29=,${ours()}`)
    expect(inject(at, tracer, { baggage: 'tenant=known,x=1' }).baggage).toBe(`tenant=known,x=1,a%2Fb=%C3%BC;p=1;flag,%28c%29=,${ours()}`)
    expect(inject(suppressTracing(at))).toEqual({})
    expect(context.with(at, () => tracer.injectContext({}))).toEqual({ baggage: ours() })
  })

  test('what a caller sent to one tracer goes out by none; what the host adds does, and what it names again itself', () => {
    const other = init()
    const sent = { baggage: `session_id=${other.sessionId},user=me,plan=gold;p=1`, traceparent: `00-${TRACE}-${SPAN}-01` }
    const received = tracer.propagator.extract(ROOT_CONTEXT, sent, defaultTextMapGetter)
    const baggage = propagation.getBaggage(received)
    expect(baggage?.getEntry('user')).toEqual({ value: 'me' })
    for (const from of [tracer, other]) expect(inject(received, from).baggage).toBe(ours(from))
    const added = baggage?.setEntry('mine', { value: '1' }).setEntry('plan', { ...baggage.getEntry('plan'), value: 'gold' })
    expect(inject(propagation.setBaggage(received, added as Baggage), other).baggage).toBe(`plan=gold;p=1,mine=1,${ours(other)}`)
    // A header without baggage leaves the host's own as it is.
    const kept = tracer.propagator.extract(holding({ tenant: { value: 'acme' } }), { traceparent: sent.traceparent }, defaultTextMapGetter)
    expect(inject(kept, other).baggage).toBe(`tenant=acme,${ours(other)}`)
  })

  test('no entry stands for what tracers say to each other, breaks the header or holds the key; limits are W3C’s', () => {
    const own = HoneyHiveTracer.init({ apiKey: 'hh-a-key-of-this-tracer', skipSessionCreation: true, exporter: false })
    const at = holding({
      session_id: { value: 'x' },
      honeyhive_session_id: { value: 'x' },
      project: { value: 'x' },
      ok: { value: 'line\r\nbreak, and more', metadata: baggageEntryMetadataFromString('p=1,session_id=evil\r\nx: y') },
      lone: { value: '\ud800' },
      key: { value: 'hh-a-key-of-this-tracer' },
      broken: {
        get value(): string {
          throw new Error('no')
        },
      },
    })
    const carrier: Record<string, string> = {}
    own.propagator.inject(at, carrier, defaultTextMapSetter)
    expect(carrier.baggage).toMatch(/^ok=line%0D%0Abreak%2C%20and%20more,lone=%EF%BF%BD,key=[^,]*,session_id=[0-9a-f-]{36},source=dev$/)
    expect(carrier.baggage).not.toContain('hh-a-key')
    const many = holding(Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`k${i}`, { value: 'v' }])))
    expect(inject(many).baggage?.split(',')).toHaveLength(180)
    const large = holding({ a: { value: 'v'.repeat(4000) }, b: { value: 'v'.repeat(4095) }, c: { value: 'v'.repeat(4000) } })
    expect(inject(large).baggage).toBe(`a=${'v'.repeat(4000)},c=${'v'.repeat(4000)},${ours()}`)
  })
})

describe('resource', () => {
  const attributesOf = (options: TestTracerOptions): Attributes => {
    const own = init(options)
    own.startSpan('s').end()
    return last(own).resource.attributes
  }

  test('is made of attributes, of a resource, of detectors, and of ours; later ones win', () => {
    const attributes = attributesOf({
      resourceDetectors: [{ detect: () => ({ attributes: { 'service.name': 'detected', 'detected.only': 1 } }) }],
      resource: resourceFromAttributes({ 'service.name': 'given', 'given.only': true, list: ['a', 'b'] }),
      resourceAttributes: { 'added.only': 'yes' },
    })
    expect(attributes).toMatchObject({
      'service.name': 'given',
      'detected.only': 1,
      'given.only': true,
      list: ['a', 'b'],
      'added.only': 'yes',
      'telemetry.sdk.name': 'honeyhive-tracer',
    })
  })

  test('an empty one changes nothing, and service.name has a default', () => {
    expect(attributesOf({ resource: emptyResource() })).toEqual(attributesOf({}))
    expect(attributesOf({})['service.name']).toBe('honeyhive-service')
    expect(attributesOf({ resource: defaultResource() })['telemetry.sdk.language']).toBe('nodejs')
  })

  test('the schema URL of a resource stays; those of two that differ leave none, as in the SDK', () => {
    const withUrl = (schemaUrl: string): Resource => resourceFromAttributes({}, { schemaUrl })
    const own = init({ resource: withUrl('https://schema/one'), resourceDetectors: [{ detect: () => ({ attributes: { a: 1 } }) }] })
    own.startSpan('s').end()
    expect(last(own).resource.schemaUrl).toBe('https://schema/one')
    const both = init({ resource: withUrl('https://schema/one').merge(withUrl('https://schema/other')) })
    both.startSpan('s').end()
    expect(last(both).resource.schemaUrl).toBeUndefined()
  })

  test('a detected attribute that arrives later is waited for', async () => {
    const receiver = await startReceiver()
    const own = HoneyHiveTracer.init({
      apiKey: 'key',
      serverUrl: receiver.url,
      protocol: 'http/json',
      resourceDetectors: [{ detect: () => ({ attributes: { 'host.id': turn('found') } }) }],
    })
    own.startSpan('s').end()
    expect(await own.shutdown()).toBe(true)
    await receiver.close()
    expect(receiver.spans[0]?.resource['host.id']).toBe('found')
  })
})

describe('propagators', () => {
  test('tracer.propagator is a TextMapPropagator with fields, setter and getter', () => {
    const sets: string[] = []
    const carrier = new Map<string, string>()
    const setter = {
      set: (to: Map<string, string>, name: string, value: string): void => {
        sets.push(name)
        to.set(name.toUpperCase(), value)
      },
    }
    const getter = {
      get: (from: Map<string, string>, name: string): string | undefined => from.get(name.toUpperCase()),
      keys: (from: Map<string, string>): string[] => [...from.keys()],
    }
    tracer.startActiveSpan('sender', () => tracer.propagator.inject(context.active(), carrier, setter))
    expect(tracer.propagator.fields()).toEqual(['traceparent', 'tracestate', 'baggage'])
    expect(tracer.propagator.fields()).toEqual(expect.arrayContaining(sets))
    const other = init()
    context.with(other.propagator.extract(context.active(), carrier, getter), () => other.startSpan('receiver').end())
    expect(last(other).parentSpanContext?.spanId).toBe(named('sender').spanContext().spanId)
    expect(last(other).attributes['honeyhive.session_id']).toBe(tracer.sessionId)
  })

  test('what it extracts counts for its tracer alone', () => {
    const other = init()
    const carrier = { traceparent: `00-${TRACE}-${SPAN}-01`, baggage: 'session_id=0b6de1f2-58f6-4a7e-9c1e-000000000001' }
    context.with(tracer.propagator.extract(context.active(), carrier, defaultTextMapGetter), () => {
      tracer.startSpan('s').end()
      other.startSpan('s').end()
    })
    expect(last().parentSpanContext?.spanId).toBe(SPAN)
    expect(last().attributes['honeyhive.session_id']).toBe('0b6de1f2-58f6-4a7e-9c1e-000000000001')
    expect(last(other).attributes['honeyhive.session_id']).toBe(other.sessionId)
  })

  test.each([
    ['W3C trace context', new W3CTraceContextPropagator()],
    ['B3, one header', new B3Propagator({ injectEncoding: B3InjectEncoding.SINGLE_HEADER })],
    ['B3, several headers', new B3Propagator({ injectEncoding: B3InjectEncoding.MULTI_HEADER })],
    ['Jaeger', new JaegerPropagator()],
  ])('%s of the SDK takes a trace out and in', (_, propagator) => {
    const sent: Record<string, string> = {}
    tracer.otelTracer.startActiveSpan('sender', (span) => {
      propagator.inject(context.active(), sent, defaultTextMapSetter)
      span.end()
    })
    const { traceId, spanId } = last().spanContext()
    expect(Object.values(sent).join(' ')).toContain(traceId)
    expect(Object.values(sent).join(' ')).toContain(spanId)
    const received: Record<string, string> = {}
    propagator.inject(trace.setSpanContext(ROOT_CONTEXT, REMOTE), received, defaultTextMapSetter)
    tracer.otelTracer.startSpan('receiver', {}, propagator.extract(ROOT_CONTEXT, received, defaultTextMapGetter)).end()
    expect(last().parentSpanContext).toMatchObject({ traceId: TRACE, spanId: SPAN, isRemote: true })
  })

  test('the environment carries a trace to a child process when it is named as the carrier', () => {
    vi.stubEnv('TRACEPARENT', `00-${TRACE}-${SPAN}-01`)
    vi.stubEnv('TRACESTATE', 'vendor=1')
    const [job, other] = [init({ linkCarrier: process.env }), init()]
    job.startSpan('job').end()
    other.startSpan('job').end()
    expect(last(job).parentSpanContext).toMatchObject({ traceId: TRACE, spanId: SPAN, isRemote: true })
    expect(last(job).spanContext().traceState?.serialize()).toBe('vendor=1')
    expect(last(other).parentSpanContext).toBeUndefined()
  })
})

describe('environment variables', () => {
  test('OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES name the service', () => {
    vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', 'service.name=one,team=blue%20sky')
    init().startSpan('s').end()
    expect(last(opened.at(-1) as TestTracer).resource.attributes).toMatchObject({ 'service.name': 'one', team: 'blue sky' })
    vi.stubEnv('OTEL_SERVICE_NAME', 'two')
    init().startSpan('s').end()
    expect(last(opened.at(-1) as TestTracer).resource.attributes).toMatchObject({ 'service.name': 'two' })
  })

  test('no other OTEL_ variable changes a span or where it goes', async () => {
    const hostile: Readonly<Record<string, string>> = {
      OTEL_SDK_DISABLED: 'true',
      OTEL_LOG_LEVEL: 'none',
      OTEL_PROPAGATORS: 'none',
      OTEL_BSP_SCHEDULE_DELAY: '1',
      OTEL_BSP_EXPORT_TIMEOUT: '1',
      OTEL_BSP_MAX_QUEUE_SIZE: '1',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:1',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=stolen',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_TIMEOUT: '1',
      OTEL_EXPORTER_ZIPKIN_ENDPOINT: 'http://127.0.0.1:1',
      OTEL_TRACES_EXPORTER: 'none',
      OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '1',
      OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: '1',
      OTEL_SPAN_EVENT_COUNT_LIMIT: '1',
      OTEL_SPAN_LINK_COUNT_LIMIT: '1',
      OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT: '1',
      OTEL_LINK_ATTRIBUTE_COUNT_LIMIT: '1',
      OTEL_ATTRIBUTE_COUNT_LIMIT: '1',
      OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '1',
      OTEL_TRACES_SAMPLER: 'always_off',
      OTEL_TRACES_SAMPLER_ARG: '0',
      OTEL_CONFIG_FILE: '/does/not/exist',
      OTEL_NODE_RESOURCE_DETECTORS: 'none',
    }
    for (const [name, value] of Object.entries(hostile)) vi.stubEnv(name, value)
    const receiver = await startReceiver()
    const own = HoneyHiveTracer.init({ apiKey: 'key', serverUrl: receiver.url, protocol: 'http/json' })
    const many = { one: 'long text', two: 'long text', three: 'long text' }
    for (let i = 0; i < 3; i++) {
      const span = own.startSpan('s', { attributes: many })
      span.addEvent('1', many).addEvent('2').addLink({ context: REMOTE, attributes: many }).addLink({ context: REMOTE }).end()
    }
    const sent = own.injectContext({})
    expect(sent).toMatchObject({ baggage: expect.any(String) })
    expect(await own.shutdown()).toBe(true)
    await receiver.close()
    expect(receiver.spans.length).toBe(3)
    expect(receiver.spans[0]?.attributes).toMatchObject(many)
    expect(receiver.spans[0]?.events).toMatchObject([{ name: '1', attributes: many }, { name: '2' }])
    expect(receiver.spans[0]?.links.map((link) => Object.keys(link.attributes).length)).toEqual([3, 0])
    expect(receiver.spans[0]?.authorization).toBe('Bearer key')
  })
})

describe('our own OTLP exporter', () => {
  test('sends several requests at the same time, no more than batch.concurrency', async () => {
    let open = 0
    let most = 0
    const waiting: (() => void)[] = []
    const receiver = await startReceiver((request, response) => {
      if (request.url?.endsWith('/v1/traces') !== true) return false
      most = Math.max(most, ++open)
      const answer = (): void => {
        open--
        response.setHeader('content-type', 'application/json')
        response.end('{}')
      }
      // The third one is never there while two are under way, so the second is what lets both go.
      waiting.push(answer)
      if (waiting.length === 2) for (const each of waiting.splice(0)) each()
      return true
    })
    const own = HoneyHiveTracer.init({
      apiKey: 'key',
      serverUrl: receiver.url,
      batch: { concurrency: 2, maxExportBatchSize: 1 },
    })
    for (let i = 0; i < 6; i++) own.startSpan(`s${i}`).end()
    expect(await own.shutdown(60_000)).toBe(true)
    await receiver.close()
    expect([most, own.stats().exported]).toEqual([2, 6])
  })

  test('the user agent names the sender, this package and the OTLP exporter', async () => {
    const receiver = await startReceiver()
    const headers = { 'User-Agent': 'my-service/1.0' }
    const own = HoneyHiveTracer.init({ apiKey: 'key', serverUrl: receiver.url, protocol: 'http/json', headers })
    own.startSpan('s').end()
    expect(await own.shutdown()).toBe(true)
    await receiver.close()
    expect(receiver.spans.length).toBe(1)
    for (const { 'user-agent': agent } of receiver.headers)
      expect(agent).toMatch(/^my-service\/1\.0 honeyhive-tracer\/\S+ OTel-OTLP-Exporter-JavaScript\/\d/)
  })
})
