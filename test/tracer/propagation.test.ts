import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { context, defaultTextMapGetter, defaultTextMapSetter, ROOT_CONTEXT } from '@opentelemetry/api'
import { readRemoteContext } from '../../src/context/propagation.js'
import { createRoutingProvider, HoneyHiveTracer, toSessionId } from '../../src/index.js'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'
import { startFleet } from '../fixtures/fleet.js'
import { type ReceivedSpan, type Receiver, startReceiver, toTrees } from '../fixtures/receiver.js'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const SESSION = '0b6de1f2-58f6-4a7e-9c1e-000000000001'
const PARENT = `00-${TRACE}-${SPAN}-01`
const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))

let a: TestTracer
let b: TestTracer
beforeEach(() => {
  a = createTestTracer({ project: 'a', source: 'src-a', apiKey: 'key-of-a' })
  b = createTestTracer({ project: 'b', source: 'src-b', apiKey: 'key-of-b' })
})
afterEach(() => Promise.all([a.shutdown(), b.shutdown()]))

describe('injectContext', () => {
  test('writes the active span of this tracer and its session; no key, no project, no other baggage', () => {
    const headers = a.startActiveSpan('outer', (outer) =>
      b.startActiveSpan('inner', () => {
        const carrier: Record<string, string> = a.injectContext({ accept: 'x', baggage: 'host=1' })
        expect(carrier.traceparent).toBe(`00-${outer.spanContext().traceId}-${outer.spanContext().spanId}-01`)
        return carrier
      }),
    )
    expect(headers).toEqual({ accept: 'x', traceparent: expect.any(String), baggage: `host=1,session_id=${a.sessionId},source=src-a` })
    expect(JSON.stringify(headers)).not.toMatch(/key-of|tracer_id|project/)
  })

  test('without a span it passes on the session alone; evaluation ids go along', () => {
    const run = createTestTracer({ runId: 'r', datasetId: 'd', datapointId: 'p' })
    const headers = run.injectContext(new Map<string, string>())
    expect([...headers.keys()]).toEqual(['baggage'])
    expect(headers.get('baggage')).toBe(`session_id=${run.sessionId},source=dev,run_id=r,dataset_id=d,datapoint_id=p`)
    return run.shutdown()
  })

  test('gives the carrier back unchanged when it cannot be written, or the tracer is off', async () => {
    const frozen = Object.freeze({ x: '1' })
    expect(a.injectContext(frozen)).toBe(frozen)
    for (const carrier of [null, undefined, 5, 'text']) expect(a.injectContext(carrier as never)).toBe(carrier)
    const off = HoneyHiveTracer.init({ disabled: true })
    expect(off.injectContext({})).toEqual({})
    await a.shutdown()
    expect(a.injectContext({})).toEqual({})
  })

  test.each([
    ['an object', () => ({ accept: 'x', baggage: 'host=1' }), (carrier: object) => carrier],
    ['a copy of it', () => ({ accept: 'x', baggage: 'host=1' }), (carrier: object) => ({ ...carrier })],
    ['a Map', () => new Map([['baggage', 'host=1']]), (carrier: object) => carrier],
    ['Headers', () => new Headers({ baggage: 'host=1' }), (carrier: object) => carrier],
  ])('headers that are used again say nothing of the tracer that wrote them before: %s', async (_, create, next) => {
    const run = createTestTracer({ source: 'run', runId: 'r', datasetId: 'd' })
    const carrier = create() as Map<string, string>
    run.startActiveSpan('call', () => run.injectContext(carrier))
    expect(readRemoteContext(carrier).baggage.get('run_id')).toBe('r')
    const { parent, baggage } = readRemoteContext(b.injectContext(next(carrier) as Map<string, string>))
    expect(parent).toBeUndefined()
    expect(Object.fromEntries(baggage)).toEqual({ host: '1', session_id: b.sessionId, source: 'src-b' })
    await run.shutdown()
  })

  test('what stands on headers that are used again is taken back by a tracer that is off, and by a propagator', async () => {
    const off = HoneyHiveTracer.init({ disabled: true })
    a.setBaggage('plan', 'gold')
    const carrier: Record<string, string> = { baggage: 'host=1' }
    a.startActiveSpan('call', () => a.injectContext(carrier))
    expect(off.injectContext(carrier)).toEqual({ baggage: 'host=1' })
    a.startActiveSpan('call', () => a.propagator.inject(context.active(), carrier, defaultTextMapSetter))
    expect(carrier.baggage).toContain('plan=gold')
    b.propagator.inject(context.active(), carrier, defaultTextMapSetter)
    expect(carrier).toEqual({ baggage: `host=1,session_id=${b.sessionId},source=src-b` })
    // What somebody else wrote since is not ours to take.
    a.startActiveSpan('call', () => a.injectContext(carrier))
    carrier.traceparent = PARENT
    b.injectContext(carrier)
    expect(carrier.traceparent).toBe(PARENT)
  })

  test('a span of another session is not passed on: session and parent always belong together', () => {
    a.startActiveSpan('outer', () =>
      a.withSession({}, (session) => {
        expect(a.injectContext({})).toEqual({ baggage: `session_id=${session.sessionId},source=src-a` })
        a.startActiveSpan('inner', (inner) => {
          expect(a.injectContext({} as Record<string, string>).traceparent).toContain(inner.spanContext().spanId)
        })
      }),
    )
  })

  test('a filtered span is stood for by its nearest kept ancestor', () => {
    const picky = createTestTracer({ spanFilter: { exclude: ['internal'] } })
    picky.startActiveSpan('kept', (kept) =>
      picky.startActiveSpan('internal', () => {
        expect(picky.injectContext({} as Record<string, string>).traceparent).toContain(kept.spanContext().spanId)
      }),
    )
    return picky.shutdown()
  })
})

