import { attemptOnce, type RestAttempt, type RestMethod } from '../api/http.js'
import { clearTimeout, monotonicMs, parseJsonText, setTimeout, toJsonText } from '../builtins.js'
import { HoneyHiveError } from '../errors.js'
import { backoffMs } from '../export/backoff.js'
import type { Transport } from '../export/transport.js'
import { isObject } from '../otlp/json.js'
import { pause, toTimerMs } from '../time.js'
import { HoneyHiveRequestError } from './request-error.js'

/** Settings of one call. */
export interface RequestOptions {
  /** Limit of the call in milliseconds, waiting and retries included. @defaultValue that of the client */
  readonly timeoutMs?: number | undefined
  /** Ends the call; it rejects with code `HTTP_ABORTED` and the signal's reason as `cause`. */
  readonly signal?: AbortSignal | undefined
}

/** Values of a query; those of a list repeat the name. */
export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>

/** One request of the REST client. */
export interface RequestPlan {
  readonly method: RestMethod
  readonly path: string
  readonly query?: Query | undefined
  readonly body?: unknown
  /** Whether sending it twice is the same as once. @defaultValue true for every method but POST */
  readonly isRepeatable?: boolean
}

/**
 * Sends one request and gives its JSON reply; `undefined` for an empty one.
 *
 * @throws HoneyHiveRequestError when it fails, HoneyHiveError `CONFIG_INVALID` when the body cannot be written as JSON
 */
export type Send = (plan: RequestPlan, options?: RequestOptions) => Promise<unknown>

/** What {@link createSend} works with. */
export interface SendParts {
  readonly transport: Transport
  /** Limit of a call without one of its own, milliseconds. */
  readonly timeoutMs: number
  /** Most repetitions of one call. */
  readonly retries: number
  /** Masks secrets in what a server said. */
  readonly mask: (text: string) => string
}

const MAX_BODY_CHARS = 2_000
const MAX_SAID_CHARS = 300

/** A sender that repeats what failed in passing: at growing distances with jitter, or when the server says. */
export function createSend({ transport, timeoutMs: usualMs, retries, mask }: SendParts): Send {
  return async ({ method, path, query = {}, body, isRepeatable = method !== 'POST' }, { timeoutMs = usualMs, signal } = {}) => {
    const bytes = body === undefined ? undefined : toBytes(body, `${method} ${path}`)
    const deadlineMs = monotonicMs() + timeoutMs
    const call = { method, path: path + toQueryText(query), body: bytes, signal, isRepeatable }
    // A request under way keeps no process alive; somebody waits for this one.
    const hold = setTimeout(() => undefined, toTimerMs(timeoutMs))
    try {
      for (let attempts = 1; ; attempts++) {
        const attempt = await attemptOnce(transport, { ...call, timeoutMs: deadlineMs - monotonicMs() })
        if (attempt.error === undefined) return attempt.value
        const waitMs = Math.max(backoffMs(attempts), attempt.retryAfterMs ?? 0)
        const isOver = attempts > retries || monotonicMs() + waitMs >= deadlineMs
        if (isAborted(signal) || isOver || !mayPass(attempt, isRepeatable)) throw toError(attempt, attempts, mask, signal)
        await pause(waitMs, { signal })
        if (isAborted(signal)) throw toError(attempt, attempts, mask, signal)
      }
    } finally {
      clearTimeout(hold)
    }
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}

/** A reply that broke off says nothing about the next one. */
function mayPass({ isRetryable, reply }: RestAttempt, isRepeatable: boolean): boolean {
  return isRetryable || (isRepeatable && reply?.isComplete === false)
}

function toError(attempt: RestAttempt, attempts: number, mask: (text: string) => string, signal: AbortSignal | undefined): HoneyHiveError {
  const { error, reply } = attempt
  const code = error?.code ?? 'HTTP_NETWORK'
  const told = mask(error?.message ?? '')
  const text = reply === undefined ? '' : mask(new TextDecoder().decode(reply.body.subarray(0, 4 * MAX_BODY_CHARS)))
  const body = text === '' ? undefined : toShortText(text, MAX_BODY_CHARS)
  const failed = { status: reply?.status, requestId: reply?.requestId, body, attempts }
  if (isAborted(signal)) {
    const route = told.replace(/ failed: [\s\S]*/, '')
    return new HoneyHiveRequestError('HTTP_ABORTED', `${route} was given up: its signal was aborted.`, failed, { cause: signal?.reason })
  }
  const said = readSaid(text)
  const tried = attempts > 1 ? ` It was tried ${attempts} times.` : ''
  return new HoneyHiveRequestError(code, told + (said === undefined ? '' : ` The server says: ${toJsonText(said)}.`) + tried, failed)
}

/** The sentence of a JSON reply that says what is wrong. */
function readSaid(text: string): string | undefined {
  try {
    const reply: unknown = parseJsonText(text)
    if (!isObject(reply)) return undefined
    const said = [reply.message, reply.error, reply.detail].find((value) => typeof value === 'string' && value !== '')
    return typeof said === 'string' ? toShortText(said, MAX_SAID_CHARS) : undefined
  } catch {
    // Pages and texts of gateways stay in the body.
    return undefined
  }
}

function toShortText(text: string, maxChars: number): string {
  return text.length > maxChars ? `${text.slice(0, maxChars).toWellFormed()}…` : text
}

function toBytes(body: unknown, route: string): Buffer {
  try {
    return Buffer.from(toJsonText(body))
  } catch (cause) {
    const message = `${route} was not sent: its values cannot be written as JSON. Give values without cycles and BigInt.`
    throw new HoneyHiveError('CONFIG_INVALID', message, { cause })
  }
}

function toQueryText(query: Query): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue
    for (const item of Array.isArray(value) ? value : [value]) parameters.append(name, String(item))
  }
  const text = parameters.toString()
  return text === '' ? '' : `?${text}`
}
