import { describe, expect } from 'vitest'
import type { DevServer } from '../../src/dev/server.js'
import { call, KEY, sendSpans, test } from './fixtures.js'

const SESSION = '5b0e2f6a-1111-4222-8333-444455556666'
const EVENT = '11111111-2222-4333-8444-555555555555'

const startSession = (server: DevServer, session: Record<string, unknown> = {}): Promise<{ status: number; body: unknown }> =>
  call(server, 'POST', '/session/start', { session: { session_id: SESSION, session_name: 'chat', source: 'dev', ...session } })

describe('sessions', () => {
  test.for([
    [
      'npm honeyhive 1.0.42 and Python 1.5.1',
      '/session/start',
      { session: { project: 'p', session_name: 'n', source: 's', inputs: { a: 1 }, session_id: SESSION } },
    ],
    ['the v1 routes', '/v1/sessions', { session_name: 'n', source: 's', inputs: { a: 1 }, session_id: SESSION.toUpperCase() }],
  ] as const)('%s start one', async ([, path, body], { server }) => {
    const reply = await call(server, 'POST', path, body)
    expect(reply).toMatchObject({
      status: 200,
      body: {
        session_id: SESSION,
        event_id: SESSION,
        parent_id: null,
        event_type: 'session',
        event_name: 'n',
        source: 's',
        inputs: { a: 1 },
        org_id: expect.any(String) as string,
        workspace_id: expect.any(String) as string,
        project_id: expect.any(String) as string,
        children_ids: [],
        error: null,
      },
    })
  })

  test('a missing id is made, text that is no UUID becomes one, times as text are ignored', async ({ server }) => {
    const before = Date.now()
    const made = (await call(server, 'POST', '/v1/sessions', { start_time: '2020-01-01' })).body as {
      session_id: string
      start_time: number
      event_name: string
    }
    expect(made.session_id).toMatch(/^[0-9a-f-]{36}$/)
    expect([made.start_time >= before, made.event_name]).toEqual([true, 'unknown'])
    expect((await call(server, 'POST', '/v1/sessions', { session_id: 'python.org' })).body).toMatchObject({
      session_id: '886313e1-3b8a-5372-9b90-0c9aee199e5d',
    })
  })

  test('numbers beyond all dates and sums end no request and no export', async ({ server }) => {
    const event = { session_id: SESSION, event_type: 'model', event_name: 'e', inputs: {}, config: {} }
    await startSession(server, { start_time: 1e300, end_time: 1e308, duration: 1e308 })
    for (let i = 0; i < 3; i++) {
      const body = { ...event, start_time: 1e300, duration: 1e308, metrics: { cost: 1.7e308 }, metadata: { total_tokens: 1.7e308 } }
      expect((await call(server, 'POST', '/events', { event: body })).status).toBe(200)
    }
    const [id] = server.events({ sessionId: SESSION }).map((found) => found.id)
    expect((await call(server, 'PUT', '/events', { event_id: id, duration: 1e308, end_time: 1e300 })).status).toBe(200)
    const [session] = server.sessions()
    expect(session).toMatchObject({ events: 3, cost: 3e12, totalTokens: 3e12 })
    expect(new Date(session?.startMs ?? Number.NaN).toISOString()).toMatch(/^20/)
    const exported = await fetch(`${server.url}/api/export`)
    expect((await exported.text()).trim().split('\n')).toHaveLength(1)
  })

  test('starting it again merges, and completes one that ingestion made', async ({ server }) => {
    await sendSpans(server, [{ attributes: { 'honeyhive.session_id': SESSION, 'honeyhive.session_auto_create': true } }])
    await startSession(server, { metadata: { a: 1 } })
    const again = await call(server, 'POST', '/v1/sessions', { session_id: SESSION, metadata: { b: 2 }, user_properties: { u: 1 } })
    expect(again.body).toMatchObject({
      event_name: 'chat',
      source: 'dev',
      metadata: { a: 1, b: 2, num_events: 1 },
      user_properties: { u: 1 },
    })
    expect(server.sessions()).toMatchObject([{ name: 'chat', source: 'dev', events: 1 }])
  })

  test('a session holds its events, whatever times it was started with', async ({ server }) => {
    await startSession(server, { start_time: 5_000, end_time: 6_000 })
    const event = { session_id: SESSION, event_type: 'tool', event_name: 'e', inputs: {}, config: {} }
    await call(server, 'POST', '/events', { event: { ...event, start_time: 3_000, end_time: 4_000 } })
    await call(server, 'POST', '/events', { event: { ...event, start_time: 5_500, end_time: 9_000 } })
    expect((await call(server, 'GET', `/session/${SESSION}`)).body).toMatchObject({ start_time: 3_000, end_time: 9_000, duration: 6_000 })
  })

  test('logs of the LangChain tracer keep their nesting', async ({ server }) => {
    await startSession(server)
    const startTime = 1_700_000_000_000_000
    const reply = await call(server, 'POST', `/session/${SESSION}/traces`, {
      logs: [
        {
          event_type: 'chain',
          event_name: 'outer',
          inputs: {},
          start_time: startTime,
          end_time: startTime + 5_000,
          children: [{ event_type: 'model', event_name: 'inner', inputs: { x: 1 } }],
        },
      ],
    })
    expect(reply).toMatchObject({ status: 200, body: { success: true } })
    expect(server.tree(SESSION)).toMatchObject([
      { name: 'outer', startMs: 1_700_000_000_000, durationMs: 5, children: [{ name: 'inner', type: 'model' }] },
    ])
    expect((await call(server, 'POST', `/session/${SESSION}/traces`, { logs: [], events: [] })).status).toBe(400)
    expect((await call(server, 'POST', `/session/${SESSION}/traces`, {})).status).toBe(400)
  })

  test('v1 batch of a session, reading it as a tree, and deleting it', async ({ server }) => {
    await startSession(server)
    await call(server, 'POST', `/v1/sessions/${SESSION}/events/batch`, {
      events: [
        { event_type: 'tool', event_name: 't', inputs: {}, session_id: 'other', metadata: { prompt_tokens: 2, completion_tokens: 1 } },
      ],
    })
    expect((await call(server, 'GET', `/v1/sessions/${SESSION}`)).body).toMatchObject({
      event_id: SESSION,
      metadata: { num_events: 1, total_tokens: 3 },
      children: [{ event_name: 't', children: [] }],
    })
    expect((await call(server, 'GET', `/session/${SESSION}`, undefined, 'somebody-elses-key')).status).toBe(404)
    expect((await call(server, 'DELETE', `/v1/sessions/${SESSION}`)).status).toBe(200)
    expect([server.sessions(), server.events()]).toEqual([[], []])
  })
})

