import { describe, expect } from 'vitest'
import type { DevServer } from '../../src/dev/server.js'
import { call, sendSpans, test } from './fixtures.js'

const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

interface RowInput {
  readonly datapoint: string
  readonly accuracy: number | boolean
  readonly error?: string
}

/** What the Python SDK's `evaluate()` sends, in its order. */
const evaluate = async (
  server: DevServer,
  runId: string,
  rows: readonly RowInput[],
  offset: number,
  extra: Record<string, unknown> = {},
): Promise<string[]> => {
  await call(server, 'POST', '/v1/runs', {
    run_id: runId,
    name: `run ${offset}`,
    status: 'pending',
    metadata: { offline_dataset_id: 'EXT-d', git: { branch: 'main' } },
    event_ids: [],
    datapoint_ids: rows.map((row) => row.datapoint),
    configuration: { function: 'my_fn', evaluators: ['accuracy'], max_workers: 2, aggregate_function: 'average' },
    ...extra,
  })
  const sessions = rows.map((_, index) => uuid(offset + index))
  for (const [index, row] of rows.entries()) {
    const ids = { run_id: runId, dataset_id: 'EXT-d', datapoint_id: row.datapoint }
    await call(server, 'POST', '/session/start', {
      session: {
        session_id: sessions[index],
        session_name: `run ${offset}`,
        source: 'evaluation',
        inputs: { q: row.datapoint },
        metadata: ids,
      },
    })
    await sendSpans(server, [
      {
        name: 'my_fn',
        attributes: {
          'honeyhive.session_id': sessions[index] ?? '',
          honeyhive_event_type: 'chain',
          'honeyhive_metrics.accuracy': row.accuracy,
          'honeyhive_metrics.accuracy_explanation': 'because',
          ...Object.fromEntries(Object.entries(ids).map(([key, value]) => [`honeyhive_metadata.${key}`, value])),
          ...(row.error === undefined ? {} : { honeyhive_error: row.error }),
        },
      },
      {
        name: 'llm',
        attributes: {
          'honeyhive.session_id': sessions[index] ?? '',
          honeyhive_event_type: 'model',
          'honeyhive_metadata.run_id': runId,
          'gen_ai.usage.cost': 0.5,
          'gen_ai.usage.input_tokens': 2,
        },
      },
    ])
  }
  for (const [index, row] of rows.entries())
    await call(server, 'PUT', '/events', {
      event_id: sessions[index],
      outputs: { a: row.datapoint },
      feedback: { ground_truth: row.datapoint },
    })
  await call(server, 'PUT', `/v1/runs/${runId}`, {
    name: `run ${offset}`,
    status: 'completed',
    event_ids: sessions,
    metadata: { offline_dataset_id: 'EXT-d' },
  })
  return sessions
}

const OLD = uuid(900)
const NEW = uuid(901)
const rows = (scores: readonly (number | boolean)[]): RowInput[] =>
  scores.map((accuracy, index) => ({ datapoint: `EXT-${index}`, accuracy }))

