import { fieldsOf, readField } from '../options/fields.js'
import { HoneyHiveConfigError } from '../errors.js'
import { findNearest } from '../options/nearest.js'
import { toKind } from '../options/shown.js'
import type { ResolveRecorder } from './recorder.js'
import {
  type Callable,
  checkTraceOptions,
  type CompiledCall,
  compileCall,
  type TracerRef,
  type TraceOptions,
  type TraceTarget,
  toTraceOptions,
} from './trace-options.js'
import { type CallFor, wrapFunction } from './function.js'

/** What `trace` gives back: one value for both decorator standards and for plain functions. */
export interface TraceDecorator {
  /** TC39 standard decorator of a method or getter. */
  <F extends Callable>(method: F, context: ClassMethodDecoratorContext | ClassGetterDecoratorContext): F
  /** Legacy (`experimentalDecorators`) decorator of a method or getter. */
  <T>(target: object, key: string | symbol, descriptor: TypedPropertyDescriptor<T>): TypedPropertyDescriptor<T>
  /** Wrapper of a plain function. */
  <F extends Callable>(fn: F): F
}

/** A class, as a decorator of either standard sees it. */
export type Class = abstract new (...args: never[]) => unknown

/** What `traceClass` gives back: a class decorator for both standards, or a function applied to a class. */
export type TraceClassDecorator = <C extends Class>(target: C, context?: ClassDecoratorContext<C>) => C

/** Which methods of a class are recorded, and how. Options that name one event belong to one method, not here. */
export interface TraceClassOptions extends Omit<TraceOptions, 'eventName' | 'eventId' | 'argNames'> {
  /** Names of methods to leave alone. */
  readonly exclude?: readonly string[] | undefined
  /** Names of the only methods to record; may name one that starts with an underscore. @defaultValue all public ones */
  readonly include?: readonly string[] | undefined
}

/** Every way to have a function recorded. */
export interface Tracing {
  /** Decorates a method or wraps a function; see {@link TraceDecorator}. @throws HoneyHiveConfigError for wrong options. */
  trace(target?: TraceTarget, ...rest: never[]): TraceDecorator
  /** Wraps a function. @throws HoneyHiveConfigError for wrong options. */
  traceFn<F extends Callable>(tracer: TracerRef | undefined, fn: F, options?: TraceOptions<F>): F
  /**
   * Records the own methods of a class, static ones included. Inherited methods, accessors, constructors, nested classes,
   * symbol-named methods and names starting with an underscore are left alone.
   *
   * @throws HoneyHiveConfigError for wrong options.
   */
  traceClass(options?: TracerRef | TraceClassOptions, ...rest: never[]): TraceClassDecorator
}

/** Finds the recorder for what the user wrote as `tracer`; `undefined` when nothing was written. */
export type ResolveTracer = (ref: TracerRef | undefined) => ResolveRecorder

/** Builds the public forms on one way of finding tracers. */
export function createTracing(resolveTracer: ResolveTracer): Tracing {
  return {
    trace(target, ...rest: unknown[]) {
      if (rest.length > 0) throw refusal('trace', 'It takes one value. Write trace(tracer)(fn), @trace() or @trace(tracer).')
      const options = checkTraceOptions(toTraceOptions(target), 'trace')
      return toDecorator(options, resolveTracer(options.tracer))
    },
    traceFn(tracer, fn, options = {}) {
      if (typeof fn !== 'function') throw refusal('traceFn', `${describeNoFunction(fn, 'traceFn(tracer, answer')} ${ORDER}`)
      const given = options ?? {}
      if (typeof given !== 'object')
        throw refusal('traceFn', `Expected options as third argument, got ${toKind(given)}. Give e.g. { eventName: 'answer' }.`)
      const checked = checkTraceOptions(
        { ...(given as TraceOptions), tracer: tracer ?? (readField(given, 'tracer') as TracerRef | undefined) },
        'traceFn',
      )
      return wrapFunction(fn, compileCall(checked, nameOf(fn)), resolveTracer(checked.tracer))
    },
    traceClass(target, ...rest: unknown[]) {
      if (rest.length > 0 || isClass(target))
        throw refusal('traceClass', 'It takes no class. Write traceClass(tracer)(Agent), or @traceClass(tracer).')
      return toClassDecorator(toTraceOptions(target as TraceTarget | undefined) as TraceClassOptions, resolveTracer)
    },
  }
}

