// What each protocol and compression costs both ends: CPU of the sending process and of the receiver for each span, and bytes on the wire.
// Receivers are processes of their own: one that counts and throws away, the local server, and a collector if OTELCOL names the binary of
// one with the receiver `otlp` and the exporter `nop`. Linux, which tells the CPU of another process.
//   npm run build && node bench/protocols.mjs [--rounds 5] [--only count|localServer|collector]
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { payloads } from './peers/lib/payloads.mjs'
import { median } from './peers/lib/stats.mjs'

const self = fileURLToPath(import.meta.url)
/** What a call gets, and how many are made. */
const SHAPES = { small: { argument: payloads.small, calls: 20_000 }, kb10: { argument: payloads.kb10, calls: 2_000 } }
const WAYS = ['http/json', 'http/protobuf'].flatMap((protocol) => ['none', 'gzip'].map((compression) => ({ protocol, compression })))
const BETWEEN_FLUSHES = 500
const TICK_US = 10_000

// ---- the parts, each in its own process -------------------------------------------------------------------------------------

async function send() {
  const { HoneyHiveTracer, traceFn } = await import('../dist/index.js')
  const [, , , shape, protocol, compression, serverUrl, exportUrl] = process.argv
  const { argument, calls } = SHAPES[shape]
  const options = { protocol, compression, serverUrl, exportUrl: exportUrl || undefined, skipSessionCreation: true }
  const tracer = HoneyHiveTracer.init({ apiKey: 'bench-key', project: 'bench', ...options })
  const call = traceFn(tracer, ({ q, messages }) => ({ answer: q ?? 'ok', messages: messages?.length }), { eventName: 'call' })
  const make = async (count) => {
    for (let i = 1; i <= count; i++) {
      call(argument)
      if (i % BETWEEN_FLUSHES === 0) await tracer.flush()
    }
  }
  await make(calls / 4)
  process.send('warm')
  await once(process, 'message')
  const before = process.cpuUsage()
  await make(calls)
  const { user, system } = process.cpuUsage(before)
  const { exported } = tracer.stats()
  process.send({ us: (user + system) / calls, isWhole: exported === calls * 1.25 })
  process.disconnect()
}

function count() {
  let bytes = 0
  const server = createServer((incoming, outgoing) => {
    incoming.on('data', (chunk) => (bytes += chunk.length))
    incoming.on('end', () => {
      if (incoming.url === '/bytes') return outgoing.end(`${bytes}`)
      const type = incoming.headers['content-type']
      return outgoing.setHeader('content-type', type).end(type === 'application/json' ? '{}' : '')
    })
  })
  server.listen(0, '127.0.0.1', () => process.send(`http://127.0.0.1:${server.address().port}`))
}

async function localServer() {
  const { startDevServer } = await import('../dist/dev.js')
  const { url } = await startDevServer({ port: 0, database: ':memory:' })
  process.send(url)
}

async function startFork(name) {
  const child = fork(self, [name], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const [url] = await once(child, 'message')
  return { name, url, pid: child.pid, stop: () => child.kill() }
}

async function startCollector() {
  const folder = mkdtempSync(join(tmpdir(), 'collector-'))
  const port = await new Promise((free) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => free(port))
    })
  })
  const pipeline = { receivers: ['otlp'], exporters: ['nop'] }
  const config = {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
    exporters: { nop: {} },
    service: { telemetry: { metrics: { level: 'none' } }, pipelines: { traces: pipeline } },
  }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  const child = spawn(process.env.OTELCOL, ['--config', join(folder, 'config.json')], { stdio: ['ignore', 'ignore', 'pipe'] })
  // Read on, or the collector ends at its next line.
  await new Promise((ready) => child.stderr.on('data', (line) => String(line).includes('Everything is ready') && ready()))
  const url = `http://127.0.0.1:${port}`
  const stop = () => {
    child.kill()
    rmSync(folder, { recursive: true })
  }
  return { name: 'collector', url, exportUrl: `${url}/v1/traces`, pid: child.pid, stop }
}

// ---- the comparison ---------------------------------------------------------------------------------------------------------

function cpuUsOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_US
}

const bytesAt = async ({ url }) => Number(await (await fetch(`${url}/bytes`)).text())

async function measure(receiver, shape, { protocol, compression }) {
  const isCounted = receiver.name === 'count'
  const child = fork(self, ['send', shape, protocol, compression, receiver.url, receiver.exportUrl ?? ''])
  await once(child, 'message')
  const bytesBefore = isCounted ? await bytesAt(receiver) : 0
  const before = cpuUsOf(receiver.pid)
  child.send('go')
  const [{ us, isWhole }] = await once(child, 'message')
  if (!isWhole) throw new Error(`${receiver.name} did not get all spans as ${protocol}`)
  const { calls } = SHAPES[shape]
  return {
    senderUs: us,
    receiverUs: (cpuUsOf(receiver.pid) - before) / calls,
    bytes: isCounted ? ((await bytesAt(receiver)) - bytesBefore) / calls : undefined,
  }
}

async function compareAll() {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, only: { type: 'string' } } })
  const receivers = [await startFork('count'), await startFork('localServer')]
  if (process.env.OTELCOL) receivers.push(await startCollector())
  const measured = receivers.filter(({ name }) => values.only === undefined || name === values.only)
  console.log('| span | receiver | protocol | compression | sender us | receiver us | bytes |\n| --- | --- | --- | --- | --- | --- | --- |')
  for (const shape of Object.keys(SHAPES)) {
    for (const receiver of measured) {
      const runs = WAYS.map(() => [])
      for (let round = 0; round < Number(values.rounds); round++) {
        for (const [i, way] of WAYS.entries()) runs[i].push(await measure(receiver, shape, way))
      }
      for (const [i, { protocol, compression }] of WAYS.entries()) {
        const of = (name, digits) => (runs[i][0][name] === undefined ? '–' : median(runs[i].map((run) => run[name])).toFixed(digits))
        console.log(
          `| ${[shape, receiver.name, protocol, compression, of('senderUs', 1), of('receiverUs', 1), of('bytes', 0)].join(' | ')} |`,
        )
      }
    }
  }
  for (const { stop } of receivers) stop()
}

const roles = { send, count, localServer }
await (roles[process.argv[2]] ?? compareAll)()
