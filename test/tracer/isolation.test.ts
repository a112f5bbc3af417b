import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai'
import { context, createTraceState, type Span, trace as otel } from '@opentelemetry/api'
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace-base'
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createRoutingProvider, enrichSpan, HoneyHiveTracer, trace, traceFn } from '../../src/index.js'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'
import { type Fleet, type Member, startFleet } from '../fixtures/fleet.js'
import { type ModelServer, startModelServer } from '../fixtures/model-server.js'
import { type ReceivedSpan, startReceiver, toTrees } from '../fixtures/receiver.js'

let fleet: Fleet
let a: Member
let b: Member

beforeEach(async () => {
  fleet = await startFleet(['a', 'b'])
  ;[a, b] = fleet.members as [Member, Member]
})
afterEach(() => fleet.close())

const only = (spans: readonly ReceivedSpan[] | undefined, name: string): ReceivedSpan => {
  const found = (spans ?? []).filter((span) => span.name === name)
  expect(found.map((span) => span.name)).toEqual([name])
  return found[0] as ReceivedSpan
}
const sessionOf = (span: ReceivedSpan): unknown => span.attributes['honeyhive.session_id']
const run = <R>(member: Member, name: string, fn: () => R): R => traceFn(member.tracer, fn, { eventName: name })()

