// What one process carries: spans through one tracer and through a thousand, delivered to a sink in a process of its own.
// npm run build && node bench/scaling.mjs
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { HoneyHiveTracer, shutdownAll } from '../dist/index.js'

if (process.argv[2] === 'sink') runSink()
else await runAll()

function runSink() {
  const server = createServer((request, response) => {
    request
      .resume()
      .on('end', () =>
        response.setHeader('content-type', 'application/json').end(request.url === '/session/start' ? '{"session_id":"accepted"}' : '{}'),
      )
  })
  server.listen(0, '127.0.0.1', () => process.send(server.address().port))
}

async function runAll() {
  const sink = fork(import.meta.filename, ['sink'])
  const [port] = await once(sink, 'message')
  console.log('tracers  spans/s held   CPU us/span   loop p99 ms   RSS MB   lost')
  // The first line only warms up.
  for (const tracers of [1, 1, 10, 100, 1000]) await runOne(tracers, `http://127.0.0.1:${port}`)
  sink.kill()
}

/** Offers spans as fast as the event loop turns, in slices of 50, for three seconds. */
async function runOne(count, serverUrl) {
  const tracers = Array.from({ length: count }, (_, i) =>
    HoneyHiveTracer.init({ apiKey: `key-${i}`, serverUrl, skipSessionCreation: true }),
  )
  const inputs = { question: 'where is my order?', history: ['hello', 'how can I help?'] }
  const cpu = process.cpuUsage()
  const from = performance.now()
  const turns = []
  let spans = 0
  while (performance.now() - from < 3_000) {
    const turn = performance.now()
    for (let i = 0; i < 50; i++) {
      const tracer = tracers[spans++ % count]
      tracer.startActiveSpan('chain', { inputs }, () => 'an answer of some length')
    }
    await new Promise(setImmediate)
    turns.push(performance.now() - turn)
    // Not faster than it is delivered: what is waiting is bounded. Asked now and then, because asking a thousand tracers costs too.
    while (turns.length % 100 === 0 && tracers.reduce((sum, tracer) => sum + tracer.stats().pending, 0) > 20_000)
      await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await Promise.all(tracers.map((tracer) => tracer.forceFlush()))
  const seconds = (performance.now() - from) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const delivered = tracers.reduce((sum, tracer) => sum + tracer.stats().exported, 0)
  const p99 = turns.sort((a, b) => a - b)[Math.floor(turns.length * 0.99)]
  const columns = [
    count,
    Math.round(delivered / seconds),
    ((user + system) / spans).toFixed(1),
    p99.toFixed(1),
    Math.round(process.memoryUsage().rss / 1e6),
    spans - delivered,
  ]
  console.log(columns.map((value, i) => String(value).padStart([7, 14, 14, 14, 9, 7][i])).join(''))
  await shutdownAll()
}
