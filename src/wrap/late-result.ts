import { NativePromise, NativeWeakMap } from '../builtins.js'
import { types } from 'node:util'
import { Audience, type ItemWatcher } from './audience.js'
import { hasEvents, watchEvents } from './events.js'
import { watchIterable, watchIterator } from './iteration.js'
import { findMembers, type Members, watchInnerStreams, watchMembers } from './members.js'
import { isNodeStream, isOpenNodeStream, watchNodeStream } from './node-stream.js'
import { type Fields, isLiteral, type LatePart, PartsRecording, searchFields } from './parts.js'
import type { Recording } from './recorder.js'
import { scopesOf } from './settlement.js'
import { findMethod } from './shadow.js'
import { isObservable, watchObservable } from './subscription.js'
import { isUnread, isWebStream, openBodyOf, watchWebStream } from './web-stream.js'
import { watchThenable } from './thenable.js'

/** Puts what looks on to an object; false when it cannot be changed. */
type Watch = (value: object, audience: Audience) => boolean

const OBSERVABLE = (Symbol as { readonly observable?: symbol }).observable ?? '@@observable'

/** Results that are watched already. A cache keyed by the result: it holds nothing alive. */
const audiences = new NativeWeakMap<object, Audience>()

/**
 * Lets the span of `recording` live until `value` is complete: consumed by iteration, by events, by subscription, or by what its
 * members give. The object stays the very same; it is not read, subscribed to, locked or buffered.
 *
 * @param self the object whose method gave `value`: one that gives back itself is no answer.
 * @param args what the function was given: handed on in a field, it is somebody else's.
 * @returns false when `value` is complete as it is, or nothing can be seen of it: the recording is still to be ended.
 */
export function watchLateResult(value: object, recording: Recording, self?: unknown, args: readonly unknown[] = []): boolean {
  const known = audiences.get(value)
  if (known !== undefined) return joinOrEnd(known, recording)
  // Looking into a proxy runs the host's traps.
  if (types.isProxy(value)) return false
  const isPlain = isLiteral(value)
  const fields = value === self ? undefined : searchFields(value, isPlain, isLateField)
  const watch = isPlain ? findLiteralWatch(value, fields) : isPlainClass(value) ? undefined : findWatch(value, self)
  if (watch !== undefined) return watchWhole(value, recording, watch)
  const parts = fields?.parts.filter((part) => part.value !== self && !args.includes(part.value)) ?? []
  return watchParts(value, recording, parts)
}

/** Whether a field of a result is a result of its own that completes later. */
function isLateField(field: object): boolean {
  if (isLiteral(field)) return Symbol.asyncIterator in field && !isPage(field)
  return !isPlainClass(field) && findWatch(field, undefined) !== undefined
}

/** Items of a result are followed as fields of one are. */
const ITEMS: ItemWatcher = {
  isLate(item, audience) {
    if (types.isPromise(item)) return true
    return !types.isProxy(item) && isLateField(item) && audiences.get(item) !== audience
  },
  watch(item, recording) {
    // Its work began already; of other objects that are waited for it may begin with that.
    if (types.isPromise(item) && Object.getPrototypeOf(item) === NativePromise.prototype) recording.begin()
    watchPart(item, recording)
  },
}

/** Whether nothing in the class of an object has to do with what completes later, so that its objects need no closer look. */
function isPlainClass(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object
  const known = plainClasses.get(prototype)
  if (known !== undefined) return known
  const isPlain = !READING_MEMBERS.some((key) => key in prototype) && !findMembers(value).isLate
  plainClasses.set(prototype, isPlain)
  return isPlain
}

const plainClasses = new NativeWeakMap<object, boolean>()

function watchWhole(value: object, recording: Recording, watch: Watch): boolean {
  const audience = new Audience(ITEMS)
  if (watch(value, audience)) {
    audiences.set(value, audience)
    return joinOrEnd(audience, recording)
  }
  // It cannot be changed. What it is made of is no answer.
  recording.succeed(undefined)
  return true
}

/** Follows the iteration of an object that may also be waited for, such as a query with a cursor. */
export function watchIterationToo(value: object, recording: Recording): Audience | undefined {
  const audience = audiences.get(value) ?? new Audience(ITEMS)
  if (!audiences.has(value) && !watchIterable(value, audience.open())) return undefined
  audiences.set(value, audience)
  audience.join(recording)
  return audience
}

function joinOrEnd(audience: Audience, recording: Recording): boolean {
  if (!audience.join(recording)) recording.succeed(undefined)
  return true
}

function findWatch(value: object, self: unknown): Watch | undefined {
  if (types.isGeneratorObject(value)) return watchAsIterator
  if (isWebStream(value)) return isUnread(value) ? (stream, audience) => watchWebStream(stream, audience.open()) : undefined
  if (isNodeStream(value)) return isOpenNodeStream(value) ? (stream, audience) => watchNodeStream(stream, audience.open()) : undefined
  const body = openBodyOf(value)
  if (body !== undefined) return (_response, audience) => watchWebStream(body, audience.open())
  return findFaces(value, self)
}

function findLiteralWatch(value: object, fields: Fields | undefined): Watch | undefined {
  if (fields?.hasLateMember !== true && !(Symbol.asyncIterator in value)) return undefined
  return findFaces(value, undefined)
}