describe('withRemoteContext', () => {
  test('continues the remote span and session, for this tracer only, and no longer than the function', () => {
    a.withRemoteContext({ traceparent: PARENT, baggage: `session_id=${SESSION},source=remote` }, () => {
      a.startActiveSpan('mine', () => a.startSpan('child').end())
      b.startSpan('theirs').end()
      expect([a.sessionId, b.sessionId === SESSION]).toEqual([SESSION, false])
    })
    a.startSpan('after').end()
    const [child, mine, after] = a.spans
    expect(mine?.spanContext().traceId).toBe(TRACE)
    expect(mine?.parentSpanContext).toMatchObject({ spanId: SPAN, isRemote: true })
    expect(child?.parentSpanContext?.spanId).toBe(mine?.spanContext().spanId)
    expect(mine?.attributes).toMatchObject({ 'honeyhive.session_id': SESSION, 'honeyhive.source': 'remote', 'honeyhive.project': 'a' })
    expect(after?.spanContext().traceId).not.toBe(TRACE)
    expect(b.spans[0]).toMatchObject({ parentSpanContext: undefined })
    expect(b.spans[0]?.attributes).toMatchObject({ 'honeyhive.session_id': b.sessionId, 'honeyhive.source': 'src-b' })
    // The caller made the session record.
    expect(a.sessions.map((session) => session.sessionId)).toEqual([a.sessionId])
  })

  test('takes a request no tracer but its own: an outer context that a library restores inside of B stays an outer one', () => {
    const library = createRoutingProvider().getTracer('library')
    // Its first span brings the context manager.
    library.startSpan('first').end()
    a.startActiveSpan('outer', () => {
      const kept = context.active()
      b.startActiveSpan('of b', () =>
        a.withRemoteContext({ traceparent: PARENT }, () =>
          b.startActiveSpan('inner', () => context.with(kept, () => library.startSpan('of the library').end())),
        ),
      )
    })
    expect(a.tree()).toEqual([{ name: 'outer' }])
    expect(b.tree()).toEqual([{ name: 'of b', children: [{ name: 'inner', children: [{ name: 'of the library' }] }] }])
  })

  test('what a propagator extracted for one tracer is no parent for another, where its context is given or current', () => {
    const at = b.propagator.extract(ROOT_CONTEXT, { traceparent: PARENT, baggage: `session_id=${SESSION}` }, defaultTextMapGetter)
    a.otelTracer.startSpan('given', {}, at).end()
    context.with(at, () => a.otelTracer.startSpan('current').end())
    const headers: Record<string, string> = {}
    a.propagator.inject(at, headers, defaultTextMapSetter)
    expect(a.spans.map(({ name, parentSpanContext }) => [name, parentSpanContext])).toEqual([
      ['given', undefined],
      ['current', undefined],
    ])
    expect(JSON.stringify([a.spans.map((span) => span.spanContext()), headers])).not.toContain(TRACE)
    b.withSession({}, () => b.otelTracer.startSpan('its own', {}, at).end())
    expect(b.spans[0]?.parentSpanContext).toMatchObject({ traceId: TRACE, spanId: SPAN })
  })

  test('leaves a callback that was bound before with the span that bound it', () => {
    const library = createRoutingProvider().getTracer('library')
    a.startActiveSpan('outer', () => {
      const bound = a.startActiveSpan('binds', (span) => ({
        call: context.bind(context.active(), () => library.startSpan('work').end()),
        span,
      }))
      a.withRemoteContext({ traceparent: PARENT }, () => b.startActiveSpan('of b', () => bound.call()))
    })
    expect(JSON.stringify(b.tree())).not.toContain('work')
  })

  test('gives back what the function gives, passes on what it throws, and takes any carrier', async () => {
    const error = new Error('of the user')
    expect(() =>
      a.withRemoteContext({}, () => {
        throw error
      }),
    ).toThrow(error)
    await expect(a.withRemoteContext({}, () => Promise.reject(error))).rejects.toBe(error)
    for (const carrier of [
      null,
      undefined,
      5,
      'text',
      [],
      new Headers(),
      new Map(),
      {
        get baggage(): never {
          throw new Error('x')
        },
      },
    ]) {
      expect(a.withRemoteContext(carrier as never, () => a.sessionId)).toBe(a.sessionId)
    }
  })

  test('H86: a remote session id of any form becomes a UUID; baggage alone, outside of it, changes nothing', () => {
    for (const id of ['order-42', '0B6DE1F2-58F6-4A7E-9C1E-000000000001', '../../x', '<b>', '%E6%97%A5']) {
      expect(a.withRemoteContext({ baggage: `session_id=${id}` }, () => a.sessionId)).toBe(toSessionId(decodeURIComponent(id)))
    }
    expect(a.withRemoteContext({ baggage: 'session_id=' }, () => a.sessionId)).toBe(a.sessionId)
  })

  test('D-04, D-36: nothing on the wire chooses a tracer, key, project or attribute', () => {
    const baggage = `session_id=${SESSION},honeyhive_tracer_id=${encodeURIComponent(String(b))},project=b,api_key=evil,authorization=Bearer%20x,user=me,honeyhive.project=b`
    const out = a.withRemoteContext({ traceparent: PARENT, baggage, authorization: 'Bearer key-of-b' }, () => {
      a.startSpan('s').end()
      return a.injectContext({} as Record<string, string>)
    })
    expect(b.spans).toEqual([])
    const { attributes } = a.spans[0] ?? {}
    expect(attributes?.['honeyhive.project']).toBe('a')
    expect(JSON.stringify(attributes)).not.toMatch(/evil|Bearer|"me"/)
    expect(out.baggage).toBe(`session_id=${SESSION},source=src-a`)
    expect(out.traceparent).toBe(PARENT)
  })

  test('F44: an unsampled remote parent is still a parent, and the span is delivered', () => {
    a.withRemoteContext({ traceparent: `00-${TRACE}-${SPAN}-00` }, () => a.startSpan('s').end())
    expect(a.spans[0]?.spanContext()).toMatchObject({ traceId: TRACE, traceFlags: 1 })
    expect(a.spans[0]?.parentSpanContext?.spanId).toBe(SPAN)
  })

  test('a remote parent without session keeps the session, inside a span it starts there', () => {
    a.withSession({ sessionName: 's' }, (session) =>
      a.startActiveSpan('local', () => {
        a.withRemoteContext({ traceparent: PARENT }, () => a.startSpan('continued').end())
        expect(a.spans[0]?.attributes['honeyhive.session_id']).toBe(session.sessionId)
      }),
    )
    expect(a.spans[0]?.parentSpanContext?.spanId).toBe(SPAN)
  })

  test('instrumentor spans continue it as well', () => {
    const instrumentor = b.provider.getTracer('http')
    a.withRemoteContext({ traceparent: PARENT, baggage: `session_id=${SESSION}` }, () => instrumentor.startSpan('GET').end())
    expect(a.spans[0]?.parentSpanContext?.spanId).toBe(SPAN)
    expect(a.spans[0]?.attributes['honeyhive.session_id']).toBe(SESSION)
  })
})

