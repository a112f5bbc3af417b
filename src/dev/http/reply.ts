import { monotonicMs, nextTurn } from '../../builtins.js'
import { OtlpDecodeError, TooManySpansError } from '../../otlp/decoded-span.js'
import { DatabaseBusyError, DatabaseDamagedError, DatabaseFullError } from '../store/database.js'
import type { Call } from './call.js'
import { HttpError } from './http-error.js'

const FULL_RETRY_SECONDS = '5'
const BUSY_RETRY_SECONDS = '1'
/** A piece of a long answer ends after this many characters or milliseconds. */
const PIECE_CHARS = 65_536
const SLICE_MS = 20

/** Status, text and headers of what a handler threw; unexpected errors say nothing about themselves. */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error
  if (error instanceof OtlpDecodeError) return new HttpError(400, error.message)
  if (error instanceof TooManySpansError) return new HttpError(413, error.message)
  if (error instanceof DatabaseFullError)
    return new HttpError(503, error.message, { headers: { 'retry-after': FULL_RETRY_SECONDS }, errorCode: 'storage_full' })
  if (error instanceof DatabaseBusyError)
    return new HttpError(503, error.message, { headers: { 'retry-after': BUSY_RETRY_SECONDS }, errorCode: 'storage_busy' })
  if (error instanceof DatabaseDamagedError) return new HttpError(500, error.message, { errorCode: 'storage_damaged' })
  return new HttpError(500, 'Internal error of the local server')
}

/** An error in HoneyHive's format. */
export function toErrorBody({ status, message, errorCode }: HttpError): object {
  return { statusCode: status, message, success: false, ...(errorCode === undefined ? {} : { errorCode }) }
}

/**
 * Sends a JSON object whose lists may be long. A list may be any iterable: it is read while it is sent, and other requests get
 * their turn between two pieces.
 */
export function sendLarge(c: Call, body: Readonly<Record<string, unknown>>): Response {
  c.header('content-type', 'application/json')
  return c.body(toStream(toPieces(body)))
}

/** A stream of texts, read while it is sent; an answer that is under way can no longer fail in another way than to break off. */
export function toStream(texts: Iterator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream({
    async pull(controller) {
      await nextTurn()
      const untilMs = monotonicMs() + SLICE_MS
      let text = ''
      while (text.length < PIECE_CHARS && monotonicMs() < untilMs) {
        const { value, done } = texts.next()
        if (done !== true) text += value
        else {
          if (text !== '') controller.enqueue(encoder.encode(text))
          controller.close()
          return
        }
      }
      controller.enqueue(encoder.encode(text))
    },
    cancel: () => void texts.return?.(),
  })
}

/** JSON in pieces; what a list gives for `undefined` is `null`, as `JSON.stringify` does. */
function* toPieces(body: Readonly<Record<string, unknown>>): Generator<string> {
  let separator = '{'
  for (const [key, value] of Object.entries(body)) {
    if (value === undefined) continue
    yield `${separator}${JSON.stringify(key)}:`
    separator = ','
    if (isList(value)) yield* toListPieces(value)
    else yield JSON.stringify(value)
  }
  yield separator === '{' ? '{}' : '}'
}

function* toListPieces(list: Iterable<unknown>): Generator<string> {
  let between = '['
  for (const item of list) {
    yield between + (JSON.stringify(item) ?? 'null')
    between = ','
  }
  yield between === '[' ? '[]' : ']'
}

function isList(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value
}
