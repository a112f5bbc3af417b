import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished } from 'vitest'
import { type DevServer, startDevServer } from '../../src/dev/server.js'
import { connect } from '../../src/dev/store/database.js'
import { call, holdLock, newId, type Reply, sendSpans, spawnServer, test, toExport } from './fixtures.js'

const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const run = promisify(execFile)

const makePath = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'hh-concurrent-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'dev.db')
}

/** Sends until it is accepted, as the SDK does with 503; anything else must be final. */
const insist = async (send: () => Promise<Reply>): Promise<Reply> => {
  for (;;) {
    const reply = await send()
    if (reply.status !== 503) return reply
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0)
    await pause(100)
  }
}

describe('8 writers, 2 readers, an export, a lock of another program and retention', () => {
  test('nothing acknowledged is lost and every request is answered', { timeout: 120_000 }, async () => {
    const path = makePath()
    const first = await startDevServer({ port: 0, database: path, projects: { p: 'key-of-p' } })
    for (let i = 0; i < 20; i++) await sendSpans(first, [{ name: `kept ${i}` }], { key: 'key-of-p' })
    for (let i = 0; i < 300; i++) await sendSpans(first, [{ name: `old ${i}` }], { key: 'key-of-old' })
    await first.close()
    // Retention of the server that follows has something to delete.
    const database = await connect(path)
    database.run("UPDATE sessions SET touched_ms = 1 WHERE name LIKE 'old %'")
    database.close()
    const server = await startDevServer({ port: 0, database: path, projects: { p: 'key-of-p' }, retention: { maxAgeMs: 31_536_000_000 } })
    const { body } = await call(server, 'POST', '/datasets', { name: 'd' }, 'key-of-p')
    const { insertedId } = (body as { result: { insertedId: string } }).result
    const [acknowledged, rows, notes] = [new Set<string>(), new Set<string>(), new Set<string>()]
    const statuses = new Map<number, number>()
    const count = ({ status }: Reply): void => void statuses.set(status, (statuses.get(status) ?? 0) + 1)
    let isDone = false

    const writer = async (): Promise<void> => {
      for (let round = 0; round < 12; round++) {
        const eventId = crypto.randomUUID()
        const spans = Array.from({ length: 5 }, (_, n) => ({
          traceId: newId(16),
          spanId: newId(8),
          name: 'new',
          attributes: n === 0 ? { honeyhive_event_id: eventId } : {},
        }))
        const stored = await insist(() => sendSpans(server, spans, { key: 'key-of-p' }))
        if (stored.status === 200) for (const { spanId } of spans) acknowledged.add(spanId)
        const add = { data: [{ q: round }], mapping: { inputs: ['q'] } }
        const added = await insist(() => call(server, 'POST', `/datasets/${insertedId}/datapoints`, add, 'key-of-p'))
        for (const id of (added.body as { datapoint_ids: string[] }).datapoint_ids) rows.add(id)
        const judged = await insist(() => call(server, 'POST', `/api/events/${eventId}/annotation?project=p`, { note: eventId }, null))
        if (judged.status === 200) notes.add(eventId)
        for (const reply of [stored, added, judged]) count(reply)
      }
    }
    const reader = async (): Promise<void> => {
      while (!isDone) {
        count(await call(server, 'GET', '/api/sessions?project=p'))
        count(await call(server, 'GET', '/v1/datasets', undefined, 'key-of-p'))
      }
    }
    const exporting = run(process.execPath, ['--import', 'tsx', CLI, 'export', '--db', path], { maxBuffer: 1e8 })
    const locking = (async () => {
      for (let i = 0; i < 3; i++) {
        const release = await holdLock(path)
        await pause(400)
        await release()
      }
    })()
    const readers = [reader(), reader()]
    await Promise.all([...Array.from({ length: 8 }, writer), locking])
    isDone = true
    await Promise.all(readers)
    const { stdout } = await exporting

    expect([...statuses.keys()]).toEqual([200])
    expect([acknowledged.size, rows.size, notes.size]).toEqual([8 * 12 * 5, 8 * 12, 8 * 12])
    expect(new Set(server.events({ project: 'p' }).flatMap(({ feedback }) => feedback.note ?? []))).toEqual(notes)
    const stored = new Set(server.events({ project: 'p' }).map((event) => event.spanId))
    expect([...acknowledged].filter((spanId) => !stored.has(spanId))).toEqual([])
    const { datasets } = (await call(server, 'GET', '/v1/datasets', undefined, 'key-of-p')).body as { datasets: { datapoints: string[] }[] }
    expect(new Set(datasets[0]?.datapoints)).toEqual(rows)
    expect(new Set(stdout.match(/"name":"kept \d+"/g)).size).toBe(20)
    await expect.poll(() => server.sessions().filter(({ name }) => name.startsWith('old ')).length, { timeout: 20_000 }).toBe(0)
    await server.close()
  })

  test('a file held for long: reads go on, a write is answered 503 with Retry-After, and later it is accepted', async () => {
    const path = makePath()
    const server = await startDevServer({ port: 0, database: path })
    await sendSpans(server, [{ name: 'before' }])
    const release = await holdLock(path)
    let isAnswered = false
    const writing = sendSpans(server, [{ name: 'meanwhile' }]).finally(() => {
      isAnswered = true
    })
    let reads = 0
    while (!isAnswered) {
      expect((await call(server, 'GET', '/api/sessions')).status).toBe(200)
      reads++
    }
    const refused = await writing
    expect(refused).toMatchObject({ status: 503, body: { errorCode: 'storage_busy', success: false } })
    expect(refused.headers.get('retry-after')).toBe('1')
    // The file was held for all that time: a server that waited for it would have answered nothing else.
    expect(reads).toBeGreaterThan(1)
    await release()
    expect((await sendSpans(server, [{ name: 'after' }])).status).toBe(200)
    expect(server.events().map(({ name }) => name)).toEqual(['before', 'after'])
    await server.close()
  })
})

