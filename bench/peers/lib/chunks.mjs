// Times chunks of calls that are shorter than a slice of the scheduler, so that a busy machine spoils some of them and not the median; and
// in CPU time beside, which a busy machine hardly touches.
import { median } from './stats.mjs'

const CHUNK_NS = 1.5e6

const cpuNs = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1000
}

/** Wall and CPU time of the call, ns: `warm` chunks of `inChunk` calls, then `timed` shorter ones; `flush` after each, off the clock. */
export async function timeChunks({ call, flush, inChunk, warm, timed, gc }) {
  const chunk = async (calls) => {
    const cpuBefore = cpuNs()
    const startedAt = process.hrtime.bigint()
    for (let i = 0; i < calls; i++) await call(i)
    const wall = Number(process.hrtime.bigint() - startedAt)
    return { wall: wall / calls, cpu: (cpuNs() - cpuBefore) / calls }
  }
  let fastest = Number.POSITIVE_INFINITY
  for (let c = 0; c < warm; c++) {
    fastest = Math.min(fastest, (await chunk(inChunk)).wall)
    await flush()
  }
  gc()
  const calls = Math.max(2, Math.min(inChunk, Math.round(CHUNK_NS / fastest)))
  const times = []
  for (let c = 0; c < timed; c++) {
    times.push(await chunk(calls))
    await flush()
  }
  return { ns: median(times.map(({ wall }) => wall)), callCpuNs: median(times.map(({ cpu }) => cpu)) }
}
