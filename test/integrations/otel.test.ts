import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai'
import {
  type Attributes,
  context,
  createTraceState,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  trace as otel,
  TraceFlags,
} from '@opentelemetry/api'
import {
  InMemorySpanExporter,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  SamplingDecision,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { type NodeTracerConfig, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { HoneyHiveSpanProcessor, type HoneyHiveSpanProcessorOptions } from 'honeyhive-tracer/otel'
import { createTestTracer, type TestTracer, type TestTracerOptions } from 'honeyhive-tracer/testing'
import OpenAI from 'openai'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { processState } from '../../src/context/globals.js'
import { defineTracers, HoneyHiveTracer, setDefaultTracer, shutdownAll, traceFn } from '../../src/index.js'
import { type Fleet, startFleet } from '../fixtures/fleet.js'
import { startModelServer } from '../fixtures/model-server.js'
import { startReceiver, toTrees } from '../fixtures/receiver.js'

const LLM: Attributes = { 'openinference.span.kind': 'LLM', 'llm.model_name': 'm' }

/** An application with an OpenTelemetry SDK of its own, registered for the whole process. */
interface Host {
  readonly exporter: InMemorySpanExporter
  readonly provider: NodeTracerProvider
  run<R>(name: string, attributes: Attributes, fn: (span: Span) => R): R
}

let host: Host | undefined

function startHost(processors: readonly SpanProcessor[], settings: NodeTracerConfig = {}): Host {
  const exporter = new InMemorySpanExporter()
  const provider = new NodeTracerProvider({
    spanProcessors: [...processors, new SimpleSpanProcessor(exporter)],
    ...settings,
  })
  provider.register()
  const tracer = provider.getTracer('app', '1.2.3')
  host = {
    exporter,
    provider,
    run: (name, attributes, fn) =>
      tracer.startActiveSpan(name, { attributes }, (span) => {
        const result = fn(span)
        if (result instanceof Promise) return result.finally(() => span.end()) as typeof result
        span.end()
        return result
      }),
  }
  return host
}

afterEach(async () => {
  setDefaultTracer()
  await host?.provider.shutdown()
  host = undefined
  otel.disable()
  context.disable()
  await shutdownAll()
})

/** A tracer in memory, and a host that copies to it. */
function startBoth(options: HoneyHiveSpanProcessorOptions = {}, settings: TestTracerOptions = {}): { tracer: TestTracer; host: Host } {
  const tracer = createTestTracer(settings)
  return { tracer, host: startHost([new HoneyHiveSpanProcessor({ tracer, ...options })]) }
}

/** Runs `fn` as a request that just came in would be: in no scope. */
const runOutside = (fn: () => void): void => processState.scopes.run(undefined, fn)

const only = (tracer: TestTracer, name: string): ReadableSpan => {
  const found = tracer.spans.filter((span) => span.name === name)
  expect(found.map((span) => span.name)).toEqual([name])
  return found[0] as ReadableSpan
}
const sessionOf = (span: ReadableSpan): unknown => span.attributes['honeyhive.session_id']
const namesOf = (tracer: TestTracer): string[] => tracer.spans.map((span) => span.name).toSorted()

describe('a copy', () => {
  test('has the ids, kind, times, library, attributes, events, links and status of the span, and the identity of the tracer', () => {
    const { tracer, host } = startBoth({}, { project: 'p', source: 's', sessionName: 'mine' })
    const link: Link = {
      context: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: TraceFlags.SAMPLED },
      attributes: { l: 1 },
    }
    host.run('chat', LLM, (span) => {
      span.addLink(link)
      span.addEvent('first token', { n: 1 })
      span.recordException(new RangeError('too long'))
      span.setStatus({ code: SpanStatusCode.ERROR, message: 'too long' })
      span.updateName('chat m')
    })
    const [original] = host.exporter.getFinishedSpans() as [ReadableSpan]
    const copy = only(tracer, 'chat m')
    const { traceId, spanId } = original.spanContext()
    expect(copy.spanContext()).toMatchObject({ traceId, spanId, traceFlags: TraceFlags.SAMPLED })
    expect(copy).toMatchObject({
      kind: original.kind,
      startTime: original.startTime,
      endTime: original.endTime,
      duration: original.duration,
      status: original.status,
      links: [link],
      events: original.events,
      instrumentationScope: { name: 'app', version: '1.2.3' },
    })
    expect(copy.attributes).toMatchObject({
      ...LLM,
      'honeyhive.session_id': tracer.sessionId,
      'honeyhive.session_name': 'mine',
      'honeyhive.project': 'p',
      'honeyhive.source': 's',
      honeyhive_event_type: 'model',
      honeyhive_error: 'too long',
      honeyhive_error_type: 'RangeError',
    })
    expect(tracer.sessions).toHaveLength(1)
  })

  test('is redacted, cut to the limits and counted as a span of the tracer, and cannot say whose it is', () => {
    const { tracer, host } = startBoth({}, { redact: { keys: ['secret'] }, limits: { maxAttributes: 12, maxEvents: 1 } })
    host.run('chat', { ...LLM, secret: 'hidden', 'honeyhive.session_id': 'forged', 'honeyhive.project': 'forged' }, (span) => {
      for (let i = 0; i < 20; i++) span.setAttribute(`key-${i}`, i)
      span.addEvent('one')
      span.addEvent('two')
    })
    const copy = only(tracer, 'chat')
    expect(JSON.stringify([copy.attributes, copy.events])).not.toMatch(/hidden|forged/)
    expect(sessionOf(copy)).toBe(tracer.sessionId)
    expect(copy.attributes['honeyhive.truncated']).toBe(true)
    const kept = Object.keys(copy.attributes).filter((key) => key.startsWith('key-'))
    expect(copy.droppedAttributesCount).toBe(20 - kept.length)
    expect(kept.length).toBeGreaterThan(0)
    expect([copy.events.map(({ name }) => name), copy.droppedEventsCount]).toEqual([['two'], 1])
    expect(Object.keys(host.exporter.getFinishedSpans()[0]?.attributes ?? {})).toHaveLength(25)
    expect(tracer.stats()).toMatchObject({ started: 1, ended: 1, open: 0, exported: 1, pending: 0 })
  })

  test('follows the sampler and the span filter of its tracer', () => {
    const asked: string[] = []
    const sampler: Sampler = {
      shouldSample: (_at, traceId, name) => {
        asked.push(`${name} ${traceId.length}`)
        return { decision: name === 'left out' ? SamplingDecision.NOT_RECORD : SamplingDecision.RECORD_AND_SAMPLED }
      },
    }
    const { tracer, host } = startBoth({}, { sampler, spanFilter: { exclude: ['internal'] } })
    host.run('root', LLM, () => {
      host.run('left out', LLM, () => {
        host.run('leaf', LLM, () => undefined)
        host.run('leaf 3', LLM, () => undefined)
      })
      host.run('internal', LLM, () => host.run('leaf 2', LLM, () => undefined))
    })
    expect(tracer.tree()).toEqual([{ name: 'root', children: [{ name: 'leaf' }, { name: 'leaf 3' }, { name: 'leaf 2' }] }])
    expect(asked).toContain('left out 32')
    expect(tracer.stats()).toMatchObject({ started: 6, ended: 6, exported: 4, dropped: { unsampled: 1, filtered: 1 } })
  })

  test('goes with its trace where only a part of the traces is sampled', () => {
    const { tracer, host } = startBoth({}, { sampleRate: 0.5 })
    for (let i = 0; i < 200; i++) host.run(`root ${i}`, LLM, () => host.run(`leaf ${i}`, LLM, () => undefined))
    const roots = namesOf(tracer).filter((name) => name.startsWith('root'))
    expect(roots.length).toBeGreaterThan(40)
    expect(roots.length).toBeLessThan(160)
    expect(namesOf(tracer)).toEqual([...roots.map((name) => name.replace('root', 'leaf')), ...roots].toSorted())
  })

  test('keeps the tracestate of the host, and tells what the host had cut', () => {
    const tracer = createTestTracer()
    const traceState = createTraceState('vendor=1')
    const sampler: Sampler = { shouldSample: () => ({ decision: SamplingDecision.RECORD_AND_SAMPLED, traceState }) }
    const { run } = startHost([new HoneyHiveSpanProcessor({ tracer })], {
      sampler,
      spanLimits: { attributeCountLimit: 3, eventCountLimit: 1 },
    })
    run('attributes', { ...LLM, one: 1, two: 2, three: 3 }, () => undefined)
    run('events', LLM, (span) => span.addEvent('one').addEvent('two'))
    run('whole', LLM, () => undefined)
    expect(only(tracer, 'attributes').spanContext().traceState?.serialize()).toBe('vendor=1')
    expect(only(tracer, 'attributes').droppedAttributesCount).toBe(2)
    const marks = Object.fromEntries(tracer.spans.map(({ name, attributes }) => [name, attributes['honeyhive.truncated']]))
    expect(marks).toEqual({ attributes: true, events: true, whole: undefined })
  })

  test('is not made of spans that the host does not sample', () => {
    const tracer = createTestTracer()
    const recordOnly: Sampler = { shouldSample: () => ({ decision: SamplingDecision.RECORD }) }
    const { run } = startHost([new HoneyHiveSpanProcessor({ tracer })], { sampler: new ParentBasedSampler({ root: recordOnly }) })
    run('chat', LLM, (span) => expect(span.isRecording()).toBe(true))
    expect(tracer.stats().started).toBe(0)
  })

  test('is seen by the span processors of its tracer', () => {
    const seen: string[] = []
    const watcher: SpanProcessor = {
      onStart: (span) => void seen.push(`start ${span.name}`),
      onEnd: (span) => void seen.push(`end ${span.name} ${JSON.stringify(span.attributes)}`),
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    }
    const { host } = startBoth({}, { spanProcessors: [watcher], redact: { keys: ['secret'] } })
    host.run('chat', { ...LLM, secret: 'hidden' }, () => undefined)
    expect(seen).toEqual(['start chat', expect.stringMatching(/^end chat /)])
    expect(seen[1]).not.toContain('hidden')
  })
})

describe('which spans are copied', () => {
  test('those of an LLM vocabulary and no others; `filter` replaces that', () => {
    const spans: Record<string, Attributes> = {
      openinference: { 'openinference.span.kind': 'CHAIN' },
      traceloop: { 'traceloop.span.kind': 'workflow' },
      genai: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' },
      'ai-sdk': { 'ai.operationId': 'ai.generateText.doGenerate' },
      http: { 'http.request.method': 'GET', 'url.full': 'https://example.com' },
      database: { 'db.system.name': 'postgresql' },
      plain: {},
    }
    const { tracer, host } = startBoth()
    for (const [name, attributes] of Object.entries(spans)) host.run(name, attributes, () => undefined)
    expect(namesOf(tracer)).toEqual(['ai-sdk', 'genai', 'openinference', 'traceloop'])
  })

  test('as `filter` says of the finished span', () => {
    const { tracer, host } = startBoth({ filter: ({ attributes }) => attributes['keep'] === true })
    host.run('late', {}, (span) => span.setAttribute('keep', true))
    host.run('chat', LLM, () => undefined)
    expect(namesOf(tracer)).toEqual(['late'])
  })

  test('a filter and a route that throw leave out their spans, and the host never hears of it', () => {
    const fail = (): never => {
      throw new Error('broken')
    }
    const { tracer, host } = startBoth({ filter: fail })
    expect(host.run('chat', LLM, () => 'result')).toBe('result')
    expect(tracer.stats().started).toBe(0)
    const routed = startHost([new HoneyHiveSpanProcessor({ route: fail })])
    expect(routed.run('chat', LLM, () => 'result')).toBe('result')
    expect(routed.exporter.getFinishedSpans()).toHaveLength(1)
  })

  test('spans of ours never come back in', () => {
    const tracer = createTestTracer({ spanProcessors: [new HoneyHiveSpanProcessor({ filter: () => true, route: () => tracer })] })
    startHost([new HoneyHiveSpanProcessor({ tracer, filter: () => true })])
    traceFn(tracer, () => undefined, { eventName: 'own' })()
    tracer.otelTracer.startSpan('routed').end()
    expect(namesOf(tracer)).toEqual(['own', 'routed'])
  })

  test('requests to our own server are left out whatever the filter says', async () => {
    const fleet = await startFleet(['a'])
    const [{ tracer, receiver }] = fleet.members as [Fleet['members'][number]]
    const { run } = startHost([new HoneyHiveSpanProcessor({ tracer, filter: () => true })])
    traceFn(tracer, () => undefined, { eventName: 'own' })()
    run('own request', { 'url.full': `${receiver.url}/opentelemetry/v1/traces` }, () => undefined)
    run('request', { 'url.full': 'https://example.com/' }, () => undefined)
    const { a = [] } = await fleet.arrived()
    expect(a.map(({ name }) => name).toSorted()).toEqual(['own', 'request'])
    await fleet.close()
  })

  test('wrong options are refused where they are written', () => {
    expect(() => new HoneyHiveSpanProcessor({ filter: 1, tracr: 2 } as never)).toThrow(/filter[\s\S]*tracr|tracr[\s\S]*filter/)
  })
})

describe('whole trees', () => {
  test('the parent of a copy is its nearest copied ancestor; what lies between is skipped', () => {
    const { tracer, host } = startBoth()
    host.run('GET /', {}, () => {
      host.run('agent', { 'openinference.span.kind': 'AGENT' }, () => {
        host.run('db', {}, () => host.run('http', {}, () => host.run('chat', LLM, () => undefined)))
        host.run('tool', { 'openinference.span.kind': 'TOOL' }, () => undefined)
      })
    })
    expect(tracer.tree()).toEqual([{ name: 'agent', children: [{ name: 'chat' }, { name: 'tool' }] }])
    expect(only(tracer, 'agent').parentSpanContext).toBeUndefined()
  })

  test('attributes that an ancestor gets after its start count while it is open', () => {
    const { tracer, host } = startBoth()
    host.run('late', {}, (span) => {
      host.run('too early', LLM, () => undefined)
      span.setAttribute('gen_ai.operation.name', 'invoke_agent')
      host.run('chat', LLM, () => undefined)
    })
    expect(tracer.tree()).toHaveLength(2)
    expect(tracer.tree()).toEqual(expect.arrayContaining([{ name: 'too early' }, { name: 'late', children: [{ name: 'chat' }] }]))
  })

  test('an ancestor that was named as a parent arrives, whatever becomes of its attributes; with its last ones', () => {
    const { tracer, host } = startBoth({ filter: ({ attributes }) => attributes['keep'] === true })
    host.run('outer', { keep: true }, (span) => {
      host.run('inner', { keep: true }, () => undefined)
      span.setAttributes({ keep: false, last: 1 })
      span.updateName('renamed')
      span.addEvent('end')
      expect(tracer.stats()).toMatchObject({ started: 2, ended: 1, open: 1 })
    })
    expect(tracer.tree()).toEqual([{ name: 'renamed', children: [{ name: 'inner' }] }])
    expect(only(tracer, 'renamed').attributes).toMatchObject({ keep: false, last: 1 })
    expect(only(tracer, 'renamed').events.map(({ name }) => name)).toEqual(['end'])
    expect(tracer.stats()).toMatchObject({ started: 2, ended: 2, exported: 2 })
  })

  test('children that start or end after their parent ended stay under it', () => {
    const { tracer, host } = startBoth()
    const app = host.provider.getTracer('app')
    const parent = app.startSpan('parent', { attributes: LLM }, ROOT_CONTEXT)
    const at = otel.setSpan(ROOT_CONTEXT, parent)
    const slow = app.startSpan('slow', { attributes: LLM }, at)
    parent.end()
    slow.end()
    app.startSpan('late', { attributes: LLM }, at).end()
    expect(tracer.tree()).toEqual([{ name: 'parent', children: [{ name: 'slow' }, { name: 'late' }] }])
  })

  test('an ancestor that was opened early counts its attributes once', () => {
    const { tracer, host } = startBoth({}, { limits: { maxAttributes: 12 } })
    host.run('outer', LLM, (span) => {
      for (let i = 0; i < 20; i++) span.setAttribute(`key-${i}`, i)
      host.run('inner', LLM, () => undefined)
      span.setAttributes({ 'key-0': 'changed', last: 1 })
    })
    const outer = only(tracer, 'outer')
    const kept = Object.keys(outer.attributes).filter((key) => key.startsWith('key-') || key === 'last')
    expect(outer.attributes['key-0']).toBe('changed')
    expect(outer.droppedAttributesCount).toBe(20 + 1 - kept.length)
  })

  test('a remote parent is not claimed', () => {
    const { tracer, host } = startBoth()
    const remote = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: TraceFlags.SAMPLED, isRemote: true }
    const app = host.provider.getTracer('app')
    app.startSpan('chat', { attributes: LLM }, otel.setSpanContext(ROOT_CONTEXT, remote)).end()
    expect(only(tracer, 'chat').parentSpanContext).toBeUndefined()
    expect(only(tracer, 'chat').spanContext().traceId).toBe(remote.traceId)
  })

  test('a long chain of spans that each start under the last one is not held, and stays a chain', () => {
    const { tracer, host } = startBoth({}, { batch: { maxQueueSize: 100_000 } })
    const app = host.provider.getTracer('app')
    let at = ROOT_CONTEXT
    for (let i = 0; i < 5_000; i++) {
      const span = app.startSpan(`s${i}`, { attributes: i % 2 === 0 ? LLM : {} }, at)
      span.end()
      at = otel.setSpan(ROOT_CONTEXT, span)
    }
    const ids = new Set(tracer.spans.map((span) => span.spanContext().spanId))
    expect(tracer.spans.filter((span) => span.parentSpanContext === undefined).map(({ name }) => name)).toEqual(['s0'])
    expect(tracer.spans.every(({ parentSpanContext }) => parentSpanContext === undefined || ids.has(parentSpanContext.spanId))).toBe(true)
    expect(tracer.spans).toHaveLength(2_500)
  })

  test('a thousand passing ancestors arrive with the first span that ends below them', () => {
    const { tracer, host } = startBoth()
    const app = host.provider.getTracer('app')
    const spans: Span[] = []
    for (let i = 0; i < 1_000; i++) {
      const above = spans.at(-1)
      spans.push(app.startSpan(`s${i}`, { attributes: LLM }, above === undefined ? ROOT_CONTEXT : otel.setSpan(ROOT_CONTEXT, above)))
    }
    for (const span of spans.toReversed()) span.end()
    expect(tracer.stats()).toMatchObject({ started: 1_000, ended: 1_000, exported: 1_000 })
    expect(tracer.spans.filter((span) => span.parentSpanContext === undefined)).toHaveLength(1)
  })
})

