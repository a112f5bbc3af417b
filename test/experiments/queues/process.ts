// A process of a run that goes through a queue: `coordinate` or `work`, with its settings as JSON.
import { coordinateRows, exactMatch, openBullmqQueue, openPgBossQueue, runRowWorker } from '../../../src/experiments/index.js'

const {
  role,
  url,
  runId,
  rows,
  journal,
  pauseMs = 0,
  concurrency = 4,
} = JSON.parse(process.argv[2] ?? '{}') as {
  role: 'coordinate' | 'work'
  url: string
  runId: string
  rows: number
  journal: string
  pauseMs?: number
  concurrency?: number
}
const queue = url.startsWith('redis')
  ? await openBullmqQueue({ url, name: runId, lockMs: rows > 1_000 ? 10_000 : 1_000 })
  : await openPgBossQueue({ url, name: runId, rowTimeoutSeconds: rows > 1_000 ? 30 : 2 })
const options = {
  apiKey: '',
  runId,
  journal,
  name: 'spread',
  progress: false,
  printResults: false,
  git: false,
  dataset: Array.from({ length: rows }, (_, i) => ({ inputs: { i, at: new Date(i) }, groundTruth: `a${i}` })),
  async function({ inputs }: { inputs: { i: number; at: Date } }): Promise<unknown> {
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    if (inputs.i % 25 === 7) throw new Error('broken')
    // A date that came through the queue is still a date.
    return inputs.i % 10 === 3 ? new Map([['at', inputs.at]]) : `a${inputs.at.getTime()}`
  },
  evaluators: { match: exactMatch() },
  thresholds: { errorRate: 0.1, match: 0.5 },
}
process.send?.('ready')
if (role === 'work') {
  const stop = new AbortController()
  process.once('SIGTERM', () => stop.abort())
  await runRowWorker(options, queue, { concurrency, signal: stop.signal })
} else {
  const result = await coordinateRows(options, queue)
  const outputs = result.rows.map((row) => [row.index, row.status, row.outputs instanceof Map ? [...row.outputs] : row.outputs])
  const { maxRSS, userCPUTime } = process.resourceUsage()
  const used = { peakMb: Math.round(maxRSS / 1_000), cpuSeconds: Math.round(userCPUTime / 1e6) }
  const message = { passed: result.passed, counts: result.counts, metrics: { match: result.metrics.match }, outputs, used }
  // What is large takes a while, and the process ends below.
  await new Promise((resolve) => process.send?.(message, resolve))
}
await queue.close()
process.exit(0)
