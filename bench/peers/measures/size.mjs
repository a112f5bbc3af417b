// What a call costs as its argument grows: the time its caller sees, and the CPU of everything.
import { timeChunks } from '../lib/chunks.mjs'
import { chatOf } from '../lib/payloads.mjs'
import { askSink } from '../lib/sink.mjs'
import { sleep } from '../lib/stats.mjs'

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
    const time = await timeChunks({
      call: () => call(value),
      flush: () => flushQuietly(3000),
      inChunk,
      warm: opt.warm,
      timed: opt.timed,
      gc,
    })
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
    out[bytes] = { ...time, cpuUs: spent / calls, calls, arrived: spans, jsonBytes: JSON.stringify(value).length }
  }
  return { sizes: out }
}
