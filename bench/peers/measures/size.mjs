// What a call costs as its argument grows: the time its caller sees, and the CPU of everything.
import { chatOf } from '../lib/payloads.mjs'
import { askSink } from '../lib/sink.mjs'
import { median, sleep } from '../lib/stats.mjs'

export const SIZES = [100, 1000, 10_000, 100_000, 1_000_000]
const CHUNK_BYTES = 2_000_000
const WARM_CHUNKS = 60 // what compiles the code before the first size
const CPU_BYTES = 30_000_000
const between = (least, most, x) => Math.max(least, Math.min(most, Math.round(x)))

export async function size({ a, opt, cpu, gc, flushQuietly }) {
  await a.setup(opt)
  const call = a.wrap(async (q) => ({ answer: 'ok', messages: q.messages.length }), { name: 'size', type: 'model' })
  const out = {}
  for (let c = 0; c < WARM_CHUNKS; c++) {
    for (let i = 0; i < 200; i++) await call(chatOf(1000))
    await flushQuietly(3000)
  }
  for (const bytes of SIZES) {
    const value = chatOf(bytes)
    const inChunk = between(3, 200, CHUNK_BYTES / bytes)
    const chunk = async () => {
      const startedAt = process.hrtime.bigint()
      for (let i = 0; i < inChunk; i++) await call(value)
      return Number(process.hrtime.bigint() - startedAt) / inChunk
    }
    for (let c = 0; c < opt.warm; c++) {
      await chunk()
      await flushQuietly(3000)
    }
    gc()
    const times = []
    for (let c = 0; c < opt.timed; c++) {
      times.push(await chunk())
      await flushQuietly(3000)
    }
    await askSink(opt.endpoint, 'reset')
    gc()
    const before = cpu()
    const calls = between(20, 4000, CPU_BYTES / bytes)
    for (let made = 0; made < calls; ) {
      for (let i = 0; i < inChunk && made < calls; i++, made++) await call(value)
      await flushQuietly(3000)
    }
    await flushQuietly(20_000)
    const spent = cpu() - before
    await sleep(100)
    const { spans } = await askSink(opt.endpoint, 'stats')
    out[bytes] = { ns: median(times), cpuUs: spent / calls, calls, arrived: spans, jsonBytes: JSON.stringify(value).length }
  }
  return { sizes: out }
}
