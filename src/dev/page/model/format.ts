const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const SMALLEST_COST = 0.00001

/** A duration as a person writes it: `420 µs`, `312 ms`, `3.42 s`, `4m 12s`, `2h 05m`. */
export function toDuration(ms: number): string {
  if (!Number.isFinite(ms)) return '–'
  if (ms <= 0) return '0 ms'
  if (ms < 1) return `${Math.round(ms * 1000)} µs`
  if (ms < 10) return `${ms.toFixed(1).replace(/\.0$/, '')} ms`
  if (ms < SECOND) return `${Math.round(ms)} ms`
  if (ms < MINUTE) return `${(ms / SECOND).toFixed(ms < 10 * SECOND ? 2 : 1)} s`
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)}m ${pad(Math.floor((ms % MINUTE) / SECOND))}s`
  return `${Math.floor(ms / HOUR)}h ${pad(Math.floor((ms % HOUR) / MINUTE))}m`
}

/** A cost in US dollars; a dash when there is none. */
export function toCost(dollars: number): string {
  if (!dollars) return '–'
  if (dollars >= 100) return `$${dollars.toFixed(0)}`
  if (dollars >= 1) return `$${dollars.toFixed(2)}`
  if (dollars >= 0.01) return `$${dollars.toFixed(3)}`
  if (dollars < SMALLEST_COST) return '<$0.00001'
  return `$${dollars.toFixed(1 - Math.floor(Math.log10(dollars)))}`
}

/** A count, shortened from ten thousand up; a dash for nothing. */
export function toCount(count: number): string {
  if (!count) return '–'
  if (count < 10_000) return count.toLocaleString('en-US')
  if (count < 1_000_000) return `${(count / 1000).toFixed(count < 100_000 ? 1 : 0)}k`
  return `${(count / 1_000_000).toFixed(1)}M`
}

/** A number for a score: at most three digits after the point, none that say nothing. */
export function toScore(score: number | null | undefined): string {
  if (score === null || score === undefined || !Number.isFinite(score)) return '–'
  if (Number.isInteger(score)) return String(score)
  return Math.abs(score) >= 100 ? score.toFixed(1) : score.toFixed(3)
}

/** The time of day with seconds, and the date too when it is not today's. */
export function toClock(ms: number, nowMs: number = Date.now()): string {
  const date = new Date(ms)
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`
  return isSameDay(ms, nowMs) ? time : `${toDay(ms)} ${time}`
}

/** Month and day, e.g. `Nov 21`. */
export function toDay(ms: number): string {
  return new Date(ms).toLocaleDateString('en-US', { month: 'short', day: 'numeric' })
}

/** How long ago, in one unit: `now`, `12s`, `4m`, `3h`, `2d`. */
export function toAgo(ms: number, nowMs: number = Date.now()): string {
  const age = nowMs - ms
  if (age < 2 * SECOND) return 'now'
  if (age < MINUTE) return `${Math.floor(age / SECOND)}s`
  if (age < HOUR) return `${Math.floor(age / MINUTE)}m`
  if (age < DAY) return `${Math.floor(age / HOUR)}h`
  return `${Math.floor(age / DAY)}d`
}

/** The full time with milliseconds and zone, for tooltips. */
export function toFullTime(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString().replace('T', ' ') : '–'
}

/** Times at round steps inside a range, about `target` of them. */
export function toTicks(from: number, to: number, target: number): number[] {
  const span = to - from
  if (!(span > 0)) return []
  const raw = span / target
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw) ?? raw
  const ticks: number[] = []
  for (let at = Math.ceil(from / step) * step; at <= to && ticks.length < 100; at += step) ticks.push(at)
  return ticks
}

function isSameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString()
}

function pad(part: number): string {
  return String(part).padStart(2, '0')
}
