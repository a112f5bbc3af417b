// A small timer for single operations: warm up, then `samples` samples of about `ms` each; ns per operation.
import { median } from './stats.mjs'
let sinkhole = 0
export const keep = (x) => {
  sinkhole ^= typeof x === 'number' ? x | 0 : 1
}
export function micro(fn, { ms = 15, samples = 9, batch = 1 } = {}) {
  let n = 1
  const run = (k) => {
    const t = process.hrtime.bigint()
    for (let i = 0; i < k; i++) keep(fn(i))
    return Number(process.hrtime.bigint() - t)
  }
  run(50)
  for (;;) {
    const t = run(n)
    if (t > ms * 5e5) {
      n = Math.max(1, Math.round((n * ms * 1e6) / t))
      break
    }
    n *= 2
  }
  run(n)
  run(n)
  const xs = Array.from({ length: samples }, () => run(n) / n / batch)
  return { med: median(xs), min: Math.min(...xs), max: Math.max(...xs) }
}
export async function microAsync(fn, { ms = 15, samples = 9, batch = 1 } = {}) {
  let n = 1
  const run = async (k) => {
    const t = process.hrtime.bigint()
    for (let i = 0; i < k; i++) keep(await fn(i))
    return Number(process.hrtime.bigint() - t)
  }
  await run(50)
  for (;;) {
    const t = await run(n)
    if (t > ms * 5e5) {
      n = Math.max(1, Math.round((n * ms * 1e6) / t))
      break
    }
    n *= 2
  }
  await run(n)
  await run(n)
  const xs = []
  for (let i = 0; i < samples; i++) xs.push((await run(n)) / n / batch)
  return { med: median(xs), min: Math.min(...xs), max: Math.max(...xs) }
}
