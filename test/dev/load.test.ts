import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect } from 'vitest'
import type { SessionList } from '../../src/dev/page-api/contract.js'
import { startDevServer } from '../../src/dev/server.js'
import { isLong, KEY, newId, spawnServer, test, toExport } from './fixtures.js'

const folder = mkdtempSync(join(tmpdir(), 'hh-dev-load-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The short form shares its machine with other tests, so its times may be this much longer. */
const FACTOR = isLong ? 1 : 8
const SECONDS = isLong ? 60 : 1
const SPANS_PER_SECOND = 2_000
const BATCH = 100

const percentile = (times: readonly number[], fraction: number): number =>
  [...times].sort((a, b) => a - b)[Math.floor((times.length - 1) * fraction)] ?? 0

const timed = async <T>(times: number[], work: () => Promise<T>): Promise<T> => {
  const before = performance.now()
  const result = await work()
  times.push(performance.now() - before)
  return result
}

const sessionOf = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

const makeBatch = (session: number): string => {
  const traceId = newId(16)
  const attributes = {
    'honeyhive.session_id': sessionOf(session),
    'honeyhive.session_auto_create': true,
    'honeyhive_inputs.q': 'x'.repeat(100),
    honeyhive_event_type: 'tool',
  }
  const startMs = Date.now()
  return JSON.stringify(toExport(Array.from({ length: BATCH }, () => ({ traceId, startMs, endMs: startMs + 5, attributes }))))
}

const post = async (url: string, body: string): Promise<void> => {
  const reply = await fetch(`${url}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` },
    body,
  })
  await reply.arrayBuffer()
  if (reply.status !== 200) throw new Error(`answered ${reply.status}`)
}

const readList = async (url: string): Promise<SessionList> => (await fetch(`${url}/api/sessions?limit=50`)).json() as Promise<SessionList>

test('L18 2,000 spans a second while a viewer polls: none lost, lists and ingestion stay quick', { timeout: 120_000 }, async () => {
  const { child, url } = await spawnServer(join(folder, 'l18.db'))
  const ingest: number[] = []
  const list: number[] = []
  const total = SECONDS * (SPANS_PER_SECOND / BATCH)
  let isDone = false
  const viewer = (async () => {
    while (!isDone) {
      await timed(list, () => readList(url))
      await sleep(100)
    }
  })()
  const start = performance.now()
  const sending: Promise<void>[] = []
  for (let i = 0; i < total; i++) {
    const body = makeBatch(Math.floor(i / 5))
    sending.push(timed(ingest, () => post(url, body)))
    // The pace is the load: a batch each 50 ms. Only the long form keeps it whether or not earlier ones were answered.
    await sleep(Math.max(0, start + (i + 1) * (1_000 / (SPANS_PER_SECOND / BATCH)) - performance.now()))
    if (!isLong && i % 4 === 3) await Promise.all(sending)
  }
  await Promise.all(sending)
  isDone = true
  await viewer
  const projects = (await (await fetch(`${url}/api/projects`)).json()) as { projects: { events: number }[] }
  child.kill()
  expect(projects.projects[0]?.events).toBe(total * BATCH)
  expect(percentile(list, 0.95)).toBeLessThanOrEqual(300 * FACTOR)
  expect(percentile(ingest, 0.99)).toBeLessThanOrEqual(250 * FACTOR)
  if (isLong)
    process.stderr.write(`L18 list p95 ${percentile(list, 0.95).toFixed(0)} ms, ingest p99 ${percentile(ingest, 0.99).toFixed(0)} ms\n`)
})

test('L19 a server with many stored events is ready soon after a restart, with the same counts', { timeout: 120_000 }, async () => {
  const path = join(folder, 'l19.db')
  const events = isLong ? 100_000 : 4_000
  const first = await startDevServer({ port: 0, database: path })
  for (let i = 0; i < events / BATCH; i += 4) await Promise.all([0, 1, 2, 3].map((n) => post(first.url, makeBatch(i + n))))
  const before = first.projects()
  await first.close()

  const start = performance.now()
  const second = await startDevServer({ port: 0, database: path })
  const readyMs = performance.now() - start
  const list: number[] = []
  for (let i = 0; i < 20; i++) await timed(list, () => readList(second.url))
  expect(second.projects()).toEqual(before)
  expect(before[0]?.events).toBe(events)
  await second.close()
  expect(readyMs).toBeLessThanOrEqual(5_000)
  expect(percentile(list, 0.95)).toBeLessThanOrEqual(300 * FACTOR)
  if (isLong) process.stderr.write(`L19 ready ${readyMs.toFixed(0)} ms, list p95 ${percentile(list, 0.95).toFixed(0)} ms\n`)
})
