import { types } from 'node:util'
import { type Audience, createAudience, splitAudience } from './audience.js'
import type { Recording } from './recorder.js'
import { canDefine, define, findProperty, watchThenable } from './thenable.js'

type Method = (...args: unknown[]) => unknown
/** Puts the watching methods on a stream; false when it cannot be changed. */
type Install = (value: object, audience: Audience) => boolean

/** Streams that are watched already. A cache keyed by the stream: it holds nothing alive. */
const audiences = new WeakMap<object, Audience>()

/**
 * Lets the span of `recording` live as long as `value` is consumed. The stream keeps its identity, is not read, locked or
 * buffered, and its back-pressure stays as it is.
 *
 * @returns false when `value` is no stream, has ended, or cannot be watched.
 */
export function watchStream(value: object, recording: Recording): boolean {
  const known = audiences.get(value)
  if (known !== undefined) return known.join(recording)
  const kind = kindOf(value)
  if (kind === undefined) return false
  const audience = createAudience(kind.joinsText)
  if (!kind.install(value, audience)) return false
  audiences.set(value, audience)
  return audience.join(recording)
}

interface Kind {
  readonly install: Install
  readonly joinsText: boolean
}

const GENERATOR: Kind = { install: watchIterator, joinsText: false }
const WEB_STREAM: Kind = { install: watchWebStream, joinsText: true }
const NODE_STREAM: Kind = { install: watchNodeStream, joinsText: true }
const ITERABLE: Kind = { install: watchIterable, joinsText: true }

function kindOf(value: object): Kind | undefined {
  if (types.isGeneratorObject(value)) return GENERATOR
  // Looking into a proxy runs the host's traps.
  if (types.isProxy(value)) return undefined
  if (value instanceof ReadableStream) return WEB_STREAM
  if ('_readableState' in value && 'pipe' in value) return isNodeReadable(value) ? NODE_STREAM : undefined
  return Symbol.asyncIterator in value ? ITERABLE : undefined
}

// ---- generators and other iterators

/** Follows one iterator through its own `next`, `return` and `throw`. */
function watchIterator(iterator: object, audience: Audience): boolean {
  const step = (original: Method, self: unknown, args: unknown[]): unknown =>
    noteResult(audience, callIn(audience, original, self, args), (result) => noteStep(result, audience.item, audience.end))
  const lastStep = (original: Method, self: unknown, args: unknown[]): unknown =>
    noteResult(audience, callIn(audience, original, self, args), (result) => noteStep(result, audience.item, audience.stop))
  if (!shadow(iterator, 'next', step)) return false
  shadow(iterator, 'throw', step)
  shadow(iterator, 'return', lastStep)
  return true
}

function callIn(audience: Audience, original: Method, self: unknown, args: unknown[]): unknown {
  try {
    return audience.run(original, self, args)
  } catch (error) {
    audience.fail(error)
    throw error
  }
}

/** Notes a result now, or when it settles. A promise of one step belongs to its caller, so one that settles alike may stand for it. */
function noteResult(audience: Audience, result: unknown, note: (result: unknown) => void): unknown {
  if (typeof result !== 'object' || result === null) return result
  if (!types.isPromise(result)) {
    note(result)
    return result
  }
  return watchThenable(result, true, { run: plainRun, onValue: note, onError: audience.fail }) ?? result
}

const plainRun: Recording['run'] = (fn, self, args) => Reflect.apply(fn, self, args as never[])

function noteStep(result: unknown, onItem: (value: unknown) => void, onDone: (value: unknown) => void): void {
  if (typeof result !== 'object' || result === null) return
  const { done, value } = result as IteratorResult<unknown>
  if (done === true) onDone(value)
  else onItem(value)
}

// ---- other async iterables

/** Follows the first iteration of an object such as a model's answer stream; further ones are the object's own business. */
function watchIterable(iterable: object, audience: Audience): boolean {
  const isWatched = watchIterator(iterable, audience) || watchIterations(iterable, [Symbol.asyncIterator], audience)
  if (isWatched) watchTee(iterable, audience)
  return isWatched
}

function watchIterations(iterable: object, keys: readonly PropertyKey[], audience: Audience): boolean {
  let isClaimed = false
  const iterate = (original: Method, self: unknown, args: unknown[]): unknown => {
    const iterator = callIn(audience, original, self, args)
    if (!isClaimed && typeof iterator === 'object' && iterator !== null) {
      isClaimed = true
      watchIterator(iterator, audience)
    }
    return iterator
  }
  return keys.map((key) => shadow(iterable, key, iterate)).every(Boolean)
}

function watchTee(value: object, audience: Audience): void {
  shadow(value, 'tee', (original, self, args) => {
    const halves = Reflect.apply(original, self, args)
    if (Array.isArray(halves)) watchHalves(halves, audience)
    return halves
  })
}

