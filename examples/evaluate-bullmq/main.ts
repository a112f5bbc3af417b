/**
 * An experiment whose rows go through a BullMQ queue to two worker processes. One is killed in the middle: its rows are run
 * by the other, none is lost and none is there twice. Needs Redis at REDIS_URL (default redis://127.0.0.1:6379).
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { Queue, QueueEvents } from 'bullmq'
import { startDevServer } from 'honeyhive-tracer/dev'
import { createExperiment, type ExperimentRow } from 'honeyhive-tracer/experiments'
import { QUEUE, readConnection, rows, settings } from './experiment.js'

const server = await startDevServer({ port: 0, database: ':memory:' })
const environment = { ...process.env, HH_API_KEY: 'local-key', HH_API_URL: server.url }
const connection = readConnection()
const queue = new Queue(QUEUE, { connection })
const events = new QueueEvents(QUEUE, { connection })
await queue.obliterate({ force: true })
await events.waitUntilReady()

const experiment = await createExperiment({ ...settings, apiKey: environment.HH_API_KEY, serverUrl: environment.HH_API_URL })
const startWorker = (): ChildProcess => fork(new URL('worker.ts', import.meta.url), [experiment.runId], { env: environment })
const [first, second] = [startWorker(), startWorker()]

let finished = 0
const allFinished = new Promise<void>((resolve) => {
  events.on('completed', ({ returnvalue }) => {
    // BullMQ hands over what the worker returned, parsed from JSON.
    experiment.take(returnvalue as unknown as ExperimentRow)
    finished += 1
    if (finished === 15) first.kill('SIGKILL')
    if (finished === rows.length) resolve()
  })
})
await queue.addBulk(rows.map((row, index) => ({ name: row.id, data: { row, index }, opts: { jobId: row.id, attempts: 3 } })))
await allFinished
second.kill('SIGTERM')
await once(second, 'exit')

const result = await experiment.finish()
result.printTable({ maxRows: 3 })
const spans = server.events().filter((event) => event.type === 'chain').length
console.log(
  `\n${rows.length} rows asked for, ${result.counts.total} in the result, ${server.sessions().length} sessions and ${spans} calls recorded`,
)
await Promise.all([queue.close(), events.close(), server.close()])
process.exitCode = result.passed && result.counts.total === rows.length && server.sessions().length === rows.length ? 0 : 1