describe('events', () => {
  test.for([
    ['wrapped', '/events', (event: object) => ({ event: { project: 'p', ...event } })],
    ['bare', '/v1/events', (event: object) => event],
  ] as const)('one %s event is created and read', async ([, path, wrap], { server }) => {
    const event = {
      event_type: 'tool',
      event_name: 'lookup',
      inputs: { q: 1 },
      outputs: { a: 2 },
      session_id: SESSION,
      event_id: EVENT,
      error: 'x',
      start_time: 1_700_000_000_000,
      duration: 12.5,
      metrics: { m: 1 },
    }
    expect(await call(server, 'POST', path, wrap(event))).toMatchObject({ status: 200, body: { success: true, event_id: EVENT } })
    expect((await call(server, 'GET', `/v1/events/${EVENT}`)).body).toMatchObject({
      event: { ...event, parent_id: SESSION, end_time: 1_700_000_000_012 },
    })
  })

  test('an id that is no UUID is refused, alone and in a batch; none at all is made', async ({ server }) => {
    const event = { event_type: 'tool', event_name: 'x', inputs: {}, session_id: SESSION }
    for (const wrong of ['abc', 7, {}]) {
      for (const [path, body] of [
        ['/events', { event: { ...event, event_id: wrong } }],
        ['/v1/events', { ...event, event_id: wrong }],
      ] as const)
        expect(await call(server, 'POST', path, body)).toMatchObject({
          status: 400,
          body: { message: 'event_id must be a UUID; leave it out to get one' },
        })
    }
    const batch = [{ ...event, event_id: 'abc' }, { ...event, event_id: null }, event]
    const reply = await call(server, 'POST', '/v1/events/batch', { events: batch })
    expect(reply).toMatchObject({ status: 500, body: { errors: [expect.stringContaining('event 0: event_id must be a UUID') as string] } })
    expect(server.events({ sessionId: SESSION }).filter(({ type }) => type === 'tool')).toHaveLength(2)
  })

  test('a wrong event answers 400 in the error format, an unknown one 404', async ({ server }) => {
    expect(await call(server, 'POST', '/v1/events', { event_type: 'nope', inputs: {} })).toMatchObject({
      status: 400,
      body: { statusCode: 400, success: false, message: expect.stringContaining('event_type') as string },
    })
    expect((await call(server, 'POST', '/v1/events', { event_type: 'tool', inputs: [] })).status).toBe(400)
    expect((await call(server, 'GET', '/v1/events/xyz')).status).toBe(400)
    expect(await call(server, 'GET', `/v1/events/${EVENT}`)).toMatchObject({ status: 404, body: { statusCode: 404, success: false } })
  })

  test.for([
    ['legacy', '/events', (patch: object) => ({ event_id: SESSION, ...patch })],
    ['v1', `/v1/events/${SESSION}`, (patch: object) => patch],
  ] as const)(
    'the %s update merges objects, replaces outputs, ignores the rest, answers with JSON that every client can parse',
    async ([, path, wrap], { server }) => {
      await startSession(server, { metadata: { a: 1 }, outputs: { old: 1 }, inputs: { i: 1 } })
      const put = (patch: object): Promise<{ status: number; body: unknown }> => call(server, 'PUT', path, wrap(patch))
      expect(
        await put({
          metadata: { b: 2 },
          feedback: { ground_truth: 'x' },
          metrics: { m: 1 },
          config: { c: 1 },
          user_properties: { u: 1 },
          outputs: { new: 2 },
        }),
      ).toMatchObject({ status: 200, body: { success: true } })
      await put({ outputs: null, metadata: { b: 3 }, duration: 40, inputs: { ignored: 1 }, event_name: 'ignored', children_ids: [] })
      expect(server.events({ sessionId: SESSION })).toMatchObject([
        {
          name: 'chat',
          inputs: { i: 1 },
          outputs: { new: 2 },
          metadata: { a: 1, b: 3 },
          feedback: { ground_truth: 'x' },
          metrics: { m: 1 },
          config: { c: 1 },
          userProperties: { u: 1 },
          durationMs: 40,
        },
      ])
      for (const outputs of ['text', [1], 5]) expect((await put({ outputs })).status).toBe(400)
      expect(server.sessions()).toMatchObject([{ hasFeedback: true }])
    },
  )

  test('updates that come before their event wait for it, in order, and only for the same sender', async ({ server }) => {
    await call(server, 'PUT', '/events', { event_id: SESSION, metrics: { m: 1, n: 1 } })
    await call(server, 'PUT', '/events', { event_id: SESSION, metrics: { m: 2 }, outputs: { o: 1 } })
    await call(server, 'PUT', '/events', { event_id: SESSION, metrics: { stolen: 1 } }, 'another-key-000')
    await startSession(server, { outputs: { first: 1 }, project: 'labelled' })
    expect(server.events({ sessionId: SESSION })).toMatchObject([{ metrics: { m: 2, n: 1 }, outputs: { o: 1 } }])
    expect(server.events({ sessionId: SESSION })[0]?.metrics).not.toHaveProperty('stolen')
  })

  test('an update without a label finds the event in the labelled project of the same key', async ({ server }) => {
    await startSession(server, { project: 'labelled' })
    await call(server, 'PUT', '/events', { event_id: SESSION, metadata: { found: true } })
    expect(server.events({ project: 'labelled' })).toMatchObject([{ metadata: { found: true } }])
    expect(server.projects()).toHaveLength(1)
  })

  test('batches: many sessions, one session, and a bad event among good ones', async ({ server }) => {
    const event = { event_type: 'tool', inputs: {} }
    expect((await call(server, 'POST', '/events/batch', { events: [{ ...event, project: 'p' }, event] })).body).toMatchObject({
      success: true,
      event_ids: [expect.any(String), expect.any(String)],
    })
    const single = (
      await call(server, 'POST', '/v1/events/batch', {
        events: [event, event],
        single_session: true,
        session_properties: { session_name: 'together' },
      })
    ).body as { session_id: string }
    expect(server.sessions().find((session) => session.id === single.session_id)).toMatchObject({ name: 'together', events: 2 })
    const partial = await call(server, 'POST', '/v1/events/batch', { events: [event, { event_type: 'bad', inputs: {} }] })
    expect(partial).toMatchObject({
      status: 500,
      body: { success: false, event_ids: [expect.any(String)], errors: [expect.stringContaining('event 1')] },
    })
  })

  test('model events move their fields to where events keep them', async ({ server }) => {
    const model = {
      model: 'gpt',
      messages: [{ role: 'user', content: 'hi' }],
      provider: 'openai',
      response: { content: 'hey' },
      usage: { t: 1 },
      session_id: SESSION,
      duration: 5,
    }
    expect((await call(server, 'POST', '/events/model', { model_event: model })).body).toMatchObject({ success: true })
    expect((await call(server, 'POST', '/events/model/batch', { model_events: [model] })).body).toMatchObject({
      success: true,
      event_ids: [expect.any(String)],
    })
    expect(server.events({ sessionId: SESSION })).toMatchObject(
      Array.from({ length: 2 }, () => ({
        type: 'model',
        model: 'gpt',
        inputs: { messages: [{ role: 'user' }], provider: 'openai', usage: { t: 1 } },
        outputs: { response: { content: 'hey' } },
      })),
    )
  })
})

