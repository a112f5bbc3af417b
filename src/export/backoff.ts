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

/** When the next request of one tracer may go out: an endpoint in trouble pauses all its sends. Starts at full speed. */
export class Backoff {
  readonly #concurrency: number
  readonly #now: () => number
  readonly #random: () => number
  #failures = 0
  #pausedAt = Number.NEGATIVE_INFINITY
  #pausedUntil = 0

  constructor(concurrency: number, now: () => number, random: () => number = Math.random) {
    this.#concurrency = concurrency
    this.#now = now
    this.#random = random
  }

  /** Milliseconds until sending is allowed again. */
  get waitMs(): number {
    return this.#pausedUntil === 0 ? 0 : Math.max(0, this.#pausedUntil - this.#now())
  }

  /** Sends allowed at the same time: one probe while the endpoint is in trouble. */
  get slots(): number {
    return this.#failures > 0 ? 1 : this.#concurrency
  }

  /** The endpoint answered. */
  answered(): void {
    this.#failures = 0
    this.#pausedUntil = 0
  }

  /**
   * An attempt that began at `startedAtMs` failed in a way that may pass; `afterMs` is the server's own wish.
   *
   * @returns the pause that follows, milliseconds.
   */
  failed(startedAtMs: number, afterMs: number | undefined): number {
    const time = this.#now()
    // Requests that were already under way when the pause began tell nothing new about the endpoint.
    if (startedAtMs >= this.#pausedAt || this.#failures === 0) {
      this.#failures++
      this.#pausedAt = time
      this.#pausedUntil = time + backoffMs(this.#failures, this.#random)
    }
    if (afterMs !== undefined) this.#pausedUntil = Math.max(this.#pausedUntil, time + afterMs)
    return this.#pausedUntil - time
  }
}