describe('linkCarrier', () => {
  test('D-29: the first root of the tracer continues the remote trace, later roots do not; the session is the remote one', () => {
    const linked = createTestTracer({ linkCarrier: { traceparent: PARENT, baggage: `session_id=${SESSION}` } })
    linked.startActiveSpan('first', () => linked.startSpan('child').end())
    linked.startSpan('second').end()
    const [child, first, second] = linked.spans
    expect([first?.parentSpanContext?.spanId, child?.parentSpanContext?.spanId, second?.parentSpanContext]).toEqual([
      SPAN,
      first?.spanContext().spanId,
      undefined,
    ])
    expect(linked.spans.map((span) => span.attributes['honeyhive.session_id'])).toEqual([SESSION, SESSION, SESSION])
    return linked.shutdown()
  })

  const isTold = { traceparent: PARENT, baggage: `session_id=${SESSION}` }

  test('of another session is followed by a link: no event has its parent in another session', () => {
    a.withSession({ sessionName: 's', linkCarrier: isTold }, (session) => {
      a.startActiveSpan('s', () => a.startSpan('child').end())
      expect(session.sessionId).not.toBe(SESSION)
    })
    const [child, root] = a.spans
    expect([root?.parentSpanContext, child?.parentSpanContext?.spanId]).toEqual([undefined, root?.spanContext().spanId])
    expect(root?.links.map(({ context, attributes }) => [context.spanId, attributes])).toEqual([[SPAN, { 'honeyhive.link': 'session' }]])
    expect(child?.links).toEqual([])
  })

  test.each([
    ['of the same session', { sessionId: SESSION, linkCarrier: isTold }],
    ['that names no session', { linkCarrier: { traceparent: PARENT } }],
  ])('%s is continued', (_, options) => {
    a.withSession(options, () => a.startSpan('s').end())
    expect([a.spans[0]?.parentSpanContext?.spanId, a.spans[0]?.links]).toEqual([SPAN, []])
  })

  test('of another session than the tracer is given is followed by a link', () => {
    const linked = createTestTracer({ linkCarrier: isTold, sessionId: '0b6de1f2-58f6-4a7e-9c1e-00000000000a' })
    linked.startSpan('s').end()
    expect([linked.spans[0]?.parentSpanContext, linked.spans[0]?.links[0]?.context.spanId]).toEqual([undefined, SPAN])
    return linked.shutdown()
  })
})

