import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect } from 'vitest'
import type { SessionList } from '../../src/dev/page-api/contract.js'
import { type DevServer, startDevServer } from '../../src/dev/server.js'
import { cpuMs, leastBelow, leastCpuMsOf } from '../fixtures/cost.js'
import { isLong, KEY, newId, spawnServer, test, toExport } from './fixtures.js'

const folder = mkdtempSync(join(tmpdir(), 'hh-dev-load-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const SECONDS = isLong ? 60 : 1
const SPANS_PER_SECOND = 2_000
const BATCH = 100

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

test('L18 2,000 spans a second while a viewer polls: none lost, neither lists nor ingestion cost more than alone', {
  timeout: 300_000,
}, async () => {
  const { child, url, cpuMs: serverMs } = await spawnServer(join(folder, 'l18.db'))
  const costOf = async (count: number, work: (i: number) => Promise<unknown>): Promise<number> => {
    const before = await serverMs()
    for (let i = 0; i < count; i++) await work(i)
    return ((await serverMs()) - before) / count
  }
  const postAlone = (i: number): Promise<void> => post(url, makeBatch(900_000 + i))
  for (let i = 0; i < 5; i++) await Promise.all([postAlone(i), readList(url)])
  let posted = 5
  const total = SECONDS * (SPANS_PER_SECOND / BATCH)
  /** What the server does under load, against what the same requests cost alone. */
  const ratio = async (): Promise<number> => {
    const [batchMs, listMs] = [await costOf(10, postAlone), await costOf(10, () => readList(url))]
    let isDone = false
    let lists = 0
    const before = await serverMs()
    const viewer = (async () => {
      for (; !isDone; lists++) {
        await readList(url)
        await sleep(50)
      }
    })()
    const start = performance.now()
    const sending: Promise<void>[] = []
    for (let i = 0; i < total; i++) {
      sending.push(post(url, makeBatch(Math.floor(i / 5))))
      // The pace is the load: a batch each 50 ms. Only the long form keeps it whether or not earlier ones were answered.
      await sleep(Math.max(0, start + (i + 1) * (1_000 / (SPANS_PER_SECOND / BATCH)) - performance.now()))
      if (!isLong && i % 4 === 3) await Promise.all(sending)
    }
    await Promise.all(sending)
    isDone = true
    await viewer
    posted += 10 + total
    return ((await serverMs()) - before) / (total * batchMs + lists * listMs)
  }
  expect(await leastBelow(2, ratio)).toBeLessThan(2)
  const projects = (await (await fetch(`${url}/api/projects`)).json()) as { projects: { events: number }[] }
  child.kill()
  expect(projects.projects[0]?.events).toBe(posted * BATCH)
})

test('L19 a server with many stored events is ready soon after a restart, with the same counts', { timeout: 300_000 }, async () => {
  const fill = async (path: string, events: number): Promise<DevServer> => {
    const server = await startDevServer({ port: 0, database: path })
    for (let i = 0; i < events / BATCH; i += 4) await Promise.all([0, 1, 2, 3].map((n) => post(server.url, makeBatch(i + n))))
    return server
  }
  const restart = async (path: string): Promise<{ projects: unknown; readyMs: number; listMs: number }> => {
    const before = cpuMs()
    const server = await startDevServer({ port: 0, database: path })
    const readyMs = cpuMs() - before
    const listMs = leastCpuMsOf(20, () => server.sessions({ limit: 4 }))
    const projects = server.projects()
    await server.close()
    return { projects, readyMs, listMs }
  }
  const [many, few] = [join(folder, 'l19.db'), join(folder, 'l19-few.db')]
  const events = isLong ? 100_000 : 4_000
  const first = await fill(many, events)
  const before = first.projects()
  await first.close()
  await (await fill(few, 400)).close()
  await restart(few)
  expect(before[0]?.events).toBe(events)

  const ratio = async (): Promise<number> => {
    const [small, large] = [await restart(few), await restart(many)]
    expect(large.projects).toEqual(before)
    return Math.max(large.readyMs / small.readyMs, large.listMs / small.listMs)
  }
  expect(await leastBelow(5, ratio)).toBeLessThan(5)
})