describe('two tracers nested', () => {
  test('D-61: a manual span of B inside a span of A is a root of its own trace with a link', async () => {
    a.tracer.startActiveSpan('of-a', () => b.tracer.startSpan('of-b').end())
    const arrived = await fleet.arrived()
    const [ofA, ofB] = [only(arrived.a, 'of-a'), only(arrived.b, 'of-b')]
    expect(ofB.parentSpanId).toBeUndefined()
    expect(ofB.traceId).not.toBe(ofA.traceId)
    expect(ofB.links).toMatchObject([{ traceId: ofA.traceId, spanId: ofA.spanId, attributes: { 'honeyhive.link': 'cross-tracer' } }])
  })

  test('D-01: a function traced by B inside one traced by A keeps the key, session, project and source of B', async () => {
    run(a, 'outer', () => run(b, 'inner', () => undefined))
    const arrived = await fleet.arrived()
    expect(sessionOf(only(arrived.b, 'inner'))).toBe(b.tracer.sessionId)
    expect(sessionOf(only(arrived.a, 'outer'))).toBe(a.tracer.sessionId)
  })

  test('A inside B inside A leaves two whole trees with a link at each crossing', async () => {
    await run(a, 'a1', () =>
      run(b, 'b1', async () => {
        await Promise.resolve()
        await run(a, 'a2', async () => run(b, 'b2', () => undefined))
        run(b, 'b3', () => undefined)
      }),
    )
    const arrived = await fleet.arrived()
    expect(toTrees(arrived.a ?? [])).toEqual([{ name: 'a1', children: [{ name: 'a2' }] }])
    expect(toTrees(arrived.b ?? [])).toEqual([{ name: 'b1', children: [{ name: 'b2' }, { name: 'b3' }] }])
    expect(only(arrived.b, 'b1').links[0]?.spanId).toBe(only(arrived.a, 'a1').spanId)
    expect(only(arrived.a, 'a2').links[0]?.spanId).toBe(only(arrived.b, 'b1').spanId)
    expect(only(arrived.b, 'b2').links[0]?.spanId).toBe(only(arrived.a, 'a2').spanId)
    expect(only(arrived.b, 'b3').links).toEqual([])
  })

  test('D-02: a session of A changes nothing for B', async () => {
    await a.tracer.withSession({ sessionName: 'request' }, async ({ sessionId }) => {
      run(b, 'of-b', () => undefined)
      run(a, 'of-a', () => undefined)
      expect(b.tracer.sessionId).not.toBe(sessionId)
    })
    const created = await a.tracer.createSession({ sessionName: 'second' })
    run(b, 'of-b-2', () => undefined)
    run(a, 'of-a-2', () => undefined)
    const arrived = await fleet.arrived()
    expect(new Set((arrived.b ?? []).map(sessionOf))).toEqual(new Set([b.tracer.sessionId]))
    expect(sessionOf(only(arrived.a, 'of-a-2'))).toBe(created)
  })

  test('one after the other, each keeps its own', async () => {
    run(a, 'first', () => undefined)
    run(b, 'second', () => undefined)
    const arrived = await fleet.arrived()
    expect(only(arrived.a, 'first').links).toEqual([])
    expect(only(arrived.b, 'second').links).toEqual([])
  })

  test('D-49: constructing an evaluation tracer stamps nothing on the spans of others', async () => {
    const evaluation = HoneyHiveTracer.init({ apiKey: 'k', testMode: true, runId: 'r', datasetId: 'd', datapointId: 'p' })
    run(b, 'after', () => undefined)
    const arrived = await fleet.arrived()
    expect(Object.keys(only(arrived.b, 'after').attributes).filter((key) => key.startsWith('honeyhive_metadata'))).toEqual([])
    await evaluation.shutdown()
  })

  test('unrelated tasks do not see one another', async () => {
    await Promise.all([
      run(a, 'task-a', async () => {
        await new Promise((resolve) => setTimeout(resolve, 5))
        run(a, 'child-a', () => undefined)
      }),
      run(b, 'task-b', async () => run(b, 'child-b', async () => undefined)),
    ])
    const arrived = await fleet.arrived()
    expect(toTrees(arrived.a ?? [])).toEqual([{ name: 'task-a', children: [{ name: 'child-a' }] }])
    expect(toTrees(arrived.b ?? [])).toEqual([{ name: 'task-b', children: [{ name: 'child-b' }] }])
  })

  test('D-11: enrichSpan of A inside a span of B writes on the span of A, and on none when A has none', async () => {
    run(b, 'b-alone', () => void expect(a.tracer.enrichSpan({ metadata: { wrong: true } })).toBe(false))
    run(a, 'of-a', () =>
      run(b, 'of-b', () => {
        expect(a.tracer.enrichSpan({ metadata: { from: 'a' } })).toBe(true)
        expect(enrichSpan({ user_id: 'u-1' })).toBe(true)
      }),
    )
    const arrived = await fleet.arrived()
    expect(only(arrived.a, 'of-a').attributes['honeyhive_metadata.from']).toBe('a')
    expect(only(arrived.b, 'of-b').attributes).toMatchObject({ 'honeyhive_metadata.user_id': 'u-1' })
    expect(only(arrived.b, 'of-b').attributes).not.toHaveProperty('honeyhive_metadata.from')
    expect(only(arrived.b, 'b-alone').attributes).not.toHaveProperty('honeyhive_metadata.wrong')
  })

  test('D-03: undecorated functions record on the innermost active tracer, in any order of construction', async () => {
    const helper = trace({ eventName: 'helper' })(() => undefined)
    run(a, 'of-a', () => helper())
    run(b, 'of-b', () => helper())
    b.tracer.startActiveSpan('manual-b', () => helper())
    const arrived = await fleet.arrived()
    expect(toTrees(arrived.a ?? [])).toEqual([{ name: 'of-a', children: [{ name: 'helper' }] }])
    expect(toTrees(arrived.b ?? [])).toEqual([
      { name: 'of-b', children: [{ name: 'helper' }] },
      { name: 'manual-b', children: [{ name: 'helper' }] },
    ])
  })

  test('with two live tracers and none active, nothing is guessed: the function runs untraced', async () => {
    const lonely = trace()(function lonelyFunction() {
      return 7
    })
    expect(lonely()).toBe(7)
    const arrived = await fleet.arrived()
    expect([arrived.a, arrived.b]).toEqual([[], []])
  })
})