describe('search, export and schema', () => {
  const fill = async (server: DevServer): Promise<void> => {
    for (let i = 0; i < 5; i++) {
      await call(server, 'POST', '/v1/events', {
        event_type: i % 2 ? 'tool' : 'model',
        event_name: `e${i}`,
        inputs: { q: `cat ${i}` },
        outputs: { score: i },
        metadata: { run: { n: i }, 'dotted.key': i },
        session_id: SESSION,
        start_time: 1_700_000_000_000 + i,
        duration: i,
      })
    }
  }
  const names = (body: unknown): string[] => (body as { events: { event_name: string }[] }).events.map((event) => event.event_name)

  test.for([
    [[{ field: 'event_type', operator: 'is', value: 'model' }], ['e4', 'e2', 'e0']],
    [[{ field: 'event_type', operator: 'is not', value: 'model' }], ['e3', 'e1']],
    [[{ field: 'outputs.score', operator: 'greater than', value: 2 }], ['e4', 'e3']],
    [[{ field: 'outputs.score', operator: 'less than', value: 1 }], ['e0']],
    [[{ field: 'inputs.q', operator: 'contains', value: 'CAT 3' }], ['e3']],
    [[{ field: 'inputs.q', operator: 'not contains', value: '3' }], ['e4', 'e2', 'e1', 'e0']],
    [[{ field: 'metadata.run.n', operator: 'is', value: '2', type: 'number' }], ['e2']],
    [[{ field: 'metadata.dotted.key', operator: 'is', value: 4 }], ['e4']],
    [[{ field: 'error', operator: 'exists', value: null }], []],
    [
      [
        { field: 'error', operator: 'not exists', value: null },
        { field: 'event_name', operator: 'is', value: 'e1' },
      ],
      ['e1'],
    ],
    [[{ field: 'start_time', operator: 'after', value: '2023-11-14T22:13:20.003Z' }], ['e4']],
    [[{ field: 'start_time', operator: 'before', value: '2023-11-14T22:13:20.001Z' }], ['e0']],
  ] as const)('%j finds %j, latest first', async ([filters, expected], { server }) => {
    await fill(server)
    expect(names((await call(server, 'POST', '/v1/events/search', { filters })).body)).toEqual(expected)
  })

  test('pages, projections, dates and limits', async ({ server }) => {
    await fill(server)
    const page = await call(server, 'POST', '/v1/events/export', {
      filters: [],
      limit: 2,
      page: 2,
      projections: ['event_name', 'outputs.score'],
      ignore_order: true,
    })
    expect(page.body).toEqual({
      events: [
        { event_name: 'e2', outputs: { score: 2 } },
        { event_name: 'e1', outputs: { score: 1 } },
      ],
      count: 5,
      totalEvents: 5,
    })
    expect(
      names(
        (
          await call(server, 'POST', '/events/export', {
            project: 'p',
            filters: [],
            dateRange: { $gte: '2023-11-14T22:13:20.003Z', $lte: '2023-11-15T00:00:00Z' },
          })
        ).body,
      ),
    ).toEqual(['e4', 'e3'])
    for (const wrong of [
      { limit: 0 },
      { limit: -1 },
      { limit: 1e9 },
      { page: 0 },
      { filters: 'x' },
      { filters: [{ field: 'a', operator: 'sql', value: 1 }] },
      { dateRange: { start_time: 'x' } },
    ]) {
      expect([wrong, (await call(server, 'POST', '/v1/events/search', wrong)).status]).toEqual([wrong, 400])
    }
    expect((await call(server, 'POST', '/v1/events/search', {}, 'another-key-000')).body).toMatchObject({ events: [], count: 0 })
  })

  test('the schema lists what events have', async ({ server }) => {
    await fill(server)
    expect((await call(server, 'GET', '/v1/events/schema')).body).toMatchObject({
      fields: expect.arrayContaining([{ name: 'outputs.score', event_type: 'tool' }]) as unknown[],
      datasets: [],
      mappings: { inputs: expect.arrayContaining([{ field_name: 'inputs.q', event_type: 'model' }]) as unknown[] },
    })
  })
})