const watchAsIterator: Watch = (iterator, audience) => watchIterator(iterator, audience.open())

/** An object may be read by more than one way; whichever the host takes is followed. */
function findFaces(value: object, self: unknown): Watch | undefined {
  const isIterable = Symbol.asyncIterator in value && !isPage(value)
  const isIterator = !isIterable && Symbol.iterator in value && findMethod(value, 'next') !== undefined
  const isSubscribed = ('subscribe' in value || OBSERVABLE in value) && isObservable(value)
  // A method that gives back its own object goes on with it, and gives no answer.
  const members = value === self ? undefined : findMembers(value)
  const isLate = isIterable || members?.isLate === true
  const hasOwnEvents = value !== self && hasEvents(value) && (isLate || isEventAnswer(value))
  if (!isLate && !isIterator && !isSubscribed && !hasOwnEvents) return undefined
  const faces = { isIterable, isIterator, isSubscribed, hasOwnEvents, members: isLate ? members : undefined }
  return (late, audience) => watchFaces(late, audience, faces)
}

/** Methods by which the page of a list gives the next one. */
const PAGING_METHODS = ['hasNextPage', 'getNextPage', 'nextPage'] as const

/** Whether an object holds its part of a list, and is iterated only by those who want the pages after it as well. */
function isPage(value: object): boolean {
  if (isLiteralPage(value)) return true
  if (!PAGING_METHODS.some((key) => findMethod(value, key) !== undefined)) return false
  return Object.keys(value).some((key) => Array.isArray(Object.getOwnPropertyDescriptor(value, key)?.value))
}

/** Whether an object is a page as SDKs made by Speakeasy give it: a literal of the answer, with `next()` for the page after it. */
function isLiteralPage(value: object): boolean {
  if (!Object.hasOwn(value, 'next') || findMethod(value, 'next') === undefined || !Object.hasOwn(value, Symbol.asyncIterator)) return false
  if ('return' in value || 'throw' in value) return false
  return '~next' in value || hasLiteral(value, 'result') || ('ok' in value && hasLiteral(value, 'value'))
}

function hasLiteral(holder: object, key: string): boolean {
  const field: unknown = Object.getOwnPropertyDescriptor(holder, key)?.value
  return typeof field === 'object' && field !== null && !types.isProxy(field) && isLiteral(field)
}

/** An object without any of these is no stream, iterator, emitter or Observable. */
const READING_MEMBERS = [
  Symbol.asyncIterator,
  OBSERVABLE,
  'next',
  'getReader',
  'pipe',
  'on',
  'addEventListener',
  'subscribe',
  'body',
] as const

interface Faces {
  readonly isIterable: boolean
  readonly isIterator: boolean
  readonly isSubscribed: boolean
  readonly hasOwnEvents: boolean
  readonly members: Members | undefined
}

function watchFaces(value: object, audience: Audience, faces: Faces): boolean {
  const reading = audience.open()
  const watched = [
    faces.isIterable && watchIterable(value, reading),
    faces.isIterator && watchIterator(value, reading),
    faces.isSubscribed && watchObservable(value, reading),
    faces.hasOwnEvents && watchEvents(value, reading),
    faces.members !== undefined && watchMembers(value, faces.members, audience, reading, faces.hasOwnEvents),
  ]
  if (faces.members?.isLate === true) watchInnerStreams(value, audience)
  return watched.includes(true)
}

/** What a helper has methods for that only tells of one piece of work. Anything else it can do makes it a service or a connection. */
const HELPER_METHOD =
  /^(?:constructor|abort|cancel|stop|close|destroy|dispose|pause|resume|start|done|emit\w*|events|final\w*|total\w*|to[A-Z]\w*|wait\w*|result|on\w*|off\w*|once|run|go|begin|add\w*Listener\w*|prepend\w*|remove\w*Listener\w*|removeAllListeners|listener\w*|listeners|rawListeners|eventNames|[gs]etMaxListeners|dispatchEvent)$/

/** Whether an emitter does nothing but tell of its work, so that its end is the end of an answer. */
function isEventAnswer(value: object): boolean {
  for (let at: object | null = value, i = 0; at !== null && i < 8; i++, at = Object.getPrototypeOf(at) as object | null) {
    const above = Object.getPrototypeOf(at) as object | null
    if (above === null) return true
    for (const name of Object.getOwnPropertyNames(at)) {
      if (name.startsWith('_') || HELPER_METHOD.test(name)) continue
      if (typeof Object.getOwnPropertyDescriptor(at, name)?.value === 'function') return false
    }
  }
  return true
}

/** A result of which some parts come later: the span lasts until the last of them. */
function watchParts(value: object, recording: Recording, parts: readonly LatePart[]): boolean {
  if (parts.length === 0) return false
  const whole = new PartsRecording(recording, value, parts)
  for (const [i, part] of parts.entries()) watchPart(part.value, whole.recordingOf(i))
  return true
}

function watchPart(part: object, recording: Recording): void {
  const onValue = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || !watchLateResult(value, recording)) recording.succeed(value)
  }
  const isWatched = watchThenable(part, false, {
    scopes: scopesOf(recording),
    run: (fn, self, args) => recording.run(fn, self, args),
    onValue,
    onError: (error) => recording.fail(error),
  })
  if (isWatched === undefined) onValue(part)
}
