import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createClient, type HoneyHiveClient, HoneyHiveRequestError } from '../../src/client/index.js'
import { type Answer, type Recorder, startRecorder } from './recorder.js'

const KEY = 'hh_secret_key_0123456789'

let open: Recorder | undefined
afterEach(async () => {
  vi.unstubAllEnvs()
  await open?.close()
  open = undefined
})

const serve = async (answer?: Answer): Promise<Recorder> => {
  open = await startRecorder(answer)
  return open
}

const clientOf = (recorder: Recorder, options: object = {}): HoneyHiveClient =>
  createClient({ apiKey: KEY, serverUrl: recorder.url, ...options })

const failureOf = async (promise: Promise<unknown>): Promise<HoneyHiveRequestError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(HoneyHiveRequestError)
  return error as HoneyHiveRequestError
}

const json =
  (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(body))
  }

/** The first replies are those of `first`, all later ones an empty list. */
const failing =
  (times: number, first: Answer): Answer =>
  (request, response, index) =>
    index < times ? first(request, response, index) : json(200, { datasets: [] })(request, response, index)

describe('createClient', () => {
  it('refuses what is wrong or unknown, all at once, with the nearest name', () => {
    expect(() => createClient({ apiKey: KEY, timeout: 5, retries: -1, timeoutMs: '5s' } as object)).toThrow(
      /createClient: 3 invalid settings[\s\S]*"timeout" from code\. Did you mean "timeoutMs"\?[\s\S]*"retries"[\s\S]*"timeoutMs"/,
    )
    expect(() => createClient({ apiKey: KEY, serverUrl: 'ftp://x' })).toThrow(/serverUrl/)
    expect(() => createClient({ apiKey: KEY, serverUrl: 'http://example.com' })).toThrow(/plain http to another host/)
  })

  it('takes the key and the server from the environment, and says when there is no key', async () => {
    expect(() => createClient()).toThrow(/expected an API key, got none\. Give "apiKey", or set HH_API_KEY/)
    const recorder = await serve(json(200, { datasets: [] }))
    vi.stubEnv('HH_API_KEY', KEY)
    vi.stubEnv('HH_API_URL', `${recorder.url}/`)
    vi.stubEnv('HH_DISABLE_TRACING', 'true')
    const client = createClient()
    expect(client.serverUrl).toBe(recorder.url)
    expect(await client.datasets.list().toArray()).toEqual([])
    expect(recorder.requests[0]?.headers).toMatchObject({ authorization: `Bearer ${KEY}`, 'hh-client-package': 'honeyhive-tracer' })
  })

  it('refuses fields that a method does not know, before anything is sent', async () => {
    const recorder = await serve()
    const { events, datasets, experiments, configurations } = clientOf(recorder)
    const wrong: readonly [() => unknown, RegExp][] = [
      [
        () => events.create({ eventType: 'tool', eventname: 'x' } as never),
        /events\.create[\s\S]*"eventname"[\s\S]*Did you mean "eventName"/,
      ],
      [() => events.create({ eventType: 'llm' } as never), /"eventType": expected one of "session", "model"/],
      [() => events.list({ filters: [{ field: 'a', operator: 'equals' }] } as never), /filters\[0\][\s\S]*"operator"/],
      [() => events.list({ pageSize: 9_999 }), /"pageSize": expected a whole number from 1 to 7500/],
      [() => datasets.addDatapoints('d', { data: [{}], mapping: { ground_truths: [] } } as never), /Did you mean "groundTruth"/],
      [() => experiments.getRun('..'), /"runId" of experiments\.getRun: expected an id/],
      [() => datasets.delete(' '), /"datasetId"/],
      [() => configurations.create({ name: 'n', provider: 'p', parameters: { model: 'm' } } as never), /callType/],
      [() => events.update('id', { inputs: {} } as never), /"inputs"/],
    ]
    for (const [call, message] of wrong) {
      await expect((async () => call())()).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(message) as unknown,
      })
    }
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    await expect(events.create({ eventType: 'tool', inputs: circle })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    expect(recorder.requests).toEqual([])
  })

  it('writes ids into paths, whatever they are', async () => {
    const recorder = await serve()
    await clientOf(recorder).datapoints.update('a/b?c#d', {})
    expect(recorder.requests[0]?.path).toBe('/v1/datapoints/a%2Fb%3Fc%23d')
  })

  it.each([
    ['seconds', '0'],
    ['a date', 'Thu, 01 Jan 1970 00:00:00 GMT'],
  ])('tries again after 429 and 503 with Retry-After in %s', async (_form, retryAfter) => {
    const recorder = await serve((request, response, index) =>
      failing(2, json(index === 0 ? 429 : 503, {}, { 'retry-after': retryAfter }))(request, response, index),
    )
    expect(await clientOf(recorder).datasets.list().toArray()).toEqual([])
    expect(recorder.requests).toHaveLength(3)
  })

  it('gives up at once when the server asks to wait for longer than there is time, and after the last repetition', async () => {
    const patient = await serve(json(503, { message: 'in maintenance' }, { 'retry-after': '50', 'x-request-id': 'req-1' }))
    const failure = await failureOf(clientOf(patient).datasets.create({ name: 'x' }, { timeoutMs: 5_000 }))
    expect(failure).toMatchObject({ code: 'HTTP_STATUS', status: 503, requestId: 'req-1', attempts: 1 })
    expect(failure.message).toMatch(/POST .*\/v1\/datasets failed: HTTP 503\. The server says: "in maintenance"\.$/)
    await patient.close()
    const recorder = await serve(json(502, {}))
    expect(await failureOf(clientOf(recorder, { retries: 1 }).datasets.list().first())).toMatchObject({ status: 502, attempts: 2 })
    expect(recorder.requests).toHaveLength(2)
  })

  it('does not repeat what may have happened, and repeats what can happen once only', async () => {
    const recorder = await serve((_request, response) => {
      response.socket?.destroy()
    })
    const client = clientOf(recorder, { retries: 1 })
    expect(await failureOf(client.datasets.create({ name: 'x' }))).toMatchObject({ code: 'HTTP_NETWORK', attempts: 1, status: undefined })
    expect(await failureOf(client.sessions.start())).toMatchObject({ code: 'HTTP_NETWORK', attempts: 2 })
    const [, first, second] = recorder.requests
    expect(first?.body).toEqual(second?.body)
    expect(await failureOf(client.events.list().first())).toMatchObject({ attempts: 2 })
  })

  it.each<readonly [string, Answer, object]>([
    [
      'a login page',
      (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
      { code: 'BAD_REPLY', body: '<html>' },
    ],
    ['text', (_, response) => response.end('fine'), { code: 'BAD_REPLY', body: 'fine' }],
    ['half of a JSON', (_, response) => response.end('{"datasets":[{"id"'), { code: 'BAD_REPLY' }],
    [
      'a redirect',
      (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      { code: 'HTTP_STATUS', status: 302 },
    ],
    ['nothing', (_, response) => response.socket?.destroy(), { code: 'HTTP_NETWORK' }],
    [
      'a wrong key',
      json(401, { message: `key ${KEY} is unknown` }),
      { code: 'HTTP_STATUS', status: 401, body: expect.not.stringContaining(KEY) as unknown },
    ],
    [
      'a reply that breaks off',
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
        response.write('{"datasets"', () => response.socket?.destroy())
      },
      { code: 'BAD_REPLY', status: 200 },
    ],
    [
      'a gigabyte that never comes',
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1073741824' })
        response.write('{"datasets":[')
      },
      { code: 'BAD_REPLY', status: 200 },
    ],
  ])('rejects %s with a typed error', async (_name, answer, expected) => {
    const recorder = await serve(answer)
    const failure = await failureOf(clientOf(recorder, { retries: 0, timeoutMs: 2_000 }).datasets.list().toArray())
    expect(failure).toMatchObject(expected)
    expect(inspect(failure, { depth: 9 })).not.toContain(KEY)
  })

  it('takes an empty reply where none is needed, and says so where an id is', async () => {
    const recorder = await serve((_request, response) => response.end())
    const client = clientOf(recorder)
    await client.events.update('e1', { metadata: {} })
    await client.datapoints.delete('p1')
    expect(await client.datasets.list().toArray()).toEqual([])
    await expect(client.datasets.create()).rejects.toMatchObject({
      code: 'BAD_REPLY',
      message: expect.stringContaining('POST /v1/datasets has no id') as unknown,
    })
  })

  it('reads again what broke off, when that changes nothing', async () => {
    const recorder = await serve(
      failing(1, (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
        response.write('{', () => response.socket?.destroy())
      }),
    )
    expect(await clientOf(recorder).datasets.list().toArray()).toEqual([])
  })

  it('ends with the signal: before the request, within it and between two', async () => {
    const recorder = await serve((_request, response, index) => {
      if (index === 1) json(503, {}, { 'retry-after': '20' })(_request, response, index)
    })
    const { datasets } = clientOf(recorder)
    const reason = new Error('enough')
    expect(await failureOf(datasets.list({}, { signal: AbortSignal.abort(reason) }).first())).toMatchObject({
      code: 'HTTP_ABORTED',
      cause: reason,
    })
    expect(recorder.requests).toEqual([])
    for (const count of [1, 2]) {
      const controller = new AbortController()
      const call = failureOf(datasets.list({}, { signal: controller.signal }).first())
      await vi.waitFor(() => expect(recorder.requests).toHaveLength(count))
      controller.abort(reason)
      expect(await call).toMatchObject({
        code: 'HTTP_ABORTED',
        cause: reason,
        message: expect.stringMatching(/GET .*\/v1\/datasets was given up/) as unknown,
      })
    }
  })

  it('ends with its time', async () => {
    const recorder = await serve(() => undefined)
    expect(await failureOf(clientOf(recorder, { timeoutMs: 300 }).datasets.list().first())).toMatchObject({ code: 'HTTP_TIMEOUT' })
  })

  it('masks secrets in what a server said, and cuts it', async () => {
    const said = `password=hunter2hunter2 ${KEY} ${'x'.repeat(10_000)}`
    const recorder = await serve(json(400, { message: said }))
    const failure = await failureOf(clientOf(recorder).datasets.list().first())
    expect(failure.body?.length).toBeLessThan(2_100)
    expect(failure.message.length).toBeLessThan(600)
    for (const secret of [KEY, 'hunter2hunter2']) expect(`${failure.message}${failure.body}`).not.toContain(secret)
  })

  it('shows its key nowhere', async () => {
    const recorder = await serve()
    const client = clientOf(recorder)
    expect(inspect(client, { depth: 9, showHidden: true })).not.toContain(KEY)
    expect(JSON.stringify(client)).not.toContain(KEY)
  })

  it('asks for another key when one is refused', async () => {
    const keys = ['hh_old_key_012345', 'hh_new_key_012345']
    const recorder = await serve((request, response, index) =>
      (index === 0 ? json(401, {}) : json(200, { datasets: [] }))(request, response, index),
    )
    const client = clientOf(recorder, { apiKey: () => keys.shift() ?? '' })
    expect(await client.datasets.list().toArray()).toEqual([])
    expect(recorder.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer hh_old_key_012345', 'Bearer hh_new_key_012345'])
  })

  it('goes through a proxy, and over a fetch that is given', async () => {
    const recorder = await serve(json(200, { datasets: [] }))
    const targets: (string | undefined)[] = []
    const proxy = createServer((request, response) => {
      targets.push(request.url)
      response.setHeader('content-type', 'application/json')
      response.end('{"datasets":[]}')
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    const { port } = proxy.address() as AddressInfo
    try {
      const proxied = createClient({
        apiKey: KEY,
        serverUrl: 'http://api.example',
        allowInsecureUrl: true,
        proxy: `http://127.0.0.1:${port}`,
      })
      expect(await proxied.datasets.list().toArray()).toEqual([])
      expect(targets).toEqual(['http://api.example/v1/datasets'])
    } finally {
      proxy.close()
      proxy.closeAllConnections()
    }
    const asked: string[] = []
    const spy: typeof fetch = (input, init) => {
      asked.push(String(input))
      return fetch(input, init)
    }
    await clientOf(recorder, { fetch: spy }).datasets.list({ name: 'a b' }).toArray()
    expect(asked).toEqual([`${recorder.url}/v1/datasets?name=a+b`])
    expect(recorder.requests).toHaveLength(1)
  })

  it('has nothing of another client', async () => {
    const recorder = await serve(json(200, { datasets: [] }))
    const [a, b] = ['hh_key_of_a_01234', 'hh_key_of_b_01234'].map((apiKey) =>
      createClient({ apiKey, serverUrl: recorder.url, headers: { 'x-of': apiKey } }),
    )
    await Promise.all(Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? a : b)?.datasets.list().first()))
    for (const { headers } of recorder.requests) expect(headers.authorization).toBe(`Bearer ${String(headers['x-of'])}`)
    a?.close()
    expect(await b?.datasets.list().toArray()).toEqual([])
    await expect(a?.datasets.list().toArray()).rejects.toMatchObject({ code: 'HTTP_NETWORK' })
  })
})