describe('datasets and datapoints', () => {
  test.for(['', '/v1'])('the whole life of a dataset under "%s"', async (prefix, { server }) => {
    const created = (await call(server, 'POST', `${prefix}/datasets`, { name: 'd', project: 'p' })).body as {
      inserted: boolean
      result: { insertedId: string }
    }
    const id = created.result.insertedId
    const rows = await call(server, 'POST', `${prefix}/datasets/${id}/datapoints`, {
      data: [{ q: 'a', a: 'b', extra: 1 }],
      mapping: { inputs: ['q'], ground_truth: ['a'], history: [] },
    })
    const [pointId] = (rows.body as { datapoint_ids: string[] }).datapoint_ids
    expect((await call(server, 'GET', `${prefix}/datasets?dataset_id=${id}`)).body).toMatchObject({
      datasets: [{ id, name: 'd', datapoints: [pointId] }],
    })
    expect((await call(server, 'GET', `${prefix}/datapoints/${pointId}`)).body).toMatchObject({
      datapoint: [
        { id: pointId, inputs: { q: 'a' }, ground_truth: { a: 'b' }, history: [], metadata: { extra: 1 }, linked_datasets: [id] },
      ],
    })
    expect((await call(server, 'GET', `${prefix}/datapoints?datapoint_ids[]=${pointId}&dataset_name=d`)).body).toMatchObject({
      datapoints: [{ id: pointId }],
    })
    expect((await call(server, 'PUT', `${prefix}/datapoints/${pointId}`, { ground_truth: { a: 'c' } })).body).toEqual({
      updated: true,
      result: { modifiedCount: 1 },
    })
    expect(
      (await call(server, 'PUT', prefix === '' ? '/datasets' : `/v1/datasets/${id}`, { dataset_id: id, name: 'e' })).body,
    ).toMatchObject({ result: { id, name: 'e' } })
    expect(
      (await call(server, 'DELETE', prefix === '' ? `/datasets/${id}/${pointId}` : `/v1/datasets/${id}/datapoints/${pointId}`)).body,
    ).toMatchObject({ dereferenced: true })
    expect((await call(server, 'DELETE', `${prefix}/datapoints/${pointId}`)).body).toEqual({ deleted: true })
    expect((await call(server, 'DELETE', prefix === '' ? `/datasets?dataset_id=${id}` : `/v1/datasets/${id}`)).body).toEqual({
      result: { id },
    })
    expect((await call(server, 'GET', `${prefix}/datasets`)).body).toMatchObject({ datasets: [] })
    expect((await call(server, 'GET', `${prefix}/datapoints/${pointId}`)).status).toBe(404)
  })

  test('datapoints are made by hand and from events', async ({ server }) => {
    const { result } = (await call(server, 'POST', '/v1/datasets', {})).body as { result: { insertedId: string } }
    expect((await call(server, 'POST', '/v1/datapoints', { inputs: { q: 1 }, linked_datasets: [result.insertedId] })).body).toMatchObject({
      inserted: true,
      result: { insertedIds: [expect.any(String)] },
    })
    await call(server, 'POST', '/v1/events', {
      event_type: 'model',
      event_name: 'wanted',
      inputs: { chat_history: [{ role: 'user', content: 'hi' }] },
      outputs: { content: 'hey' },
    })
    await call(server, 'POST', '/v1/events', { event_type: 'tool', event_name: 'other', inputs: {} })
    const made = await call(server, 'POST', '/v1/datapoints/batch', {
      filters: [{ field: 'event_name', operator: 'is', value: 'wanted' }],
      selectAll: true,
      dataset_id: result.insertedId,
    })
    expect(made.body).toMatchObject({ inserted: true, insertedIds: [expect.any(String)] })
    expect((await call(server, 'GET', '/v1/datasets')).body).toMatchObject({
      datasets: [{ name: 'Untitled Dataset', datapoints: { length: 2 } }],
    })
  })
})

