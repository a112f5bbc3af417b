/** Shortest wait before a request is tried again, in milliseconds, whatever the server suggests. */
const BASE_BACKOFF_MS = 500
/** How much the longest possible wait grows with each failure; the OTLP exporters use the same factor. */
const GROWTH = 1.5
/** Longest wait the growth reaches, in milliseconds. */
const MAX_BACKOFF_MS = 30_000
/** Longest wait a server may ask for, in milliseconds; garbage such as 1e9 ends here. */
const MAX_RETRY_AFTER_MS = 60_000

/** HTTP statuses that may be tried again; the OTLP specification forbids it for every other. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504])

/** Whether a reply with this status may be tried again. */
export function isRetryableStatus(status: number): boolean {
  return RETRYABLE.has(status)
}

/**
 * Wait before attempt `failures + 1`: full jitter between {@link BASE_BACKOFF_MS} and a ceiling that grows by half with
 * each failure, up to {@link MAX_BACKOFF_MS}.
 */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const ceiling = Math.min(MAX_BACKOFF_MS, BASE_BACKOFF_MS * GROWTH ** failures)
  return BASE_BACKOFF_MS + random() * (ceiling - BASE_BACKOFF_MS)
}

/**
 * Milliseconds a `Retry-After` header asks for, between {@link BASE_BACKOFF_MS} and {@link MAX_RETRY_AFTER_MS};
 * `undefined` when it is missing or is neither seconds nor an HTTP date.
 */
export function toRetryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined || header.trim() === '') return undefined
  const waitMs = toWaitMs(header.trim(), nowMs)
  if (waitMs === undefined) return undefined
  return Math.min(MAX_RETRY_AFTER_MS, Math.max(BASE_BACKOFF_MS, waitMs))
}

function toWaitMs(text: string, nowMs: number): number | undefined {
  if (/^[+-]?\d+(\.\d+)?(e\d+)?$/i.test(text)) return Number(text) * 1_000
  // Date.parse reads almost any text; an HTTP date always names a weekday or a time.
  if (!/^[A-Za-z]{3,9},? .*\d{2}:\d{2}:\d{2}/.test(text)) return undefined
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : at - nowMs
}
