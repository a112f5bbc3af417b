import { get, type IncomingMessage } from 'node:http'
import { describe, expect } from 'vitest'
import type { LiveMessage, SessionList } from '../../src/dev/page-api/contract.js'
import type { DevServer } from '../../src/dev/server.js'
import { cpuMs, leastBelow, toReferenceMs } from '../fixtures/cost.js'
import { call, isLong, newId, sendSpans, test } from './fixtures.js'

const SESSION = '5b0e2f6a-1111-4222-8333-444455556666'
const sessionId = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const T0 = 1_700_000_000_000

/** Ten sessions, one second apart, the last one with an error. */
const fill = async (server: DevServer): Promise<void> => {
  for (let i = 0; i < 10; i++) {
    await sendSpans(server, [
      {
        name: `step ${i}`,
        startMs: T0 + i * 1_000,
        endMs: T0 + i * 1_000 + 100 * (i + 1),
        attributes: {
          'honeyhive.session_id': sessionId(i),
          'honeyhive.session_auto_create': true,
          'honeyhive.session_name': `session ${i}`,
          'honeyhive.source': i % 2 ? 'prod' : 'dev',
          honeyhive_event_type: i === 3 ? 'model' : 'chain',
          'honeyhive_inputs.q': `100% "quoted" cat_${i}`,
          'honeyhive_metadata.tier': i,
          'honeyhive_metadata.flag': i === 4,
          'gen_ai.usage.cost': 0.5,
          'gen_ai.usage.input_tokens': 2,
          'gen_ai.usage.output_tokens': 1,
          ...(i === 9 ? { honeyhive_error: 'boom' } : {}),
        },
      },
    ])
  }
}

const names = async (server: DevServer, query: string): Promise<string[]> =>
  ((await call(server, 'GET', `/api/sessions?${query}`)).body as SessionList).sessions.map((session) => session.name)

describe('sessions', () => {
  test('newest first, by pages that neither repeat nor skip', async ({ server }) => {
    await fill(server)
    const seen: string[] = []
    let cursor = ''
    for (let page = 0; page < 5; page++) {
      const list = (await call(server, 'GET', `/api/sessions?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`)).body as SessionList
      seen.push(...list.sessions.map((session) => session.name))
      expect(list.sources).toEqual(['dev', 'prod'])
      if (list.nextCursor === null) break
      cursor = list.nextCursor
    }
    expect(seen).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((i) => `session ${i}`))
  })

  test.for([
    ['q=SESSION%203', ['session 3']],
    ['q=cat_7', ['session 7']],
    ['q=cat%25', []],
    [`q=${encodeURIComponent('100% "quoted" cat_5')}`, ['session 5']],
    ['q=step%206', ['session 6']],
    ['type=model', ['session 3']],
    ['error=1', ['session 9']],
    ['source=prod&limit=1', ['session 9']],
    ['metadata=tier:2', ['session 2']],
    ['metadata=flag:true', ['session 4']],
    ['metadata=unknown', []],
    [`fromMs=${T0 + 8_000}`, ['session 9', 'session 8']],
    [`toMs=${T0 + 1_000}`, ['session 1', 'session 0']],
    ['type=model&error=1', []],
  ] as const)('%s finds %j', async ([query, expected], { server }) => {
    await fill(server)
    expect(await names(server, query)).toEqual(expected)
  })

  test('a project is named by id or name', async ({ start }) => {
    const server = await start({ projects: { alpha: 'key-a', beta: 'key-b' } })
    await sendSpans(server, [{ name: 'a' }], { key: 'key-a' })
    await sendSpans(server, [{ name: 'b' }], { key: 'key-b' })
    const { id } = server.projects().find(({ name }) => name === 'beta') ?? { id: '' }
    expect([await names(server, 'project=alpha'), await names(server, `project=${id}`), await names(server, '')]).toEqual([
      ['a'],
      ['b'],
      ['b', 'a'],
    ])
  })

  test('all the events of a large session come in one answer with bounded work, twenty thousand in the long form', async ({ server }) => {
    const traceId = newId(16)
    const root = newId(8)
    const batches = isLong ? 20 : 3
    for (let batch = 0; batch < batches; batch++) {
      await sendSpans(
        server,
        Array.from({ length: 1_000 }, (_, i) => ({
          traceId,
          ...(batch + i === 0 ? { spanId: root } : { parentSpanId: root }),
          startMs: T0 + batch * 1_000 + i,
          attributes: { 'honeyhive.session_id': SESSION, 'honeyhive_inputs.i': i },
        })),
      )
    }
    const read = () => call(server, 'GET', `/api/sessions/${SESSION}`)
    const eachUs = async (): Promise<number> => {
      const before = cpuMs()
      await read()
      return toReferenceMs(((cpuMs() - before) / (batches * 1_000)) * 1_000, 150)
    }
    expect(await leastBelow(150, eachUs)).toBeLessThan(150)
    const { body } = await read()
    expect(body).toMatchObject({ session: { events: batches * 1_000 }, events: { length: batches * 1_000 } })
  })
})