test.for([
  ['POST', '/v1/metrics/run'],
  ['GET', '/v1/metrics/1/versions'],
  ['POST', '/v1/queues'],
  ['GET', '/v1/charts/1'],
  ['GET', '/projects'],
  ['GET', '/tools'],
  ['GET', '/evaluations'],
  ['GET', '/dataset'],
  ['GET', '/prompts?project=p'],
] as const)('%s %s says in JSON that it is not built', async ([method, path], { server }) => {
  const reply = await call(server, method, path, method === 'POST' ? {} : undefined)
  expect(reply).toMatchObject({ status: 501, body: { statusCode: 501, success: false, errorCode: 'not_implemented' } })
  expect(reply.headers.get('content-type')).toMatch(/^application\/json/)
})

test.for(['/api/nothing', '/api/runs/a/compare/b', '/v1/nothing', '/session/1/2/3/4', '/events/00000000-0000-4000-8000-000000000000/x'])(
  '%s is no route, and is answered as one of the API, never with the page',
  async (path, { server }) => {
    for (const accept of ['*/*', 'text/html', 'application/json']) {
      const reply = await fetch(server.url + path, { headers: { accept } })
      expect([reply.status, reply.headers.get('content-type'), await reply.json()]).toEqual([
        404,
        'application/json',
        expect.objectContaining({ statusCode: 404, success: false }),
      ])
    }
  },
)