describe('own rules of each tracer', () => {
  test('a sampler that drops everything drops nothing of the other', async () => {
    const special = await startFleet(['off', 'on'], (name) => (name === 'off' ? { sampler: new AlwaysOffSampler() } : {}))
    const [off, on] = special.members as [Member, Member]
    run(off, 'off', () => run(on, 'on', () => run(off, 'off-2', () => undefined)))
    const arrived = await special.arrived()
    expect(arrived.off).toEqual([])
    expect(only(arrived.on, 'on').links).toEqual([])
    expect(off.tracer.stats()).toMatchObject({ started: 2, ended: 2, dropped: { unsampled: 2 } })
    await special.close()
  })

  test('redaction and limits of one never touch the other', async () => {
    const special = await startFleet(['strict', 'open'], (name) =>
      name === 'strict' ? { redact: { patterns: [/cat/g] }, limits: { maxAttributes: 32 } } : { redact: false },
    )
    const [strict, open] = special.members as [Member, Member]
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, 'cat']))
    traceFn(strict.tracer, (input: object) => traceFn(open.tracer, (inner: object) => inner, { eventName: 'open' })(input), {
      eventName: 'strict',
    })(many)
    const arrived = await special.arrived()
    expect(JSON.stringify(only(arrived.strict, 'strict').attributes)).not.toContain('cat')
    expect(Object.keys(only(arrived.strict, 'strict').attributes).length).toBeLessThanOrEqual(32)
    expect(only(arrived.open, 'open').attributes['honeyhive_inputs.k99']).toBe('cat')
    await special.close()
  })

  test('crossTracerLinks: false on either side leaves the link out', async () => {
    const special = await startFleet(['shy', 'open'], (name) => ({ crossTracerLinks: name !== 'shy' }))
    const [shy, open] = special.members as [Member, Member]
    run(shy, 'shy-outer', () => run(open, 'open-inner', () => undefined))
    run(open, 'open-outer', () => run(shy, 'shy-inner', () => undefined))
    const arrived = await special.arrived()
    for (const span of [...(arrived.shy ?? []), ...(arrived.open ?? [])]) expect(span.links).toEqual([])
    await special.close()
  })

  test('links that a library makes between spans of two tracers hold ids alone, and are left out where one of them forbids links', async () => {
    const tracers = [false, true, true].map((crossTracerLinks) => createTestTracer({ crossTracerLinks }))
    const [shy, open] = tracers as [TestTracer, TestTracer]
    const loads = tracers.map((tracer) => tracer.otelTracer.startSpan('load'))
    const links = loads.map((load) => ({ context: { ...load.spanContext(), traceState: createTraceState('state=1') } }))
    for (const tracer of [shy, open]) tracer.otelTracer.startSpan('batch', { links, root: true }).addLinks(links).end()
    const linked = (tracer: TestTracer): unknown[] =>
      (tracer.spans[0]?.links ?? []).map(({ context: { spanId, traceState } }) => [spanId, traceState?.serialize()])
    const [toShy, toOpen, toOther] = loads.map((load) => load.spanContext().spanId)
    expect(linked(shy)).toEqual(Array(2).fill([toShy, 'state=1']))
    expect(linked(open)).toEqual(
      Array(2)
        .fill([
          [toOpen, 'state=1'],
          [toOther, undefined],
        ])
        .flat(),
    )
    for (const load of loads) load.end()
    await Promise.all(tracers.map((tracer) => tracer.shutdown()))
  })

  test('1,000 live tracers keep their spans apart, and share few sockets', async () => {
    const receiver = await startReceiver()
    const tracers = Array.from({ length: 1000 }, (_, i) =>
      HoneyHiveTracer.init({ apiKey: `many-${i}`, project: `p-${i}`, serverUrl: receiver.url, skipSessionCreation: true }),
    )
    const nest = (i: number): unknown => (i < 0 ? undefined : traceFn(tracers[i], () => nest(i - 100), { eventName: `span-${i}` })())
    for (let i = 900; i < 1000; i++) nest(i)
    expect((await Promise.all(tracers.map((tracer) => tracer.forceFlush(100_000)))).every(Boolean)).toBe(true)
    expect(receiver.spans).toHaveLength(1000)
    for (const span of receiver.spans) {
      expect(span.authorization).toBe(`Bearer many-${span.name.slice(5)}`)
      expect(span.parentSpanId).toBeUndefined()
    }
    expect(receiver.connections.most).toBeLessThanOrEqual(16)
    await Promise.all(tracers.map((tracer) => tracer.shutdown()))
    await vi.waitFor(() => expect(receiver.connections.open).toBe(0), 60_000)
    await receiver.close()
  })
})

