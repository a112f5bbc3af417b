// One of the further shapes: what arrives of four calls, the time a caller sees, and the CPU of everything.
import { timeChunks } from '../lib/chunks.mjs'
import { furtherShapes } from '../lib/further-shapes.mjs'
import { askSink } from '../lib/sink.mjs'
import { sleep, within } from '../lib/stats.mjs'

const IN_CHUNK = 200
const CHECKED = 4

export async function further({ a, opt, cpu, gc, note }) {
  const shape = furtherShapes[opt.shape]
  const refusal = a.cannot?.[opt.shape]
  if (refusal) return { cannot: refusal }
  if (!shape.ownSetup) await a.setup({ ...opt, ...shape.setup })
  const built = await shape.build(a, opt)
  if (!built) return { cannot: 'has no way to say it' }
  const flush = (ms) => within(Promise.resolve().then(built.flush).catch(note), ms)

  await askSink(opt.endpoint, 'reset')
  for (let i = 0; i < CHECKED; i++) await built.call(i)
  await flush(5000)
  await sleep(200)
  const says = built.check(await askSink(opt.endpoint, 'spans'))

  const spansPerCall = shape.spans * (a.spansPerCall ?? 1)
  const inChunk = Math.max(20, Math.floor(IN_CHUNK / spansPerCall))
  const time = await timeChunks({ call: built.call, flush: () => flush(250), inChunk, warm: opt.warm, timed: opt.timed, gc })

  await askSink(opt.endpoint, 'reset')
  gc()
  const before = cpu()
  const calls = Math.ceil(opt.spans / shape.spans)
  for (let made = 0; made < calls; ) {
    for (let i = 0; i < inChunk && made < calls; i++, made++) await built.call(made)
    await flush(250)
  }
  await flush(20_000)
  const spent = cpu() - before
  await sleep(200)
  const { spans, requests } = await askSink(opt.endpoint, 'stats')
  return { ...time, cpuUs: spent / calls, made: calls * spansPerCall, arrived: spans, requests, says }
}