test('a request of 10,000 spans leaves other requests their turn', { timeout: 120_000 }, async () => {
  // In a process of its own, so that asking takes no turn of the server's.
  const { child, url } = await spawnServer(makePath())
  let isStored = false
  const spans = Array.from({ length: 10_000 }, (_, i) => ({ traceId: newId(16), name: `span ${i}` }))
  const headers = { 'content-type': 'application/json' }
  const large = fetch(`${url}/v1/traces`, { method: 'POST', headers, body: JSON.stringify(toExport(spans)) }).finally(() => {
    isStored = true
  })
  const seen = new Set<number>()
  while (!isStored) {
    const { projects } = (await (await fetch(`${url}/api/projects`)).json()) as { projects: { events: number }[] }
    seen.add(projects[0]?.events ?? 0)
  }
  expect((await large).status).toBe(200)
  child.kill()
  expect([...seen].filter((events) => events > 0 && events < 10_000).length).toBeGreaterThan(0)
})

describe('changes of one record at once', () => {
  const update = (server: DevServer, id: string, body: object): Promise<Reply> => call(server, 'PUT', `/datapoints/${id}`, body)

  test('rows added to one data set, and fields of one datapoint, all stay', async ({ server }) => {
    const { insertedId } = ((await call(server, 'POST', '/datasets', { name: 'd' })).body as { result: { insertedId: string } }).result
    const add = (q: number): Promise<Reply> =>
      call(server, 'POST', `/datasets/${insertedId}/datapoints`, { data: [{ q }], mapping: { inputs: ['q'] } })
    const added = await Promise.all(Array.from({ length: 40 }, (_, q) => add(q)))
    const ids = added.flatMap(({ body }) => (body as { datapoint_ids: string[] }).datapoint_ids)
    const { datasets } = (await call(server, 'GET', '/datasets')).body as { datasets: { datapoints: string[] }[] }
    expect(new Set(datasets[0]?.datapoints)).toEqual(new Set(ids))
    const [id = ''] = ids
    await Promise.all([update(server, id, { metadata: { a: 1 } }), update(server, id, { ground_truth: { b: 2 } })])
    expect((await call(server, 'GET', `/datapoints/${id}`)).body).toMatchObject({
      datapoint: [{ metadata: { a: 1 }, ground_truth: { b: 2 } }],
    })
  })

  test('data sets that are renamed, filled and emptied at once end with every change', async ({ server }) => {
    const { insertedId } = ((await call(server, 'POST', '/datasets', { name: 'd' })).body as { result: { insertedId: string } }).result
    await Promise.all([
      call(server, 'PUT', '/datasets', { dataset_id: insertedId, name: 'renamed' }),
      call(server, 'PUT', '/datasets', { dataset_id: insertedId, description: 'described' }),
      call(server, 'POST', `/datasets/${insertedId}/datapoints`, { data: [{ q: 1 }, { q: 2 }], mapping: {} }),
    ])
    expect((await call(server, 'GET', '/datasets')).body).toMatchObject({
      datasets: [{ name: 'renamed', description: 'described', datapoints: { length: 2 } }],
    })
  })

  test('results of a run from several clients are merged', async ({ server }) => {
    const { run_id: id } = (await call(server, 'POST', '/v1/runs', { name: 'r' })).body as { run_id: string }
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        call(server, 'PUT', `/v1/runs/${id}`, { results: { [`r${i}`]: i }, metadata: { [`m${i}`]: i } }),
      ),
    )
    const { evaluation } = (await call(server, 'GET', `/v1/runs/${id}`)).body as { evaluation: { results: object; metadata: object } }
    expect([Object.keys(evaluation.results).length, Object.keys(evaluation.metadata).length]).toEqual([20, 20])
  })

  test('a run cannot be overwritten, changed or deleted with the key of another project', async ({ server }) => {
    const runId = crypto.randomUUID()
    await call(server, 'POST', '/v1/runs', { run_id: runId, name: 'mine' }, 'key-of-the-owner')
    expect((await call(server, 'POST', '/v1/runs', { run_id: runId, name: 'stolen' }, 'key-of-a-thief')).status).toBe(409)
    expect((await call(server, 'PUT', `/v1/runs/${runId}`, { name: 'stolen' }, 'key-of-a-thief')).status).toBe(404)
    expect((await call(server, 'DELETE', `/v1/runs/${runId}`, undefined, 'key-of-a-thief')).status).toBe(404)
    expect((await call(server, 'GET', `/v1/runs/${runId}`, undefined, 'key-of-the-owner')).body).toMatchObject({
      evaluation: { name: 'mine' },
    })
    const again = await call(server, 'POST', '/v1/runs', { run_id: runId, status: 'completed' }, 'key-of-the-owner')
    expect(again).toMatchObject({ status: 200, body: { run_id: runId, evaluation: { name: 'mine', status: 'completed' } } })
  })
})