function watchHalves(halves: readonly unknown[], audience: Audience): void {
  const parts = splitAudience(audience, halves.length)
  for (const [i, part] of parts.entries()) {
    const half = halves[i]
    if (typeof half !== 'object' || half === null) continue
    if (half instanceof ReadableStream) watchWebStream(half, part)
    else watchIterable(half, part)
  }
}

// ---- web streams

function watchWebStream(stream: object, audience: Audience): boolean {
  const isWatched = shadow(stream, 'getReader', (original, self, args) => {
    const reader = Reflect.apply(original, self, args)
    if (typeof reader === 'object' && reader !== null) watchReader(reader, audience)
    return reader
  })
  if (!isWatched) return false
  watchIterations(stream, ['values', Symbol.asyncIterator], audience)
  watchTee(stream, audience)
  shadow(stream, 'cancel', (original, self, args) => stopThen(audience, original, self, args))
  shadow(stream, 'pipeTo', (original, self, args) => {
    const piped = Reflect.apply(original, self, args)
    return noteResult(audience, piped, audience.endUnseen)
  })
  shadow(stream, 'pipeThrough', (original, self, args) => pipeThrough(audience, original, self, args))
  return true
}

function watchReader(reader: object, audience: Audience): void {
  let isReleased = false
  shadow(reader, 'read', (original, self, args) => {
    const read = callIn(audience, original, self, args)
    // Reads that were waiting when the reader let go reject: that is not a failure of the stream.
    const onError = (error: unknown): void => (isReleased ? undefined : audience.fail(error))
    const onValue = (result: unknown): void => noteStep(result, audience.item, () => audience.end())
    if (!types.isPromise(read)) return read
    return watchThenable(read, true, { run: plainRun, onValue, onError }) ?? read
  })
  shadow(reader, 'releaseLock', (original, self, args) => {
    isReleased = true
    return Reflect.apply(original, self, args)
  })
  shadow(reader, 'cancel', (original, self, args) => stopThen(audience, original, self, args))
}

function stopThen(audience: Audience, original: Method, self: unknown, args: unknown[]): unknown {
  audience.stop()
  return Reflect.apply(original, self, args)
}

/**
 * `pipeThrough` hides the promise that tells when the pipe ends. By its specification it is `pipeTo` into the writable side
 * with that promise marked as handled, so that is what happens here; calls it would refuse are left to it.
 */
function pipeThrough(audience: Audience, original: Method, self: unknown, args: unknown[]): unknown {
  const [pair, options] = args
  const isPair = typeof pair === 'object' && pair !== null && 'readable' in pair && 'writable' in pair
  if (!isPair || !(self instanceof ReadableStream) || self.locked) return Reflect.apply(original, self, args)
  const { readable, writable } = pair
  if (!(readable instanceof ReadableStream) || !(writable instanceof WritableStream) || writable.locked) {
    return Reflect.apply(original, self, args)
  }
  const piped = ReadableStream.prototype.pipeTo.call(self, writable, options as Parameters<ReadableStream['pipeTo']>[1])
  piped.then(audience.endUnseen, audience.fail)
  return readable
}

// ---- Node streams

/** A readable stream that has something left to give. Sockets are connections, not answers. */
function isNodeReadable(value: object): boolean {
  const { readable, destroyed, readableEnded } = value as { readable?: unknown; destroyed?: unknown; readableEnded?: unknown }
  return readable !== false && destroyed !== true && readableEnded !== true && !('remoteAddress' in value)
}

/** Looks on as the stream tells its listeners; adding a listener of our own would make it flow. */
function watchNodeStream(stream: object, audience: Audience): boolean {
  return shadow(stream, 'emit', (original, self, args) => {
    const [event, detail] = args
    if (event === 'data') audience.item(detail)
    else if (event === 'end') audience.end()
    else if (event === 'close' || (event === 'error' && isEarlyStop(detail))) audience.stop()
    else if (event === 'error') audience.fail(detail)
    return Reflect.apply(original, self, args)
  })
}

/** Leaving a `for await` over a Node stream destroys it with an AbortError that has no cause; an aborted signal is one. */
function isEarlyStop(error: unknown): boolean {
  return error instanceof Error && findProperty(error, 'code')?.descriptor.value === 'ABORT_ERR' && !Object.hasOwn(error, 'cause')
}

// ---- methods of one object

/** Puts a method on `value` that stands before the one it has; false when it has none or cannot be changed. */
function shadow(value: object, key: PropertyKey, around: (original: Method, self: unknown, args: unknown[]) => unknown): boolean {
  const original: unknown = findProperty(value, key)?.descriptor.value
  if (typeof original !== 'function' || !canDefine(value, key)) return false
  define(value, key, function (this: unknown, ...args: unknown[]): unknown {
    return around(original as Method, this, args)
  })
  return true
}
