import { clearTimeout, monotonicMs, parseJsonText, setTimeout, toJsonText, unixMs } from '../builtins.js'
import { HoneyHiveError } from '../errors.js'
import { ExchangeError, type Reply } from '../export/exchange.js'
import { isKeyRefused } from '../export/api-key.js'
import { backoffMs } from '../export/backoff.js'
import { pause, toTimerMs } from '../time.js'
import type { Transport } from '../export/transport.js'
import { isRetryableStatus, toRetryAfterMs } from '../otlp/retry.js'

/** HTTP methods of the REST interface. */
export type RestMethod = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** Settings of one awaited REST request. */
export interface RestRequestOptions {
  /** Absolute limit, retries included, milliseconds. @defaultValue 30_000 */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Most bytes of a REST reply: long result lists are larger than any export reply. */
const MAX_REPLY_BYTES = 134_217_728

/**
 * Makes one REST request and reads its JSON reply; an empty reply is `undefined`. Statuses 429, 502, 503 and 504 are
 * retried until the deadline, connection failures too unless the method is POST. Keeps the process alive meanwhile.
 *
 * @throws HoneyHiveError with code `HTTP_STATUS`, `HTTP_TIMEOUT`, `HTTP_NETWORK` or `BAD_REPLY`. The message names the
 * route, never the key or the body.
 */
export async function requestJson<T>(
  transport: Transport,
  method: RestMethod,
  path: string,
  body?: unknown,
  { timeoutMs = 30_000, signal }: RestRequestOptions = {},
): Promise<T> {
  const deadlineMs = monotonicMs() + timeoutMs
  const hold = setTimeout(() => undefined, toTimerMs(timeoutMs))
  try {
    const bytes = body === undefined ? undefined : Buffer.from(toJsonText(body))
    for (let failures = 0; ; failures++) {
      const attempt = await attemptOnce(transport, { method, path, body: bytes, timeoutMs: deadlineMs - monotonicMs(), signal })
      if (attempt.error === undefined) return attempt.value as T
      const waitMs = Math.max(backoffMs(failures + 1), attempt.retryAfterMs ?? 0)
      const isOver = monotonicMs() + waitMs >= deadlineMs || signal?.aborted === true
      if (!attempt.isRetryable || isOver) throw attempt.error
      await pause(waitMs, { signal })
    }
  } finally {
    clearTimeout(hold)
  }
}

/** One attempt of a REST request. */
export interface RestCall {
  readonly method: RestMethod
  readonly path: string
  readonly body: Uint8Array | undefined
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** Whether sending it again changes nothing. @defaultValue true for every method but POST */
  readonly isRepeatable?: boolean | undefined
}

/** What one attempt came to. */
export interface RestAttempt {
  /** The JSON reply, when there is no error. */
  readonly value: unknown
  readonly error: HoneyHiveError | undefined
  readonly isRetryable: boolean
  /** Whether the failure lasts until somebody changes something. */
  readonly isLasting: boolean
  /** The server's own wish before another attempt, milliseconds. */
  readonly retryAfterMs: number | undefined
  /** What arrived, where it was not what was asked for. */
  readonly reply?: Reply | undefined
}

/** Makes one attempt; never rejects. */
export async function attemptOnce(transport: Transport, call: RestCall): Promise<RestAttempt> {
  const route = `${call.method} ${transport.baseUrl}${call.path.replace(/\?.*/, '')}`
  try {
    const reply = await transport.send({
      method: call.method,
      url: `${transport.baseUrl}${call.path}`,
      body: call.body,
      timeoutMs: Math.max(1, call.timeoutMs),
      contentType: call.body === undefined ? undefined : 'application/json',
      maxReplyBytes: MAX_REPLY_BYTES,
      signal: call.signal,
    })
    return toAttempt(reply, route, transport.hasRenewableKey === true && isKeyRefused(reply.status))
  } catch (error) {
    return toFailure(error, route, call.isRepeatable ?? call.method !== 'POST')
  }
}

/** @param mayPass whether another attempt is worth it for a reason of its own */
function toAttempt(reply: Reply, route: string, mayPass: boolean): RestAttempt {
  const { status } = reply
  if (status < 200 || status >= 300) {
    const error = new HoneyHiveError('HTTP_STATUS', `${route} failed: HTTP ${status}.${hintFor(reply)}`)
    return {
      value: undefined,
      error,
      isRetryable: mayPass || isRetryableStatus(status),
      isLasting: false,
      retryAfterMs: toRetryAfterMs(reply.retryAfter, unixMs()),
      reply,
    }
  }
  if (!reply.isComplete) return { ...failed(badReply(route, 'a reply that was cut short')), reply }
  if (/\bhtml\b/i.test(reply.contentType)) return { ...failed(badReply(route, 'an HTML page')), reply }
  if (reply.body.length === 0) return arrived(undefined)
  try {
    const value: unknown = parseJsonText(new TextDecoder().decode(reply.body))
    return arrived(value)
  } catch {
    return { ...failed(badReply(route, 'something that is not JSON')), reply }
  }
}

function toFailure(error: unknown, route: string, isRetryable: boolean): RestAttempt {
  const kind = error instanceof ExchangeError ? error.kind : 'network'
  const why = error instanceof ExchangeError ? error.message : 'the request could not be made'
  const isLasting = error instanceof ExchangeError && error.isLasting
  const code = kind === 'timeout' ? 'HTTP_TIMEOUT' : 'HTTP_NETWORK'
  return { ...failed(new HoneyHiveError(code, `${route} failed: ${why}.`)), isRetryable: isRetryable && kind !== 'aborted', isLasting }
}

function arrived(value: unknown): RestAttempt {
  return { value, error: undefined, isRetryable: false, isLasting: false, retryAfterMs: undefined }
}

function failed(error: HoneyHiveError): RestAttempt {
  return { value: undefined, error, isRetryable: false, isLasting: false, retryAfterMs: undefined }
}

function badReply(route: string, what: string): HoneyHiveError {
  return new HoneyHiveError('BAD_REPLY', `${route} answered with ${what}. Check \`serverUrl\` (HH_API_URL).`)
}

function hintFor({ status, contentType }: Reply): string {
  if (status === 401 || status === 403) return ' Check `apiKey` (HH_API_KEY).'
  if (status === 404 && /\bjson\b/i.test(contentType)) return ' Check the id or the name that was asked for, then `serverUrl` (HH_API_URL).'
  if (status === 404 || (status >= 300 && status < 400)) return ' Check `serverUrl` (HH_API_URL).'
  return ''
}