const ORDER = 'The order is traceFn(tracer, fn, options).'

/** @param call what comes before the function in a call that is right. */
function describeNoFunction(given: unknown, call: string): string {
  const kind = toKind(given)
  if (kind !== 'a promise') return `Expected a function, got ${kind}.`
  return `Expected a function, got a promise. Give the function itself and do not call it: ${call}), not ${call}()).`
}

interface DecoratorContext {
  readonly kind: string
  readonly name: string | symbol
  readonly static: boolean
  readonly private: boolean
}

function toDecorator(options: TraceOptions, resolve: ResolveRecorder): TraceDecorator {
  const decorate = (subject: unknown, second?: unknown, third?: unknown): unknown => {
    if (isContext(second)) return decorateStandard(subject, second, options, resolve)
    if (typeof second === 'string' || typeof second === 'symbol') return decorateLegacy(subject, second, third, options, resolve)
    if (typeof subject !== 'function')
      throw refusal('trace', `${describeNoFunction(subject, 'trace(tracer)(answer')} Write trace(tracer)(fn), or traceFn(tracer, fn).`)
    return wrapFunction(subject as Callable, compileCall(options, nameOf(subject)), resolve)
  }
  // The three signatures are told apart at run time, which TypeScript cannot follow.
  return decorate as TraceDecorator
}

function isContext(value: unknown): value is DecoratorContext {
  return typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string'
}

function decorateStandard(method: unknown, context: DecoratorContext, options: TraceOptions, resolve: ResolveRecorder): unknown {
  if (typeof method !== 'function' || (context.kind !== 'method' && context.kind !== 'getter')) throw wrongPlace(context.kind, context.name)
  const wrapped: Callable = wrapFunction(
    method as Callable,
    lateNamed(context, options, () => wrapped),
    resolve,
  )
  return wrapped
}

function decorateLegacy(
  target: unknown,
  key: string | symbol,
  descriptor: unknown,
  options: TraceOptions,
  resolve: ResolveRecorder,
): unknown {
  const found = descriptor as PropertyDescriptor | undefined
  const field = typeof found?.value === 'function' ? 'value' : found?.get === undefined ? undefined : 'get'
  if (field === undefined) throw wrongPlace(found?.set === undefined ? 'field' : 'setter', key)
  const owner = typeof target === 'function' ? target : (target as { readonly constructor: unknown }).constructor
  const call = compileCall(options, joinName(nameOf(owner), key))
  return { ...found, [field]: wrapFunction(found?.[field] as Callable, call, resolve) }
}

/** A standard decorator runs before its class exists, so the class's name is looked up at the first call. */
function lateNamed(context: DecoratorContext, options: TraceOptions, wrapped: () => unknown): CompiledCall | CallFor {
  if (options.eventName !== undefined) return compileCall(options, options.eventName)
  let known: CompiledCall | undefined
  return (self) => {
    if (known !== undefined) return known
    const owner = findClassName(self, context, wrapped())
    const call = compileCall(options, joinName(owner, context.name))
    if (owner !== '') known = call
    return call
  }
}

/** Name of the class that declares the method, found from one of its instances without running getters. */
function findClassName(self: unknown, context: DecoratorContext, wrapped: unknown): string {
  if ((typeof self !== 'object' && typeof self !== 'function') || self === null) return ''
  for (let at: object | null = self, i = 0; at !== null && i < 64; i++, at = Object.getPrototypeOf(at) as object | null) {
    const own = Object.getOwnPropertyDescriptor(at, context.name)
    if (context.private || own?.value === wrapped || own?.get === wrapped) {
      const name = context.static ? nameOf(at) : nameOf(ownConstructor(at))
      if (name !== '') return name
    }
  }
  return ''
}

function ownConstructor(prototype: object): unknown {
  return Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value
}

