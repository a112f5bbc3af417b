import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createFetchTransport } from '../../src/api/fetch-transport.js'
import { RestClient, type RestClientOptions } from '../../src/api/client.js'
import { createDiagnostics } from '../../src/diagnostics.js'
import { toRequestHeaders } from '../../src/export/headers.js'
import { SpanStats } from '../../src/export/stats.js'
import { HttpTransport, type Transport } from '../../src/export/transport.js'
import { startFaultServer, type FaultServer } from '../faults/start-fault-server.js'
import { isWithin } from '../fixtures/limit.js'

const KEY = 'hh_sentinel_key_4711'
const HEADERS = toRequestHeaders({ apiKey: KEY, source: 'test' })
let server: FaultServer
let client: RestClient
let transport: Transport
let stats: SpanStats
let warnings: string[]

beforeAll(async () => {
  server = await startFaultServer()
})
afterAll(() => server.stop())
beforeEach(() => {
  warnings = []
  start()
})
afterEach(async () => {
  await client.close(0)
  transport.close()
  expect(warnings.join('\n')).not.toContain(KEY)
})

function start(options: Partial<RestClientOptions> = {}): void {
  const push = (line: string): void => void warnings.push(line)
  const diagnostics = createDiagnostics({ logger: { debug: push, warn: push, error: push } })
  stats = new SpanStats({ diagnostics })
  transport = new HttpTransport({ serverUrl: server.url, headers: HEADERS })
  client = new RestClient({ transport, diagnostics, stats, ...options })
}

const OK = { body: '{"session_id":"s","event_id":"e","success":true}' }

