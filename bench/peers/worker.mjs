// One measurement of one peer, in a process of its own (forked by run.mjs, --expose-gc, loopback-only preloaded).
// argv: ADAPTER MEASURE JSON. Sends its result over IPC.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getAdapter } from './lib/adapters.mjs'
import { askSink } from './lib/sink.mjs'
import { shapes } from './lib/payloads.mjs'
import { median, quantile, sleep, within } from './lib/stats.mjs'
import { fanout } from './measures/fanout.mjs'
import { fidelity } from './measures/fidelity.mjs'
import { further } from './measures/further.mjs'
import { size } from './measures/size.mjs'

const [, , name, measure, json] = process.argv
const opt = JSON.parse(json)
const errors = {},
  escaped = {} // rejections of flush and shutdown / what nobody caught, which would end the host
const counter = (into) => (e) => {
  const k = String(e?.code ?? e?.message ?? e)
    .replace(/\d{4,5}/g, 'N')
    .slice(0, 80)
  into[k] = (into[k] ?? 0) + 1
}
const note = counter(errors)
process.on('unhandledRejection', counter(escaped))
process.on('uncaughtException', counter(escaped))
let printed = 0 // what the SDK prints into its host's output
for (const s of [process.stdout, process.stderr])
  s.write = (chunk, ...r) => {
    printed += chunk.length
    const cb = r.at(-1)
    if (typeof cb === 'function') cb()
    return true
  }

const a = await getAdapter(name)
Object.assign(process.env, a.env?.(opt) ?? {})
await a.load()
const gc = () => {
  for (let i = 0; i < 4; i++) globalThis.gc()
}
const cpu = () => {
  const u = process.cpuUsage()
  return u.user + u.system
}
const flushQuietly = (ms) =>
  within(
    Promise.resolve()
      .then(() => a.flush())
      .catch(note),
    ms,
  )

/** ns per span of one chunk, by the clock and in CPU time. */
async function chunkOf(shape, f, n, isSync) {
  const c = cpu()
  const t = process.hrtime.bigint()
  if (isSync) for (let i = 0; i < n; i++) f(shape.args(i))
  else for (let i = 0; i < n; i++) await f(shape.args(i))
  const wall = Number(process.hrtime.bigint() - t)
  return { wall: wall / (n * shape.spans), cpu: ((cpu() - c) * 1000) / (n * shape.spans) }
}

