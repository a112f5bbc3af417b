// Import and init time of one peer in a fresh process: node cold.mjs ADAPTER JSON. Prints one JSON line.
// No preload here (it would load node:net for everyone); probe.mjs shows which hosts a peer tries to reach.
import { getAdapter } from './lib/adapters.mjs'
const [, , name, json] = process.argv
const opt = JSON.parse(json)
const a = await getAdapter(name)
Object.assign(process.env, a.env?.(opt) ?? {})
const write = process.stdout.write.bind(process.stdout)
process.stdout.write = process.stderr.write = () => true
const rss0 = process.memoryUsage().rss,
  heap0 = process.memoryUsage().heapUsed
const t0 = performance.now()
await a.load()
const t1 = performance.now()
const rss1 = process.memoryUsage().rss,
  heap1 = process.memoryUsage().heapUsed
await a.setup(opt)
const t2 = performance.now()
await a.wrap(async (x) => x, { name: 'first', type: 'tool' })({ q: 1 })
const t3 = performance.now()
const u = process.cpuUsage()
write(
  `${JSON.stringify({
    importMs: t1 - t0,
    initMs: t2 - t1,
    firstCallMs: t3 - t2,
    cpuMs: (u.user + u.system) / 1000,
    rssMB: (rss1 - rss0) / 2 ** 20,
    heapMB: (heap1 - heap0) / 2 ** 20,
  })}\n`,
  () => process.exit(0),
)