test.for([
  ['GET', '/nowhere', 404],
  ['GET', '/v1/nowhere', 404],
  ['PATCH', '/v1/runs', 405],
  ['GET', '/session/start', 404],
] as const)('%s %s of an unknown route answers %d in JSON', async ([method, path, status], { server }) => {
  const reply = await fetch(server.url + path, { method, headers: { accept: 'application/json' } })
  expect([reply.status, await reply.json()]).toEqual([
    status,
    { statusCode: status, message: expect.any(String) as string, success: false },
  ])
})

describe('metrics', () => {
  test.for(['', '/v1'])(
    'are kept under %j: created, listed, changed, deleted, and only for their own project',
    async (prefix, { server }) => {
      const create = { name: 'length', type: 'PYTHON', criteria: 'def f(e): return 1' }
      const { metric_id: id } = (await call(server, 'POST', `${prefix}/metrics`, create)).body as { metric_id: string }
      const list = async (query = '', key?: string): Promise<unknown[]> => {
        const { body } = await call(server, 'GET', `${prefix}/metrics${query}`, undefined, key)
        return prefix === '' ? (body as unknown[]) : (body as { metrics: unknown[] }).metrics
      }
      expect(await list()).toMatchObject([
        {
          id,
          ...create,
          type: prefix === '' ? 'custom' : 'PYTHON',
          return_type: 'float',
          sampling_percentage: 10,
          filters: { filterArray: [] },
        },
      ])
      expect(await list('?type=LLM')).toEqual([])
      expect(await list('', 'key-of-somebody-else')).toEqual([])
      expect((await call(server, 'PUT', `${prefix}/metrics`, { metric_id: id, name: 'stolen' }, 'key-of-somebody-else')).status).toBe(404)
      expect((await call(server, 'PUT', `${prefix}/metrics`, { metric_id: id, description: 'd' })).body).toEqual({ updated: true })
      expect(await list(`?id=${id}`)).toMatchObject([{ name: 'length', description: 'd' }])
      expect((await call(server, 'DELETE', `${prefix}/metrics?metric_id=${id}`)).body).toEqual({ deleted: true })
      expect(await list()).toEqual([])
      for (const wrong of [{}, { name: '' }, { name: 'x'.repeat(201) }, { name: 'x', type: 'RUST' }])
        expect((await call(server, 'POST', `${prefix}/metrics`, wrong)).status).toBe(400)
    },
  )
})

