import { reflectApply } from '../builtins.js'
import { hasStackRoom } from '../stack-used-up.js'
import type { Reading } from './audience.js'
import { noteSettled, noteStep, watchIterations, watchTee } from './iteration.js'
import { chainOf, findMethod, findProperty, type Method, shadow } from './shadow.js'

/** A stream of the web's kind, of whichever realm or polyfill. */
export function isWebStream(value: object): boolean {
  return 'getReader' in value && 'locked' in value && findMethod(value, 'getReader') !== undefined
}

/** Whether nobody reads a stream yet: what a reader of before gets cannot be seen. */
export function isUnread(stream: object): boolean {
  return (stream as { readonly locked?: unknown }).locked === false
}

/** Follows a stream through its readers, iterations, pipes and halves. It is not locked, read or buffered. */
export function watchWebStream(stream: object, reading: Reading): boolean {
  const isWatched = shadow(stream, 'getReader', {
    result(reader) {
      if (typeof reader === 'object' && reader !== null) watchReader(reader, reading)
      return reader
    },
  })
  if (!isWatched) return false
  watchIterations(stream, ['values', Symbol.asyncIterator], reading)
  watchTee(stream, reading, watchWebStream)
  shadow(stream, 'cancel', { before: () => reading.stop() })
  watchTransfer(stream, reading)
  shadow(stream, 'pipeTo', { instead: (original, self, args) => pipeTo(reading, original, self, args) })
  shadow(stream, 'pipeThrough', { instead: (original, self, args) => pipeThrough(reading, original, self, args) })
  return true
}

/** By this method Node asks an object of its own that is transferred, such as to a worker: from then on it is read there. */
const TRANSFER = 'messaging_transfer_symbol'

function findTransferKey(stream: object): symbol | undefined {
  for (const holder of chainOf(Object.getPrototypeOf(stream) as object)) {
    for (const key of Object.getOwnPropertySymbols(holder)) if (key.description === TRANSFER) return key
  }
  return undefined
}

/** A runtime that transfers streams another way has no such method, and the stream is then followed as one that nobody reads. */
function watchTransfer(stream: object, reading: Reading): void {
  const key = findTransferKey(stream)
  if (key === undefined) return
  shadow(stream, key, {
    result(transferred) {
      reading.handOver()
      return transferred
    },
  })
}

function watchReader(reader: object, reading: Reading): void {
  let isReleased = false
  // Reads that were waiting when the reader let go reject: that is not a failure of the stream.
  const onError = (error: unknown): void => (isReleased ? undefined : reading.fail(error))
  shadow(reader, 'read', {
    inside: reading,
    before: () => reading.begin(),
    thrown: onError,
    result: (read) =>
      noteSettled(
        read,
        reading,
        (result) =>
          noteStep(
            result,
            (value) => reading.item(value, 'reader'),
            () => reading.end(),
          ),
        onError,
      ),
  })
  shadow(reader, 'releaseLock', {
    before() {
      isReleased = true
    },
  })
  shadow(reader, 'cancel', { before: () => reading.stop() })
}

/** Both sides of a pipe as the platform's own classes have them; anything else is left to the stream. */
interface Pipe {
  readonly source: ReadableStream
  readonly target: WritableStream
}

function toPipe(source: unknown, target: unknown): Pipe | undefined {
  if (!isReadable(source) || !isWritable(target)) return undefined
  return source.locked || target.locked ? undefined : { source, target }
}

function pipeTo(reading: Reading, original: Method, self: unknown, args: unknown[]): unknown {
  const pipe = toPipe(self, args[0])
  if (pipe !== undefined) return pipeSeen(reading, pipe, args[1])
  reading.begin()
  const piped = reflectApply(original, self, args)
  return noteSettled(piped, reading, () => reading.end())
}

