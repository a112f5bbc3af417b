import { toKind, toShown } from './shown.js'

/** One option: what it takes and how to speak about it. */
export interface OptionSpec {
  /** Whether the value is right. May throw, as getters and proxies do. */
  readonly accepts: (value: unknown) => boolean
  /** Completes "expected …". */
  readonly expected: string
  /** One sentence: what to do instead. */
  readonly remedy: string
  /** Completes "got …" for a wrong value. @defaultValue the value, in short; its kind where it is secret */
  readonly found?: (value: unknown) => string
  /** Its value is never shown. */
  readonly secret?: boolean
  /** A list or map is copied before it is checked, so that what was checked is what is used. */
  readonly isCopied?: boolean
  /** It cannot be left out. */
  readonly isRequired?: true
}

/** An option that holds options. */
export interface GroupSpec<S extends OptionSpec = OptionSpec> {
  readonly expected: string
  readonly remedy: string
  readonly members: Readonly<Record<string, S>>
  /** What may stand in place of the members. */
  readonly other?: (value: unknown) => boolean
}

/** Specs by option name. */
export type Specs<S extends OptionSpec = OptionSpec> = Readonly<Record<string, S | GroupSpec<S>>>

/** What a spec says of options that take exactly `T`. */
export interface Accepting<T> {
  readonly accepts: (value: unknown) => value is T
  /** Never set: makes `T` invariant, so that the check and the type users see cannot drift apart in either direction. */
  readonly inStepWith?: (value: T) => void
}

/** A spec that takes exactly `T`. */
export type SpecOf<T> = OptionSpec & Accepting<T>

/** For an option that is known, and checked by somebody else. */
export const ANYTHING: OptionSpec = { accepts: () => true, expected: 'anything', remedy: '' }

export function isText(value: unknown): value is string {
  return typeof value === 'string'
}

/** Half of a surrogate pair is no character: UTF-8 cannot carry it, and functions that encode text throw on it. */
export function isWholeText(value: unknown): value is string {
  return typeof value === 'string' && !/\p{Surrogate}/u.test(value)
}

export function isFilledText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}

export function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean'
}

export function isFunction(value: unknown): value is (...input: never[]) => unknown {
  return typeof value === 'function'
}

/** True for objects with named fields: not lists, maps, dates and the like, whose content a copy would lose. */
export function isMapLike(value: unknown): value is Readonly<Record<string, unknown>> {
  return Object.prototype.toString.call(value) === '[object Object]'
}

/** A check for lists of such items. */
export function isListOf<T>(isItem: (value: unknown) => value is T): (value: unknown) => value is readonly T[] {
  return (value) => Array.isArray(value) && value.every(isItem)
}

/** A check for maps of such values. */
export function isMapOf<T>(isItem: (value: unknown) => value is T): (value: unknown) => value is Readonly<Record<string, T>> {
  return (value): value is Readonly<Record<string, T>> => isMapLike(value) && Object.values(value).every(isItem)
}

/** A check for whole numbers from `min` to `max`. */
export function isWhole(min: number, max: number = Number.MAX_SAFE_INTEGER): (value: unknown) => value is number {
  return (value): value is number => Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max
}

/** A function of the user's. */
export function functionSpec<T>(remedy: string): SpecOf<T> {
  return { accepts: (value): value is T => isFunction(value), expected: 'a function', remedy }
}

/** An object of the user's that has these methods. The rest of `T` is taken on trust. */
export function methodsSpec<T>(methods: readonly string[], expected: string, remedy: string): SpecOf<T> {
  const found = (value: unknown): string => (isHolder(value) ? toLacking(value, methods) : toShown(value))
  return { accepts: (value): value is T => findMissing(value, methods) === undefined, expected, remedy, found }
}

/** A list of objects of the user's that have these methods. */
export function methodsListSpec<T>(methods: readonly string[], expected: string, remedy: string): SpecOf<readonly T[]> {
  const isItem = (value: unknown): value is T => findMissing(value, methods) === undefined
  function found(value: unknown): string {
    if (!Array.isArray(value)) return toShown(value)
    const index = value.findIndex((item) => !isItem(item))
    return `${toLacking(value[index], methods)} at index ${index}`
  }
  return { accepts: isListOf(isItem), expected, remedy, found, isCopied: true }
}

/** Like {@link methodsListSpec}; a list may stand in the list in place of its items. */
export function methodsListsSpec<T>(methods: readonly string[], expected: string, remedy: string): SpecOf<readonly (T | readonly T[])[]> {
  const { accepts, found = toShown } = methodsListSpec<T>(methods, expected, remedy)
  const flat = (value: unknown): unknown => (Array.isArray(value) ? value.flat() : value)
  return {
    accepts: (value): value is readonly (T | readonly T[])[] => accepts(flat(value)),
    expected,
    remedy,
    found: (value) => found(flat(value)),
    isCopied: true,
  }
}

function toLacking(value: unknown, methods: readonly string[]): string {
  return `${toKind(value)} without ${findMissing(value, methods)}()`
}

function findMissing(value: unknown, methods: readonly string[]): string | undefined {
  return isHolder(value) ? methods.find((name) => !isFunction(value[name])) : methods[0]
}

/** Functions hold methods too: some collaborators are callable. */
function isHolder(value: unknown): value is Readonly<Record<string, unknown>> {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
