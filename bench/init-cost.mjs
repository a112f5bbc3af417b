// What each choice of docs/where-to-initialise.md costs: a tracer, a session, a shutdown, a tracer per request.
// npm run build && node --expose-gc bench/init-cost.mjs
import { createServer } from 'node:http'
import { HoneyHiveTracer } from '../dist/index.js'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const ROUNDS = 5
const sink = createServer((request, response) => {
  request.resume().on('end', () => {
    response.setHeader('content-type', 'application/json').end(request.url === '/session/start' ? '{"session_id":"accepted"}' : '{}')
  })
})
await new Promise((resolve) => sink.listen(0, '127.0.0.1', resolve))
const serverUrl = `http://127.0.0.1:${sink.address().port}`
const logger = { debug() {}, info() {}, warn() {}, error() {} }
const init = () => HoneyHiveTracer.init({ apiKey: 'key', serverUrl, logger })
const record = (tracer) => tracer.startActiveSpan('step', () => 1)

const MANY = 1_000
// Warm: code is compiled, the serialiser is loaded.
for (let i = 0; i < 50; i++) {
  const tracer = init()
  record(tracer)
  await tracer.shutdown()
}

show('init', 'us', await median(async () => microseconds(MANY, () => init()), shutdownAll))
show(
  'withSession, one span inside',
  'us',
  await inTracer((tracer) => microseconds(MANY, () => tracer.withSession({ sessionName: 's' }, () => record(tracer)))),
)
show('the span alone', 'us', await inTracer((tracer) => microseconds(MANY, () => record(tracer))))
show('createSession, awaited', 'us', await inTracer((tracer) => microsecondsAsync(MANY, () => tracer.createSession({ sessionName: 's' }))))
show('shutdown of a tracer that was not used', 'us', await median(() => microsecondsAsync(MANY, () => init().shutdown())))
show('a tracer per request: init, span, shutdown', 'us', await median(() => microsecondsAsync(200, oneRequest)))
show(
  'the same with 50 requests at a time',
  'us',
  (await median(() => microsecondsAsync(4, () => Promise.all(Array.from({ length: 50 }, oneRequest))))) / 50,
)

const idle = await memoryOf(MANY, () => init())
show('memory of an idle tracer', 'KB', idle.kilobytes)
const used = await memoryOf(MANY, () => {
  const tracer = init()
  record(tracer)
  return tracer
})
show('memory of a tracer after one span, delivered', 'KB', used.kilobytes)
show('memory left by it after shutdown', 'KB', used.leftKilobytes)
sink.closeAllConnections()
sink.close()

async function oneRequest() {
  const tracer = init()
  record(tracer)
  await tracer.shutdown()
}

async function shutdownAll() {
  const { shutdownAll: all } = await import('../dist/index.js')
  await all()
}

async function inTracer(measure) {
  return median(async () => {
    const tracer = init()
    const result = await measure(tracer)
    await tracer.shutdown()
    return result
  })
}

function microseconds(count, act) {
  const from = performance.now()
  for (let i = 0; i < count; i++) act()
  return ((performance.now() - from) * 1000) / count
}

async function microsecondsAsync(count, act) {
  const from = performance.now()
  for (let i = 0; i < count; i++) await act()
  return ((performance.now() - from) * 1000) / count
}

async function median(measure, after) {
  const results = []
  for (let round = 0; round < ROUNDS; round++) {
    results.push(await measure())
    await after?.()
  }
  return results.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]
}

async function memoryOf(count, make) {
  const before = heap()
  let tracers = Array.from({ length: count }, make)
  await Promise.all(tracers.map((tracer) => tracer.forceFlush()))
  const kilobytes = (heap() - before) / count / 1024
  await Promise.all(tracers.map((tracer) => tracer.shutdown()))
  tracers = undefined
  await new Promise((resolve) => setTimeout(resolve, 100))
  return { kilobytes, leftKilobytes: (heap() - before) / count / 1024 }
}

function heap() {
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

function show(what, unit, value) {
  console.log(`${what.padEnd(46)} ${value.toFixed(1).padStart(9)} ${unit}`)
}

/** Works without a flag on the command line, too. */
function collect() {
  if (globalThis.gc === undefined) {
    setFlagsFromString('--expose-gc')
    globalThis.gc = runInNewContext('gc')
  }
  globalThis.gc()
}
