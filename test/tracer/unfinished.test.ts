import { inspect } from 'node:util'
import { type Span, SpanStatusCode, TraceFlags } from '@opentelemetry/api'
import { type ReadableSpan, SamplingDecision, type SpanProcessor } from '@opentelemetry/sdk-trace-base'
import { describe, expect, vi } from 'vitest'
import { createRoutingProvider, HoneyHiveTracer, traceFn, type TracerOptions, type TracerStats } from '../../src/index.js'
import { toSpanTrees } from '../../src/testing/span-tree.js'
import type { TestTracer } from '../../src/testing/index.js'
import { ABANDONED_AFTER_MS } from '../../src/tracer/unfinished.js'
import { tracerTest as test } from '../fixtures/tracer.js'

const UNFINISHED = 'honeyhive.unfinished'
const lossesOf = ({ dropped }: TracerStats): number => Object.values(dropped).reduce((sum, count) => sum + count, 0)
const marks = (spans: readonly ReadableSpan[]): Record<string, boolean> =>
  Object.fromEntries(spans.map(({ name, attributes }) => [name, attributes[UNFINISHED] === true]))

function listen(): { readonly said: string[]; readonly logger: NonNullable<TracerOptions['logger']> } {
  const said: string[] = []
  const hear = (line: string): void => void said.push(line)
  return { said, logger: { debug: hear, warn: hear, error: hear } }
}

/** A tracer whose clock a test sets. */
function startClocked(options: TracerOptions = {}) {
  const time = { ms: 0 }
  const clock = { anchor: () => 1_000_000, monotonicMs: () => time.ms }
  const { said, logger } = listen()
  const tracer = HoneyHiveTracer.initWith({ apiKey: 'key', logger, ...options, testMode: true }, { clock })
  const spans = (): readonly ReadableSpan[] => tracer.instance.exporters.memory?.spans ?? []
  const only = (name: string): ReadableSpan => spans().find((span) => span.name === name) as ReadableSpan
  const endMs = (name: string): number => only(name).endTime[0] * 1_000 + only(name).endTime[1] / 1e6 - 1_000_000
  return { tracer, time, said, spans, endMs }
}

