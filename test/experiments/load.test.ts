import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { test } from './backend.js'

const ROOT = resolve(import.meta.dirname, '../..')
const SDK = pathToFileURL(join(ROOT, 'src/index.ts')).href
const ENTRY = pathToFileURL(join(ROOT, 'src/experiments/index.ts')).href
/** 2,000 is the catalogue's figure; a short form keeps the suite quick. */
const ONLINE_ROWS = Number(process.env['EXPERIMENT_LOAD_ROWS'] ?? 120)
const OFFLINE_ROWS = Number(process.env['EXPERIMENT_STREAM_ROWS'] ?? 1_000)

const script = `
import { evaluate, exactMatch } from ${JSON.stringify(ENTRY)}
import { traceFn } from ${JSON.stringify(SDK)}
const pause = () => new Promise((resolve) => setImmediate(resolve))
const inner = traceFn(undefined, async function inner(i) { await pause(); return String(i) })
const outer = traceFn(undefined, async function outer(i) { await pause(); return inner(i) })
const [, , serverUrl, count] = process.argv
const rows = Number(count)
const isOnline = serverUrl !== 'offline'
await evaluate({ apiKey: '', printResults: false, progress: false, git: false, dataset: [{ inputs: 1 }], function: () => 1 })
const before = process.memoryUsage().rss
let peak = before
const result = await evaluate({
  ...(isOnline ? { apiKey: 'hh_load_key', serverUrl } : { apiKey: '' }),
  printResults: false, progress: false, git: false, maxConcurrency: 50, maxRows: isOnline ? rows : 100,
  dataset: (function* () { for (let i = 0; i < rows; i += 1) yield { id: 'r' + i, inputs: { i }, groundTruth: String(i) } })(),
  function: async ({ inputs }, { tracer }) => {
    const session = tracer.sessionId
    const output = await outer(inputs.i)
    if (session !== tracer.sessionId) throw new Error('another session')
    return output
  },
  evaluators: [exactMatch()],
  onProgress: ({ done }) => { if (done % 100 === 0) peak = Math.max(peak, process.memoryUsage().rss) },
})
console.log(JSON.stringify({
  status: result.status, warnings: result.warnings, counts: result.counts, average: result.metrics.exact_match.average,
  growthMb: (peak - before) / 1e6, kept: result.rows.length, sessions: result.rows.map((row) => [row.datapointId, row.sessionId]),
  resources: process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name === 'TCPSocketWrap').length,
}))
`

async function runChild(...args: string[]): Promise<Record<string, unknown>> {
  const folder = await mkdtemp(join(ROOT, 'test/experiments/.load-'))
  try {
    await writeFile(join(folder, 'load.mts'), script)
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', join(folder, 'load.mts'), ...args], {
      cwd: ROOT,
      maxBuffer: 1 << 28,
    })
    return JSON.parse(stdout)
  } finally {
    await rm(folder, { recursive: true })
  }
}

test('L13 many rows at a server: a session each, nothing lost or mixed up, few sockets, little memory', { timeout: 600_000 }, async ({
  backend,
}) => {
  const report = await runChild(backend.url, String(ONLINE_ROWS))
  expect(report).toMatchObject({ status: 'completed', warnings: [], average: 1, counts: { total: ONLINE_ROWS, succeeded: ONLINE_ROWS } })
  expect(backend.peakSockets).toBeLessThanOrEqual(20)
  expect(report['growthMb']).toBeLessThan(150)
  expect(report['resources']).toBe(0)
  const events = backend.server.events()
  const sessionOf = new Map(report['sessions'] as [string, string][])
  expect(new Set(sessionOf.values()).size).toBe(ONLINE_ROWS)
  expect(events).toHaveLength(ONLINE_ROWS * 5)
  for (const event of events) expect(event.sessionId).toBe(sessionOf.get(String(event.metadata['datapoint_id'])))
})

test('H91 a stream of rows runs in bounded memory and leaves nothing open', { timeout: 600_000 }, async () => {
  const report = await runChild('offline', String(OFFLINE_ROWS))
  expect(report).toMatchObject({ status: 'completed', average: 1, counts: { total: OFFLINE_ROWS }, kept: 100, resources: 0 })
  expect(report['growthMb']).toBeLessThan(200)
})