const ONE_METHOD = ['eventName', 'eventId', 'argNames'] as const

function toClassDecorator(given: TraceClassOptions, resolveTracer: ResolveTracer): TraceClassDecorator {
  const { exclude, include, ...others } = given
  const rest = fieldsOf(others)
  for (const option of ONE_METHOD) {
    if (option in rest)
      throw refusal('traceClass', `Option "${option}" belongs to one method. Put @trace({ ${option}: … }) on that method.`, option)
  }
  const options = checkTraceOptions(rest, 'traceClass', ['exclude', 'include'])
  checkNames('exclude', exclude)
  checkNames('include', include)
  const resolve = resolveTracer(options.tracer)
  return (target) => {
    if (typeof target !== 'function' || target.prototype === undefined)
      throw refusal(
        'traceClass',
        `Expected a class, got ${toKind(target)}. Put it on a class; a function is wrapped by traceFn(tracer, fn).`,
      )
    refuseStrange(target, 'exclude', exclude)
    refuseStrange(target, 'include', include)
    const isWanted = (name: string): boolean => !exclude?.includes(name) && (include?.includes(name) ?? !name.startsWith('_'))
    traceOwnMethods(target, nameOf(target), options, resolve, isWanted)
    traceOwnMethods(target.prototype as object, nameOf(target), options, resolve, isWanted)
    return target
  }
}

function traceOwnMethods(
  holder: object,
  owner: string,
  options: TraceOptions,
  resolve: ResolveRecorder,
  isWanted: (name: string) => boolean,
): void {
  for (const name of Object.getOwnPropertyNames(holder)) {
    const descriptor = Object.getOwnPropertyDescriptor(holder, name)
    if (name === 'constructor' || descriptor?.configurable !== true || typeof descriptor.value !== 'function') continue
    if (isClass(descriptor.value) || !isWanted(name)) continue
    const value = wrapFunction(descriptor.value as Callable, compileCall(options, joinName(owner, name)), resolve)
    Object.defineProperty(holder, name, { ...descriptor, value })
  }
}

/** Methods have no `prototype` of their own, generators have a writable one; only a class's is fixed. */
function isClass(value: unknown): boolean {
  return typeof value === 'function' && Object.getOwnPropertyDescriptor(value, 'prototype')?.writable === false
}

function nameOf(value: unknown): string {
  if (typeof value !== 'function') return ''
  const name: unknown = Object.getOwnPropertyDescriptor(value, 'name')?.value
  return typeof name === 'string' ? name : ''
}

function joinName(owner: string, key: string | symbol): string {
  const method = typeof key === 'symbol' ? `[${key.description ?? ''}]` : key
  return owner === '' ? method : `${owner}.${method}`
}

function checkNames(option: string, names: unknown): void {
  if (names === undefined || (Array.isArray(names) && names.every((name) => typeof name === 'string'))) return
  throw refusal('traceClass', `Invalid "${option}": expected an array of method names, got ${toKind(names)}. Give e.g. ['answer'].`, option)
}

/** A method that is left out by a name it does not have would be recorded, arguments and all. */
function refuseStrange(target: object & { prototype?: unknown }, option: string, names: readonly string[] = []): void {
  const { prototype } = target
  const strange = names.find((name) => !(name in target) && !(typeof prototype === 'object' && prototype !== null && name in prototype))
  if (strange === undefined) return
  const own = [target, prototype].flatMap((holder) => Object.getOwnPropertyNames(holder ?? {}))
  const near = findNearest(strange, own)
  const advice = near === undefined ? 'Name its methods; fields are not recorded.' : `Did you mean "${near}"?`
  throw refusal('traceClass', `"${option}" names "${strange}", which the class ${nameOf(target)} does not have. ${advice}`, option)
}

function wrongPlace(kind: string, name: string | symbol): HoneyHiveConfigError {
  return refusal(
    'trace',
    `@trace cannot record the ${kind} "${String(name)}". Put it on a method or a getter; for a class use @traceClass.`,
  )
}

function refusal(where: string, message: string, option = where): HoneyHiveConfigError {
  return new HoneyHiveConfigError([{ option, message }], where)
}