const measures = {
  // ns per traced span as its caller sees it: chunks below every peer's batch size, the export between the chunks and
  // not on the clock (measure `cpu` charges it).
  async hot() {
    await a.setup(opt)
    const out = {}
    for (const key of opt.shapes ?? Object.keys(shapes)) {
      const shape = shapes[key],
        f = shape.build(a),
        isSync = shape.mustBeSync && !a.asyncOnly
      const big = key === 'mb1',
        mid = key === 'kb10'
      const scale = shape.spans * (a.spansPerCall ?? 1)
      const wn = big ? 3 : mid ? 100 : Math.floor(400 / scale)
      const n = big ? 3 : Math.min(wn, Math.floor((a.hot?.chunk ?? 400) / scale))
      const wait = big ? 3000 : (a.hot?.waitMs ?? (mid ? 40 : 15))
      const timed = big ? 8 : a.hot?.waitMs ? Math.min(opt.timed, 12) : opt.timed
      for (let c = 0; c < (big ? 4 : opt.warm); c++) {
        await chunkOf(shape, f, wn, isSync)
        await flushQuietly(big ? 3000 : 15)
      }
      await flushQuietly(3000)
      gc()
      const xs = []
      for (let c = 0; c < timed; c++) {
        xs.push(await chunkOf(shape, f, n, isSync))
        await flushQuietly(wait)
      }
      const walls = xs.map((x) => x.wall)
      out[key] = { ns: median(walls), min: Math.min(...walls), p90: quantile(walls, 0.9), callCpuNs: median(xs.map((x) => x.cpu)) }
      await flushQuietly(3000)
    }
    return out
  },

  // CPU of everything (calls, batching, serialising, compressing, sending) per span, peak memory, bytes, and loss.
  async cpu() {
    await a.setup(opt)
    const shape = shapes.async,
      f = shape.build(a),
      per = a.spansPerCall ?? 1
    for (let i = 0; i < 3000; i++) {
      await f(shape.args(i))
      if (i % 500 === 499) await flushQuietly(250)
    }
    await flushQuietly(5000)
    await sleep(300)
    await askSink(opt.endpoint, 'reset')
    gc()
    const rss0 = process.memoryUsage().rss,
      c0 = cpu(),
      t0 = performance.now()
    for (let made = 0; made < opt.spans; ) {
      for (let i = 0; i < 1000; i++, made++) await f(shape.args(i))
      await flushQuietly(250)
    }
    const flushed = await flushQuietly(20_000)
    const c1 = cpu(),
      wall = performance.now() - t0
    await sleep(200)
    const s = await askSink(opt.endpoint, 'stats')
    const main = {
      made: opt.spans * per,
      arrived: s.spans,
      cpuUs: (c1 - c0) / opt.spans,
      wallMs: wall,
      flushed,
      wirePerSpan: (s.spanBytes / Math.max(1, s.spans)) * per,
      plainPerSpan: (s.plainBytes / Math.max(1, s.spans)) * per,
      requests: s.requests,
      encodings: s.encodings,
      rssBeforeMB: rss0 / 2 ** 20,
      peakRssMB: process.resourceUsage().maxRSS / 1024,
    }
    // a burst that never lets the event loop turn: what is lost?
    await askSink(opt.endpoint, 'reset')
    const sync = shapes.sync.build(a),
      waits = []
    for (let i = 0; i < opt.burst; i++) {
      const r = sync(shapes.sync.args(i))
      if (a.asyncOnly) waits.push(r)
    }
    await Promise.all(waits)
    await flushQuietly(20_000)
    await sleep(300)
    await flushQuietly(10_000)
    const b = await askSink(opt.endpoint, 'stats')
    return { ...main, burstMade: opt.burst * per, burstArrived: b.spans }
  },

  // a steady load: loop delay, what single calls cost, loss, growth, and how long flush and shutdown take.
  async load() {
    await a.setup(opt)
    const shape = shapes.sync,
      f = shape.build(a),
      per = a.spansPerCall ?? 1
    const tick = 10,
      perTick = (opt.rate * tick) / 1000
    if (opt.sinkKind !== 'off') await askSink(opt.endpoint, 'reset')
    const warm = 400
    for (let i = 0; i < warm; i++) {
      const r = f(shape.args(i))
      if (a.asyncOnly) r.catch(note)
      if (i % 100 === 99) await sleep(5)
    }
    if (opt.sinkKind === 'ok') await flushQuietly(3000)
    gc()
    const heap0 = process.memoryUsage().heapUsed
    const h = monitorEventLoopDelay({ resolution: 1 })
    h.enable()
    const lat = new Float64Array(Math.ceil(opt.rate * opt.seconds * 1.2))
    let made = 0,
      c0 = cpu()
    const t0 = performance.now()
    await new Promise((done) => {
      const timer = setInterval(() => {
        const el = performance.now() - t0
        if (el >= opt.seconds * 1000) {
          clearInterval(timer)
          return done()
        }
        const due = Math.min(Math.floor((el / tick) * perTick), made + perTick * 20, lat.length)
        while (made < due) {
          const t = performance.now()
          const r = f(shape.args(made))
          lat[made++] = performance.now() - t
          if (a.asyncOnly) r.catch(note)
        }
      }, tick)
    })
    const wall = performance.now() - t0,
      cpuShare = (cpu() - c0) / 1000 / wall
    h.disable()
    gc()
    const heap1 = process.memoryUsage().heapUsed
    const f0 = performance.now()
    const flushed = await flushQuietly(opt.patience)
    const flushMs = performance.now() - f0
    const s0 = performance.now()
    const shut = await within(
      Promise.resolve()
        .then(() => a.shutdown())
        .catch(note),
      opt.patience,
    )
    const shutMs = performance.now() - s0
    let arrived = null
    if (opt.sinkKind !== 'off') {
      await sleep(200)
      arrived = (await askSink(opt.endpoint, 'stats')).spans
    }
    const l = lat.subarray(0, made).sort() // typed arrays sort numerically
    const q = (p) => l[Math.min(l.length - 1, Math.floor(l.length * p))] * 1000
    return {
      made: (made + warm) * per,
      asked: opt.rate * opt.seconds * per,
      arrived,
      cpuShare,
      loopP50: h.percentile(50) / 1e6,
      loopP99: h.percentile(99) / 1e6,
      loopMax: h.max / 1e6,
      callP50us: q(0.5),
      callP99us: q(0.99),
      callP999us: q(0.999),
      callMaxUs: l[l.length - 1] * 1000,
      heapGrowthMB: (heap1 - heap0) / 2 ** 20,
      flushed,
      flushMs,
      shut,
      shutMs,
    }
  },

  // memory of tracer instances: idle, after one span each, and what is left after shutdown.
  async memory() {
    if (!a.instance) return { none: true }
    const one = async () => {
      const i = await a.instance(opt)
      await i.call({ q: 1 })
      await within(i.flush(), 3000)
      await i.shutdown()
    }
    if (name === 'braintrust' || name === 'opik' || name === 'langsmith') await a.setup(opt).catch(note)
    for (let i = 0; i < 5; i++) await one()
    const look = () => {
      gc()
      const m = process.memoryUsage()
      return m.heapUsed + m.external
    }
    const settle = async () => {
      gc()
      await sleep(50)
      gc()
      await sleep(20)
    }
    await settle()
    const m0 = look(),
      rss0 = process.memoryUsage().rss
    let all = []
    const t0 = performance.now(),
      c0 = cpu()
    for (let i = 0; i < opt.n; i++) all.push(await a.instance(opt))
    const initUs = ((performance.now() - t0) * 1000) / opt.n,
      initCpuUs = (cpu() - c0) / opt.n
    await settle()
    const m1 = look()
    for (let i = 0; i < opt.n; i += 50) {
      const part = all.slice(i, i + 50)
      for (const x of part) await x.call({ q: 1 })
      await within(Promise.all(part.map((x) => x.flush())), 5000)
    }
    await settle()
    const m2 = look(),
      rss2 = process.memoryUsage().rss
    const socketsUsed = (await askSink(opt.endpoint, 'stats')).open
    const s0 = performance.now()
    for (let i = 0; i < opt.n; i += 50) await within(Promise.all(all.slice(i, i + 50).map((x) => x.shutdown())), 5000)
    const shutUs = ((performance.now() - s0) * 1000) / opt.n
    all = null
    await settle()
    await sleep(150)
    await settle()
    const m3 = look(),
      socketsLeft = (await askSink(opt.endpoint, 'stats')).open
    const kb = (x) => x / 1024 / opt.n
    return {
      n: opt.n,
      initUs,
      initCpuUs,
      idleKB: kb(m1 - m0),
      usedKB: kb(m2 - m0),
      leftKB: kb(m3 - m0),
      rssKB: kb(rss2 - rss0),
      shutUs,
      socketsUsed,
      socketsLeft,
    }
  },
}

const more = { fanout, fidelity, further, size }
let result
try {
  result = await (more[measure]?.({ a, name, opt, gc, cpu, note, flushQuietly }) ?? measures[measure]())
} catch (e) {
  result = { failed: String(e?.stack ?? e).slice(0, 600) }
}
process.send({ ...result, errors, escaped, printed, refused: [...(globalThis.__benchRefused ?? [])] }, () => process.exit(0))