describe('RestClient', () => {
  it('sends sessions, updates and events in the shapes of the wire contract', async () => {
    await server.set({ otherwise: OK })
    expect(await client.startSession({ session_id: 's1', session_name: 'checkout' })).toBe(true)
    expect(await client.updateEvent({ event_id: 's1', metadata: { a: 1 } })).toBe(true)
    expect(await client.createEvent({ event_id: 'e1', session_id: 's1', event_type: 'tool', inputs: {} })).toBe(true)
    const { requests } = await server.seen()
    expect(requests.map(({ method, path, json }) => ({ method, path, json }))).toEqual([
      { method: 'POST', path: '/session/start', json: { session: { session_id: 's1', session_name: 'checkout' } } },
      { method: 'PUT', path: '/events', json: { event_id: 's1', metadata: { a: 1 } } },
      { method: 'POST', path: '/events', json: { event: { event_id: 'e1', session_id: 's1', event_type: 'tool', inputs: {} } } },
    ])
    expect(requests[0]?.headers).toMatchObject({
      authorization: `Bearer ${KEY}`,
      'content-type': 'application/json',
      'hh-client-language': 'typescript',
    })
    expect(stats.snapshot().requests).toBe(3)
  })

  it('keeps updates behind the start of their session while the start is retried', async () => {
    await server.set({ script: [{ status: 503 }], otherwise: OK })
    const calls = [
      client.startSession({ session_id: 's1' }),
      client.createEvent({ event_id: 'e1', session_id: 's1' }),
      client.updateEvent({ event_id: 's1', metadata: { step: 1 } }),
      client.updateEvent({ event_id: 's1', metadata: { step: 2 } }),
    ]
    expect(await client.flush(5_000)).toBe(true)
    expect(await Promise.all(calls)).toEqual([true, true, true, true])
    const { requests } = await server.seen()
    expect(requests.slice(0, 2).map(({ path }) => path)).toEqual(['/session/start', '/session/start'])
    expect(requests.flatMap(({ json }) => (json as { metadata?: { step: number } }).metadata?.step ?? [])).toEqual([1, 2])
  })

  it('waits for everything a call depends on, and gives up what waits for a call that hangs', async () => {
    await server.set({ otherwise: OK, byPath: { '/session/start': { hang: true } } })
    const started = client.startSession({ session_id: 's1' })
    const [updated, created, changed] = [
      client.updateEvent({ event_id: 'e1', metadata: {} }),
      client.createEvent({ event_id: 'e1', session_id: 's1' }),
      client.updateEvent({ event_id: 'e1', metadata: { late: true } }),
    ]
    expect(await updated).toBe(true)
    expect(await client.flush(200)).toBe(false)
    expect((await server.seen()).requests.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
      'POST /session/start',
      'PUT /events',
    ])
    expect(await client.drain(0)).toBe(false)
    expect(await Promise.all([started, created, changed])).toEqual([false, false, false])
    await server.set({ otherwise: OK })
    expect(await client.createEvent({ event_id: 'e1', session_id: 's1' })).toBe(true)
  })

  it('sends what the body held at the time of the call', async () => {
    await server.set({ otherwise: OK })
    const metadata = { value: 'before' }
    const call = client.updateEvent({ event_id: 's1', metadata })
    metadata.value = 'after'
    await call
    expect((await server.seen()).requests[0]?.json).toEqual({ event_id: 's1', metadata: { value: 'before' } })
  })

  it('takes an empty reply to an update as success', async () => {
    await server.set({ otherwise: { body: '' } })
    expect(await client.updateEvent({ event_id: 's1' })).toBe(true)
  })

  it('tells a flush of a call that failed between others that arrived, once', async () => {
    await server.set({ script: [OK, { status: 400 }, OK, OK], otherwise: OK })
    const update = (id: string): Promise<boolean> => client.updateEvent({ event_id: id })
    expect([await update('first'), await update('second'), await update('third')]).toEqual([true, false, true])
    expect([await client.flush(100), await client.flush(100)]).toEqual([false, true])
    expect(await update('fourth')).toBe(true)
    expect(await client.flush(100)).toBe(true)
    expect(client.unsettled).toBe(0)
  })

  it('waits for what is under way when the calls beside it are over', async () => {
    await server.set({ byPath: { '/session/start': OK, '/events': { ...OK, delayMs: 200 } }, otherwise: OK })
    const slow = client.updateEvent({ event_id: 'slow' })
    expect(await client.startSession({ session_id: 'quick' })).toBe(true)
    expect(client.unsettled).toBe(1)
    expect(await client.flush(5_000)).toBe(true)
    expect([client.unsettled, await slow]).toEqual([0, true])
  })

  it.each([
    ['HTTP 401', { status: 401 }, 'HH_API_KEY'],
    ['HTTP 500', { status: 500 }, 'HTTP 500'],
    ['an HTML page', { headers: { 'content-type': 'text/html' }, body: '<html>' }, 'HH_API_URL'],
    ['invalid JSON', { body: '{' }, 'HH_API_URL'],
  ])('F31 resolves a start answered with %s to false, with one warning', async (_, otherwise, text) => {
    await server.set({ otherwise })
    expect(await Promise.all([client.startSession({ session_id: 'a' }), client.startSession({ session_id: 'b' })])).toEqual([false, false])
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain(text)
    expect((await server.seen()).requests).toHaveLength(2)
    expect(await client.flush(100)).toBe(false)
    expect(await client.flush(100)).toBe(true)
  })

  it('F31 takes a start answered without a session id as sent, with one warning', async () => {
    await server.set({ otherwise: { body: '{}' } })
    expect(await Promise.all([client.startSession({ session_id: 'a' }), client.startSession({ session_id: 'b' })])).toEqual([true, true])
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('HH_API_URL')
  })

  it('F31 gives up a hanging start within the limit of shutdown', async () => {
    await server.set({ otherwise: { hang: true } })
    const call = client.startSession({ session_id: 'a' })
    const stopped = client.close(300)
    expect(await isWithin(3_000, stopped)).toBe(true)
    expect(await stopped).toBe(false)
    expect(await call).toBe(false)
    expect(await client.startSession({ session_id: 'b' })).toBe(false)
  })

  it('F31 gives up what stands behind a hanging start, and what is due to be sent again', async () => {
    await server.set({ otherwise: { status: 503, headers: { 'retry-after': '30' } } })
    const calls = [client.startSession({ session_id: 'a' }), client.updateEvent({ event_id: 'a' }), client.updateEvent({ event_id: 'b' })]
    await expect.poll(async () => (await server.seen()).requests.length).toBe(2)
    expect(await client.close(100)).toBe(false)
    expect(await Promise.all(calls)).toEqual([false, false, false])
    expect(warnings.join('\n')).toMatch(/\d calls for sessions and events were given up/)
  })

  it('writes text that is no Unicode as a reader takes it, and leaves alone what only looks like it', async () => {
    await server.set({ otherwise: OK })
    const text = 'lone \ud83d, whole \u{1f600}, spelt \\ud83d'
    await client.updateEvent({ event_id: 'a', metadata: { text } })
    expect((await server.seen()).requests[0]?.json).toEqual({
      event_id: 'a',
      metadata: { text: 'lone \ufffd, whole \u{1f600}, spelt \\ud83d' },
    })
  })

  it('sends no body that a `toJSON` made something else of', async () => {
    const content = { toJSON: () => ['no event'] } as unknown as Record<string, unknown>
    expect(await client.updateEvent(content)).toBe(false)
    expect(stats.snapshot().requests).toBe(0)
    expect(warnings.join('\n')).toContain('/events')
  })

  it.each(['null', '7', '"s"', '[]', '{"session_id":7}', '{"event_id":null}'])(
    'says once that %s is no answer to a start',
    async (body) => {
      await server.set({ otherwise: { body } })
      expect(await client.startSession({ session_id: 'a' })).toBe(true)
      expect(warnings).toEqual([expect.stringContaining('without the expected id')])
    },
  )

  it('stops trying when the budget is used up', async () => {
    start({ retryBudgetMs: 300 })
    await server.set({ otherwise: { status: 503 } })
    expect(await client.updateEvent({ event_id: 'a' })).toBe(false)
    expect((await server.seen()).requests).toHaveLength(1)
  })

  it('holds a bounded number of calls and says so once', async () => {
    start({ maxCalls: 2 })
    await server.set({ otherwise: { ...OK, delayMs: 50 } })
    const outcomes = await Promise.all(['a', 'b', 'c', 'd'].map((id) => client.updateEvent({ event_id: id })))
    expect(outcomes).toEqual([true, true, false, false])
    expect(warnings).toHaveLength(1)
  })

  it('refuses values that are no JSON without throwing', async () => {
    const circular: Record<string, unknown> = { event_id: 'a' }
    circular.self = circular
    expect(await client.updateEvent(circular)).toBe(false)
    expect(await client.updateEvent({ event_id: 'a', metadata: { big: 10n } })).toBe(false)
    expect(stats.snapshot().requests).toBe(0)
  })

  it('makes no request without a transport', async () => {
    start({ transport: undefined })
    expect(await client.startSession({ session_id: 'a' })).toBe(false)
    expect(await client.flush(0)).toBe(true)
    await expect(client.request('GET', '/v1/runs')).rejects.toMatchObject({ code: 'HTTP_NETWORK' })
  })
})