describe('configurations', () => {
  test.for(['', '/v1'])('are kept under %j: created, filtered, changed, deleted', async (prefix, { server }) => {
    const create = { name: 'prompt', provider: 'openai', parameters: { call_type: 'chat', model: 'm' }, env: ['dev'], tags: ['a', 'b'] }
    const { insertedId: id } = (await call(server, 'POST', `${prefix}/configurations`, create)).body as { insertedId: string }
    const list = async (query = ''): Promise<unknown[]> => {
      const { body } = await call(server, 'GET', `${prefix}/configurations${query}`)
      return prefix === '' ? (body as unknown[]) : (body as { configurations: unknown[] }).configurations
    }
    expect(await list('?name=prompt&env=dev&tags=a')).toMatchObject([{ id, type: 'LLM', ...create }])
    for (const query of ['?name=other', '?env=prod', '?tags=c']) expect(await list(query)).toEqual([])
    expect((await call(server, 'PUT', `${prefix}/configurations/${id}`, { name: 'prompt', env: ['prod'] })).body).toMatchObject({
      modifiedCount: 1,
    })
    expect(await list('?env=prod')).toMatchObject([{ id, parameters: { model: 'm' } }])
    expect((await call(server, 'DELETE', `${prefix}/configurations/${id}`)).body).toEqual({ acknowledged: true, deletedCount: 1 })
    expect((await call(server, 'DELETE', `${prefix}/configurations/${id}`)).status).toBe(404)
    expect((await call(server, 'POST', `${prefix}/configurations`, { name: 'x' })).status).toBe(400)
  })
})

test('a second start of one session keeps name, source and inputs of the first and adds what is new', async ({ server }) => {
  const start = (k: number): Promise<unknown> =>
    startSession(server, {
      session_name: `invocation ${k}`,
      source: `s${k}`,
      inputs: { k },
      metadata: { [`m${k}`]: k },
      user_properties: { [`u${k}`]: k },
    })
  await start(1)
  await start(2)
  expect(server.events({ sessionId: SESSION })).toMatchObject([
    { name: 'invocation 1', source: 's1', inputs: { k: 1 }, metadata: { m1: 1, m2: 2 }, userProperties: { u1: 1, u2: 2 } },
  ])
})

test('the key may be missing or the scheme written in any case', async ({ server }) => {
  await call(server, 'POST', '/session/start', { session: {} }, null)
  await fetch(`${server.url}/session/start`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `bearer   ${KEY}` },
    body: '{"session":{}}',
  })
  expect(
    server
      .projects()
      .map((project) => project.name)
      .sort(),
  ).toEqual(['key …6789', 'no key'])
})
