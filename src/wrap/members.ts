import { NativeMap, NativeSet, NativeWeakMap } from '../builtins.js'
import { types } from 'node:util'
import { takeSnapshot } from '../values/snapshot.js'
import { hasStackRoom } from '../stack-used-up.js'
import type { Plain } from '../values/plain.js'
import type { Audience, Reading } from './audience.js'
import { watchIterable } from './iteration.js'
import { isNodeStream, isOpenNodeStream, watchNodeStream } from './node-stream.js'
import { asWork, Outside } from './outside.js'
import { chainOf, shadow, shadowGetter } from './shadow.js'
import { watchThenable } from './thenable.js'
import { isUnread, isWebStream, openBodyOf, watchWebStream } from './web-stream.js'

/** The members by which an object may give what it is still working on. */
export interface Members {
  /** Whether their names say that there is something to come: a getter such as `textStream`, a method such as `finalMessage()`. */
  readonly isLate: boolean
  /** Getters, which may start the work and so are never read by us. */
  readonly getters: readonly string[]
  /** Methods that by their names give a stream or the final answer. */
  readonly methods: readonly string[]
}

/** `textStream`, `fullStream`, `stream`. */
const STREAM_GETTER = /stream$/i
/** `finalMessage()`, `finalContent()`. */
const FINAL_METHOD = /^final[A-Z]/
const GIVING_METHOD = /stream|response|^final|^consume|^done$|^result$|^wait/i
const MAX_MEMBERS = 128

/** Whether a getter of this name gives a stream. */
export function isStreamGetter(name: string): boolean {
  return STREAM_GETTER.test(name)
}

/** Whether a method of this name gives the answer once it is complete. */
export function isFinalMethod(name: string): boolean {
  return FINAL_METHOD.test(name)
}

const known = new NativeWeakMap<object, Members>()
const NONE: Members = { isLate: false, getters: [], methods: [] }

/** Getters and giving methods of an object; those of its class are looked up once. */
export function findMembers(value: object): Members {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (typeof prototype !== 'object' || prototype === null || Object.getPrototypeOf(prototype) === null) return listMembers([value]) ?? NONE
  const members = known.get(prototype) ?? listMembers(chainOf(prototype))
  if (members === undefined) return NONE
  known.set(prototype, members)
  return members
}

/** `undefined` where the stack is used up. */
function listMembers(holders: readonly object[]): Members | undefined {
  const getters = new NativeSet<string>()
  const methods = new NativeSet<string>()
  for (const holder of holders) {
    for (const name of Object.getOwnPropertyNames(holder).slice(0, MAX_MEMBERS)) {
      if (name === 'constructor' || name.startsWith('_')) continue
      const { get, value } = Object.getOwnPropertyDescriptor(holder, name) ?? {}
      if (get !== undefined) getters.add(name)
      else if (typeof value === 'function') methods.add(name)
    }
  }
  // Their names are searched below; nothing that is given here is followed.
  if (getters.size + methods.size > 0 && !hasStackRoom()) return undefined
  const isLate = [...getters].some(isStreamGetter) || [...methods].some(isFinalMethod)
  return { isLate, getters: [...getters], methods: [...methods].filter((name) => GIVING_METHOD.test(name)) }
}

/** Promises of these say something about the answer before it is there. */
const EARLY = /^(?:id|\w+Id|headers?|request|metadata|meta|warnings?|session|ready|open(?:ed)?|connect(?:ed|ion)?|start(?:ed)?|info)$/

/** Whether a promise under this name may settle long before the work is done. */
export function isEarlyName(name: string): boolean {
  return EARLY.test(name)
}

/**
 * Follows what an object gives through its members, once somebody asks for it.
 *
 * @param hasOwnEnd whether something else tells when the work is done.
 */
export function watchMembers(value: object, members: Members, audience: Audience, reading: Reading, hasOwnEnd: boolean): boolean {
  const gifts = new Gifts(audience, hasOwnEnd)
  const inside = asWork(reading)
  const args = (given: unknown[]): unknown[] => new Outside(audience.scopes).aroundAll(given)
  const result = (name: string) => (given: unknown) => gifts.take(name, given)
  let isWatched = false
  for (const name of members.getters) isWatched = shadowGetter(value, name, { inside, result: result(name) }) || isWatched
  for (const name of members.methods) isWatched = shadow(value, name, { inside, args, result: result(name) }) || isWatched
  return isWatched
}

const MAX_FIELDS = 32

/** Follows the streams an object keeps in fields of its own: whatever its members give comes from there. */
export function watchInnerStreams(value: object, audience: Audience): void {
  for (const key of Object.keys(value).slice(0, MAX_FIELDS)) {
    const field: unknown = Object.getOwnPropertyDescriptor(value, key)?.value
    if (typeof field === 'object' && field !== null && !types.isProxy(field) && isWebStream(field) && isUnread(field))
      watchWebStream(field, audience.open(true))
  }
}

/** What was given out by one object, and what came of it. */
class Gifts {
  readonly #audience: Audience
  readonly #hasOwnEnd: boolean
  readonly #given = new WeakSet<object>()
  readonly #values = new NativeMap<string, Plain>()
  #pending = 0

  constructor(audience: Audience, hasOwnEnd: boolean) {
    this.#audience = audience
    this.#hasOwnEnd = hasOwnEnd
  }

  take(name: string, gift: unknown): unknown {
    if (typeof gift !== 'object' || gift === null || types.isProxy(gift) || this.#given.has(gift) || this.#audience.isOver) return gift
    this.#given.add(gift)
    // Events tell of the end, and of failures too.
    if ('then' in gift) return this.#hasOwnEnd ? gift : this.#takePromise(name, gift)
    watchReadable(gift, this.#audience)
    return gift
  }

  #takePromise(name: string, promise: object): unknown {
    this.#pending += 1
    const audience = this.#audience
    return (
      watchThenable(promise, false, {
        scopes: audience.scopes,
        run: (fn, self, args) => audience.run(fn, self, args),
        onValue: (value) => this.#settled(name, value),
        onError: (error) => this.#failed(error),
      }) ?? promise
    )
  }

  /** Streams tell by themselves when they end; without one the answer is there when the last promise is. */
  #settled(name: string, value: unknown): void {
    this.#pending -= 1
    if (this.#audience.hasBegun || this.#audience.isOver) return
    if (value !== undefined) this.#values.set(name, takeSnapshot(value, this.#audience.maxBytes).value)
    if (this.#pending > 0 || isEarlyName(name)) return
    const [only] = this.#values
    this.#audience.endWith(this.#values.size > 1 ? Object.fromEntries(this.#values) : only?.[1])
  }

  #failed(error: unknown): void {
    this.#pending -= 1
    if (!this.#audience.hasBegun) this.#audience.fail(error)
  }
}

/** Follows a stream that belongs to a larger result; anything else is left alone. */
function watchReadable(value: object, audience: Audience): void {
  if (isWebStream(value)) {
    if (isUnread(value)) watchWebStream(value, audience.open())
  } else if (isNodeStream(value)) {
    if (isOpenNodeStream(value)) watchNodeStream(value, audience.open())
  } else if (Symbol.asyncIterator in value) watchIterable(value, audience.open())
  else {
    const body = openBodyOf(value)
    if (body !== undefined) watchWebStream(body, audience.open())
  }
}
