import { type ErrorCode, HoneyHiveError } from '../errors.js'

/** What is known of a request that failed. */
export interface FailedRequest {
  readonly status: number | undefined
  readonly requestId: string | undefined
  readonly body: string | undefined
  readonly attempts: number
}

/**
 * A request of the REST client that failed. Its `code` says how: `HTTP_STATUS` (the server refused), `HTTP_TIMEOUT`, `HTTP_NETWORK`,
 * `HTTP_ABORTED` (by the caller's signal, whose reason is the `cause`) or `BAD_REPLY` (what came is not the API's). Neither the message nor a
 * field has the API key in it.
 */
export class HoneyHiveRequestError extends HoneyHiveError {
  /** HTTP status of the reply; `undefined` when none came. */
  readonly status: number | undefined
  /** What the server, or a gateway in front of it, calls the request: tell it to support. */
  readonly requestId: string | undefined
  /** What the server said: at most 2,000 characters, secrets masked. */
  readonly body: string | undefined
  /** How often it was sent. */
  readonly attempts: number
  override name: string = 'HoneyHiveRequestError'

  constructor(code: ErrorCode, message: string, { status, requestId, body, attempts }: FailedRequest, options?: { cause?: unknown }) {
    super(code, message, options)
    this.status = status
    this.requestId = requestId
    this.body = body
    this.attempts = attempts
  }
}