describe('an evaluation as the Python SDK runs it', () => {
  test('its result has everything the client requires', async ({ server }) => {
    const sessions = await evaluate(
      server,
      OLD,
      [
        { datapoint: 'EXT-0', accuracy: 1 },
        { datapoint: 'EXT-1', accuracy: 0, error: 'boom' },
      ],
      100,
    )
    const { body } = await call(server, 'GET', `/v1/runs/${OLD}/result?aggregate_function=average`)
    expect(body).toMatchObject({
      status: 'completed',
      success: false,
      passed: ['EXT-0'],
      failed: ['EXT-1'],
      metrics: {
        aggregation_function: 'average',
        details: [{ metric_name: 'accuracy', event_name: 'my_fn', event_type: 'chain', aggregate: 0.5, values: [1, 0] }],
      },
      datapoints: [
        { datapoint_id: 'EXT-0', session_id: sessions[0], passed: true, metrics: [{ name: 'accuracy', value: 1, passed: true }] },
        { datapoint_id: 'EXT-1', passed: false },
      ],
      event_details: expect.arrayContaining([{ event_name: 'my_fn', event_type: 'chain' }]) as unknown[],
      run_object: {
        run_id: OLD,
        id: OLD,
        name: 'run 100',
        status: 'completed',
        event_ids: sessions,
        is_active: true,
        metadata: { git: { branch: 'main' }, offline_dataset_id: 'EXT-d' },
        dataset_id: null,
      },
    })
    expect((await call(server, 'GET', `/v1/runs/${OLD}/summary`)).body).toEqual(body)
    // The first generation of clients rejects `null`.
    const first = (await call(server, 'GET', `/runs/${OLD}/result`)).body as { run_object: object }
    expect(first).toMatchObject({ passed: ['EXT-0'], failed: ['EXT-1'], run_object: { run_id: OLD, event_ids: sessions } })
    expect(JSON.stringify(first)).not.toContain('null')
  })

  test.for([
    ['average', 2.5],
    ['min', 1],
    ['max', 4],
    ['median', 2.5],
    ['p90', 3.7],
    ['p95', 3.85],
    ['p99', 3.97],
    ['sum', 10],
    ['count', 4],
  ] as const)('%s of 1, 2, 3, 4 is %d', async ([how, expected], { server }) => {
    await evaluate(server, OLD, rows([1, 2, 3, 4]), 100)
    const { metrics } = (await call(server, 'GET', `/v1/runs/${OLD}/result?aggregate_function=${how}`)).body as {
      metrics: { details: { aggregate: number }[] }
    }
    expect(metrics.details[0]?.aggregate).toBeCloseTo(expected, 10)
  })

  test('booleans count as 0 and 1; an unknown function is refused', async ({ server }) => {
    await evaluate(server, OLD, rows([true, false, true, true]), 100)
    expect((await call(server, 'GET', `/v1/runs/${OLD}/result`)).body).toMatchObject({ metrics: { details: [{ aggregate: 0.75 }] } })
    expect((await call(server, 'GET', `/v1/runs/${OLD}/result?aggregate_function=magic`)).status).toBe(400)
  })

  test('passing ranges decide', async ({ server }) => {
    await evaluate(server, OLD, rows([0.2, 0.9]), 100, { passing_ranges: { accuracy: { min: 0.5 } } })
    expect((await call(server, 'GET', `/v1/runs/${OLD}/result`)).body).toMatchObject({
      passed: ['EXT-1'],
      failed: ['EXT-0'],
      metrics: { details: [{ passing_range: { min: 0.5 }, datapoints: { passed: ['EXT-1'], failed: ['EXT-0'] } }] },
    })
  })

  test('filters narrow it', async ({ server }) => {
    await evaluate(server, OLD, rows([0.2, 0.9]), 100)
    const filters = encodeURIComponent(JSON.stringify([{ field: 'metadata.datapoint_id', operator: 'is', value: 'EXT-1' }]))
    expect((await call(server, 'GET', `/v1/runs/${OLD}/summary?filters=${filters}`)).body).toMatchObject({
      passed: ['EXT-1'],
      failed: [],
      metrics: { details: [{ values: [0.9] }] },
    })
    expect((await call(server, 'GET', `/v1/runs/${OLD}/summary?filters=%7Bbad`)).status).toBe(400)
  })

  test('metrics by event', async ({ server }) => {
    await evaluate(server, OLD, rows([1]), 100)
    expect((await call(server, 'GET', `/v1/runs/${OLD}/metrics`)).body).toMatchObject({
      events: expect.arrayContaining([
        expect.objectContaining({
          event_name: 'my_fn',
          event_type: 'chain',
          metadata: { datapoint_id: 'EXT-0' },
          metrics: { accuracy: 1 },
        }),
      ]) as unknown[],
    })
  })

  test.for([['compare-with'], ['compare']] as const)('two runs through %s', async ([word], { server }) => {
    await evaluate(server, OLD, rows([0, 1, 0.5]), 100)
    await evaluate(server, NEW, rows([1, 0, 0.5]), 200)
    expect((await call(server, 'GET', `/v1/runs/${NEW}/${word}/${OLD}`)).body).toMatchObject({
      metrics: [
        {
          metric_name: 'accuracy',
          old_aggregate: 0.5,
          new_aggregate: 0.5,
          difference: 0,
          percentage_change: 0,
          found_count: 3,
          improved_count: 1,
          degraded_count: 1,
          same_count: 1,
          improved: ['EXT-0'],
          degraded: ['EXT-1'],
          same: ['EXT-2'],
        },
      ],
      commonDatapoints: ['EXT-0', 'EXT-1', 'EXT-2'],
      old_run: { run_id: OLD },
      new_run: { run_id: NEW },
      event_details: expect.arrayContaining([{ event_name: 'my_fn', event_type: 'chain', presence: 'both' }]) as unknown[],
    })
  })

  test('events of two runs side by side, both spellings', async ({ server }) => {
    await evaluate(server, OLD, rows([0]), 100)
    await evaluate(server, NEW, rows([1]), 200)
    const expected = {
      totalEvents: 1,
      events: [
        { datapoint_id: 'EXT-0', event_1: { event_name: 'my_fn', metrics: { accuracy: 1 } }, event_2: { metrics: { accuracy: 0 } } },
      ],
    }
    expect((await call(server, 'GET', `/v1/runs/${NEW}/compare/${OLD}/events?event_name=my_fn&event_type=chain`)).body).toMatchObject(
      expected,
    )
    expect((await call(server, 'GET', `/v1/runs/compare/events?run_id_1=${NEW}&run_id_2=${OLD}`)).body).toMatchObject(expected)
  })
})