test('one event in full, and nothing for an unknown one', async ({ server }) => {
  await fill(server)
  const [event] = server.events({ sessionId: sessionId(3) }).filter(({ type }) => type === 'model')
  expect((await call(server, 'GET', `/api/events/${event?.id}`)).body).toEqual(event)
  expect(event).toMatchObject({
    name: 'step 3',
    totalTokens: 3,
    cost: 0.5,
    inputs: { q: '100% "quoted" cat_3' },
    metadata: { tier: 3 },
    userProperties: {},
    linked: [],
  })
  expect((await call(server, 'GET', '/api/events/unknown')).status).toBe(404)
  expect((await call(server, 'GET', '/api/sessions/unknown')).status).toBe(404)
  expect((await call(server, 'GET', '/api/processes/unknown')).status).toBe(404)
})

test('sums over time', async ({ server }) => {
  await fill(server)
  const { body } = await call(server, 'GET', `/api/stats?fromMs=${T0}&toMs=${T0 + 9_999}&bucketMs=5000`)
  expect(body).toEqual({
    bucketMs: 5_000,
    points: [
      { timeMs: T0, events: 5, errors: 0, cost: 2.5, promptTokens: 10, completionTokens: 5, p50Ms: 300, p95Ms: 480 },
      { timeMs: T0 + 5_000, events: 5, errors: 1, cost: 2.5, promptTokens: 10, completionTokens: 5, p50Ms: 800, p95Ms: 980 },
    ],
  })
  for (const query of ['', 'bucketMs=0', 'bucketMs=-1', 'fromMs=5&toMs=1', 'bucketMs=1&fromMs=0']) {
    expect([query, (await call(server, 'GET', `/api/stats?${query}`)).status]).toEqual([query, 200])
  }
})

describe('the live stream', () => {
  /** Reads messages of `/api/live` until `isEnough`. */
  const listen = (
    server: DevServer,
  ): Promise<{ next(isEnough: (messages: LiveMessage[]) => boolean): Promise<LiveMessage[]>; response: IncomingMessage }> =>
    new Promise((resolve, reject) => {
      get(`${server.url}/api/live`, (response) => {
        const messages: LiveMessage[] = []
        let text = ''
        let check = (): void => undefined
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
          const parts = text.split('\n\n')
          text = parts.pop() ?? ''
          for (const part of parts) if (part.startsWith('data: ')) messages.push(JSON.parse(part.slice(6)) as LiveMessage)
          check()
        })
        resolve({
          response,
          next: (isEnough) =>
            new Promise((done) => {
              check = () => {
                if (isEnough(messages)) done(messages)
              }
              check()
            }),
        })
      }).on('error', reject)
    })

  test('tells of sessions, events and runs after they are stored', async ({ server }) => {
    const stream = await listen(server)
    expect(stream.response.headers['content-type']).toBe('text/event-stream')
    await sendSpans(server, [{ attributes: { 'honeyhive.session_id': SESSION, 'honeyhive.session_auto_create': true } }])
    await call(server, 'POST', '/v1/runs', { run_id: sessionId(1), name: 'r' })
    const messages = await stream.next((all) => all.some(({ kind }) => kind === 'run') && all.some(({ kind }) => kind === 'events'))
    expect(messages).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'session', session: expect.objectContaining({ id: SESSION, events: 1 }) as unknown }),
        expect.objectContaining({ kind: 'events', sessionId: SESSION, eventIds: expect.any(Array) as unknown }),
        expect.objectContaining({ kind: 'run', runId: sessionId(1) }),
      ]),
    )
  })

  test('has room for 64 viewers, and closing the server ends them', async ({ start }) => {
    const server = await start()
    const streams = await Promise.all(Array.from({ length: 64 }, () => listen(server)))
    expect((await call(server, 'GET', '/api/live')).status).toBe(503)
    streams[0]?.response.destroy()
    const ended = Promise.all(
      streams.slice(1).map(({ response }) => new Promise((resolve) => response.on('end', resolve).on('close', resolve))),
    )
    await server.close()
    await ended
  })
})