describe('a span that is open when its tracer is shut down', () => {
  test('is exported as it is, marked, counted and said once with the name of its library', async ({ createTracer }) => {
    const { said, logger } = listen()
    const tracer = createTracer({ logger })
    const model = tracer.provider.getTracer('some-instrumentor').startSpan('model', { attributes: { 'gen_ai.request.model': 'gpt' } })
    model.setAttribute('late', true)
    model.addEvent('chunk')
    tracer.startSpan('own', { inputs: { q: 'why' } })
    await tracer.shutdown()
    expect(marks(tracer.spans)).toEqual({ model: true, own: true })
    const span = tracer.spans.find(({ name }) => name === 'model')
    expect(span?.attributes).toMatchObject({ 'gen_ai.request.model': 'gpt', late: true })
    expect(span?.events.map(({ name }) => name)).toEqual(['chunk'])
    expect(span?.status.code).toBe(SpanStatusCode.UNSET)
    expect(tracer.spans.find(({ name }) => name === 'own')?.attributes['honeyhive_inputs.q']).toBe('why')
    expect(tracer.stats()).toMatchObject({ started: 2, ended: 2, open: 0, unfinished: 2, exported: 2, pending: 0 })
    expect(said).toHaveLength(1)
    expect(said[0]).toContain('1 of some-instrumentor')
    expect(said[0]).toContain(UNFINISHED)
    expect(tracer.explain(model.spanContext().spanId)).toMatch(/^exported .* unfinished/)
  })

  test('shows its name in lines, texts and counts as it is exported', async ({ createTracer }) => {
    const { said, logger } = listen()
    const tracer = createTracer({ logger, redact: { patterns: [/[\w.]+@x\.test/] } })
    const span = tracer.startSpan('mail me@x.test password=hunter2')
    expect(JSON.stringify(tracer.stats().oldestOpen)).toContain('"mail [REDACTED] password=[REDACTED]"')
    expect(`${String(span)} ${inspect(span)} ${tracer.explain('mail me@x.test password=hunter2')}`).not.toMatch(/me@x|hunter2/)
    tracer.instance.guard('hook', undefined, () => {
      throw new Error('no answer for me@x.test')
    })
    await tracer.shutdown()
    tracer.instance.provider.getTracer('lib').startSpan('late me@x.test')
    expect(said.join('\n')).toContain('The first is "mail [REDACTED] password=[REDACTED]"')
    expect(said.join('\n')).toContain('hook failed: no answer for [REDACTED]')
    expect(said.join('\n')).not.toMatch(/me@x|hunter2/)
  })

  test('is named by the built-in rules where no tracer takes it', () => {
    const written: string[] = []
    const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0)
    createRoutingProvider().getTracer('lib').startSpan('GET /?api_key=hunter2')
    traceFn(undefined, () => 1, { eventName: 'POST /?api_key=hunter2' })()
    write.mockRestore()
    expect(written.join('')).toMatch(/GET [\s\S]*POST /)
    expect(written.join('')).not.toContain('hunter2')
  })

  test('is delivered once when it ends after all, and writes nothing more', async ({ tracer }) => {
    const span = tracer.startSpan('own')
    await tracer.shutdown()
    span.setAttribute('late', 1).addEvent('late')
    span.recordException(new Error('late'))
    span.end()
    expect(tracer.spans).toHaveLength(1)
    expect(tracer.spans[0]).toMatchObject({ name: 'own', events: [] })
    expect(span.isRecording()).toBe(false)
    expect(tracer.stats()).toMatchObject({ started: 1, ended: 1, exported: 1, open: 0 })
    expect(lossesOf(tracer.stats())).toBe(0)
  })

  test('may be a traced function: it goes on undisturbed, and what it does later starts no span', async ({ tracer }) => {
    let release = (): void => undefined
    const wait = new Promise<void>((resolve) => {
      release = resolve
    })
    const later = async (q: string): Promise<string> => {
      await wait
      tracer.startActiveSpan('too late', () => undefined)
      return `${q}!`
    }
    const answer = traceFn(tracer, later, { eventName: 'answer' })
    const running = answer('why')
    await tracer.shutdown()
    release()
    expect(await running).toBe('why!')
    expect(tracer.spans).toHaveLength(1)
    expect(tracer.spans[0]?.attributes).toMatchObject({ [UNFINISHED]: true, 'honeyhive_inputs.arg0': 'why' })
    expect(tracer.stats()).toMatchObject({ exported: 1, unfinished: 1, dropped: { afterShutdown: 1 } })
  })

  test('has what its stream gave so far as its output', async ({ tracer }) => {
    async function* letters() {
      yield 'a'
      yield 'b'
      yield 'c'
    }
    const iterator = traceFn(tracer, letters)()
    await iterator.next()
    await iterator.next()
    const stream = traceFn(tracer, function text() {
      return new ReadableStream({ pull: (controller) => controller.enqueue('piece ') })
    })()
    await stream.getReader().read()
    await tracer.shutdown()
    expect(await iterator.next()).toEqual({ done: false, value: 'c' })
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
    const outputs = Object.fromEntries(tracer.spans.map(({ name, attributes }) => [name, attributes['honeyhive_outputs.result']]))
    expect(outputs).toEqual({ letters: 'ab', text: 'piece ' })
    expect(tracer.stats()).toMatchObject({ started: 2, ended: 2, exported: 2 })
  })

  test('keeps its place: children name parents that arrive, and end before them', async ({ tracer }) => {
    const ended: string[] = []
    const listener: SpanProcessor = {
      onStart: () => undefined,
      onEnd: ({ name }) => void ended.push(name),
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
    }
    const own = HoneyHiveTracer.init({ apiKey: 'key', testMode: true, spanProcessors: [listener], logger: listen().logger })
    const library = own.provider.getTracer('library')
    library.startActiveSpan('agent', () => {
      library.startActiveSpan('step', () => {
        library.startSpan('model').end()
        library.startSpan('tool')
      })
    })
    await own.shutdown()
    const spans = own.instance.exporters.memory?.spans ?? []
    expect(toSpanTrees(spans)).toEqual([{ name: 'agent', children: [{ name: 'step', children: [{ name: 'model' }, { name: 'tool' }] }] }])
    expect(ended).toEqual(['model', 'tool', 'step', 'agent'])
    expect(marks(spans)).toEqual({ model: false, tool: true, step: true, agent: true })
  })

  test('ends when the tracer does, or with its parent where that ended before', async () => {
    const { tracer, time, endMs } = startClocked()
    tracer.startSpan('running')
    time.ms = 100
    const inside = (name: string): void =>
      void tracer.otelTracer.startActiveSpan(name, (span) => void tracer.startSpan(`${span.isRecording()}`))
    tracer.startActiveSpan('request', () => {
      time.ms = 200
      inside('left open')
      time.ms = 300
    })
    time.ms = 5_000
    await tracer.shutdown()
    expect([endMs('running'), endMs('request'), endMs('left open'), endMs('true')]).toEqual([5_000, 300, 300, 300])
  })

  test('is counted as what it is when nobody would have exported it', async ({ createTracer }) => {
    const { said, logger } = listen()
    const sampler = (decision: SamplingDecision) => ({ shouldSample: () => ({ decision }), toString: () => 'fixed' })
    const unsampled = createTracer({ logger, sampler: sampler(SamplingDecision.NOT_RECORD) })
    const recordOnly = createTracer({ logger, sampler: sampler(SamplingDecision.RECORD) })
    const filtered = createTracer({ logger, spanFilter: { exclude: ['own'] } })
    const tracers = [unsampled, recordOnly, filtered]
    for (const tracer of tracers) tracer.startSpan('own')
    await Promise.all(tracers.map((tracer) => tracer.shutdown()))
    for (const tracer of tracers)
      expect(tracer.stats()).toMatchObject({ started: 1, ended: 1, open: 0, unfinished: 0, exported: 0, pending: 0 })
    expect(unsampled.stats().dropped.unsampled + recordOnly.stats().dropped.unsampled + filtered.stats().dropped.filtered).toBe(3)
    expect(said).toEqual([])
  })

  test('is the business of its own tracer alone', async ({ createTracer }) => {
    const [a, b] = [createTracer({ project: 'a' }), createTracer({ project: 'b' })] as [TestTracer, TestTracer]
    const spans = [a, b].map((tracer) => tracer.startSpan('own'))
    await a.shutdown()
    expect([a.stats().open, b.stats().open, b.spans.length]).toEqual([0, 1, 0])
    for (const span of spans) span.end()
    expect(marks(b.spans)).toEqual({ own: false })
    expect(marks(a.spans)).toEqual({ own: true })
  })

  test('is marked also where the limit of attributes is reached', async ({ createTracer }) => {
    const tracer = createTracer({ limits: { maxAttributes: 10 } })
    const span = tracer.startSpan('own')
    for (let i = 0; i < 20; i++) span.setAttribute(`a${i}`, i)
    await tracer.shutdown()
    expect(tracer.spans[0]?.attributes).toMatchObject({ [UNFINISHED]: true, 'honeyhive.truncated': true })
  })

  test('does not disturb a processor that ends, starts or shuts down while it is ended', async () => {
    const { said, logger } = listen()
    const open: Span[] = []
    const own: HoneyHiveTracer = HoneyHiveTracer.init({
      apiKey: 'key',
      testMode: true,
      logger,
      spanProcessors: [
        {
          onStart: () => undefined,
          onEnd: () => {
            for (const span of open) span.end()
            void own.shutdown()
            own.startSpan('late')
          },
          forceFlush: async () => undefined,
          shutdown: async () => undefined,
        },
      ],
    })
    for (const name of ['one', 'two', 'three']) open.push(own.startSpan(name))
    await own.shutdown()
    expect(own.stats()).toMatchObject({ open: 0, exported: 3 })
    expect(own.stats().started).toBe(own.stats().exported + lossesOf(own.stats()))
  })

  test('ends as it is told where that happens in the same run', async ({ tracer }) => {
    const span = tracer.startSpan('own')
    const stopped = tracer.shutdown()
    expect(tracer.startSpan('too late').isRecording()).toBe(false)
    span.end()
    await stopped
    expect(marks(tracer.spans)).toEqual({ own: false })
  })

  test('is accounted for although a processor shut the tracer down, or ended it, as it started', async () => {
    const acts: ((own: HoneyHiveTracer | undefined, span: Span) => void)[] = [(own) => void own?.shutdown(), (_, span) => span.end()]
    for (const act of acts) {
      let own: HoneyHiveTracer | undefined
      const onStart = (span: Span): void => act(own, span)
      own = HoneyHiveTracer.init({
        apiKey: 'key',
        testMode: true,
        logger: listen().logger,
        spanProcessors: [{ onStart, onEnd: () => undefined, forceFlush: async () => undefined, shutdown: async () => undefined }],
      })
      own.startSpan('own')
      await own.shutdown()
      expect(own.stats()).toMatchObject({ started: 1, ended: 1, open: 0, pending: 0 })
    }
  })
})