describe('runs', () => {
  test('are listed by page, filtered and sorted, and deleted', async ({ server }) => {
    for (let i = 0; i < 5; i++)
      await call(server, 'POST', '/v1/runs', { run_id: uuid(i), name: `r${i}`, status: i === 0 ? 'failed' : 'pending' })
    expect((await call(server, 'GET', '/v1/runs?limit=2&page=2&sort_by=name&sort_order=asc')).body).toMatchObject({
      evaluations: [{ name: 'r2' }, { name: 'r3' }],
      pagination: { page: 2, limit: 2, total: 5, total_unfiltered: 5, total_pages: 3, has_next: true, has_prev: true },
    })
    expect((await call(server, 'GET', `/v1/runs?run_ids[]=${uuid(1)}&run_ids[]=${uuid(3)}`)).body).toMatchObject({
      pagination: { total: 2 },
    })
    expect((await call(server, 'GET', '/v1/runs?page=1e300')).body).toMatchObject({
      evaluations: [],
      pagination: { total: expect.any(Number) },
    })
    expect((await call(server, 'GET', '/v1/runs?status=failed')).body).toMatchObject({ evaluations: [{ name: 'r0' }] })
    expect((await call(server, 'GET', `/v1/runs?dateRange=${encodeURIComponent('{"$gte":"2999-01-01"}')}`)).body).toMatchObject({
      evaluations: [],
    })
    expect((await call(server, 'DELETE', `/v1/runs/${uuid(0)}`)).body).toEqual({ id: uuid(0), deleted: true })
    expect((await call(server, 'GET', `/v1/runs/${uuid(0)}`)).status).toBe(404)
    expect((await call(server, 'GET', '/v1/runs', undefined, 'another-key-000')).body).toMatchObject({ evaluations: [] })
  })

  test('wrong ones are refused', async ({ server }) => {
    for (const body of [{ name: ' ' }, { status: 'done' }, { metadata: 'x' }])
      expect([body, (await call(server, 'POST', '/v1/runs', body)).status]).toEqual([body, 400])
  })

  test('the first generation gets no null where it expects nothing', async ({ server }) => {
    const { body } = await call(server, 'POST', '/runs', { project: 'p', name: 'r', event_ids: [], status: 'pending', metadata: {} })
    expect(JSON.stringify(body)).not.toContain('null')
    expect(body).toMatchObject({ run_id: expect.any(String) as string, evaluation: { status: 'pending' } })
  })

  test('a run without a label moves to the labelled project its sessions are in', async ({ server }) => {
    await call(server, 'POST', '/v1/runs', { run_id: OLD, name: 'r' })
    await call(server, 'POST', '/session/start', { session: { project: 'labelled', metadata: { run_id: OLD, datapoint_id: 'd' } } })
    const project = server.projects().find(({ name }) => name === 'labelled')
    expect((await call(server, 'GET', `/api/runs?project=${project?.id}`)).body).toMatchObject({ runs: [{ id: OLD, rows: 1 }] })
    expect((await call(server, 'GET', `/v1/runs/${OLD}`)).status).toBe(200)
  })

  test('a run counts the events of its own key only', async ({ start }) => {
    const server = await start({ projects: { alpha: 'key-a', beta: 'key-b' } })
    await call(server, 'POST', '/v1/runs', { run_id: OLD, name: 'r' }, 'key-a')
    await call(server, 'POST', '/session/start', { session: { metadata: { run_id: OLD, datapoint_id: 'd' } } }, 'key-b')
    expect((await call(server, 'GET', `/v1/runs/${OLD}/result`, undefined, 'key-a')).body).toMatchObject({ datapoints: [] })
    expect((await call(server, 'GET', `/v1/runs/${OLD}`, undefined, 'key-b')).status).toBe(404)
  })
})

