import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Enrichment, enrichSession, enrichSpan, HoneyHiveTracer, type SpanEnrichment, toSessionId, traceFn } from '../../src/index.js'
import { startDevServer } from '../../src/dev/server.js'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'
import { type Receiver, startReceiver } from '../fixtures/receiver.js'

const ALL: Enrichment = {
  metadata: { m: 1 },
  metrics: { score: 0.5 },
  feedback: { rating: 5 },
  inputs: { q: 'late' },
  outputs: { a: 'b' },
  config: { model: 'x' },
  userProperties: { id: 'u' },
}
let tracer: TestTracer
beforeEach(() => {
  tracer = createTestTracer()
})
afterEach(() => tracer.shutdown())
const attributesOf = (name: string): Readonly<Record<string, unknown>> => tracer.spans.find((span) => span.name === name)?.attributes ?? {}

describe('enrichSpan', () => {
  test('D-11 writes every bucket on the innermost active span of this tracer, and answers false without one', () => {
    expect(tracer.enrichSpan(ALL)).toBe(false)
    tracer.startActiveSpan('outer', () => tracer.startActiveSpan('inner', () => void expect(tracer.enrichSpan(ALL)).toBe(true)))
    expect(attributesOf('inner')).toMatchObject({
      'honeyhive_metadata.m': 1,
      'honeyhive_metrics.score': 0.5,
      'honeyhive_feedback.rating': 5,
      'honeyhive_inputs.q': 'late',
      'honeyhive_outputs.a': 'b',
      'honeyhive_config.model': 'x',
      'honeyhive_user_properties.id': 'u',
    })
    expect(Object.keys(attributesOf('outer')).filter((key) => /^honeyhive_(metadata|metrics|feedback|inputs|config)/.test(key))).toEqual([])
  })

  test('later keys win, other keys stay; lists and scalars get a name', () => {
    tracer.startActiveSpan('s', () => {
      tracer.enrichSpan({ metadata: { a: 1, b: { c: 1 } } })
      tracer.enrichSpan({ metadata: { a: 2 }, outputs: [1, 2], metrics: 7 as never })
    })
    expect(attributesOf('s')).toMatchObject({ 'honeyhive_metadata.a': 2, 'honeyhive_metadata.b.c': 1, 'honeyhive_metrics.value': 7 })
    expect(attributesOf('s')['honeyhive_outputs.result.0']).toBe(1)
  })

  test('error and eventId', () => {
    tracer.startActiveSpan('s', () => tracer.enrichSpan({ error: new TypeError('late'), eventId: 'order-42' }))
    expect(attributesOf('s')).toMatchObject({
      honeyhive_error: 'late',
      honeyhive_error_type: 'TypeError',
      honeyhive_event_id: toSessionId('order-42'),
    })
  })

  test('an id of the user is the same event, however it is given', () => {
    tracer.startActiveSpan('started', { eventId: 'order-42' }, () => undefined)
    tracer.startSpan('by hand', { eventId: 'order-42' }).end()
    traceFn(tracer, () => undefined, { eventName: 'wrapped', eventId: 'order-42' })()
    for (const name of ['started', 'by hand', 'wrapped'])
      expect([name, attributesOf(name)['honeyhive_event_id']]).toEqual([name, toSessionId('order-42')])
    tracer.startSpan('blank', { eventId: ' ' }).end()
    expect(attributesOf('blank')).not.toHaveProperty('honeyhive_event_id')
  })

  test('an ended span is not changed', () => {
    tracer.startActiveSpan('s', (span) => {
      span.end()
      expect(tracer.enrichSpan({ metadata: { late: true } })).toBe(false)
    })
    expect(attributesOf('s')).not.toHaveProperty(['honeyhive_metadata.late'])
  })

  test('H92: hostile payloads change nothing for the user, each property is read once', () => {
    let reads = 0
    const counting = {
      get metadata() {
        reads++
        return { ok: 1 }
      },
    }
    const hostile: unknown[] = [
      null,
      undefined,
      5,
      'text',
      [],
      Symbol('s'),
      () => 1,
      {
        get metadata(): never {
          throw new Error('getter')
        },
      },
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('trap')
          },
        },
      ),
      JSON.parse('{"__proto__":{"polluted":true},"metadata":{"__proto__":{"polluted":true}}}'),
      Object.create(null),
      counting,
    ]
    tracer.startActiveSpan('s', () => {
      for (const payload of hostile) expect(tracer.enrichSpan(payload as never)).toBeTypeOf('boolean')
    })
    expect(reads).toBe(1)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    expect(attributesOf('s')).toMatchObject({ 'honeyhive_metadata.ok': 1 })
  })
})

