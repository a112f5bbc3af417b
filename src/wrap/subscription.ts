import { reflectApply, reflectGet, NativeProxy } from '../builtins.js'
import type { Reading } from './audience.js'
import { asWork, Outside } from './outside.js'
import { canDefine, chainOf, define, findMethod, type Method, shadow } from './shadow.js'

/** Under this name an object gives an Observable of itself, where the symbol is missing. */
const OBSERVABLE_NAME = '@@observable'

/** Where libraries agree to find an Observable. */
function observableKey(): PropertyKey {
  return (Symbol as { readonly observable?: symbol }).observable ?? OBSERVABLE_NAME
}

/** Methods of what can be subscribed to but is a place where things are kept or sent, not an answer. */
const NO_ANSWER = ['getState', 'dispatch', 'publish', 'unsubscribe', 'set', 'update', 'send', 'emit', 'on'] as const

/** What an Observable of no known kind has besides its `subscribe`: another method makes it something that can do more than give values. */
const OPERATOR =
  /^(?:constructor|subscribe|forEach|pipe|lift|map|filter|scan|reduce|(?:merge|concat|flat|switch|take|skip|drop|distinct|share)\w*|do|tap|finally|catch|retry|poll|toPromise|toArray|_\w*)$/

/** An object whose `subscribe` takes an observer: an Observable of any library. */
export function isObservable(value: object): boolean {
  if (!('subscribe' in value)) return hasObservableKey(value)
  if (findMethod(value, 'subscribe') === undefined) return false
  if (hasObservableKey(value) || ('pipe' in value && 'forEach' in value)) return !('dispatch' in value) && !('getState' in value)
  return !NO_ANSWER.some((key) => key in value) && methodsOf(value).every((name) => OPERATOR.test(name))
}

function hasObservableKey(value: object): boolean {
  return observableKey() in value || OBSERVABLE_NAME in value
}

function methodsOf(value: object): string[] {
  return [value, ...chainOf(Object.getPrototypeOf(value) as object)].flatMap((holder) =>
    Object.getOwnPropertyNames(holder).filter((name) => typeof Object.getOwnPropertyDescriptor(holder, name)?.value === 'function'),
  )
}

/** Follows its subscriptions, of which the first speaks. A cold Observable stays cold until the host subscribes. */
export function watchObservable(observable: object, reading: Reading): boolean {
  const kind = kindOf(observable)
  let isTaken = false
  const isWatched = shadow(observable, 'subscribe', {
    instead(original, self, args) {
      if (reading.audience.isOver) return reflectApply(original, self, args)
      const own = isTaken ? reading.audience.open() : reading
      const given = new SubscriberTap(own, kind).toArguments(args)
      if (given === undefined) {
        // Asked for in a way of its own, so that it is a value.
        if (!isTaken) reading.end()
        return reflectApply(original, self, args)
      }
      isTaken = true
      return subscribe(own, original, self, given)
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
  const work = asWork(reading)
  const before = work.enter()
  let subscription: unknown
  try {
    subscription = reflectApply(original, self, args)
  } catch (error) {
    work.leave(before)
    reading.fail(error)
    throw error
  }
  work.leave(before)
  return watchSubscription(subscription, reading)
}

/** What is known of how an object can be subscribed to. */
interface Kind {
  /** It takes functions too, in the order of an observer's methods: it says itself that it is an Observable. */
  readonly takesFunctions: boolean
  /** Without a handler it reports an error by itself, as it does with a handler that throws: so the standard wants it, RxJS and zen-observable do. */
  readonly reportsErrors: boolean
}

function kindOf(observable: object): Kind {
  const made = observable as { readonly constructor?: { readonly of?: unknown } }
  const isStandard = 'forEach' in observable && ('pipe' in observable || typeof made.constructor?.of === 'function')
  return { takesFunctions: isStandard || hasObservableKey(observable), reportsErrors: isStandard }
}

const HANDLERS = ['next', 'error', 'complete'] as const

/** What the host does with a value belongs to the host, not to the work that gave it. */
class SubscriberTap {
  readonly #reading: Reading
  readonly #kind: Kind
  readonly #outside: Outside

  constructor(reading: Reading, kind: Kind) {
    this.#reading = reading
    this.#outside = new Outside(reading.audience.scopes)
    this.#kind = kind
  }

  /** What is given to `subscribe` in place of `args`; `undefined` where these are nothing that an Observable takes. */
  toArguments(args: unknown[]): unknown[] | undefined {
    const [observer, onError, onComplete, ...rest] = args
    if (typeof observer === 'object' && observer !== null) {
      if (isSubscriber(observer) && this.#watchSubscriber(observer)) return args
      const isObserver =
        this.#kind.takesFunctions || (args.length === 1 && HANDLERS.some((key) => typeof reflectGet(observer, key) === 'function'))
      return isObserver ? [this.#observerFor(observer), ...args.slice(1)] : undefined
    }
    if (!this.#kind.takesFunctions || ![observer, onError, onComplete].every(isHandler)) return undefined
    return [this.#onNext(observer), this.#onError(onError), this.#onComplete(onComplete), ...rest]
  }

  #onNext(handler: unknown): Method {
    return this.#on(handler, (value) => this.#reading.item(value, 'event'))
  }

  #onComplete(handler: unknown): Method {
    return this.#on(handler, () => this.#reading.end())
  }

  /** None where the host has none and nobody knows what comes of an error then. */
  #onError(handler: unknown): Method | undefined {
    if (typeof handler === 'function') return this.#on(handler, (error) => this.#reading.fail(error))
    if (!this.#kind.reportsErrors) return undefined
    return (error) => {
      this.#reading.fail(error)
      throw error
    }
  }

  #on(handler: unknown, note: (value: unknown) => void): Method {
    const outside = this.#outside
    return function (this: unknown, ...given: unknown[]): unknown {
      note(given[0])
      return typeof handler === 'function' ? outside.call(handler as Method, this, given) : undefined
    }
  }

  /** An observer with the host's methods, looked up when they are called, as the library does. */
  #observerFor(observer: object): object {
    const call = (key: string): Method | undefined => {
      const method: unknown = reflectGet(observer, key)
      return typeof method === 'function' ? (...given) => reflectApply(method as Method, observer, given) : undefined
    }
    const hasErrorHandler = this.#kind.reportsErrors || typeof reflectGet(observer, 'error') === 'function'
    return {
      ...(typeof reflectGet(observer, 'start') === 'function' ? { start: call('start') } : {}),
      next: (...given: unknown[]) => this.#onNext(call('next'))(...given),
      ...(hasErrorHandler ? { error: (...given: unknown[]) => this.#onError(call('error'))?.(...given) } : {}),
      complete: (...given: unknown[]) => this.#onComplete(call('complete'))(...given),
    }
  }

  /** A subscriber is also the subscription, and the library looks for itself in it: it is watched where it stands. */
  #watchSubscriber(subscriber: object): boolean {
    const around = (key: string, note: (value: unknown) => void): void => {
      const original = findMethod(subscriber, key)
      if (original === undefined) return
      define(subscriber, key, (...given: unknown[]) => {
        note(given[0])
        return this.#outside.call(original, subscriber, given)
      })
    }
    if (!canDefine(subscriber, 'next')) return false
    around('next', (value) => this.#reading.item(value, 'event'))
    around('error', (error) => this.#reading.fail(error))
    around('complete', () => this.#reading.end())
    return true
  }
}

function isHandler(given: unknown): boolean {
  return typeof given === 'function' || given === undefined || given === null
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