describe('one instrumentor for all', () => {
  let models: ModelServer
  const instrumentation = new OpenAIInstrumentation()
  instrumentation.manuallyInstrument(OpenAI)
  beforeAll(async () => {
    models = await startModelServer()
  })
  afterAll(() => models.close())
  const ask = async (text: string): Promise<string | null | undefined> => {
    const client = new OpenAI({ apiKey: 'sk-test', baseURL: models.url, maxRetries: 0 })
    const reply = await client.chat.completions.create({ model: 'm-1', messages: [{ role: 'user', content: text }] })
    return reply.choices[0]?.message.content
  }

  test('D-62: model calls go to the tracer that is active where they start, and nest there', async () => {
    instrumentation.setTracerProvider(a.tracer.provider)
    const answers = await Promise.all([
      run(a, 'handler-a', () => ask('from a')),
      run(b, 'handler-b', () => ask('from b')),
      run(a, 'a-outer', () => run(b, 'b-inner', () => ask('from b in a'))),
    ])
    expect(answers).toEqual(['echo: from a', 'echo: from b', 'echo: from b in a'])
    const arrived = await fleet.arrived()
    const model = { name: 'OpenAI Chat Completions' }
    expect(toTrees(arrived.a ?? [])).toEqual(expect.arrayContaining([{ name: 'handler-a', children: [model] }, { name: 'a-outer' }]))
    expect(toTrees(arrived.b ?? [])).toEqual(
      expect.arrayContaining([
        { name: 'handler-b', children: [model] },
        { name: 'b-inner', children: [model] },
      ]),
    )
    const models = (spans: readonly ReceivedSpan[] | undefined): string =>
      JSON.stringify((spans ?? []).filter((span) => span.name === model.name))
    expect(models(arrived.a)).not.toContain('from b')
    expect(models(arrived.b)).not.toContain('from a')
    expect(
      (arrived.b ?? []).filter((span) => span.name === model.name).every((span) => span.attributes['honeyhive_event_type'] === 'model'),
    ).toBe(true)
  })

  test('without an active tracer they go to the tracer whose provider it is', async () => {
    instrumentation.setTracerProvider(b.tracer.provider)
    await ask('alone')
    const arrived = await fleet.arrived()
    expect(only(arrived.b, 'OpenAI Chat Completions').parentSpanId).toBeUndefined()
    expect(arrived.a).toEqual([])
  })

  test('a routing provider without fallback records nothing where no tracer is active, and counts it', async () => {
    const provider = createRoutingProvider()
    instrumentation.setTracerProvider(provider)
    await ask('alone')
    await run(a, 'inside', () => ask('inside'))
    const arrived = await fleet.arrived()
    expect(provider.unowned).toBe(1)
    expect(toTrees(arrived.a ?? [])).toEqual([{ name: 'inside', children: [{ name: 'OpenAI Chat Completions' }] }])
  })

  test('no header of ours reaches the model server', () => {
    for (const headers of models.headers) {
      expect(headers).not.toHaveProperty('traceparent')
      expect(headers).not.toHaveProperty('baggage')
    }
  })
})

describe('routing decides at startSpan', () => {
  test('a tracer fetched once serves every owner', async () => {
    const kept = a.tracer.provider.getTracer('instrumentor')
    run(b, 'of-b', () => kept.startSpan('auto').end())
    run(a, 'of-a', () => kept.startSpan('auto').end())
    const arrived = await fleet.arrived()
    expect(toTrees(arrived.a ?? [])).toEqual([{ name: 'of-a', children: [{ name: 'auto' }] }])
    expect(toTrees(arrived.b ?? [])).toEqual([{ name: 'of-b', children: [{ name: 'auto' }] }])
  })

  test('nested spans of an instrumentor stay with the owner of the outermost, also through an explicit context', async () => {
    const kept = a.tracer.provider.getTracer('instrumentor')
    let chain: Span | undefined
    run(b, 'of-b', () => {
      chain = kept.startSpan('chain')
    })
    const explicit = otel.setSpan(context.active(), chain as Span)
    run(a, 'of-a', () => {
      kept.startSpan('model', {}, explicit).end()
      context.with(explicit, () =>
        kept.startActiveSpan('step', (step) => {
          kept.startSpan('deep').end()
          step.end()
        }),
      )
    })
    chain?.end()
    const arrived = await fleet.arrived()
    expect(toTrees(arrived.b ?? [])).toEqual([
      { name: 'of-b', children: [{ name: 'chain', children: [{ name: 'model' }, { name: 'step', children: [{ name: 'deep' }] }] }] },
    ])
    expect(toTrees(arrived.a ?? [])).toEqual([{ name: 'of-a' }])
  })

  test('a function traced without tracer inside an instrumentor span joins that span', async () => {
    const kept = a.tracer.provider.getTracer('instrumentor')
    const tool = trace({ eventName: 'tool' })(() => undefined)
    run(b, 'of-b', () =>
      kept.startActiveSpan('chain', (span) => {
        tool()
        span.end()
      }),
    )
    const arrived = await fleet.arrived()
    expect(toTrees(arrived.b ?? [])).toEqual([{ name: 'of-b', children: [{ name: 'chain', children: [{ name: 'tool' }] }] }])
  })
})

