import { reflectApply, reflectGet, NativeProxy } from '../builtins.js'
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Reading } from './audience.js'
import { canDefine, define, findMethod, type Method, shadow } from './shadow.js'

/** Under this name an object gives an Observable of itself, where the symbol is missing. */
const OBSERVABLE_NAME = '@@observable'

/** Where libraries agree to find an Observable. */
function observableKey(): PropertyKey {
  return (Symbol as { readonly observable?: symbol }).observable ?? OBSERVABLE_NAME
}

/** Methods of what can be subscribed to but is a place where things are kept or sent, not an answer. */
const NO_ANSWER = ['getState', 'dispatch', 'publish', 'unsubscribe', 'set', 'update', 'send', 'emit', 'on'] as const

/** An object whose `subscribe` takes an observer: an Observable of any library. */
export function isObservable(value: object): boolean {
  const hasKey = observableKey() in value || OBSERVABLE_NAME in value
  if (!('subscribe' in value)) return hasKey
  if (findMethod(value, 'subscribe') === undefined) return false
  if (hasKey || ('pipe' in value && 'forEach' in value)) return !('dispatch' in value) && !('getState' in value)
  return !NO_ANSWER.some((key) => key in value)
}

/** Follows its subscriptions, of which the first speaks. A cold Observable stays cold until the host subscribes. */
export function watchObservable(observable: object, reading: Reading): boolean {
  let isTaken = false
  const isWatched = shadow(observable, 'subscribe', {
    instead(original, self, args) {
      if (reading.audience.isOver) return reflectApply(original, self, args)
      const own = isTaken ? reading.audience.open() : reading
      isTaken = true
      return subscribe(own, original, self, args)
    },
  })
  if (isWatched) return true
  return shadow(observable, observableKey(), {
    result(inner) {
      if (typeof inner === 'object' && inner !== null && inner !== observable) watchObservable(inner, reading)
      return inner
    },
  })
}

function subscribe(reading: Reading, original: Method, self: unknown, args: unknown[]): unknown {
  reading.begin()
  const subscriber = new SubscriberTap(reading)
  const given = subscriber.toArguments(args)
  const before = reading.enter()
  let subscription: unknown
  try {
    subscription = reflectApply(original, self, given)
  } catch (error) {
    reading.leave(before)
    reading.fail(error)
    throw error
  }
  reading.leave(before)
  return watchSubscription(subscription, reading)
}

/** What the host does with a value belongs to the host, not to the work that gave it. */
class SubscriberTap {
  readonly #reading: Reading
  readonly #inCaller = AsyncLocalStorage.snapshot()

  constructor(reading: Reading) {
    this.#reading = reading
  }

  toArguments(args: unknown[]): unknown[] {
    const [observer, onError, onComplete, ...rest] = args
    if (typeof observer === 'object' && observer !== null) {
      if (isSubscriber(observer) && this.#watchSubscriber(observer)) return args
      return [this.#observerFor(observer), ...args.slice(1)]
    }
    const next = typeof observer === 'function' ? (observer as Method) : undefined
    return [
      this.#on(next, (value) => this.#reading.item(value, 'event')),
      this.#onError(typeof onError === 'function' ? (onError as Method) : undefined),
      this.#on(typeof onComplete === 'function' ? (onComplete as Method) : undefined, () => this.#reading.end()),
      ...rest,
    ]
  }

  #on(handler: Method | undefined, note: (value: unknown) => void): Method {
    return (...given) => {
      note(given[0])
      return handler === undefined ? undefined : this.#inCaller(handler, ...given)
    }
  }

  /** Without a handler the library reports the error by itself, as it does with one that throws it. */
  #onError(handler: Method | undefined): Method {
    return (...given) => {
      this.#reading.fail(given[0])
      if (handler === undefined) throw given[0]
      return this.#inCaller(handler, ...given)
    }
  }

  /** An observer with the host's methods, looked up when they are called, as the library does. */
  #observerFor(observer: object): object {
    const { start } = observer as { start?: unknown }
    const call = (key: string): Method | undefined => {
      const method: unknown = reflectGet(observer, key)
      return typeof method === 'function' ? (...given) => reflectApply(method as Method, observer, given) : undefined
    }
    return {
      ...(typeof start === 'function' ? { start: call('start') } : {}),
      next: (...given: unknown[]) => this.#on(call('next'), (value) => this.#reading.item(value, 'event'))(...given),
      error: (...given: unknown[]) => this.#onError(call('error'))(...given),
      complete: (...given: unknown[]) => this.#on(call('complete'), () => this.#reading.end())(...given),
    }
  }

  /** A subscriber is also the subscription, and the library looks for itself in it: it is watched where it stands. */
  #watchSubscriber(subscriber: object): boolean {
    const around = (key: string, note: (value: unknown) => void): void => {
      const original = findMethod(subscriber, key)
      if (original === undefined) return
      define(subscriber, key, (...given: unknown[]) => {
        note(given[0])
        return this.#inCaller(() => reflectApply(original, subscriber, given))
      })
    }
    if (!canDefine(subscriber, 'next')) return false
    around('next', (value) => this.#reading.item(value, 'event'))
    around('error', (error) => this.#reading.fail(error))
    around('complete', () => this.#reading.end())
    return true
  }
}

function isSubscriber(observer: object): boolean {
  return 'closed' in observer && 'add' in observer && 'unsubscribe' in observer
}

/** Letting go of a subscription ends the reading; what comes of it stays what it is. */
function watchSubscription(subscription: unknown, reading: Reading): unknown {
  if (typeof subscription === 'object' && subscription !== null) {
    shadow(subscription, 'unsubscribe', { before: () => reading.stop() })
    // It may have been let go of by the first value, which came while it was made.
    if (reflectGet(subscription, 'closed') === true) reading.stop()
    return subscription
  }
  if (typeof subscription !== 'function') return subscription
  return new NativeProxy(subscription as Method, {
    apply(target, self, args: unknown[]) {
      reading.stop()
      return reflectApply(target, self, args)
    },
  })
}
