// node probe.mjs NAME [--samples]: makes five calls through one adapter and shows what reached the sink.
import './lib/loopback-only.cjs'
import { startSink, askSink } from './lib/sink.mjs'
import { getAdapter, cannotRun } from './lib/adapters.mjs'
const name = process.argv[2]
const a = await getAdapter(name)
const no = cannotRun(a, process.version, name)
if (no) {
  console.log(`${name}: absent (${no})`)
  process.exit(0)
}
const sink = await startSink()
Object.assign(process.env, a.env?.(sink) ?? {})
const t0 = performance.now()
await a.load()
const t1 = performance.now()
await a.setup(sink)
const t2 = performance.now()
const inner = a.wrap(async (q) => ({ answer: q.q, n: q.k }), { name: 'inner', type: 'model' })
const outer = a.wrap(
  async (q) => {
    await inner(q)
    return inner(q)
  },
  { name: 'outer', type: 'chain' },
)
const sync = a.wrap((q) => ({ answer: q.q, n: q.k }), { name: 'sync', type: 'tool' })
const r = [await outer({ q: 'what', k: 1 }), sync({ q: 'hm', k: 2 })]
console.log(name, 'load', (t1 - t0).toFixed(0), 'ms, setup', (t2 - t1).toFixed(0), 'ms; returned', r)
await sync({ q: 'hm', k: 3 })
const f0 = performance.now()
await a.flush()
console.log('flush', (performance.now() - f0).toFixed(0), 'ms')
const stats = await askSink(sink.endpoint, 'stats')
console.log('made 5, sink:', JSON.stringify(stats))
if (process.argv.includes('--samples')) console.log(JSON.stringify(await askSink(sink.endpoint, 'samples'), null, 1).slice(0, 9000))
const s0 = performance.now()
await a.shutdown()
console.log('shutdown', (performance.now() - s0).toFixed(0), 'ms; refused hosts:', [...globalThis.__benchRefused].join(' ') || 'none')
console.log('handles:', process.getActiveResourcesInfo().join(' '))
await sink.stop()
process.exit(0)