describe('a flush', () => {
  test('leaves a span alone that is merely open, whatever its age', async () => {
    const { tracer, time, spans } = startClocked()
    const root = tracer.startSpan('root')
    tracer.startActiveSpan('long', (long) => {
      tracer.startSpan('step')
      time.ms = 100 * ABANDONED_AFTER_MS
      return long
    })
    // Its parent has just ended.
    expect(await tracer.forceFlush()).toBe(true)
    expect(marks(spans())).toEqual({ long: false })
    expect([root.isRecording(), tracer.stats().open]).toEqual([true, 2])
  })

  test('exports what is open since its parent ended long ago, with all below, as of when that was', async () => {
    const { tracer, time, spans, endMs, said } = startClocked()
    const library = tracer.provider.getTracer('library')
    tracer.startActiveSpan('request', () => {
      library.startActiveSpan('chain', () => {
        time.ms = 50
        library.startSpan('model')
      })
    })
    time.ms = ABANDONED_AFTER_MS + 49
    await tracer.forceFlush()
    expect(marks(spans())).toEqual({ request: false })
    time.ms += 1
    await tracer.forceFlush()
    expect(toSpanTrees([...spans()])).toEqual([{ name: 'request', children: [{ name: 'chain', children: [{ name: 'model' }] }] }])
    expect(marks(spans())).toEqual({ request: false, chain: true, model: true })
    expect([endMs('chain'), endMs('model')]).toEqual([50, 50])
    expect(tracer.stats()).toMatchObject({ open: 0, unfinished: 2, exported: 3 })
    expect(said.filter((line) => line.includes('2 of library'))).toHaveLength(1)
  })

  test('says of each library once that it leaves spans open', async () => {
    const { tracer, time, said } = startClocked()
    const leave = (library: string): void =>
      tracer.startActiveSpan('request', () => void tracer.provider.getTracer(library).startSpan('model'))
    for (const library of ['one', 'one', 'two', 'one', 'three']) {
      leave(library)
      time.ms += ABANDONED_AFTER_MS
      await tracer.forceFlush()
    }
    leave('three')
    await tracer.shutdown()
    expect(said.map((line) => /\d of \w+/.exec(line)?.[0])).toEqual(['1 of one', '1 of two', '1 of three'])
    expect(tracer.stats()).toMatchObject({ unfinished: 6 })
  })

  test('waits for work that goes on in the background of a parent that ended', async () => {
    const { tracer, time, spans } = startClocked()
    let job: Span | undefined
    const background = tracer.startActiveSpan('request', () =>
      tracer.startActiveSpan('job', (span) => {
        job = span
        return (async () => {
          for (let step = 0; step < 5; step++) {
            await Promise.resolve()
            time.ms += ABANDONED_AFTER_MS - 1
            tracer.startActiveSpan('step', () => tracer.startActiveSpan('part', () => undefined))
            await tracer.forceFlush()
          }
        })()
      }),
    )
    await background
    expect(job?.isRecording()).toBe(false)
    expect(spans().filter(({ attributes }) => attributes[UNFINISHED] === true)).toEqual([])
    expect(tracer.stats()).toMatchObject({ open: 0, exported: 12 })
  })

  test('goes by real time, so that old data can be recorded', async () => {
    const { tracer, spans } = startClocked()
    const parent = tracer.startSpan('parent', { startTime: [1, 0] })
    const child = tracer.provider.getTracer('import').startSpan('child', { startTime: [1, 0] })
    parent.end([2, 0])
    await tracer.forceFlush()
    child.end([2, 0])
    expect(marks(spans())).toEqual({ parent: false, child: false })
  })

  test('a span that ends after it was exported is delivered once', async () => {
    const { tracer, time, spans } = startClocked()
    const span = tracer.startActiveSpan('request', () => tracer.startSpan('model'))
    time.ms = ABANDONED_AFTER_MS
    await tracer.forceFlush()
    span.end()
    await tracer.forceFlush()
    expect(spans().map(({ name }) => name)).toEqual(['request', 'model'])
    expect(tracer.stats()).toMatchObject({ started: 2, ended: 2, exported: 2 })
  })

  test('is not needed: spans that end later take abandoned ones along', async () => {
    const { tracer, time, spans } = startClocked()
    tracer.startActiveSpan('request', () => tracer.startSpan('model'))
    for (const ms of [ABANDONED_AFTER_MS / 2, 2 * ABANDONED_AFTER_MS]) {
      time.ms = ms
      tracer.startActiveSpan('later', () => undefined)
    }
    await vi.waitFor(() => expect(marks(spans())).toEqual({ request: false, later: false, model: true }))
  })
})