describe('lists in pages', () => {
  const SERVER_PAGE = 10
  const all = Array.from({ length: 25 }, (_, i) => ({ event_id: `e${i}`, datapoint_id: `d${i}` }))
  const fetchAll = async (reply: (page: number, size: number) => object, options: object = {}): Promise<readonly [number, number]> => {
    const recorder = await serve((request, response, index) => {
      const { page, limit } = request.body as { page: number; limit: number }
      json(200, reply(page, Math.min(limit, SERVER_PAGE)))(request, response, index)
    })
    const { events } = clientOf(recorder)
    const found = await events.list({ pageSize: 20, ...options }).toArray()
    await recorder.close()
    expect(new Set(found.map(({ eventId }) => eventId)).size).toBe(found.length)
    return [found.length, recorder.requests.length]
  }
  const slice = (page: number, size: number): typeof all => all.slice((page - 1) * size, page * size)

  it('are read to their end where the server gives less at a time than was asked for', async () => {
    expect(await fetchAll((page, size) => ({ events: slice(page, size), totalEvents: 25 }))).toEqual([25, 3])
    expect(await fetchAll((page, size) => ({ events: slice(page, size) }))).toEqual([25, 4])
    expect(await fetchAll((page, size) => ({ events: slice(page, size), totalEvents: 25 }), { page: 2 })).toEqual([15, 2])
    expect(await fetchAll((page, size) => ({ events: slice(page, size), totalEvents: 25 }), { pageSize: 5 })).toEqual([25, 5])
  })

  it('end where the server gives the same page again and again, or nothing', async () => {
    expect(await fetchAll(() => ({ events: all.slice(0, 10) }))).toEqual([10, 3])
    expect(await fetchAll(() => ({ events: all, totalEvents: 1_000_000 }))).toEqual([25, 3])
    expect(await fetchAll(() => ({ events: [], totalEvents: 25 }))).toEqual([0, 1])
  })

  it('of pairs and of runs end as well', async () => {
    const pairs = [{ datapoint_id: 'd', event_1: { event_id: 'a' }, event_2: null }]
    const recorder = await serve((request, response, index) =>
      json(200, request.path.endsWith('/events') ? { events: pairs } : { evaluations: [], pagination: { has_next: true } })(
        request,
        response,
        index,
      ),
    )
    const { experiments } = clientOf(recorder)
    expect(await experiments.compareRunEvents('a', 'b').toArray()).toHaveLength(1)
    expect(await experiments.listRuns().toArray()).toEqual([])
    expect(recorder.requests).toHaveLength(4)
  })
})