describe('request', () => {
  it('gives back the JSON of the reply, retrying what may be retried', async () => {
    await server.set({ script: [{ status: 503 }], otherwise: { body: '{"runs":[1]}' } })
    expect(await client.request<{ runs: number[] }>('GET', '/v1/runs?limit=1')).toEqual({ runs: [1] })
    expect((await server.seen()).requests).toHaveLength(2)
  })

  it('reads replies larger than an export reply', async () => {
    await server.set({ otherwise: { body: JSON.stringify({ text: 'x'.repeat(3_000_000) }) } })
    expect((await client.request<{ text: string }>('GET', '/v1/runs')).text).toHaveLength(3_000_000)
  })

  it.each([
    ['HTTP_STATUS', { status: 401 }],
    ['HTTP_TIMEOUT', { hang: true }],
    ['BAD_REPLY', { headers: { 'content-type': 'text/html' }, body: '<html>' }],
    ['BAD_REPLY', { body: 'oops' }],
  ])('rejects with %s and shows neither key nor body', async (code, otherwise) => {
    await server.set({ otherwise })
    const failure = await client
      .request('POST', '/v1/runs', { secret: 'body-sentinel' }, { timeoutMs: 300 })
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ code })
    expect(String(failure)).toContain(`POST ${server.url}/v1/runs`)
    expect(String(failure)).not.toMatch(/body-sentinel|hh_sentinel/)
  })

  it('rejects with HTTP_NETWORK when nobody listens, and does not repeat a POST', async () => {
    const lonely = new HttpTransport({ serverUrl: 'http://127.0.0.1:9', headers: HEADERS })
    start({ transport: lonely })
    await expect(client.request('POST', '/v1/runs', {}, { timeoutMs: 5_000 })).rejects.toMatchObject({
      code: 'HTTP_NETWORK',
      message: expect.stringContaining('ECONNREFUSED'),
    })
    lonely.close()
  })

  it('stops when its signal aborts', async () => {
    await server.set({ otherwise: { hang: true } })
    const controller = new AbortController()
    const request = client.request('GET', '/v1/runs', undefined, { signal: controller.signal })
    controller.abort()
    await expect(request).rejects.toMatchObject({ code: 'HTTP_NETWORK' })
  })
})