describe('stats() and explain()', () => {
  test('know open spans: how many, the oldest, and who began them', ({ createTracer }) => {
    const tracer = createTracer({ deterministic: true })
    expect(tracer.stats()).not.toHaveProperty('oldestOpen')
    const library = tracer.provider.getTracer('library')
    const spans = [library.startSpan('model'), tracer.startSpan('own'), library.startSpan('model')]
    expect(tracer.stats()).toMatchObject({ open: 3, openByLibrary: { library: 2, 'honeyhive-tracer': 1 } })
    const { oldestOpen } = tracer.stats()
    expect(oldestOpen).toMatchObject({ name: 'model', library: 'library', spanId: spans[0]?.spanContext().spanId })
    expect(oldestOpen?.openMs).toBeGreaterThan(0)
    expect(tracer.explain('model')).toMatch(/^open: model \(.*\) has not ended.* by library; 2 of this name have not ended$/)
    for (const span of spans) {
      expect(tracer.explain(span.spanContext().spanId)).toContain('has not ended')
      span.end()
      expect(tracer.explain(span.spanContext().spanId)).toMatch(/^exported/)
    }
    expect(tracer.explain('model')).toMatch(/^exported/)
    expect(tracer.stats()).not.toHaveProperty('openByLibrary')
  })

  test('tell by name what became of the latest, and that another is open', ({ tracer }) => {
    tracer.startSpan('step').end()
    tracer.startSpan('step')
    expect(tracer.explain('step')).toMatch(/^exported .*; open: step .* has not ended/)
  })

  test('know a span by the name it has now, filtered and unsampled ones too', ({ createTracer }) => {
    const tracer = createTracer({ sampleRate: 0, logger: listen().logger })
    const span = tracer.startSpan('before')
    expect(tracer.explain('before')).toContain('has not ended')
    expect(span.spanContext().traceFlags & TraceFlags.SAMPLED).toBe(0)
    const other = createTracer()
    other.startSpan('before').updateName('after')
    expect([other.explain('after'), other.explain('before')].map((line) => /^\w+/.exec(line)?.[0])).toEqual(['open', 'unknown'])
  })
})
