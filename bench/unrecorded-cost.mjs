// What a call costs that nobody records: its tracer is disabled, its trace is not sampled, its name is filtered out. Ratios to a call
// that raw OpenTelemetry records, in the same process, rounds interleaved. node bench/peers/install.mjs raw-otel && npm run build first.
import { createServer } from 'node:http'
import { parseArgs } from 'node:util'
import { getAdapter } from './peers/lib/adapters.mjs'
import { shapes } from './peers/lib/payloads.mjs'
import { median } from './peers/lib/stats.mjs'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '15' }, json: { type: 'boolean', default: false } } })
const { HoneyHiveTracer, traceFn } = await import('../dist/index.js')

const server = createServer((incoming, outgoing) => {
  incoming.resume()
  outgoing.setHeader('content-type', 'application/json')
  outgoing.end('{}')
})
await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
const endpoint = `http://127.0.0.1:${server.address().port}`
const raw = await getAdapter('raw-otel')
await raw.load()
await raw.setup({ endpoint })

const logger = { debug() {}, warn() {}, error() {} }
const ours = (options) => {
  const tracer = HoneyHiveTracer.init({ apiKey: 'bench-key', project: 'bench', serverUrl: endpoint, logger, ...options })
  return (fn, { name }) => traceFn(tracer, fn, { eventName: name })
}
const CALLS = 400

/** What each way costs of what the first one costs, in rounds of all of them. */
async function compare(wraps) {
  const calls = Object.entries(wraps).map(([name, wrap]) => ({ name, call: shapes.sync.build({ wrap }), ns: [] }))
  for (let round = -20; round < Number(values.rounds); round++) {
    for (const { call, ns } of calls) {
      const start = process.hrtime.bigint()
      for (let i = 0; i < CALLS; i++) call(shapes.sync.args(i))
      if (round >= 0) ns.push(Number(process.hrtime.bigint() - start) / CALLS)
    }
    await raw.flush()
  }
  const [{ ns: floor }, ...others] = calls
  return Object.fromEntries(others.map(({ name, ns }) => [name, median(ns.map((each, i) => each / floor[i]))]))
}

// Alone first: beside other tracers a disabled one looks at what a result does later, so that none of it goes to them.
const alone = await compare({ raw: raw.wrap, disabled: ours({ disabled: true }) })
const beside = await compare({
  raw: raw.wrap,
  unsampled: ours({ sampleRate: 0 }),
  filtered: ours({ spanFilter: { exclude: ['sync'] } }),
  disabledBeside: ours({ disabled: true }),
})
const ratios = { ...alone, ...beside }
if (values.json) process.stdout.write(JSON.stringify(ratios))
else
  for (const [name, ratio] of Object.entries(ratios))
    console.log(`${name.padEnd(14)} ${ratio.toFixed(3)} of a call that raw OpenTelemetry records`)
process.exit(0)
