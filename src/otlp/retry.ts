/** HTTP statuses that may be tried again; the OTLP specification forbids it for every other. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504])
/** Shortest wait a server may ask for, in milliseconds: zero and dates gone by would make a tight loop. */
const MIN_RETRY_AFTER_MS = 500
/** Longest wait a server may ask for, in milliseconds; garbage such as 1e9 ends here. */
const MAX_RETRY_AFTER_MS = 60_000

/**
 * Whether a reply with this status may be tried again.
 *
 * @see OTLP specification, section "Retryable response codes"
 */
export function isRetryableStatus(status: number): boolean {
  return RETRYABLE.has(status)
}

/**
 * Milliseconds a `Retry-After` header asks for, between 500 and 60,000; `undefined` when it is missing or is neither
 * seconds nor an HTTP date.
 *
 * @see RFC 9110, section 10.2.3
 */
export function toRetryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined || header.trim() === '') return undefined
  const waitMs = toWaitMs(header.trim(), nowMs)
  if (waitMs === undefined) return undefined
  return Math.min(MAX_RETRY_AFTER_MS, Math.max(MIN_RETRY_AFTER_MS, waitMs))
}

function toWaitMs(text: string, nowMs: number): number | undefined {
  if (/^[+-]?\d+(\.\d+)?(e\d+)?$/i.test(text)) return Number(text) * 1_000
  // Date.parse reads almost any text; an HTTP date always names a weekday or a time.
  if (!/^[A-Za-z]{3,9},? .*\d{2}:\d{2}:\d{2}/.test(text)) return undefined
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : at - nowMs
}