test('every form takes further keys as metadata, and what is declared as an enrichment', async () => {
  const declared: SpanEnrichment = { metrics: { m: 1 } }
  const handle = await tracer.withSession({}, async (session) => {
    tracer.startActiveSpan('s', () => {
      expect([
        tracer.enrichSpan({ user_id: 'u' }),
        tracer.enrichSpan(declared),
        enrichSpan({ plan: 'gold' }),
        enrichSpan(declared),
      ]).toEqual([true, true, true, true])
    })
    await tracer.enrichSession({ tenant_id: 't' })
    await enrichSession({ tenant: 't' })
    await session.enrich({ region: 'eu' })
    return session
  })
  expect(tracer.spans[0]?.attributes).toMatchObject({
    'honeyhive_metadata.user_id': 'u',
    'honeyhive_metadata.plan': 'gold',
    'honeyhive_metrics.m': 1,
  })
  expect(tracer.sessions[0]?.updates.map(({ metadata }) => metadata)).toEqual([{ tenant_id: 't' }, { tenant: 't' }, { region: 'eu' }])
  expect(handle.sessionId).toBe(tracer.sessions[0]?.sessionId)
})

describe('enrichSession, updateEvent, createEvent', () => {
  let receiver: Receiver
  let one: HoneyHiveTracer
  beforeEach(async () => {
    receiver = await startReceiver()
    one = HoneyHiveTracer.init({ apiKey: 'key-of-one', project: 'p', serverUrl: receiver.url })
  })
  afterEach(async () => {
    await one.shutdown()
    await receiver.close()
  })
  const bodies = (path: string): unknown[] =>
    receiver.calls.filter((call) => call.path === path && call.method === 'PUT').map((call) => call.body)

  test('sends every bucket in the names of the backend; late inputs stand under metadata', async () => {
    expect(await one.enrichSession(ALL)).toBe(true)
    expect(bodies('/events')).toEqual([
      {
        event_id: one.sessionId,
        metrics: { score: 0.5 },
        feedback: { rating: 5 },
        outputs: { a: 'b' },
        config: { model: 'x' },
        user_properties: { id: 'u' },
        metadata: { m: 1, inputs: { q: 'late' } },
      },
    ])
    expect(receiver.calls[0]?.path).toBe('/session/start')
  })

  test('goes to the current session, or to the one named; another session is not started', async () => {
    const inside = await one.withSession({ sessionName: 's' }, async (session) => {
      void one.enrichSession({ metadata: { where: 'current' } })
      void session.enrich({ metadata: { where: 'handle' } })
      return session.sessionId
    })
    void one.enrichSession({ sessionId: 'order-42', metadata: { where: 'other' } })
    expect(await one.forceFlush()).toBe(true)
    expect(bodies('/events')).toEqual(
      expect.arrayContaining([
        { event_id: inside, metadata: { where: 'current' } },
        { event_id: inside, metadata: { where: 'handle' } },
        { event_id: toSessionId('order-42'), metadata: { where: 'other' } },
      ]),
    )
    expect(receiver.calls.filter((call) => call.path === '/session/start').map((call) => call.body.session.session_name)).toEqual(['s'])
  })

  test('F33: parallel enrichments keep their order and lose no key at the server', async () => {
    const server = await startDevServer({ port: 0, database: ':memory:' })
    await using local = HoneyHiveTracer.init({ apiKey: 'key-of-local', serverUrl: server.url })
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => local.enrichSession({ metadata: { [`k${i}`]: i, last: i }, metrics: { [`m${i}`]: i } })),
    )
    await local.forceFlush()
    const reply = await fetch(`${server.url}/v1/events/${local.sessionId}`, { headers: { authorization: 'Bearer key-of-local' } })
    const { event } = (await reply.json()) as { event: { metadata: Record<string, unknown>; metrics: Record<string, unknown> } }
    expect(Object.keys(event.metrics)).toHaveLength(20)
    expect(event.metadata).toMatchObject({ ...Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, i])), last: 19 })
    await server.close()
  })

  test('is copied when it is called: later changes of the object are not sent', async () => {
    const metadata = { n: 1 }
    void one.enrichSession({ metadata })
    metadata.n = 2
    await one.forceFlush()
    expect(bodies('/events')).toEqual([{ event_id: one.sessionId, metadata: { n: 1 } }])
  })

  test('never rejects and never throws, whatever it is given or the server answers', async () => {
    const hostile = {
      get sessionId(): never {
        throw new Error('getter')
      },
    }
    for (const payload of [
      null,
      undefined,
      5,
      {},
      hostile,
      { metadata: undefined },
      {
        get metadata(): never {
          throw new Error('x')
        },
      },
    ]) {
      await expect(one.enrichSession(payload as never)).resolves.toBeTypeOf('boolean')
      await expect(one.createEvent(payload as never)).resolves.not.toThrow()
      await expect(one.updateEvent('id', payload as never)).resolves.toBeTypeOf('boolean')
      expect(() => one.setBaggage(payload as never, payload as never)).not.toThrow()
    }
    expect(() => one.setBaggage(Object.create(null), Symbol('s') as never)).not.toThrow()
    const refusing = await startReceiver((_, response) => (response.writeHead(400).end(), true))
    await using bad = HoneyHiveTracer.init({ apiKey: 'key-bad', serverUrl: refusing.url, logger: { debug() {}, warn() {}, error() {} } })
    expect(await bad.enrichSession({ metadata: { a: 1 } })).toBe(false)
    expect(await bad.createEvent({ eventName: 'e' })).toBeUndefined()
    await refusing.close()
  })

  test('late enrichment from another process, by id alone', async () => {
    const eventId = '0b6de1f2-58f6-4a7e-9c1e-00000000000a'
    one.startActiveSpan('answer', { eventId }, () => undefined)
    await one.forceFlush()
    const script = `
      const { HoneyHiveTracer } = await import('./src/index.ts')
      const tracer = HoneyHiveTracer.init({ apiKey: 'key-of-one', serverUrl: process.env.SERVER })
      const results = [await tracer.updateEvent(process.env.EVENT, { feedback: { rating: 1 }, inputs: { q: 1 }, error: 'wrong' }), await tracer.enrichSession({ sessionId: process.env.SESSION, outputs: ['x'] })]
      process.stdout.write(JSON.stringify(results))
      await tracer.shutdown()`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      env: { ...process.env, SERVER: receiver.url, EVENT: eventId, SESSION: one.sessionId },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    await once(child, 'close')
    expect(output).toBe('[true,true]')
    expect(receiver.spans[0]?.attributes.honeyhive_event_id).toBe(eventId)
    expect(bodies('/events')).toEqual([
      { event_id: one.sessionId, end_time: expect.any(Number), duration: expect.any(Number) },
      { event_id: eventId, feedback: { rating: 1 }, metadata: { inputs: { q: 1 }, error: 'wrong' } },
      { event_id: one.sessionId, outputs: { result: ['x'] } },
    ])
  })

  test('D-14 createEvent belongs to the request session, and its session start comes first', async () => {
    const [sessionId, eventId] = await one.withSession({ sessionName: 'request' }, async (session) => {
      await nextTurn()
      return [
        session.sessionId,
        await one.createEvent({
          eventName: 'step',
          eventType: 'model',
          inputs: { a: 1 },
          outputs: 'text',
          metrics: { m: 1 },
          error: 'bad',
          durationMs: 12,
          custom: 1,
        } as never),
      ]
    })
    expect(receiver.calls.map((call) => call.path)).toEqual(['/session/start', '/events'])
    expect(receiver.calls[1]?.body.event).toMatchObject({
      event_id: eventId,
      session_id: sessionId,
      project: 'p',
      source: 'dev',
      event_name: 'step',
      event_type: 'model',
      inputs: { a: 1 },
      outputs: { result: 'text' },
      metrics: { m: 1 },
      error: 'bad',
      duration: 12,
      config: {},
    })
    const minimal = await one.createEvent({ eventName: 'bare', sessionId: 'order-42', parentId: 'p-1' })
    expect(receiver.calls.at(-1)?.body.event).toEqual({
      event_id: minimal,
      session_id: toSessionId('order-42'),
      parent_id: toSessionId('p-1'),
      project: 'p',
      source: 'dev',
      event_name: 'bare',
      event_type: 'tool',
      inputs: {},
      config: {},
      duration: 0,
    })
  })

  test('a parent is named as it was created: by any text, or by a UUID in any case', async () => {
    const parent = await one.createEvent({ eventName: 'parent', eventId: 'step-1' })
    await one.createEvent({ eventName: 'child', parentId: 'step-1' })
    await one.createEvent({ eventName: 'child', parentId: 'ABCDEF12-1234-4234-8234-123456789ABC' })
    const parents = receiver.calls.map(({ body }) => body.event?.parent_id)
    expect(parents.slice(-2)).toEqual([parent, 'abcdef12-1234-4234-8234-123456789abc'])
  })

  test('a blank id counts as not given: nothing is shared by accident', async () => {
    const sessions: string[] = []
    const created: (string | undefined)[] = []
    for (const blank of ['', '  ']) {
      await one.withSession({ sessionName: 's' }, async ({ sessionId }) => {
        sessions.push(sessionId)
        await one.enrichSession({ sessionId: blank, feedback: { of: sessionId } })
        created.push(await one.createEvent({ eventName: 'e', sessionId: blank, eventId: blank, parentId: blank }))
      })
      expect(await one.updateEvent(blank, { feedback: { lost: true } })).toBe(false)
    }
    expect(bodies('/events')).toMatchObject(sessions.map((id) => ({ event_id: id, feedback: { of: id } })))
    const events = receiver.calls.filter(({ method, path }) => method === 'POST' && path === '/events').map(({ body }) => body.event)
    expect(events.map((event) => event.session_id)).toEqual(sessions)
    expect(events.map((event) => event.event_id)).toEqual(created)
    expect(new Set([...created, toSessionId('')]).size).toBe(3)
    for (const event of events) expect(event).not.toHaveProperty('parent_id')
    one.startActiveSpan('step', () => one.enrichSpan({ eventId: '', metadata: { a: 1 } }))
    await one.forceFlush()
    expect(receiver.spans.at(-1)?.attributes).not.toHaveProperty('honeyhive_event_id')
  })

  test('a tracer that is shut down or has no key answers false', async () => {
    const off = HoneyHiveTracer.init({ disabled: true, serverUrl: receiver.url })
    expect([await off.enrichSession(ALL), await off.updateEvent('x', ALL), await off.createEvent({ eventName: 'e' })]).toEqual([
      false,
      false,
      undefined,
    ])
    await one.shutdown()
    expect([await one.enrichSession(ALL), await one.createEvent({ eventName: 'e' })]).toEqual([false, undefined])
    expect(receiver.headers).toEqual([])
  })
})