describe('baggage', () => {
  test('belongs to one session of one tracer and travels with injectContext', () => {
    a.withSession({}, () => {
      a.setBaggage('plan', 'gold, "1"')
      expect([a.getBaggage('plan'), b.getBaggage('plan')]).toEqual(['gold, "1"', undefined])
      const headers = a.injectContext({} as Record<string, string>)
      expect(b.withRemoteContext(headers, () => [b.getBaggage('plan'), b.getBaggage('session_id'), a.getBaggage('plan')])).toEqual([
        'gold, "1"',
        undefined,
        'gold, "1"',
      ])
      expect(a.withSession({}, () => a.getBaggage('plan'))).toBeUndefined()
    })
    expect(a.getBaggage('plan')).toBeUndefined()
    expect(b.injectContext({} as Record<string, string>).baggage).not.toContain('plan')
  })

  test('H85: names and values of any kind do no harm', () => {
    for (const [name, value] of [
      ['bad name', 'x'],
      ['a', '\ud800'],
      ['b', 'x'.repeat(20_000)],
      ['c', 'CR\r\nLF'],
      ['session_id', 'spoofed'],
      ['__proto__', 'x'],
    ] as const)
      a.setBaggage(name, value)
    const { baggage = '' } = a.injectContext({} as Record<string, string>)
    expect(baggage).toMatch(/^[\x21-\x7e]*$/)
    expect(baggage.length).toBeLessThan(8192)
    expect(baggage).toContain(`session_id=${a.sessionId}`)
    expect(baggage).not.toContain('spoofed')
  })
})