/** By its specification `pipeThrough` is `pipeTo` into the writable side with the promise of that marked as handled. */
function pipeThrough(reading: Reading, original: Method, self: unknown, args: unknown[]): unknown {
  const [pair, options] = args
  const isPair = typeof pair === 'object' && pair !== null && 'readable' in pair && 'writable' in pair
  const { readable, writable } = isPair ? pair : { readable: undefined, writable: undefined }
  const pipe = isReadable(readable) ? toPipe(self, writable) : undefined
  if (pipe === undefined) return reflectApply(original, self, args)
  pipeSeen(reading, pipe, options).then(undefined, () => undefined)
  return readable
}

/**
 * A pipe takes its chunks past every method of the stream. So it is laid from a stream that asks this one for each chunk when it is
 * asked itself: nothing is read ahead, and errors, cancelling and options go through as they are.
 */
function pipeSeen(reading: Reading, { source, target }: Pipe, options: unknown): Promise<void> {
  reading.begin()
  const reader = ReadableStream.prototype.getReader.call(source) as ReadableStreamDefaultReader<unknown>
  const seen = new ReadableStream<unknown>(
    {
      async pull(controller) {
        const { done, value } = await readInside(reading, reader)
        if (!done) {
          reading.item(value, 'reader')
          controller.enqueue(value)
          return
        }
        reading.end()
        controller.close()
      },
      cancel(reason) {
        reading.stop()
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
  const piped = ReadableStream.prototype.pipeTo.call(seen, target, options as Parameters<ReadableStream['pipeTo']>[1])
  return piped.then(
    () => reader.releaseLock(),
    (error: unknown) => {
      reading.stop()
      reader.releaseLock()
      throw error
    },
  )
}

async function readInside(reading: Reading, reader: ReadableStreamDefaultReader<unknown>): Promise<IteratorResult<unknown>> {
  const before = reading.enter()
  const read = reader.read()
  reading.leave(before)
  try {
    return (await read) as IteratorResult<unknown>
  } catch (error) {
    reading.fail(error)
    throw error
  }
}

const STREAMED_TYPE = /event-stream|json-?l|ndjson/i
/** Types that also files have, which may never be read; a server's own answer is. */
const SERVED_TYPE = /event-stream|json-?l|ndjson|x-json|octet-stream|multipart|audio|video/i

/** The body of an HTTP answer that streams and is still to be read. */
export function openBodyOf(value: object): ReadableStream | undefined {
  if (!('bodyUsed' in value) || !isPlatformBody(value) || !hasStackRoom()) return undefined
  // Told by its class above.
  const { body, headers } = value as unknown as Pick<Response, 'body' | 'headers'>
  if (!isReadable(body) || body.locked) return undefined
  return isComplete(body, headers.get('content-type'), STREAMED_TYPE) ? undefined : body
}

/** A server's light stand-in for `Response` becomes a real one when it is looked at. */
function isPlatformBody(value: object): boolean {
  const owner = findProperty(value, 'body')?.owner
  return owner !== undefined && owner !== value && Object.getPrototypeOf(owner) === Object.prototype && 'headers' in owner
}

/**
 * Text, JSON and bytes given to `Response` are there at once, and often nobody reads them (tests, `HEAD`, a client that left). Such
 * a body is a byte stream; a stream of the program's own rarely is.
 *
 * @param streamed types of content that come bit by bit in any case.
 */
export function isComplete(body: ReadableStream, contentType: string | null, streamed: RegExp = SERVED_TYPE): boolean {
  if (body.locked || (contentType !== null && streamed.test(contentType))) return false
  try {
    body.getReader({ mode: 'byob' }).releaseLock()
    return true
  } catch {
    // A stream that was made of items has no such reader.
    return false
  }
}

// Environments of test runners that stand in for a browser may lack both.
function isReadable(value: unknown): value is ReadableStream {
  return typeof ReadableStream === 'function' && value instanceof ReadableStream
}

function isWritable(value: unknown): value is WritableStream {
  return typeof WritableStream === 'function' && value instanceof WritableStream
}