describe('createFetchTransport', () => {
  it('sends through the given fetch and hides its error texts', async () => {
    const seen: string[] = []
    const viaFetch = createFetchTransport({
      serverUrl: 'https://api.example.test/',
      headers: HEADERS,
      fetch: (url, init) => {
        seen.push(`${init?.method} ${String(url)}`)
        if (seen.length > 1) return Promise.reject(new TypeError(`invalid header ${KEY}`))
        return Promise.resolve(new Response('{"ok":true}', { headers: { 'content-type': 'application/json' } }))
      },
    })
    start({ transport: viaFetch })
    expect(await client.request('PUT', '/events', {})).toEqual({ ok: true })
    const failure = await client.request('POST', '/events', {}, { timeoutMs: 300 }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'HTTP_NETWORK' })
    expect(String(failure)).not.toContain(KEY)
    expect(seen).toEqual(['PUT https://api.example.test/events', 'POST https://api.example.test/events'])
    viaFetch.close()
  })

  it.each(['hangs', 'hangs in the body'])('waits no longer than it may for a given fetch that %s and listens to no signal', async (how) => {
    const body = new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode('{')) })
    const hanging = createFetchTransport({
      serverUrl: 'https://api.example.test',
      headers: HEADERS,
      fetch: () => (how === 'hangs' ? new Promise(() => undefined) : Promise.resolve(new Response(body))),
    })
    start({ transport: hanging })
    await expect(client.request('POST', '/events', {}, { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'HTTP_TIMEOUT',
      message: expect.stringContaining('no reply within 50 ms'),
    })
    const controller = new AbortController()
    const request = client.request('POST', '/events', {}, { signal: controller.signal })
    controller.abort()
    await expect(request).rejects.toMatchObject({ code: 'HTTP_NETWORK', message: expect.stringContaining('aborted') })
    hanging.close()
  })

  it('hands on what a reply says of itself, or that it says nothing', async () => {
    const replies = [new Response('{}', { status: 429, headers: { 'retry-after': '7', 'x-request-id': 'r1' } }), new Response(null)]
    const told = createFetchTransport({
      serverUrl: 'https://api.example.test/base//',
      headers: {},
      fetch: () => Promise.resolve(replies.shift() as Response),
    })
    expect(told.baseUrl).toBe('https://api.example.test/base')
    const request = { url: `${told.baseUrl}/x`, timeoutMs: 1_000 }
    expect(await told.send(request)).toMatchObject({ status: 429, retryAfter: '7', requestId: 'r1' })
    expect(await told.send(request)).toMatchObject({ status: 200, contentType: '', retryAfter: undefined, requestId: undefined })
    told.close()
  })
})
