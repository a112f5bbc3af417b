// A day in short: tenants that come and go, keys that are rotated, a server that fails, code that is loaded again, tracers that nobody
// shuts down. Heap, descriptors and listeners stay where they were, and in the end every span is accounted for.
//   npm run build && npm run soak                    10 minutes
//   npm run soak -- --minutes 2
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { createTracerPool, flushAll, HoneyHiveTracer, shutdownAll } from '../../dist/index.js'
import { slopeOf } from './slope.mjs'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } })
const durationMs = Number(values.minutes) * 60_000
const TENANTS = 500
const logger = { debug() {}, warn() {}, error() {} }

const server = fork(new URL('./server.mjs', import.meta.url))
const [{ url: serverUrl }] = await once(server, 'message')
/** How often the key of each tenant was rotated. */
const rotated = new Map()
const keyOf = (tenant) => `key-${tenant}-${rotated.get(tenant) ?? 0}`
const folder = mkdtempSync(join(tmpdir(), 'soak-'))
const module = join(folder, 'reloaded.mjs')
writeFileSync(
  module,
  `import { HoneyHiveTracer, trace } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
const { serverUrl, onDrop } = globalThis.soak
export const tracer = HoneyHiveTracer.init({ apiKey: 'key-reloaded', source: 'reloaded', serverUrl, onDrop, logger: { debug() {}, warn() {}, error() {} } })
export const ask = trace({ tracer, eventName: 'ask' })((question) => question.length)
`,
)

/** Spans recorded and lost, over all tracers that ever were. */
const books = { recorded: 0, lost: 0, byReason: {} }
const onDrop = ({ reason, count }) => {
  books.lost += count
  books.byReason[reason] = (books.byReason[reason] ?? 0) + count
}
const shared = { serverUrl, onDrop, logger, batch: { retryBudgetMs: 600_000, scheduledDelayMs: 200 } }
globalThis.soak = shared

const record = (tracer, name) => {
  books.recorded++
  tracer.startSpan(name, { inputs: { text: 'x'.repeat(200) } }).end()
}

const pool = createTracerPool({ create: (tenant) => ({ ...shared, apiKey: keyOf(tenant) }), max: 200, idleMs: 5_000 })
let reloads = 0
let abandoned = 0
const endsAtMs = performance.now() + durationMs
const isOver = () => performance.now() >= endsAtMs

async function serveTenants() {
  while (!isOver()) {
    const tenant = `tenant-${Math.floor(Math.random() * TENANTS)}`
    await pool.run(tenant, (tracer) =>
      tracer.withSession({}, async () => {
        for (let n = 0; n < 5; n++) record(tracer, tenant)
        await pause(2)
      }),
    )
  }
}

async function rotateKeys() {
  while (!isOver()) {
    await pause(200)
    const tenant = `tenant-${Math.floor(Math.random() * TENANTS)}`
    rotated.set(tenant, (rotated.get(tenant) ?? 0) + 1)
    server.send({ rotate: { tenant, key: keyOf(tenant) } })
    if (Math.random() < 0.2) await pool.refresh(tenant, 30_000)
  }
}

/** An ES module stays in the process for ever, so there are few of them; what they made is what must not stay. */
async function reloadCode() {
  const everyMs = Math.max(1_000, durationMs / 100)
  while (!isOver()) {
    const { ask } = await import(`${pathToFileURL(module)}?version=${++reloads}`)
    for (let n = 0; n < 10; n++, books.recorded++) ask('hello')
    await pause(everyMs)
  }
}

async function abandonTracers() {
  while (!isOver()) {
    abandoned++
    record(HoneyHiveTracer.init({ ...shared, apiKey: 'key-abandoned' }), 'abandoned')
    await pause(20)
  }
}

const samples = []
async function sample() {
  const everyMs = durationMs / 60
  while (!isOver()) {
    await pause(everyMs)
    // What was let go of is found by the second collection, and released between the two.
    globalThis.gc()
    await pause(50)
    globalThis.gc()
    const listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
    samples.push({ heapMb: process.memoryUsage().heapUsed / 1e6, descriptors: readdirSync('/proc/self/fd').length, listeners })
  }
}

await Promise.all([...Array.from({ length: 8 }, serveTenants), rotateKeys(), reloadCode(), abandonTracers(), sample()])
server.send({ heal: true })
const hasArrived = await pool.shutdown(60_000)
await flushAll(60_000)
await shutdownAll(60_000)
server.send({ ask: true })
const [{ spans: arrived, refusals }] = await once(server, 'message')

// The first third is for warming up: code is compiled, pools and caches fill.
const steady = samples.slice(Math.floor(samples.length / 3))
const show = (name, unit) => {
  const { perHour, noise, isFlat } = slopeOf(
    steady.map((each) => each[name]),
    durationMs / 60,
  )
  const [first, last] = [steady[0][name], steady.at(-1)[name]]
  console.log(
    `${name.padEnd(12)} ${first.toFixed(1)} -> ${last.toFixed(1)}${unit}, slope ${perHour.toFixed(1)}${unit} an hour, noise ${noise.toFixed(1)}: ${isFlat ? 'flat' : 'GROWS'}`,
  )
  return isFlat
}
const flat = [show('heapMb', ' MB'), show('descriptors', ''), show('listeners', '')]
// What was given up under way may have arrived all the same; what is in neither count would be lost silently.
const isExact = arrived <= books.recorded && arrived + books.lost >= books.recorded
console.log(
  `spans        recorded ${books.recorded}, arrived ${arrived}, lost and counted ${books.lost} ${JSON.stringify(books.byReason)}: ${isExact ? 'exact' : 'NOT EXACT'}`,
)
console.log(
  `             ${pool.stats().created} tenants' tracers, ${pool.stats().evicted} evicted, ${[...rotated.values()].reduce((sum, times) => sum + times, 0)} keys rotated, ${refusals} refusals, ${reloads} reloads, ${abandoned} tracers abandoned, pool shut down ${hasArrived}`,
)
rmSync(folder, { recursive: true, force: true })
server.kill()
process.exit(flat.every(Boolean) && isExact ? 0 : 1)
