// What single operations of a tracer cost their caller, spans delivered to a server on this machine between the rounds.
// npm run build && node bench/call-cost.mjs [--rounds 15] [--entry dist/index.js]
import { createServer } from 'node:http'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '15' }, entry: { type: 'string', default: 'dist/index.js' } },
})
const { HoneyHiveTracer, traceFn } = await import(pathToFileURL(resolve(values.entry)).href)

const server = createServer((incoming, outgoing) => {
  incoming.resume()
  outgoing.setHeader('content-type', 'application/json')
  outgoing.end(incoming.url === '/session/start' ? '{"session_id":"accepted"}' : '{}')
})
await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
const tracer = HoneyHiveTracer.init({
  apiKey: 'bench-key',
  project: 'bench',
  source: 'bench',
  serverUrl: `http://127.0.0.1:${server.address().port}`,
})

const args = { q: 'what is an otter?', k: 1 }
const answer = { answer: 'an animal', score: 0.5 }
const chat = {
  messages: Array.from({ length: 10 }, (_, i) => ({ role: 'user', content: 'The otter floats on its back. '.repeat(33), n: i })),
}
const trapped = new Proxy({ ...args }, {})
const traced = (fn) => traceFn(tracer, fn, { eventName: 'call', eventType: 'tool' })
const sync = traced(() => answer)
const async = traced(async () => answer)
const shared = traced(() => Promise.resolve(answer))
const stream = traced(async function* () {
  yield 'a'
  yield 'b'
})

const operations = {
  'sync call': () => sync(args),
  'async call': () => async(args),
  'function that returns a promise': () => shared(args),
  'call with 10 KB of arguments': () => sync(chat),
  'call with a Proxy as argument': () => sync(trapped),
  'async generator of two items': async () => {
    for await (const _ of stream(args));
  },
  startActiveSpan: () => tracer.startActiveSpan('call', () => answer),
  'startSpan and end': () => tracer.startSpan('call').end(),
  'enrichSpan, inside a call': () => tracer.enrichSpan({ metadata: args }),
  'withSession, without its request': () => tracer.withSession({ skipSessionCreation: true }, () => answer),
  'createSession, without its request': () => tracer.createSession({ skipSessionCreation: true }),
}

const CALLS = 400

async function timeOf(operation) {
  const startedAt = process.hrtime.bigint()
  for (let i = 0; i < CALLS; i += 1) await operation()
  return Number(process.hrtime.bigint() - startedAt) / CALLS / 1000
}

const WARM_ROUNDS = 15
const all = { 'nothing: what awaiting costs here': () => answer, ...operations }
const samples = Object.fromEntries(Object.keys(all).map((name) => [name, []]))
for (let round = 0; round < Number(values.rounds) + WARM_ROUNDS; round += 1) {
  for (const [name, operation] of Object.entries(all)) {
    const us = name.startsWith('enrich') ? await tracer.startActiveSpan('around', () => timeOf(operation)) : await timeOf(operation)
    if (round >= WARM_ROUNDS) samples[name].push(us)
    await tracer.forceFlush()
  }
}
for (const [name, all] of Object.entries(samples)) {
  const middle = all.sort((a, b) => a - b)[all.length >> 1]
  process.stdout.write(`${middle.toFixed(2).padStart(8)} us  ${name}\n`)
}
await tracer.shutdown()
server.close()
