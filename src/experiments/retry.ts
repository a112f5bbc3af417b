import { unixMs } from '../builtins.js'
import type { Random } from './random.js'
import { pause, type Stop } from './stop.js'

/** How calls that failed are made again. */
export interface RetryPlan {
  /** Further attempts after the first. */
  readonly retries: number
  /** Upper end of the pause before the first further attempt; doubles with each one. */
  readonly delayMs: number
  readonly random: Random
}

/** Longest pause, whatever the server asks for. */
const MAX_DELAY_MS = 60_000
const MAX_BACKOFF_MS = 30_000

/**
 * Calls `attempt` until it succeeds or the attempts are used up, with exponential backoff and jitter between them; a pause the
 * server asked for with `Retry-After` is kept.
 *
 * @throws what the last attempt threw
 * @see Brooker 2015, "Exponential Backoff And Jitter" (equal jitter: half of the pause is fixed)
 */
export function withRetries<T>(
  attempt: (number: number) => Promise<T>,
  plan: RetryPlan,
  stop: Stop,
  onWait: (waitMs: number) => void = () => undefined,
): Promise<T> {
  return plan.retries === 0 ? attempt(1) : retry(attempt, plan, stop, onWait)
}

async function retry<T>(
  attempt: (number: number) => Promise<T>,
  { retries, delayMs, random }: RetryPlan,
  stop: Stop,
  onWait: (waitMs: number) => void,
): Promise<T> {
  for (let number = 1; ; number += 1) {
    try {
      return await attempt(number)
    } catch (error) {
      if (stop.isStopped || number > retries) throw error
      const asked = readRetryAfter(error)
      if (asked !== undefined) onWait(asked)
      const backoff = Math.min(delayMs * 2 ** (number - 1), MAX_BACKOFF_MS)
      await pause(asked === undefined ? backoff * (0.5 + random() / 2) : asked + random() * backoff, stop)
    }
  }
}

/** Errors that libraries put around one another. */
const MAX_CAUSES = 5

/**
 * The pause an error asks for, as `Retry-After` or `retry-after-ms` among its headers or those of its response, in milliseconds; the
 * errors that it was made of (`cause`) count as well. Never throws: what cannot be read asks for nothing.
 */
export function readRetryAfter(error: unknown, nowMs: number = unixMs()): number | undefined {
  try {
    let at = error
    for (let i = 0; i < MAX_CAUSES && typeof at === 'object' && at !== null; i += 1) {
      const pauseMs = readOwnRetryAfter(at, nowMs)
      if (pauseMs !== undefined) return pauseMs
      at = (at as { readonly cause?: unknown }).cause
    }
  } catch {
    // A getter of the error threw; the error itself is what the row tells.
  }
  return undefined
}

function readOwnRetryAfter(error: ErrorParts, nowMs: number): number | undefined {
  const { headers, response, retryAfter } = error
  for (const source of [headers, (response as ErrorParts | null | undefined)?.headers]) {
    const inMs = Number(readHeader(source, 'retry-after-ms') ?? Number.NaN)
    if (inMs >= 0) return Math.min(inMs, MAX_DELAY_MS)
    const pauseMs = toPause(readHeader(source, 'retry-after'), nowMs)
    if (pauseMs !== undefined) return pauseMs
  }
  return typeof retryAfter === 'number' ? toPause(String(retryAfter), nowMs) : undefined
}

interface ErrorParts {
  readonly headers?: unknown
  readonly response?: unknown
  readonly retryAfter?: unknown
}

// Headers of any fetch, maps, and plain objects in any spelling, whose values may be lists as Node's are.
function readHeader(headers: unknown, name: string): string | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined
  const entries = Symbol.iterator in headers ? [...(headers as Iterable<readonly [unknown, unknown]>)] : Object.entries(headers)
  const found = entries.find((entry) => Array.isArray(entry) && String(entry[0]).toLowerCase() === name)?.[1]
  const value: unknown = Array.isArray(found) ? found[0] : found
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}

function toPause(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined || text.trim() === '') return undefined
  const seconds = Number(text)
  const waitMs = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(text) - nowMs
  return Number.isFinite(waitMs) ? Math.min(Math.max(waitMs, 0), MAX_DELAY_MS) : undefined
}