describe('who gets a copy', () => {
  test('two tenants interleaved on one host provider with one processor: each keeps its own, in its own sessions', async () => {
    const fleet = await startFleet(['a', 'b'])
    const [a, b] = fleet.members as [Fleet['members'][number], Fleet['members'][number]]
    const { run } = startHost([new HoneyHiveSpanProcessor()])
    const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
    const serve = (member: typeof a, i: number): Promise<void> =>
      run(`GET /${i}`, {}, () =>
        member.tracer.withSession({ sessionName: `${member.name}-${i}` }, () =>
          run(`agent ${i}`, { 'openinference.span.kind': 'AGENT' }, async () => {
            await pause()
            await run(`http ${i}`, {}, async () => {
              await pause()
              await run(`chat ${i}`, { ...LLM, tenant: member.name }, pause)
            })
          }),
        ),
      )
    await Promise.all(Array.from({ length: 40 }, (_, i) => serve(i % 2 === 0 ? a : b, i)))
    const arrived = await fleet.arrived()
    for (const [offset, member] of [a, b].entries()) {
      const spans = arrived[member.name] ?? []
      const own = Array.from({ length: 20 }, (_, i) => 2 * i + offset)
      const trees = own.map((i) => ({ name: `agent ${i}`, children: [{ name: `chat ${i}` }] }))
      expect(toTrees(spans)).toHaveLength(trees.length)
      expect(toTrees(spans)).toEqual(expect.arrayContaining(trees))
      for (const { name, attributes } of spans) {
        expect(attributes['honeyhive.session_name']).toBe(`${member.name}-${name.split(' ')[1]}`)
        if (name.startsWith('chat')) expect(attributes['tenant']).toBe(member.name)
      }
      expect(member.tracer.stats()).toMatchObject({ started: 40, ended: 40, exported: 40, sessions: 20 })
    }
    await fleet.close()
  })

  test('without an active tracer `tracer` gets it, also by name or by a function; without one nobody does', () => {
    const { tracer, host } = startBoth()
    const other = createTestTracer()
    setDefaultTracer(other)
    host.run('chat', LLM, () => undefined)
    expect([namesOf(tracer), namesOf(other)]).toEqual([['chat'], []])
    let current: TestTracer | undefined
    const late = startHost([new HoneyHiveSpanProcessor({ tracer: () => current })])
    late.run('before', LLM, () => undefined)
    current = other
    late.run('after', LLM, () => undefined)
    expect(namesOf(other)).toEqual(['after'])
    startHost([new HoneyHiveSpanProcessor()]).run('nobody', LLM, () => undefined)
    expect([namesOf(tracer), namesOf(other)]).toEqual([['chat'], ['after']])
  })

  test('the innermost tracer does; A inside B inside A leaves whole trees', () => {
    const [a, b] = [createTestTracer({ project: 'a' }), createTestTracer({ project: 'b' })]
    const { run } = startHost([new HoneyHiveSpanProcessor()])
    const within = (tracer: TestTracer, fn: () => void): void => tracer.withSession({ sessionId: `of-${tracer.project}` }, fn)
    within(a, () =>
      run('a1', LLM, () => {
        run('a2', LLM, () => within(b, () => run('b1', LLM, () => within(a, () => run('a3', LLM, () => undefined)))))
        run('a4', LLM, () => undefined)
      }),
    )
    expect(a.tree()).toEqual([{ name: 'a1', children: [{ name: 'a2', children: [{ name: 'a3' }] }, { name: 'a4' }] }])
    expect(b.tree()).toEqual([{ name: 'b1' }])
  })

  test('a span started by hand under a span of A is of A and its session, wherever that happens', () => {
    const [a, b] = [createTestTracer(), createTestTracer()]
    const { run, provider } = startHost([new HoneyHiveSpanProcessor()])
    const app = provider.getTracer('app')
    let ofA = ROOT_CONTEXT
    a.withSession({ sessionName: 'a' }, () => run('a', LLM, () => (ofA = context.active())))
    const below = (name: string): void => app.startSpan(name, { attributes: LLM }, ofA).end()
    b.withSession({ sessionName: 'b' }, () => run('b', LLM, () => below('in the scope of b')))
    a.withSession({ sessionName: 'another' }, () => below('in another session of a'))
    below('in no scope')
    expect(namesOf(b)).toEqual(['b'])
    expect(a.tree()).toEqual([
      { name: 'a', children: [{ name: 'in the scope of b' }, { name: 'in another session of a' }, { name: 'in no scope' }] },
    ])
    expect(new Set(a.spans.map(sessionOf)).size).toBe(1)
  })

  test('a callback that runs in the context of a span of A and in no scope stays in the session of that span', () => {
    const tracer = createTestTracer()
    const other = createTestTracer()
    const byPlace = startHost([new HoneyHiveSpanProcessor(), new HoneyHiveSpanProcessor({ route: () => other })])
    let ofA = ROOT_CONTEXT
    const keep = (): void =>
      byPlace.run('a', LLM, () => {
        ofA = context.active()
      })
    tracer.withSession({ sessionName: 'a' }, () =>
      other.withSession({ sessionName: 'o' }, () => tracer.withSession({ sessionName: 'b' }, keep)),
    )
    context.with(ofA, () => byPlace.run('below', LLM, () => undefined))
    for (const { spans } of [tracer, other]) {
      expect(spans.map(({ name }) => name)).toEqual(['a', 'below'])
      expect(new Set(spans.map(sessionOf)).size).toBe(1)
    }
    expect(only(tracer, 'below').attributes['honeyhive.session_name']).toBe('b')
    expect(only(other, 'below').attributes['honeyhive.session_name']).toBe('o')
  })

  test('nothing that comes over the wire picks a tracer: the service calls itself with the ids of a span of A', () => {
    const [a, b] = [createTestTracer(), createTestTracer()]
    const { run } = startHost([new HoneyHiveSpanProcessor({ tracer: b })])
    a.withSession({ sessionName: 'a' }, () =>
      run('a', LLM, (span) => {
        const received = otel.setSpanContext(ROOT_CONTEXT, { ...span.spanContext(), isRemote: true })
        runOutside(() => context.with(received, () => run('received', LLM, () => undefined)))
      }),
    )
    expect([namesOf(a), b.tree()]).toEqual([['a'], [{ name: 'received' }]])
  })

  test('a callback bound to a span of A belongs to A in the scope of B; once that span has ended nobody gets it', () => {
    const [a, b] = [createTestTracer(), createTestTracer()]
    const { run } = startHost([new HoneyHiveSpanProcessor()])
    let bound = (): void => undefined
    let boundLater = (): void => undefined
    const inB = (fn: () => void): void => void b.withSession({ sessionName: 'b' }, () => run('of b', LLM, fn))
    let openB: (() => void) | undefined
    a.withSession({ sessionName: 'a' }, () =>
      run('of a', LLM, () => {
        bound = context.bind(context.active(), () => run('bound', LLM, () => undefined))
        boundLater = context.bind(context.active(), () => run('bound later', LLM, () => undefined))
        openB = () => inB(() => bound())
        context.with(ROOT_CONTEXT, () => openB?.())
      }),
    )
    inB(() => boundLater())
    expect(namesOf(b)).toEqual(['of b', 'of b'])
    expect(namesOf(a)).toEqual(['bound', 'of a'])
  })

  test('an outer context that a library restores does not take the span from the tracer that was entered inside it', () => {
    const [a, b] = [createTestTracer(), createTestTracer()]
    const { run } = startHost([new HoneyHiveSpanProcessor({ tracer: a })])
    run('GET /', LLM, () => {
      const restored = context.active()
      run('middleware', {}, () =>
        b.withSession({ sessionName: 'b' }, () => context.with(restored, () => run('chat', LLM, () => undefined))),
      )
    })
    expect([namesOf(a), namesOf(b)]).toEqual([['GET /'], ['chat']])
  })

  test('another session of the same tracer is another tree', () => {
    const { tracer, host } = startBoth()
    host.run('root', LLM, () => tracer.withSession({ sessionName: 's' }, () => host.run('inner', LLM, () => undefined)))
    expect(
      tracer
        .tree()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(['inner', 'root'])
    expect(new Set(tracer.spans.map(sessionOf)).size).toBe(2)
  })

  test('nobody does where LangChain runs its callbacks in the background and several tracers are live', () => {
    const { tracer: a, host } = startBoth()
    const b = createTestTracer({ project: 'b' })
    const queued = host.provider.getTracer('@arizeai/openinference-instrumentation-langchain')
    const startChain = (): void => {
      const chain = queued.startSpan('chain', { attributes: LLM })
      queued.startSpan('model', { attributes: LLM }, otel.setSpanContext(context.active(), chain.spanContext())).end()
      chain.end()
    }
    vi.stubEnv('LANGCHAIN_CALLBACKS_BACKGROUND', undefined)
    a.startActiveSpan('request', startChain)
    expect([namesOf(a), namesOf(b)]).toEqual([['request'], []])
    expect(host.exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['model', 'chain'])
    vi.stubEnv('LANGCHAIN_CALLBACKS_BACKGROUND', 'false')
    b.startActiveSpan('request', startChain)
    expect([namesOf(a), namesOf(b)]).toEqual([['request'], ['chain', 'model', 'request']])
    vi.unstubAllEnvs()
  })

  test('`route` decides alone: a tracer, a name, or nobody', () => {
    const [a, b] = [createTestTracer(), createTestTracer()]
    const route: HoneyHiveSpanProcessorOptions['route'] = ({ attributes }) =>
      attributes['to'] === 'a' ? a : attributes['to'] === 'name' ? 'nowhere' : undefined
    const { run } = startHost([new HoneyHiveSpanProcessor({ route })])
    b.withSession({ sessionName: 'b' }, () => {
      run('to a', { ...LLM, to: 'a' }, () => run('below', { ...LLM, to: 'a' }, () => undefined))
      run('unknown name', { ...LLM, to: 'name' }, () => undefined)
      run('to nobody', LLM, () => undefined)
    })
    expect([a.tree(), namesOf(b)]).toEqual([[{ name: 'to a', children: [{ name: 'below' }] }], []])
  })

  test('names are those of the registry, looked up when a span starts', () => {
    const byRoute = new HoneyHiveSpanProcessor({ route: ({ name }) => name })
    const { run } = startHost([byRoute, new HoneyHiveSpanProcessor({ tracer: 'staging' })])
    run('production', LLM, () => undefined)
    const tracers = defineTracers({ production: { apiKey: 'p', testMode: true }, staging: { apiKey: 's', testMode: true } })
    run('production', LLM, () => undefined)
    expect([tracers.get('production').stats().exported, tracers.get('staging').stats().exported]).toEqual([1, 1])
  })

  test('a tracer of another copy of this package gets whole trees as well', async () => {
    vi.resetModules()
    const second = await import('../../src/testing/index.js')
    expect(second.createTestTracer).not.toBe(createTestTracer)
    const tracer = second.createTestTracer()
    const { run } = startHost([new HoneyHiveSpanProcessor({ tracer })])
    run('agent', LLM, () => run('db', {}, () => run('chat', LLM, (span) => span.addEvent('e'))))
    tracer.withSession({ sessionName: 's' }, () => run('in a session', LLM, () => undefined))
    expect(tracer.tree()).toEqual([{ name: 'agent', children: [{ name: 'chat' }] }, { name: 'in a session' }])
    expect(tracer.spans.find(({ name }) => name === 'in a session')?.attributes['honeyhive.session_name']).toBe('s')
  })

  test('two processors on one host make one copy for each tracer', () => {
    const [a, b] = [createTestTracer(), createTestTracer()]
    const { run } = startHost([new HoneyHiveSpanProcessor({ tracer: a }), new HoneyHiveSpanProcessor({ tracer: b })])
    a.withSession({ sessionName: 'a' }, () => run('of a', LLM, () => run('below', LLM, () => undefined)))
    run('of both', LLM, () => undefined)
    expect([a.tree(), b.tree()]).toEqual([[{ name: 'of a', children: [{ name: 'below' }] }, { name: 'of both' }], [{ name: 'of both' }]])
  })

  test('the span of the host stays the host’s: what we record below it is not affected by the copy', () => {
    const asked: Span[] = []
    const watcher: SpanProcessor = {
      onStart: (span) => void asked.push(span),
      onEnd: () => undefined,
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    }
    const { tracer, host } = startBoth({}, { spanProcessors: [watcher] })
    host.run('chat', LLM, () => {
      host.run('inner', LLM, () => undefined)
      for (const span of asked) span.spanContext()
      tracer.otelTracer.startSpan('routed').end()
      traceFn(tracer, () => undefined, { eventName: 'own' })()
    })
    expect(asked).toHaveLength(4)
    expect([only(tracer, 'own').parentSpanContext, only(tracer, 'routed').parentSpanContext]).toEqual([undefined, undefined])
    expect(tracer.stats()).toMatchObject({ open: 0, exported: 4 })
  })
})

describe('the host', () => {
  test('sees the same spans with and without the processor, model calls of an instrumentor included', async () => {
    const model = await startModelServer()
    const fleet = await startFleet(['a', 'b'])
    const instrumentation = new OpenAIInstrumentation()
    const observe = async (processors: readonly SpanProcessor[]): Promise<unknown> => {
      const { run, provider, exporter } = startHost(processors)
      instrumentation.setTracerProvider(provider)
      instrumentation.manuallyInstrument(OpenAI)
      const client = new OpenAI({ apiKey: 'sk', baseURL: model.url })
      for (const { tracer, name } of fleet.members) {
        await run(`GET /${name}`, {}, () =>
          tracer.withSession({ sessionName: name }, () =>
            client.chat.completions.create({ model: 'gpt', messages: [{ role: 'user', content: `from ${name}` }] }),
          ),
        )
      }
      const spans = exporter.getFinishedSpans()
      const names = new Map(spans.map((span) => [span.spanContext().spanId, span.name]))
      await provider.shutdown()
      otel.disable()
      context.disable()
      return spans.map((span) => ({
        name: span.name,
        parent: names.get(span.parentSpanContext?.spanId ?? ''),
        attributes: span.attributes,
        events: span.events.map(({ name }) => name),
        links: span.links,
        status: span.status,
        flags: span.spanContext().traceFlags,
        resource: span.resource.attributes,
        own: Object.getOwnPropertyNames(span).toSorted(),
        symbols: Object.getOwnPropertySymbols(span),
      }))
    }
    const alone = await observe([])
    expect(await observe([new HoneyHiveSpanProcessor({ tracer: fleet.members[0]?.tracer })])).toEqual(alone)
    const arrived = await fleet.arrived()
    for (const name of ['a', 'b']) {
      expect(arrived[name]).toMatchObject([
        {
          name: 'OpenAI Chat Completions',
          parentSpanId: undefined,
          attributes: { honeyhive_event_type: 'model', 'llm.model_name': 'gpt', 'honeyhive.session_name': name },
        },
      ])
      expect(JSON.stringify(arrived[name])).not.toContain(`from ${name === 'a' ? 'b' : 'a'}`)
    }
    instrumentation.disable()
    await model.close()
    await fleet.close()
  })
})

describe('ending', () => {
  test('forceFlush delivers what was copied; shutdown does too and ends what a child has named already', async () => {
    const receiver = await startReceiver()
    const tracer = HoneyHiveTracer.init({ apiKey: 'key', serverUrl: receiver.url })
    const untouched = HoneyHiveTracer.init({ apiKey: 'key-2', serverUrl: 'http://127.0.0.1:1' })
    const processor = new HoneyHiveSpanProcessor({ tracer })
    const { run, provider } = startHost([processor])
    run('first', LLM, () => undefined)
    await provider.forceFlush()
    expect(receiver.spans.map(({ name }) => name)).toEqual(['first'])
    const app = provider.getTracer('app')
    const open = app.startSpan('open', { attributes: LLM })
    app.startSpan('child', { attributes: LLM }, otel.setSpan(ROOT_CONTEXT, open)).end()
    app.startSpan('never named', { attributes: LLM })
    await provider.shutdown()
    open.end()
    expect(toTrees(receiver.spans)).toEqual([{ name: 'first' }, { name: 'open', children: [{ name: 'child' }] }])
    expect(receiver.spans.find(({ name }) => name === 'open')?.attributes['honeyhive.unfinished']).toBe(true)
    expect(tracer.stats()).toMatchObject({ started: 3, ended: 3, open: 0, exported: 3, pending: 0 })
    expect([tracer.isEnabled, untouched.stats().requests]).toEqual([true, 0])
    await tracer.shutdown()
    await receiver.close()
  })

  test('a tracer that was shut down counts what comes after it; flushing never rejects', async () => {
    const { tracer, host } = startBoth()
    host.run('before', LLM, () => undefined)
    await tracer.shutdown()
    host.run('after', LLM, () => undefined)
    expect(tracer.stats()).toMatchObject({ started: 2, ended: 2, exported: 1, dropped: { afterShutdown: 1 } })
    await expect(host.provider.forceFlush()).resolves.toBeUndefined()
  })

  test('a host that never ends its spans does not fill the memory', () => {
    const { tracer, host } = startBoth()
    const app = host.provider.getTracer('app')
    const first = app.startSpan('first', { attributes: LLM })
    app.startSpan('child', { attributes: LLM }, otel.setSpan(ROOT_CONTEXT, first)).end()
    for (let i = 0; i < 50_001; i++) app.startSpan('leaked')
    first.end()
    expect(tracer.tree()).toEqual([{ name: 'first', children: [{ name: 'child' }] }])
    expect(only(tracer, 'first').attributes['honeyhive.unfinished']).toBe(true)
  })
})