describe('the page', () => {
  test('sees runs, rows and comparisons, and their sums as they grow', async ({ server }) => {
    await evaluate(
      server,
      OLD,
      [
        { datapoint: 'EXT-0', accuracy: 0 },
        { datapoint: 'EXT-1', accuracy: 1, error: 'boom' },
      ],
      100,
    )
    await evaluate(server, NEW, rows([1, 1]), 200)
    const list = (await call(server, 'GET', '/api/runs')).body
    expect(list).toMatchObject({
      runs: expect.arrayContaining([
        expect.objectContaining({
          id: OLD,
          rows: 2,
          failedRows: 1,
          metrics: { accuracy: 0.5 },
          cost: 1,
          totalTokens: 4,
          datasetId: 'EXT-d',
        }),
      ]) as unknown[],
    })
    expect((await call(server, 'GET', `/api/runs/${OLD}`)).body).toMatchObject({
      configuration: { function: 'my_fn' },
      rows: [
        {
          datapointId: 'EXT-0',
          inputs: { q: 'EXT-0' },
          outputs: { a: 'EXT-0' },
          groundTruth: 'EXT-0',
          error: null,
          metrics: { accuracy: 0, accuracy_explanation: 'because' },
          cost: 0.5,
        },
        { error: 'boom' },
      ],
    })
    expect((await call(server, 'GET', `/api/comparison?run=${NEW}&run=${OLD}`)).body).toMatchObject({
      metrics: [{ name: 'accuracy', figures: [{ average: 1 }, { average: 0.5 }] }],
      rows: [{ id: 'EXT-0', rows: [{}, {}] }, {}],
    })
    await sendSpans(server, [{ name: 'later', attributes: { 'honeyhive.session_id': uuid(100), 'gen_ai.usage.cost': 1 } }])
    expect((await call(server, 'GET', '/api/runs')).body).toMatchObject({
      runs: expect.arrayContaining([expect.objectContaining({ id: OLD, cost: 2 })]) as unknown[],
    })
    expect((await call(server, 'GET', `/api/runs/${uuid(5)}`)).status).toBe(404)
  })
})
