/** Functions of the language as they were when this package was loaded; also for what runs in a browser. See `builtins.ts`. */

/**
 * `Promise` of the language. A host may have put another in its place, as zone.js does, also before this package was loaded: what an async
 * function gives is always this one.
 */
export const NativePromise: PromiseConstructor = (async () => undefined)().constructor as PromiseConstructor

/** `JSON.stringify` of the language. */
export const toJsonText: typeof JSON.stringify = JSON.stringify
/** `JSON.parse` of the language. @throws SyntaxError */
export const parseJsonText: typeof JSON.parse = JSON.parse

const { defineProperty, getOwnPropertyDescriptor, hasOwn } = Object
const { apply, construct, get, ownKeys } = Reflect

/** `Reflect.apply` of the language. */
export const reflectApply: typeof Reflect.apply = apply
/** `Reflect.construct` of the language. */
export const reflectConstruct: typeof Reflect.construct = construct
/** `Reflect.get` of the language. */
export const reflectGet: typeof Reflect.get = get
/** `Proxy` of the language. */
export const NativeProxy: ProxyConstructor = Proxy

/** `Object.hasOwn` of the language. */
export const hasOwnField: (holder: object, name: PropertyKey) => boolean = hasOwn

/** `Map` with its methods as they were when this package was loaded. */
export class NativeMap<K, V> extends Map<K, V> {}
/** `Set` with its methods as they were when this package was loaded. */
export class NativeSet<T> extends Set<T> {}
/** `WeakMap` with its methods as they were when this package was loaded. */
export class NativeWeakMap<K extends WeakKey, V> extends WeakMap<K, V> {}

keepMethods(NativeMap.prototype, Map.prototype)
keepMethods(NativeSet.prototype, Set.prototype)
keepMethods(NativeWeakMap.prototype, WeakMap.prototype)

/** Gives a prototype the methods of the one it inherits from, so that it has them whatever becomes of that one. */
function keepMethods(own: object, inherited: object): void {
  for (const name of ownKeys(inherited)) {
    const descriptor = getOwnPropertyDescriptor(inherited, name)
    if (descriptor !== undefined && !hasOwn(own, name)) defineProperty(own, name, { __proto__: null, ...descriptor } as PropertyDescriptor)
  }
}

/** A promise of `value`, as `Promise.resolve`. */
export async function resolved<T>(value: T): Promise<T> {
  return value
}

/** What became of all of `work`, in order, as `Promise.allSettled`, which needs the `then` of the moment. */
export async function outcomesOf<T>(work: readonly (T | PromiseLike<T>)[]): Promise<PromiseSettledResult<T>[]> {
  // Started together, so that none rejects unheard.
  const waiting: Promise<PromiseSettledResult<T>>[] = []
  for (let at = 0; at < work.length; at++) waiting[at] = outcomeOf(work[at] as T | PromiseLike<T>)
  const outcomes: PromiseSettledResult<T>[] = []
  for (let at = 0; at < waiting.length; at++) outcomes[at] = await (waiting[at] as Promise<PromiseSettledResult<T>>)
  return outcomes
}

async function outcomeOf<T>(work: T | PromiseLike<T>): Promise<PromiseSettledResult<T>> {
  try {
    return { status: 'fulfilled', value: await work }
  } catch (reason) {
    return { status: 'rejected', reason }
  }
}

/** Whether all of `work` came to true. Rejects as the first of it does. */
export async function areAllTrue(work: readonly (boolean | PromiseLike<boolean>)[]): Promise<boolean> {
  const outcomes = await outcomesOf(work)
  let isTrue = true
  for (let at = 0; at < outcomes.length; at++) {
    const outcome = outcomes[at]
    if (outcome?.status === 'rejected') throw outcome.reason
    isTrue = isTrue && outcome?.value === true
  }
  return isTrue
}

/**
 * Whether this is Cloudflare's runtime, by what it calls itself: a scope can only be entered there for a callback, and
 * `AsyncLocalStorage.enterWith` throws.
 */
export const isWorkerd: boolean = readAgent() === 'Cloudflare-Workers'

function readAgent(): unknown {
  return (globalThis as { readonly navigator?: { readonly userAgent?: unknown } }).navigator?.userAgent
}