describe('with the Python SDK', () => {
  test('12.3: what it injects is continued; its tracer id, parent id and project are ignored', () => {
    const python = {
      traceparent: PARENT,
      tracestate: 'x=1',
      baggage: `honeyhive_tracer_id=tracer_140234,session_id=${SESSION},project=py%20project,source=py%20prod,run_id=r,dataset_id=EXT-1,datapoint_id=EXT-2,parent_id=p,session_name=nightly%20run,tier=gold;p=1`,
    }
    a.withRemoteContext(python, () => {
      a.startSpan('s').end()
      expect(a.getBaggage('tier')).toBe('gold')
    })
    expect(a.spans[0]?.parentSpanContext?.spanId).toBe(SPAN)
    expect(a.spans[0]?.attributes).toMatchObject({
      'honeyhive.session_id': SESSION,
      'honeyhive.session_name': 'nightly run',
      'honeyhive.source': 'py prod',
      'honeyhive.project': 'a',
      'honeyhive_metadata.run_id': 'r',
      'honeyhive_metadata.dataset_id': 'EXT-1',
      'honeyhive_metadata.datapoint_id': 'EXT-2',
    })
  })

  test.each(['session_id', 'honeyhive_session_id', 'honeyhive.session_id'])(
    '12.4: the session is read under %s, properties and encoding undone',
    (name) => {
      expect(a.withRemoteContext({ Baggage: `${name}=up%20stream;ttl=1` }, () => a.sessionId)).toBe(toSessionId('up stream'))
    },
  )

  test('12.4: what we inject is what it looks for: lower-case names, session_id and source as plain baggage', () => {
    const headers = a.startActiveSpan('s', () => a.injectContext({} as Record<string, string>))
    expect(Object.keys(headers).sort()).toEqual(['baggage', 'traceparent'])
    // Its parser neither decodes nor cuts properties, so what it reads must need neither.
    const members = Object.fromEntries((headers.baggage ?? '').split(',').map((member) => member.split('=')))
    expect(members).toEqual({ session_id: a.sessionId, source: 'src-a' })
  })
})

