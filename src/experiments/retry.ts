import { unixMs } from '../builtins.js'
import { asObject } from './json-reader.js'
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

/** The pause an error asks for, as `Retry-After` or `retry-after-ms` among its headers, in milliseconds. */
export function readRetryAfter(error: unknown, nowMs: number = unixMs()): number | undefined {
  const { headers, response, retryAfter } = asError(error)
  for (const source of [headers, asObject(response)['headers'], asError(response).headers]) {
    const inMs = Number(readHeader(source, 'retry-after-ms') ?? Number.NaN)
    if (inMs >= 0) return Math.min(inMs, MAX_DELAY_MS)
    const pauseMs = toPause(readHeader(source, 'retry-after'), nowMs)
    if (pauseMs !== undefined) return pauseMs
  }
  return typeof retryAfter === 'number' ? toPause(String(retryAfter), nowMs) : undefined
}

function asError(error: unknown): { readonly headers?: unknown; readonly response?: unknown; readonly retryAfter?: unknown } {
  return typeof error === 'object' && error !== null ? error : {}
}

function readHeader(headers: unknown, name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined
  const found = Object.entries(asObject(headers)).find(([key]) => key.toLowerCase() === name)?.[1]
  return typeof found === 'string' || typeof found === 'number' ? String(found) : undefined
}

function toPause(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined || text.trim() === '') return undefined
  const seconds = Number(text)
  const waitMs = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(text) - nowMs
  return Number.isFinite(waitMs) ? Math.min(Math.max(waitMs, 0), MAX_DELAY_MS) : undefined
}
