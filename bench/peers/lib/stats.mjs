export const sorted = (xs) => [...xs].sort((a, b) => a - b)
export function quantile(xs, q) {
  const s = sorted(xs)
  if (!s.length) return Number.NaN
  const i = (s.length - 1) * q,
    lo = Math.floor(i)
  return s[lo] + (s[Math.min(lo + 1, s.length - 1)] - s[lo]) * (i - lo)
}
export const median = (xs) => quantile(xs, 0.5)
export const summary = (xs) => ({ n: xs.length, min: Math.min(...xs), med: median(xs), max: Math.max(...xs) })
export const sleep = (ms) => new Promise((r) => setTimeout(r, ms))
/** Waits for p at most ms; true when p settled in time (a rejection counts as settled). */
export async function within(p, ms) {
  let t
  const late = new Promise((r) => {
    t = setTimeout(() => r(false), ms)
  })
  try {
    return await Promise.race([
      Promise.resolve(p).then(
        () => true,
        () => true,
      ),
      late,
    ])
  } finally {
    clearTimeout(t)
  }
}
