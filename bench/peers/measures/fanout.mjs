// Many tracers, each with a key of its own, share a low rate of calls: what a span costs when most requests carry few of them.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { askSink } from '../lib/sink.mjs'
import { sleep, within } from '../lib/stats.mjs'

const TICK_MS = 10
const AT_ONCE = 50
const WARM_CALLS = 4000

const inParts = async (all, each) => {
  for (let i = 0; i < all.length; i += AT_ONCE) await Promise.all(all.slice(i, i + AT_ONCE).map(each))
}

/** Calls the tracers in turn at `rate` calls a second for `seconds`; the number of calls made. */
function callInTurn(tracers, { rate, seconds }) {
  const perTick = (rate * TICK_MS) / 1000
  const startedAt = performance.now()
  let made = 0
  return new Promise((done) => {
    const timer = setInterval(() => {
      const elapsed = performance.now() - startedAt
      const due = Math.min(Math.floor((Math.min(elapsed, seconds * 1000) / TICK_MS) * perTick), made + perTick * 20)
      for (; made < due; made++) tracers[made % tracers.length].call({ q: 'what is an otter?', k: made })
      if (elapsed < seconds * 1000) return
      clearInterval(timer)
      done(made)
    }, TICK_MS)
  })
}

export async function fanout({ a, opt, gc, cpu, note }) {
  if (!a.instance) return { none: true }
  const flush = (tracer) => within(Promise.resolve(tracer.flush()).catch(note), 5000)
  const heap = () => {
    gc()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const first = await a.instance({ ...opt, key: 'key-first' })
  await first.call({ q: 1 })
  await flush(first)
  await first.shutdown()

  const heapBefore = heap()
  const tracers = []
  for (let i = 0; i < opt.n; i++) tracers.push(await a.instance({ ...opt, key: `key-${i}` }))
  const heapIdle = heap()
  await askSink(opt.endpoint, 'reset')
  let warmed = 0
  while (warmed < Math.max(WARM_CALLS, opt.n)) {
    for (let j = 0; j < 500; j++, warmed++) tracers[warmed % opt.n].call({ q: 'warm', k: warmed })
    await inParts(tracers, flush)
  }
  await sleep(200)
  const heapUsed = heap()

  // Sending runs at its own pace when the clock starts, so what waits at the start and at the end is alike and the last flush is not charged.
  const warmCalls = await callInTurn(tracers, { rate: opt.rate, seconds: opt.warmSeconds })
  const before = await askSink(opt.endpoint, 'stats')
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  const cpuBefore = cpu()
  const startedAt = performance.now()
  const made = await callInTurn(tracers, opt)
  const spent = cpu() - cpuBefore
  const elapsedS = (performance.now() - startedAt) / 1000
  delay.disable()
  const loaded = await askSink(opt.endpoint, 'stats')
  await inParts(tracers, flush)
  await sleep(200)
  const sink = await askSink(opt.endpoint, 'stats')
  await inParts(tracers, (tracer) => within(Promise.resolve(tracer.shutdown()).catch(note), 5000))
  await sleep(200)
  return {
    n: opt.n,
    made: made + warmCalls + warmed,
    arrived: sink.spans,
    cpuUs: spent / made,
    requestsPerS: (loaded.requests - before.requests) / elapsedS,
    spansPerRequest: (loaded.spans - before.spans) / Math.max(1, loaded.requests - before.requests),
    wirePerSpan: (loaded.spanBytes - before.spanBytes) / Math.max(1, loaded.spans - before.spans),
    sockets: loaded.open,
    socketsLeft: (await askSink(opt.endpoint, 'stats')).open,
    loopP99Ms: delay.percentile(99) / 1e6,
    loopMaxMs: delay.max / 1e6,
    idleKB: (heapIdle - heapBefore) / 1024 / opt.n,
    usedKB: (heapUsed - heapBefore) / 1024 / opt.n,
  }
}