describe('beside the host’s own OpenTelemetry', () => {
  test('a foreign active span is neither shadowed nor a parent, and ours is active in none of its code', async () => {
    const host = new NodeTracerProvider()
    host.register()
    const hostTracer = host.getTracer('host')
    hostTracer.startActiveSpan('host request', (hostSpan) => {
      run(a, 'inside host', () => {
        expect(otel.getActiveSpan()).toBe(hostSpan)
        run(a, 'child', () => undefined)
      })
      hostSpan.end()
    })
    run(a, 'alone', () => {
      expect(otel.getActiveSpan()).toBeUndefined()
      const alone = hostTracer.startSpan('standard code') as Span & { readonly parentSpanContext?: object }
      expect(alone.parentSpanContext).toBeUndefined()
      alone.end()
    })
    const arrived = await fleet.arrived()
    expect(toTrees(arrived.a ?? [])).toEqual([{ name: 'inside host', children: [{ name: 'child' }] }, { name: 'alone' }])
    expect(only(arrived.a, 'inside host').links).toEqual([])
    await host.shutdown()
    otel.disable()
    context.disable()
  })

  test('D-63: no tracer becomes the global provider', () => {
    expect(otel.getTracer('anything').startSpan('global').isRecording()).toBe(false)
  })
})

describe('what a result does later, where its tracer records nothing', () => {
  const library = createRoutingProvider().getTracer('library')
  async function* steps(): AsyncGenerator<number> {
    library.startSpan('first').end()
    yield 1
    await Promise.resolve()
    library.startSpan('second').end()
  }
  const read = async (stream: AsyncIterable<number>): Promise<void> => {
    for await (const _ of stream);
  }
  /** Ways in which a function answers with a stream, and how its caller reads it. */
  const ways: readonly [string, () => unknown, (answer: never) => unknown][] = [
    ['itself', steps, read],
    ['of an async function', async () => steps(), async (answer: Promise<AsyncIterable<number>>) => read(await answer)],
    ['in a promise', () => Promise.resolve().then(steps), async (answer: Promise<AsyncIterable<number>>) => read(await answer)],
    ['in a field', () => ({ stream: steps() }), ({ stream }: { stream: AsyncIterable<number> }) => read(stream)],
  ]
  const off: readonly [string, () => HoneyHiveTracer | Promise<HoneyHiveTracer>][] = [
    ['disabled', () => HoneyHiveTracer.init({ apiKey: 'key-of-nobody', serverUrl: 'http://127.0.0.1:9', disabled: true })],
    ['unsampled', () => HoneyHiveTracer.init({ apiKey: 'key-of-nobody', serverUrl: 'http://127.0.0.1:9', sampleRate: 0 })],
    ['shut down', async () => a.tracer.shutdown().then(() => a.tracer)],
  ]
  for (const [kind, getOff] of off) {
    for (const [way, answer, reader] of ways) {
      test(`${kind}, a stream ${way}: nothing of it goes to the tracer that reads it`, async () => {
        const tracer = await getOff()
        const ask = traceFn(tracer, answer, { eventName: 'ask' })
        await run(b, 'reader', async () => {
          await reader(ask() as never)
          library.startSpan('of-b').end()
        })
        const arrived = await fleet.arrived()
        expect(toTrees(arrived.b ?? [])).toEqual([{ name: 'reader', children: [{ name: 'of-b' }] }])
        expect(arrived.a ?? []).toEqual([])
        if (tracer !== a.tracer) await tracer.shutdown()
      })
    }
  }
})
