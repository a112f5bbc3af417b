/** Shortest wait before a request is tried again, in milliseconds. */
const BASE_BACKOFF_MS = 500
/** How much the longest possible wait grows with each failure; the OTLP exporters use the same factor. */
const GROWTH = 1.5
/** Longest wait the growth reaches, in milliseconds. */
const MAX_BACKOFF_MS = 30_000

/**
 * Wait before attempt `failures + 1`: full jitter between {@link BASE_BACKOFF_MS} and a ceiling that grows by half with
 * each failure, up to {@link MAX_BACKOFF_MS}.
 */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const ceiling = Math.min(MAX_BACKOFF_MS, BASE_BACKOFF_MS * GROWTH ** failures)
  return BASE_BACKOFF_MS + random() * (ceiling - BASE_BACKOFF_MS)
}
