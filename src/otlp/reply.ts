import { parseJsonText } from '../builtins.js'
import type { DropReason } from '../semantics/attributes.js'
import { toFiniteNumber, toObject } from '../semantics/json.js'
import { readFields, toText } from './protobuf.js'
import { isRetryableStatus, toRetryAfterMs } from './retry.js'

/** The reply to an OTLP request, as far as it was read. */
export interface OtlpReply {
  readonly status: number
  /** Value of the `Content-Type` header; empty when there is none. */
  readonly contentType: string
  /** Value of the `Retry-After` header. */
  readonly retryAfter: string | undefined
  readonly body: Uint8Array
  /** False when the body was cut short. */
  readonly isComplete: boolean
}

/** What one attempt to send a batch came to. */
export type Outcome =
  /** The server has it, all but `rejected` spans. */
  | { readonly kind: 'accepted'; readonly rejected: number; readonly message: string }
  /** Worth another try, no sooner than `afterMs` when the server said so. */
  | { readonly kind: 'retry'; readonly afterMs: number | undefined; readonly detail: string; readonly isLasting?: boolean }
  /** Too many bytes for the server: worth sending in smaller parts. */
  | { readonly kind: 'tooLarge'; readonly detail: string }
  /** The server cannot read something in it: worth sending in parts to save the rest. */
  | { readonly kind: 'invalid'; readonly detail: string }
  /** Lost for good. */
  | { readonly kind: 'refused'; readonly reason: DropReason; readonly detail: string }

/** Where the reply came from, for messages: host and path. */
export interface ReplyContext {
  readonly place: string
  readonly nowMs: number
}

/** What a server said about a request it accepted. */
interface PartialSuccess {
  /** Spans the server did not take. */
  readonly rejected: number
  /** The server's explanation; empty when it gave none. */
  readonly message: string
}

/** The meaning of a reply to an OTLP request. Never throws, whatever the server sent. */
export function toOutcome(reply: OtlpReply, { place, nowMs }: ReplyContext): Outcome {
  const { status } = reply
  const detail = `HTTP ${status} from ${place}`
  if (status >= 200 && status < 300) return toAccepted(reply, place)
  if (isRetryableStatus(status)) return { kind: 'retry', afterMs: toRetryAfterMs(reply.retryAfter, nowMs), detail }
  if (status === 413) return { kind: 'tooLarge', detail }
  if (status === 400) return { kind: 'invalid', detail }
  return { kind: 'refused', reason: 'httpStatus', detail: `${detail}${hintFor(status, place)}` }
}

function hintFor(status: number, place: string): string {
  if (status === 401 || status === 403) return ': check `apiKey` (HH_API_KEY)'
  if (status === 404) return `: check \`serverUrl\` (HH_API_URL)${hintForPath(place)}`
  if (status >= 300 && status < 400)
    return ': redirects are not followed, so that the key goes nowhere else; check `serverUrl` (HH_API_URL)'
  return ''
}

/** The address of a page, which has a path, in place of the server's. */
function hintForPath(place: string): string {
  const path = /^[a-z]+:\/\/[^/]+(\/.+)\/opentelemetry\/v1\/traces$/i.exec(place)?.[1]
  return path === undefined ? '' : `: it has the path "${path}", as the address of a page has; give the address of the server without it`
}

function toAccepted(reply: OtlpReply, place: string): Outcome {
  if (/\bhtml\b/i.test(reply.contentType)) return badReply(place, 'an HTML page')
  // Cut short at the deadline or at the cap: the status already says that the spans were taken.
  if (!reply.isComplete || reply.body.length === 0) return { kind: 'accepted', rejected: 0, message: '' }
  try {
    return { kind: 'accepted', ...parseReply(reply) }
  } catch {
    return badReply(place, 'something that is neither JSON nor protobuf')
  }
}

function badReply(place: string, what: string): Outcome {
  return { kind: 'refused', reason: 'badReply', detail: `${place} answered with ${what}` }
}

// The `deserializeResponse` of the official serializers takes any text as an empty JSON reply, with a line in the host's
// own diagnostics, and `Accepted` as a protobuf one: both would count spans as delivered that nobody took.
function parseReply({ contentType, body }: OtlpReply): PartialSuccess {
  if (/protobuf/i.test(contentType)) return parseProtobuf(body)
  if (/json/i.test(contentType)) return parseJson(body)
  return body[0] === OPENING_BRACE ? parseJson(body) : parseProtobuf(body)
}

const OPENING_BRACE = 0x7b

/** An `ExportTraceServiceResponse` in JSON, in the spelling of the specification or of the proto file. */
function parseJson(body: Uint8Array): PartialSuccess {
  const reply = toObject(parseJsonText(toText(body)))
  const partial = toObject(reply.partialSuccess ?? reply.partial_success)
  const message = partial.errorMessage ?? partial.error_message
  return {
    rejected: toCount(toFiniteNumber(partial.rejectedSpans ?? partial.rejected_spans) ?? 0),
    message: typeof message === 'string' ? message : '',
  }
}

/** An `ExportTraceServiceResponse` in protobuf: field 1 holds the rejected spans (1) and the message (2). */
function parseProtobuf(body: Uint8Array): PartialSuccess {
  let rejected = 0
  let message = ''
  readFields(body, (outer) => {
    if (outer.number !== 1) return
    readFields(outer.bytes, ({ number, integer, bytes }) => {
      if (number === 1) rejected = toCount(Number(BigInt.asIntN(64, integer)))
      if (number === 2) message = toText(bytes)
    })
  })
  return { rejected, message }
}

function toCount(value: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.trunc(value)))
}
