import { EventEmitter, once } from 'node:events'
import { Agent, createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { HoneyHiveTracer, toSessionId, type WithSessionOptions } from '../../src/index.js'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'
import { type ReceivedCall, type Receiver, startReceiver } from '../fixtures/receiver.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
let tracer: TestTracer
let other: TestTracer
beforeEach(() => {
  tracer = createTestTracer({ project: 'one' })
  other = createTestTracer({ project: 'two' })
})
afterEach(() => Promise.all([tracer.shutdown(), other.shutdown()]))

const mark = (name: string): void => tracer.startSpan(name).end()
/** Session of each recorded span, by name. */
const placed = (of: TestTracer = tracer): Record<string, unknown> =>
  Object.fromEntries(of.spans.map((span) => [span.name, span.attributes['honeyhive.session_id']]))

describe('createSession', () => {
  test('is current for the rest of the async function and what it starts, and for nobody else', async () => {
    const own = tracer.sessionId
    let id = ''
    const handle = async (): Promise<void> => {
      mark('before')
      id = await tracer.createSession({ sessionName: 'request' })
      mark('after')
      await nextTurn()
      mark('later')
      await Promise.all([sleep(1).then(() => mark('child')), Promise.resolve().then(() => mark('child 2'))])
      other.startSpan('of other').end()
    }
    const running = handle()
    mark('caller, meanwhile')
    await running
    mark('caller, afterwards')
    expect(placed()).toEqual({
      before: own,
      after: id,
      later: id,
      child: id,
      'child 2': id,
      'caller, meanwhile': own,
      'caller, afterwards': own,
    })
    expect(placed(other)).toEqual({ 'of other': other.sessionId })
    expect([id, tracer.sessionId, id === own]).toEqual([expect.stringMatching(UUID), own, false])
  })

  test('D-02 siblings under Promise.all, each with its own, keep their own over many awaits', async () => {
    const seen = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        if (i % 3 === 0) return [tracer.sessionId, tracer.sessionId]
        const id = await tracer.createSession({ sessionName: `s-${i}` })
        for (let turn = 0; turn < i % 5; turn++) await nextTurn()
        expect(tracer.sessionName).toBe(`s-${i}`)
        return [id, tracer.sessionId]
      }),
    )
    for (const [expected, actual] of seen) expect(actual).toBe(expected)
    expect(new Set(seen.map(([id]) => id)).size).toBe(67)
  })

  test('a second session replaces the first, and the first has ended for what comes after', async () => {
    const first = await tracer.createSession()
    mark('1')
    const second = await tracer.createSession()
    mark('2')
    expect(placed()).toEqual({ 1: first, 2: second })
  })

  test('inside an active span it starts a trace of its own with a link to what it left', async () => {
    await tracer.startActiveSpan('outer', async () => {
      await tracer.createSession({ sessionName: 'inner' })
      mark('moved')
    })
    const [moved, outer] = tracer.spans
    expect(moved?.parentSpanContext).toBeUndefined()
    expect(moved?.links).toMatchObject([{ context: { spanId: outer?.spanContext().spanId }, attributes: { 'honeyhive.link': 'session' } }])
    expect(outer?.attributes['honeyhive.session_id']).toBe(tracer.sessionId)
  })

  test('D-10: the next request on a kept-alive socket does not inherit it', async () => {
    const server = createServer(async (request, response) => {
      const before = tracer.sessionId
      const id = request.url === '/new' ? await tracer.createSession() : before
      await nextTurn()
      response.end(JSON.stringify({ before, id, after: tracer.sessionId }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ask = async (path: string): Promise<{ before: string; id: string; after: string }> => {
      const [response] = (await once(
        get({ agent, port: (server.address() as AddressInfo).port, host: '127.0.0.1', path }),
        'response',
      )) as [IncomingMessage]
      return JSON.parse((await response.toArray()).join(''))
    }
    for (const path of ['/new', '/plain', '/new', '/plain', '/plain']) {
      const { before, id, after } = await ask(path)
      expect([before, after]).toEqual([tracer.sessionId, id])
    }
    agent.destroy()
    server.close()
  })

  test('goes on through timers, listeners called from inside, streams and callbacks', async () => {
    const bus = new EventEmitter()
    bus.on('event', () => mark('listener'))
    await (async () => {
      await tracer.createSession({ sessionId: '0b6de1f2-58f6-4a7e-9c1e-000000000001' })
      bus.emit('event')
      const timer = new Promise<void>((resolve) => setTimeout(() => resolve(mark('timer')), 1))
      const tick = new Promise<void>((resolve) => process.nextTick(() => resolve(mark('tick'))))
      for await (const chunk of Readable.from(['stream'])) mark(chunk)
      queueMicrotask(() => mark('microtask'))
      await Promise.all([timer, tick])
    })()
    bus.emit('event')
    const inside = tracer.spans.filter((span) => span.attributes['honeyhive.session_id'] === '0b6de1f2-58f6-4a7e-9c1e-000000000001')
    expect(inside.map((span) => span.name).sort()).toEqual(['listener', 'microtask', 'stream', 'tick', 'timer'])
    expect(placed().listener).toBe(tracer.sessionId)
  })

  test('a job queue runs jobs outside the session; the session is passed on in the payload', async () => {
    const jobs: { readonly name: string; readonly headers: Record<string, string> }[] = []
    const worker = (async () => {
      while (jobs.length < 2) await nextTurn()
      for (const job of jobs) tracer.withRemoteContext(job.headers, () => mark(job.name))
    })()
    let id = ''
    await (async () => {
      id = await tracer.createSession()
      jobs.push({ name: 'carried', headers: tracer.injectContext({}) })
    })()
    jobs.push({ name: 'bare', headers: {} })
    await worker
    expect(placed()).toEqual({ carried: id, bare: tracer.sessionId })
  })

  test('one that is not awaited at once is current nowhere, and says so', async () => {
    const lines: string[] = []
    const logger = { debug: () => undefined, warn: (line: string) => lines.push(line), error: () => undefined }
    await using loud = createTestTracer({ logger: logger as never })
    const promise = loud.createSession({ sessionName: 'lost' })
    await nextTurn()
    await nextTurn()
    await promise
    expect(loud.sessionName).not.toBe('lost')
    expect(lines).toEqual([
      expect.stringMatching(
        /createSession\(\) was not awaited at once by the function that goes on.*Write `await tracer\.createSession\(…\)` there.*or use withSession\(\)/,
      ),
    ])
  })

  test('`then` and a rejected neighbour work as with any promise', async () => {
    const inside = await tracer.createSession().then((id) => [id, tracer.sessionId])
    expect(inside[0]).toBe(inside[1])
    await expect(Promise.all([tracer.createSession(), Promise.reject(new Error('neighbour'))])).rejects.toThrow('neighbour')
  })
})

describe('withSession', () => {
  test('D-09: restores what was current on return, throw, resolve and reject; nests', async () => {
    const own = tracer.sessionId
    const error = new Error('of the user')
    expect(
      tracer.withSession({ sessionName: 'value' }, (session) => [session.sessionName, tracer.sessionId === session.sessionId]),
    ).toEqual(['value', true])
    expect(() =>
      tracer.withSession({}, () => {
        throw error
      }),
    ).toThrow(error)
    expect(tracer.sessionId).toBe(own)
    await expect(tracer.withSession({}, () => Promise.reject(error))).rejects.toBe(error)
    await tracer.withSession({ sessionName: 'outer' }, async (outer) => {
      await tracer.withSession({ sessionName: 'inner' }, async (inner) => {
        await nextTurn()
        expect([tracer.sessionId, tracer.sessionName]).toEqual([inner.sessionId, 'inner'])
      })
      expect(tracer.sessionId).toBe(outer.sessionId)
      await tracer.createSession({ sessionName: 'created inside' })
      expect(tracer.sessionName).toBe('created inside')
    })
    expect(tracer.sessionId).toBe(own)
  })

  test('of two tracers nested, each keeps its own', () => {
    tracer.withSession({ sessionName: 'mine' }, (mine) =>
      other.withSession({ sessionName: 'theirs' }, (theirs) => {
        expect([tracer.sessionId, other.sessionId]).toEqual([mine.sessionId, theirs.sessionId])
        mark('m')
        other.startSpan('t').end()
      }),
    )
    expect([placed().m, placed(other).t]).toEqual([tracer.sessions[0]?.sessionId, other.sessions[0]?.sessionId])
  })

  test('spans of an instrumentor belong to the session they start in, not to that of the span around it', async () => {
    const instrumentor = tracer.provider.getTracer('instrumentor')
    await tracer.startActiveSpan('request', () =>
      tracer.withSession({ sessionName: 'inner' }, async (session) => {
        await nextTurn()
        instrumentor.startActiveSpan('model call', (span) => {
          instrumentor.startSpan('http').end()
          span.end()
        })
        expect(placed()).toEqual({ http: session.sessionId, 'model call': session.sessionId })
      }),
    )
    expect(tracer.tree()).toEqual([{ name: 'request' }, { name: 'model call', children: [{ name: 'http' }] }])
  })

  test('entered inside the span of another tracer, it makes its tracer the active one, instrumentors included', async () => {
    const instrumentor = tracer.provider.getTracer('instrumentor')
    await other.startActiveSpan('platform', () =>
      tracer.withSession({ sessionName: 'tenant' }, async () => {
        instrumentor.startSpan('model call').end()
        await other.startActiveSpan('platform again', async () => instrumentor.startSpan('platform call').end())
      }),
    )
    expect(tracer.spans.map((span) => span.name)).toEqual(['model call'])
    expect(tracer.spans[0]?.links).toMatchObject([{ attributes: { 'honeyhive.link': 'cross-tracer' } }])
    expect(other.tree()).toEqual([{ name: 'platform', children: [{ name: 'platform again', children: [{ name: 'platform call' }] }] }])
  })

  test('H86: ids of any kind become UUIDs; blank and missing ones are new each time', () => {
    const given = [
      '0B6DE1F2-58F6-4A7E-9C1E-000000000001',
      '6ba7b810-9dad-11d1-80b4-00c04fd430c8',
      '018f4e6a-7b1c-7c3d-9e2f-0123456789ab',
      '00000000-0000-0000-0000-000000000000',
      '{0b6de1f2-58f6-4a7e-9c1e-000000000001}',
      'x'.repeat(1_000_000),
      '../../etc/passwd',
      "'; drop table sessions; --",
      '<script>alert(1)</script>',
      'a\nb',
      'order-42',
      '日本語',
    ]
    for (const sessionId of given)
      tracer.withSession({ sessionId }, (session) => {
        expect(session.sessionId).toMatch(UUID)
        expect(session.sessionId).toBe(toSessionId(sessionId))
        mark(session.sessionId)
      })
    expect(tracer.withSession({ sessionId: given[0] }, (session) => session.sessionId)).toBe('0b6de1f2-58f6-4a7e-9c1e-000000000001')
    expect(tracer.withSession({ sessionId: 42 as never }, (session) => session.sessionId)).toBe(toSessionId('42'))
    const blank = ['', ' ', null, undefined, ''].map((sessionId) =>
      tracer.withSession({ sessionId } as WithSessionOptions, (session) => session.sessionId),
    )
    expect(new Set(blank).size).toBe(5)
    for (const [name, id] of Object.entries(placed())) expect(id).toBe(name)
  })

  test('hostile options never reach the user: the function runs once', () => {
    const hostile = {
      get sessionName(): string {
        throw new Error('getter')
      },
    }
    for (const options of [hostile, null, undefined, 5, 'text', Object.create(null), { inputs: 7, metadata: [] }]) {
      let runs = 0
      expect(tracer.withSession(options as never, () => ++runs)).toBe(1)
    }
  })
})

describe('what the backend is asked', () => {
  let receiver: Receiver
  beforeEach(async () => {
    receiver = await startReceiver()
  })
  afterEach(() => receiver.close())
  const paths = (): string[] => receiver.calls.map(({ method, path }) => `${method} ${path}`)
  const init = (options: object = {}): HoneyHiveTracer =>
    HoneyHiveTracer.init({ apiKey: 'key-of-one', project: 'p', source: 'src', sessionName: 'own', serverUrl: receiver.url, ...options })

  test('the own session is started by the first span or enrichment only, and once', async () => {
    await using quiet = init()
    await quiet.forceFlush()
    expect(receiver.headers).toEqual([])
    quiet.startSpan('a').end()
    quiet.startSpan('b').end()
    void quiet.enrichSession({ metadata: { n: 1 } })
    expect(await quiet.forceFlush()).toBe(true)
    expect(paths()).toEqual(['POST /session/start', 'PUT /events'])
    expect(quiet.stats().sessions).toBe(1)
  })

  test('the start of a session carries name, source, project, inputs, metadata and user properties, redacted', async () => {
    await using one = init({ redact: { keys: ['secret'] } })
    const id = await one.withSession(
      { sessionName: 's', inputs: { q: 1, secret: 'x' }, metadata: { tier: 'gold' }, userProperties: { id: 'u' }, source: 'web' },
      async ({ sessionId }) => sessionId,
    )
    await one.forceFlush()
    expect(receiver.calls[0]?.body).toEqual({
      session: {
        session_id: id,
        session_name: 's',
        source: 'web',
        start_time: expect.any(Number),
        project: 'p',
        inputs: { q: 1, secret: '[REDACTED]' },
        metadata: { tier: 'gold' },
        user_properties: { id: 'u' },
      },
    })
    expect(receiver.calls[0]?.headers.authorization).toBe('Bearer key-of-one')
  })

  test('settings objects that are filled anew for the next tenant stay those of the tracer that was given them', async () => {
    const shared = { tenant: { name: '' }, list: [''] }
    const tracers = ['acme', 'globex'].map((name) => {
      shared.tenant.name = name
      shared.list[0] = name
      return init({ sessionName: name, inputs: { of: shared }, metadata: shared, userProperties: { of: shared } })
    })
    for (const one of tracers) one.startSpan('work').end()
    await Promise.all(tracers.map((one) => one.shutdown()))
    const starts = receiver.calls.filter(({ path }) => path === '/session/start')
    for (const { body } of starts) {
      const { session_name: name, inputs, metadata, user_properties: properties } = body.session as Record<string, unknown>
      const own = { tenant: { name }, list: [name] }
      expect({ inputs, metadata, properties }).toEqual({ inputs: { of: own }, metadata: own, properties: { of: own } })
    }
    expect(starts).toHaveLength(2)
  })

  test('what the own session starts with is redacted and cut as what any other session does', async () => {
    const inputs = { note: 'x'.repeat(3_000_000), mail: 'mail a@b.example', self: {} }
    await using one = init({ inputs, redact: { patterns: [/a@b/] } })
    one.startSpan('s').end()
    one.withSession({ inputs }, () => undefined)
    await one.forceFlush()
    const starts = receiver.calls.filter(({ path }) => path === '/session/start')
    const [own, another] = starts.map(({ body }) => body.session.inputs as Record<string, string>)
    expect(own).toEqual(another)
    expect(own?.mail).toBe('mail [REDACTED].example')
    expect(own?.note?.length).toBeLessThan(2_200_000)
  })

  test('evaluation identity stands in the metadata and on every span', async () => {
    await using one = init({ runId: 'r', datasetId: 'd', datapointId: 'p', metadata: { kept: 1 } })
    one.startSpan('s').end()
    await one.forceFlush()
    expect(receiver.calls[0]?.body.session.metadata).toEqual({ kept: 1, run_id: 'r', dataset_id: 'd', datapoint_id: 'p' })
    expect(receiver.spans[0]?.attributes).toMatchObject({
      'honeyhive_metadata.run_id': 'r',
      'honeyhive_metadata.dataset_id': 'd',
      'honeyhive_metadata.datapoint_id': 'p',
    })
  })

  test('skipSessionCreation makes no request: ingestion is told to create the session', async () => {
    await using skipping = init({ skipSessionCreation: true })
    await using picking = init()
    skipping.withSession({ sessionName: 'never asked for' }, () => skipping.startSpan('a').end())
    picking.withSession({ sessionId: 'known', skipSessionCreation: true }, () => picking.startSpan('b').end())
    await Promise.all([skipping.forceFlush(), picking.forceFlush()])
    expect(receiver.calls).toEqual([])
    for (const span of receiver.spans)
      expect(span.attributes).toMatchObject({ 'honeyhive.session_auto_create': true, 'honeyhive.session_name': expect.any(String) })
  })

  test('nothing waits for the network: with a server that never answers, sessions and spans go on', async () => {
    const silent = await startReceiver(() => true)
    const one = init({ serverUrl: silent.url })
    let turns = 0
    let counting = setImmediate(function count() {
      turns++
      counting = setImmediate(count)
    })
    const id = await one.createSession({ sessionName: 'x' })
    clearImmediate(counting)
    expect(turns).toBeLessThan(3)
    one.startActiveSpan('s', () => one.withSession({}, () => undefined))
    expect([id, one.sessionId]).toEqual([expect.stringMatching(UUID), id])
    expect(await one.shutdown(50)).toBe(false)
    await silent.close()
  })

  test.each<[string, (call: { readonly response: import('node:http').ServerResponse }) => void]>([
    ['401', ({ response }) => response.writeHead(401).end('{"error":"no"}')],
    ['invalid JSON', ({ response }) => response.end('<html>')],
    ['200 without session id', ({ response }) => response.end('{}')],
    ['400', ({ response }) => response.writeHead(400).end()],
  ])('F31: session start answered with %s: spans arrive under the local id, one warning', async (_, answer) => {
    const lines: string[] = []
    const failing = await startReceiver((request, response) => {
      if (request.url !== '/session/start') return false
      answer({ response })
      return true
    })
    await using one = init({
      serverUrl: failing.url,
      logger: { debug: () => undefined, warn: (line: string) => lines.push(line), error: (line: string) => lines.push(line) },
    })
    for (let i = 0; i < 3; i++) one.startSpan(`s${i}`).end()
    for (let i = 0; i < 3; i++) one.withSession({}, () => undefined)
    await one.forceFlush()
    expect(failing.spans.map((span) => span.attributes['honeyhive.session_id'])).toEqual(Array(3).fill(one.sessionId))
    expect(failing.spans.every((span) => span.attributes['honeyhive.session_auto_create'] === true)).toBe(true)
    expect(lines).toHaveLength(1)
    await failing.close()
  })

  test('F31: a session start that fails at first is tried again, and updates wait for it', async () => {
    const tries: string[] = []
    const shaky = await startReceiver((request, response) => {
      if (request.url === '/opentelemetry/v1/traces') return false
      tries.push(`${request.method} ${request.url}`)
      if (tries.length > 2) return false
      if (tries.length === 1) request.socket.destroy()
      else response.writeHead(503).end()
      return true
    })
    await using one = init({ serverUrl: shaky.url })
    void one.enrichSession({ metrics: { m: 1 } })
    expect(await one.forceFlush(60_000)).toBe(true)
    expect(tries).toEqual(['POST /session/start', 'POST /session/start', 'POST /session/start', 'PUT /events'])
    await shaky.close()
  })

  test('many sessions at once: each start comes before its own updates', async () => {
    await using one = init()
    await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        one.withSession({ sessionName: `s${i}` }, async (session) => {
          void session.enrich({ metadata: { first: i } })
          await nextTurn()
          void one.enrichSession({ outputs: { second: i } })
        }),
      ),
    )
    expect(await one.forceFlush()).toBe(true)
    const byId = new Map<string, ReceivedCall[]>()
    for (const call of receiver.calls) {
      const id: string = call.body.session?.session_id ?? call.body.event_id
      byId.set(id, [...(byId.get(id) ?? []), call])
    }
    expect(byId.size).toBe(40)
    for (const calls of byId.values()) {
      expect(calls.map(({ body }) => (body.session ? 'start' : Object.keys(body).join()))).toEqual([
        'start',
        'event_id,metadata',
        'event_id,outputs',
      ])
    }
  })
})
