import { NativeWeakMap, reflectApply } from '../builtins.js'
import type { SpanOptions } from '@opentelemetry/api'
import { BUCKETS, METRIC } from '../semantics/attributes.js'
import type { ResolvedCapture } from '../config/resolved.js'
import { GuardedSpan } from '../provider/guarded-span.js'
import { silencePromise } from '../promises.js'
import { isPlainArray, type Plain, type PlainObject, setField } from '../values/plain.js'
import { sizeOf } from '../values/room.js'
import { isPlainPrototype } from '../values/realm.js'
import { fieldsOf } from '../options/fields.js'
import { createRedactor, type Redactor } from '../values/redact.js'
import { type OpaqueText, type Snapshot, toResultSnapshot, toSnapshot } from '../values/snapshot.js'
import { enrichSpan } from './enrich.js'
import type { CompiledCall, TraceOptions } from '../wrap/trace-options.js'

/** What one tracer takes of its calls: bounded copies. */
export class Capture {
  readonly settings: ResolvedCapture
  readonly #isOpaque: OpaqueText

  /** @param isOpaque what is not to be looked into. */
  constructor(settings: ResolvedCapture, isOpaque: OpaqueText) {
    this.settings = settings
    this.#isOpaque = isOpaque
  }

  take(value: unknown): Snapshot {
    return toSnapshot(value, this.settings, this.#isOpaque)
  }

  /** What is returned stands under `result`, an object too, as both official SDKs have it. */
  takeResult(value: unknown): Snapshot {
    return toResultSnapshot(value, this.settings, this.#isOpaque)
  }
}

/** Writes what a call says about itself before it runs: its fixed buckets, then its captured inputs. */
export function captureCall(span: GuardedSpan, call: CompiledCall, self: unknown, args: readonly unknown[], capture: Capture): void {
  const { options } = call
  if (hasFixedBuckets(options))
    enrichSpan(span, pickBuckets({ ...options, inputs: undefined, outputs: undefined }), (value) => capture.take(value))
  const inputs = selectInputs(call, self, args, capture.settings.inputs)
  if (inputs !== undefined) span.addToBucket('inputs', capture.take(inputs))
}

/** Writes the result of a call; what a function of the user's makes of it is taken as it is. What the call said itself stays, as with inputs. */
export function captureResult(span: GuardedSpan, call: CompiledCall, output: unknown, capture: Capture): void {
  if (!capturesOutput(call, capture)) return
  const { outputs } = call.options
  const shown: unknown = typeof outputs === 'function' ? outputs(output) : output
  if (shown !== output) refusePromise('outputs', shown)
  if (shown === undefined) return
  const isWhole = typeof outputs === 'function' && isPlainObject(shown)
  const captured = isWhole ? capture.take(shown) : capture.takeResult(shown)
  const left = leaveSaid(GuardedSpan.recordOf(span)?.buckets?.outputs, captured)
  if (left !== undefined) span.addToBucket('outputs', left)
}

/** What is captured without the fields that were `said` already, which stay; `undefined` where none is left. */
function leaveSaid(said: Plain | undefined, captured: Snapshot): Snapshot | undefined {
  const { value } = captured
  if (!isFields(said) || !isFields(value)) return captured
  const missing = Object.keys(value).filter((name) => !Object.hasOwn(said, name))
  if (missing.length === 0) return undefined
  if (missing.length === Object.keys(value).length) return captured
  const left: { [name: string]: Plain } = {}
  for (const name of missing) setField(left, name, value[name] as Plain)
  return { ...captured, value: left, bytes: sizeOf(left) }
}

function isFields(value: Plain | undefined): value is PlainObject {
  return typeof value === 'object' && value !== null && !isPlainArray(value)
}

/** Writes how many pieces an answer came in and when the first one came; what the user measured stays. */
export function captureChunks(span: GuardedSpan, chunkCount: number, firstChunkMs: number | undefined): void {
  const given = GuardedSpan.recordOf(span)?.buckets?.metrics
  const measured = { [METRIC.chunkCount]: chunkCount, ...(firstChunkMs === undefined ? {} : { [METRIC.timeToFirstTokenMs]: firstChunkMs }) }
  const left = leaveSaid(given, { value: measured, bytes: 40, truncated: false })
  if (left !== undefined) span.addToBucket('metrics', left)
}

/** Whether the result of a call is recorded at all. */
export function capturesOutput({ options }: CompiledCall, { settings }: Capture): boolean {
  return options.outputs === undefined ? settings.outputs : options.outputs !== false
}

type GivenSpanOptions = { readonly [K in 'kind' | 'attributes' | 'links' | 'root' | 'startTime']?: SpanOptions[K] | undefined }

/** OpenTelemetry options of a call's span. */
export function toSpanOptions({ kind, attributes, links, root, startTime }: GivenSpanOptions): SpanOptions | undefined {
  const isPlain = kind === undefined && attributes === undefined && links === undefined && root === undefined && startTime === undefined
  if (isPlain) return undefined
  return fieldsOf(
    Object.fromEntries(Object.entries({ kind, attributes, links, root, startTime }).filter(([, value]) => value !== undefined)),
  )
}

const redactors = new NativeWeakMap<object, Redactor>()

/** The redactor of a wrapper's own `redact` option, compiled once. */
export function redactorOf(options: TraceOptions): Redactor | undefined {
  if (options.redact === undefined) return undefined
  const known = redactors.get(options)
  if (known !== undefined) return known
  const made = createRedactor(options.redact, [])
  redactors.set(options, made)
  return made
}

function hasFixedBuckets({ metadata, config, metrics, feedback, userProperties }: TraceOptions): boolean {
  return metadata !== undefined || config !== undefined || metrics !== undefined || feedback !== undefined || userProperties !== undefined
}

/** The buckets among other options. */
export function pickBuckets(options: object): Record<string, unknown> {
  const holder = options as Readonly<Record<string, unknown>>
  return Object.fromEntries(BUCKETS.map((bucket) => [bucket, holder[bucket]]))
}

function selectInputs({ options, argNames }: CompiledCall, self: unknown, args: readonly unknown[], byDefault: boolean): unknown {
  const { inputs } = options
  if (typeof inputs === 'function') return askInputs(inputs, self, args)
  if (!(inputs ?? byDefault) || args.length === 0) return undefined
  const [first] = args
  return args.length === 1 && argNames === undefined && isPlainObject(first) ? first : nameArguments(args, argNames)
}

function askInputs(inputs: (...args: never[]) => unknown, self: unknown, args: readonly unknown[]): unknown {
  const shown: unknown = reflectApply(inputs, self, args)
  if (!args.includes(shown)) refusePromise('inputs', shown)
  return shown
}

/** What is shown of a call is wanted now. A promise that the call itself was given or gave is the host's, and shown as one. */
function refusePromise(option: 'inputs' | 'outputs', shown: unknown): void {
  if (silencePromise(shown)) throw new TypeError(`the function given as "${option}" gave a promise, but must answer at once`)
}

function nameArguments(args: readonly unknown[], names: readonly string[] | undefined): Record<string, unknown> {
  const named: Record<string, unknown> = {}
  for (let i = 0; i < args.length; i++) named[names?.[i] ?? `arg${i}`] = args[i]
  return named
}

/** True for objects made by a literal or without a prototype. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  try {
    return isPlainPrototype(Object.getPrototypeOf(value))
  } catch {
    return false
  }
}
