import type { DropReason } from '../semantics/attributes.js'
import type { Reply } from '../export/exchange.js'
import { isRetryableStatus, toRetryAfterMs } from '../export/retry.js'
import { parseJsonReply, parseProtobufReply, type PartialSuccess } from './encode.js'

/** What one attempt to send a batch came to. */
export type Outcome =
  /** The server has it, all but `rejected` spans. */
  | { readonly kind: 'accepted'; readonly rejected: number; readonly message: string }
  /** Worth another try, no sooner than `afterMs` when the server said so. */
  | { readonly kind: 'retry'; readonly afterMs: number | undefined; readonly detail: string }
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

/** The meaning of a reply to an OTLP request. */
export function toOutcome(reply: Reply, { place, nowMs }: ReplyContext): Outcome {
  const { status } = reply
  const detail = `HTTP ${status} from ${place}`
  if (status >= 200 && status < 300) return toAccepted(reply, place)
  if (isRetryableStatus(status)) return { kind: 'retry', afterMs: toRetryAfterMs(reply.retryAfter, nowMs), detail }
  if (status === 413) return { kind: 'tooLarge', detail }
  if (status === 400) return { kind: 'invalid', detail }
  return { kind: 'refused', reason: 'httpStatus', detail: `${detail}${hintFor(status)}` }
}

function hintFor(status: number): string {
  if (status === 401 || status === 403) return ': check `apiKey` (HH_API_KEY)'
  if (status === 404) return ': check `serverUrl` (HH_API_URL)'
  if (status >= 300 && status < 400)
    return ': redirects are not followed, so that the key goes nowhere else; check `serverUrl` (HH_API_URL)'
  return ''
}

function toAccepted(reply: Reply, place: string): Outcome {
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

function parseReply({ contentType, body }: Reply): PartialSuccess {
  if (/protobuf/i.test(contentType)) return parseProtobufReply(body)
  if (/json/i.test(contentType)) return parseJsonReply(body)
  return body[0] === OPENING_BRACE ? parseJsonReply(body) : parseProtobufReply(body)
}

const OPENING_BRACE = 0x7b