describe('between processes', () => {
  let receiver: Receiver
  let one: HoneyHiveTracer
  beforeEach(async () => {
    receiver = await startReceiver()
    one = HoneyHiveTracer.init({ apiKey: 'key-of-one', serverUrl: receiver.url })
  })
  afterEach(async () => {
    await one.shutdown()
    await receiver.close()
  })

  test.each<[string, (job: object) => Promise<unknown>]>([
    [
      'a child process, through its environment',
      async (job) => {
        const child = spawn(process.execPath, ['--import', 'tsx', fixture('carried.ts')], {
          env: { ...process.env, JOB: JSON.stringify(job) },
          stdio: 'inherit',
        })
        expect((await once(child, 'close'))[0]).toBe(0)
      },
    ],
    [
      'a worker thread, through its data',
      async (job) => {
        const worker = new Worker(
          `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(fixture('carried.ts'))}) })`,
          { eval: true, workerData: job },
        )
        await once(worker, 'message')
        await worker.terminate()
      },
    ],
  ])('%s', async (_, run) => {
    await one.withSession({ sessionName: 'job' }, (session) =>
      one.startActiveSpan('enqueue', async () => {
        await run({ headers: one.injectContext({}), server: receiver.url, name: 'work' })
        await one.forceFlush()
        expect(new Set(receiver.spans.map((span) => span.attributes['honeyhive.session_id']))).toEqual(new Set([session.sessionId]))
      }),
    )
    await one.forceFlush()
    expect(toTrees(receiver.spans)).toEqual([{ name: 'enqueue', children: [{ name: 'work' }] }, { name: 'second root' }])
    expect(receiver.calls.filter((call) => call.path === '/session/start')).toHaveLength(1)
  })

  test('A serves tenant X, B serves X and Y: each tenant gets one whole trace, whatever the headers say', async () => {
    const fleet = await startFleet(['x', 'y'])
    const [x, y] = fleet.members.map((member) => member.tracer) as [HoneyHiveTracer, HoneyHiveTracer]
    const urls = fleet.members.map((member) => member.receiver.url) as [string, string]
    const service = fork(fixture('service.ts'), {
      execArgv: ['--import', 'tsx'],
      env: { ...process.env, SERVER_X: urls[0], SERVER_Y: urls[1] },
    })
    const [port] = (await once(service, 'message')) as [number]
    const call = async (
      tracer: HoneyHiveTracer,
      path: string,
    ): Promise<{ sessionId: string; baggage: string | null; others: string | null }> =>
      tracer.startActiveSpan(`call ${path}`, async () => {
        const reply = await fetch(`http://127.0.0.1:${port}${path}`, { headers: tracer.injectContext({}) })
        return (await reply.json()) as never
      })
    const replies = await Promise.all([
      x.withSession({ sessionName: 'of x' }, async (session) => {
        x.setBaggage('plan', 'gold')
        return { ...(await call(x, '/x')), expected: session.sessionId }
      }),
      y.withSession({ sessionName: 'of y' }, async (session) => ({ ...(await call(y, '/y')), expected: session.sessionId })),
    ])
    for (const { sessionId, expected, others } of replies) expect([sessionId, others]).toEqual([expected, null])
    expect(replies.map((reply) => reply.baggage)).toEqual(['gold', null])
    await Promise.all([x.forceFlush(), y.forceFlush()])
    const ended = once(service, 'exit')
    service.kill()
    await ended
    for (const [name, spans, session] of [
      ['x', fleet.members[0]?.receiver.spans, replies[0]?.expected],
      ['y', fleet.members[1]?.receiver.spans, replies[1]?.expected],
    ] as const) {
      const whole = (spans ?? []).filter((span: ReceivedSpan) => span.name !== 'aside')
      expect(toTrees(whole)).toEqual([{ name: `call /${name}`, children: [{ name: 'serve', children: [{ name: 'step' }] }] }])
      expect(new Set(whole.map((span) => span.traceId)).size).toBe(1)
      expect(new Set(whole.map((span) => span.attributes['honeyhive.session_id']))).toEqual(new Set([session]))
      expect(new Set((spans ?? []).map((span) => span.authorization))).toEqual(new Set([`Bearer key-of-${name}`]))
      const [aside] = (spans ?? []).filter((span) => span.name === 'aside')
      expect([aside?.parentSpanId, aside?.traceId === whole[0]?.traceId, aside?.attributes['honeyhive.session_id'] === session]).toEqual([
        undefined,
        false,
        false,
      ])
    }
    await fleet.close()
  })
})
