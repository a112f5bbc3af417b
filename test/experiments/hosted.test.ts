import { describe, expect } from 'vitest'
import { evaluate } from '../../src/experiments/index.js'
import type { Backend } from './backend.js'
import { test } from './backend.js'

async function upload(backend: Backend, apiKey: string, count: number): Promise<{ id: string; datapointIds: string[] }> {
  const post = async (path: string, body: unknown): Promise<Record<string, unknown>> => {
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
    const reply = await fetch(backend.url + path, { method: 'POST', headers, body: JSON.stringify(body) })
    return (await reply.json()) as Record<string, unknown>
  }
  const { result } = await post('/v1/datasets', { name: 'questions' })
  const id = String(Object(result).insertedId)
  const data = Array.from({ length: count }, (_, i) => ({ q: `q${i}`, a: `a${i}` }))
  const reply = await post(`/v1/datasets/${id}/datapoints`, { data, mapping: { inputs: ['q'], history: [], ground_truth: ['a'] } })
  return { id, datapointIds: reply['datapoint_ids'] as string[] }
}

describe('a dataset kept at the server', () => {
  test('is fetched in pages, in order, and keeps its own ids in run, sessions and rows', async ({ backend, online }) => {
    const { id, datapointIds } = await upload(backend, online.apiKey, 120)
    const result = await evaluate({
      ...online,
      datasetId: id,
      function: ({ inputs }) => Object(inputs).q,
      evaluators: { same: (outputs, _i, truth) => `a${String(outputs).slice(1)}` === Object(truth).a },
    })
    expect(result).toMatchObject({
      datasetId: id,
      status: 'completed',
      counts: { total: 120 },
      metrics: { same: { average: 1, count: 120 } },
    })
    expect(result.rows.map((row) => row.datapointId)).toEqual(datapointIds)
    expect(backend.sent('GET /v1/datapoints?')).toHaveLength(3)
    expect(backend.sent('POST /v1/runs')[0]?.body).toMatchObject({ dataset_id: id, datapoint_ids: datapointIds, metadata: {} })
    expect(backend.sent('POST /session/start')[0]?.body).toMatchObject({ session: { metadata: { dataset_id: id } } })
  })

  test('is fetched one by one where the server does not know pages, and datapoints that are gone are counted', async ({
    backend,
    online,
  }) => {
    const { id, datapointIds } = await upload(backend, online.apiKey, 5)
    backend.intercept = ({ path }) => {
      if (path.startsWith('/v1/datapoints?')) return { status: 404 }
      return path === `/v1/datapoints/${datapointIds[2]}` ? { status: 404 } : undefined
    }
    const result = await evaluate({ ...online, datasetId: id, function: ({ inputs }) => Object(inputs).q })
    expect(result.rows.map((row) => [row.index, row.outputs])).toEqual([
      [0, 'q0'],
      [1, 'q1'],
      [3, 'q3'],
      [4, 'q4'],
    ])
    expect(result.warnings).toEqual([`1 datapoints of the dataset could not be fetched: ${datapointIds[2]}`])
  })

  test('is the one that was named, whatever the server lists', async ({ backend, online }) => {
    const { id } = await upload(backend, online.apiKey, 2)
    const run = (datasetId: string, datasets: readonly object[]) => {
      backend.intercept = ({ path }) => (path.startsWith('/v1/datasets?') ? { status: 200, body: { datasets } } : undefined)
      return evaluate({ ...online, datasetId, function: () => 1 })
    }
    const datapoints = ['d1']
    const other = { id, name: 'questions', datapoints }
    await expect(run('wanted', [other])).rejects.toThrow(
      `Dataset "wanted" does not exist for this key: the server gave "${id}". Check "datasetId".`,
    )
    await expect(run('questions', [{ id: 'o', datapoints }, other])).rejects.toThrow(`has the id "${id}"; give that as "datasetId".`)
    await expect(
      run(
        'wanted',
        Array.from({ length: 5 }, (_, i) => ({ _id: `o${i}`, datapoints })),
      ),
    ).rejects.toThrow('"o2" and 2 more.')
    expect(backend.sent('POST /v1/runs')).toHaveLength(0)
    expect((await run('wanted', [other, { _id: 'wanted', datapoints }])).datasetId).toBe('wanted')
  })

  test('must exist', async ({ backend, online }) => {
    await expect(evaluate({ ...online, datasetId: 'nope', function: () => 1 })).rejects.toThrow(/"nope" does not exist/)
    expect(backend.sent('POST /v1/runs')).toHaveLength(0)
  })
})
