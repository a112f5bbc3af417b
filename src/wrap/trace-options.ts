import type { Attributes, SpanKind, SpanOptions } from '@opentelemetry/api'
import { EventType } from '../semantics/attributes.js'
import type { RedactFunction, RedactRules } from '../semantics/redaction.js'
import type { TracerHandle } from '../context/instance.js'
import { type ConfigProblem, HoneyHiveConfigError } from '../errors.js'

/** Any function. Parameters are `never` so that every function type is assignable to it. */
export type Callable = (...args: never[]) => unknown

/** Who records: a tracer, a function that returns one (asked at each call), or a name from the registry. */
export type TracerRef = TracerHandle | (() => TracerHandle | undefined) | string

/** A group of fields sent with the event. */
export type Fields = Readonly<Record<string, unknown>>

/** Arguments as a user's `inputs` function sees them. */
// biome-ignore lint/suspicious/noExplicitAny: options of a decorator are written before the method's parameters are known
type ArgumentsOf<F extends Callable> = Callable extends F ? any[] : Parameters<F>

/** What a user's `outputs` function sees: what the caller gets once promises are settled. */
// biome-ignore lint/suspicious/noExplicitAny: as above, for the result
type ResultOf<F extends Callable> = Callable extends F ? any : Awaited<ReturnType<F>>

/** How one function, method or class is recorded. Every field is optional. */
export interface TraceOptions<F extends Callable = Callable> {
  /** Who records. Looked up at each call. @defaultValue the innermost active tracer, else the default, else the only live one */
  readonly tracer?: TracerRef | undefined
  /** Kind of event. @defaultValue `'tool'` */
  readonly eventType?: EventType | undefined
  /** Name of the event. @defaultValue class and method (`Agent.answer`), or the function's name */
  readonly eventName?: string | undefined
  /** Id of the event, for updating it later by that id. */
  readonly eventId?: string | undefined
  /** Whether arguments are recorded, or what to record in their place. @defaultValue the tracer's `capture.inputs` */
  readonly inputs?: boolean | ((...args: ArgumentsOf<F>) => object) | undefined
  /** Whether the result is recorded, or what to record in its place. @defaultValue the tracer's `capture.outputs` */
  readonly outputs?: boolean | ((result: ResultOf<F>) => unknown) | undefined
  /** Names of the arguments, by position. @defaultValue `arg0`, `arg1`, … */
  readonly argNames?: readonly string[] | undefined
  /** Settings of the call, e.g. model and temperature. */
  readonly config?: Fields | undefined
  readonly metadata?: Fields | undefined
  readonly metrics?: Fields | undefined
  readonly feedback?: Fields | undefined
  readonly userProperties?: Fields | undefined
  /** OpenTelemetry span kind. @defaultValue `SpanKind.INTERNAL` */
  readonly kind?: SpanKind | undefined
  /** Further OpenTelemetry attributes, set when the span starts. */
  readonly attributes?: Attributes | undefined
  /** Rules for this function only, applied after those of the tracer. */
  readonly redact?: RedactRules | RedactFunction | undefined
}

/** What `trace(…)` is given: who records, or options. */
export type TraceTarget = TracerRef | TraceOptions

/** {@link TraceOptions} checked once, when the function is wrapped. */
export interface CompiledCall {
  /** Name of the event. */
  readonly name: string
  readonly eventType: EventType
  readonly argNames: readonly string[] | undefined
  /** A frozen copy of what the user gave. */
  readonly options: TraceOptions
  /** Options of the call's span, when they are other than `kind` and `attributes` of the options. */
  readonly spanOptions?: SpanOptions | undefined
}

type Check = (value: unknown) => boolean

const EVENT_TYPES: readonly unknown[] = Object.values(EventType)

const isText: Check = (value) => typeof value === 'string' && value.trim() !== ''
const isFields: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const isBooleanOrFunction: Check = (value) => typeof value === 'boolean' || typeof value === 'function'

const RULES: Readonly<Record<keyof TraceOptions, readonly [check: Check, expected: string]>> = {
  tracer: [isTracerRef, 'a tracer, a function returning one, or a registered name'],
  eventType: [(value) => EVENT_TYPES.includes(value), `one of ${EVENT_TYPES.map((type) => `'${String(type)}'`).join(', ')}`],
  eventName: [isText, 'a text that is not empty'],
  eventId: [isText, 'a text that is not empty'],
  inputs: [isBooleanOrFunction, 'a boolean or a function of the arguments'],
  outputs: [isBooleanOrFunction, 'a boolean or a function of the result'],
  argNames: [(value) => Array.isArray(value) && value.every((name) => typeof name === 'string'), 'an array of texts'],
  config: [isFields, 'an object'],
  metadata: [isFields, 'an object'],
  metrics: [isFields, 'an object'],
  feedback: [isFields, 'an object'],
  userProperties: [isFields, 'an object'],
  kind: [(value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 4, "a SpanKind of '@opentelemetry/api'"],
  attributes: [isFields, 'an object'],
  redact: [(value) => typeof value === 'function' || isFields(value), 'rules or a function (path, value)'],
}

/** True for a tracer, a function or a name; see {@link TracerRef}. */
export function isTracerRef(value: unknown): value is TracerRef {
  return typeof value === 'function' || isText(value) || isTracer(value)
}

function isTracer(value: unknown): value is TracerHandle {
  return typeof value === 'object' && value !== null && 'instance' in value && typeof value.instance === 'object'
}

/** The options behind what `trace(…)` was given. */
export function toTraceOptions(target: TraceTarget | undefined): TraceOptions {
  if (target === undefined || target === null) return {}
  return isTracerRef(target) ? { tracer: target } : target
}

/**
 * Checks options and freezes a copy of them.
 *
 * @param extra names of further options the caller understands.
 * @throws HoneyHiveConfigError listing every unknown name and every wrong value.
 */
export function checkTraceOptions(options: TraceOptions, where: string, extra: readonly string[] = []): TraceOptions {
  if (typeof options !== 'object' || options === null) {
    throw new HoneyHiveConfigError(
      [{ option: where, message: `${where} takes a tracer, a name or options, got ${describe(options)}.` }],
      where,
    )
  }
  const problems: ConfigProblem[] = []
  const given: Record<string, unknown> = {}
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || value === null || extra.includes(option)) continue
    const problem = problemOf(option, value, extra)
    if (problem === undefined) given[option] = value
    else problems.push({ option, message: problem })
  }
  if (problems.length > 0) throw new HoneyHiveConfigError(problems, where)
  return Object.freeze(given)
}

/** What a wrapper needs to know of a function, worked out once. `options` are those of {@link checkTraceOptions}. */
export function compileCall(options: TraceOptions, name: string): CompiledCall {
  const { argNames } = options
  return Object.freeze({
    name: options.eventName ?? (name === '' ? 'anonymous' : name),
    eventType: options.eventType ?? EventType.tool,
    argNames: argNames === undefined ? undefined : Object.freeze([...argNames]),
    options,
  })
}

function problemOf(option: string, value: unknown, extra: readonly string[]): string | undefined {
  if (!Object.hasOwn(RULES, option)) return `Unknown option "${option}". ${toSuggestion(option, [...Object.keys(RULES), ...extra])}`
  const [check, expected] = RULES[option as keyof TraceOptions]
  return check(value) ? undefined : `Invalid "${option}": expected ${expected}, got ${describe(value)}.`
}

function describe(value: unknown): string {
  if (typeof value === 'string') return value.length > 40 ? 'a long text' : `"${value}"`
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean') return String(value)
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`
}

function toSuggestion(option: string, known: readonly string[]): string {
  const plain = toPlain(option)
  const ranked = known.map((name) => ({ name, distance: editDistance(plain, toPlain(name)) })).sort((a, b) => a.distance - b.distance)
  const [best] = ranked
  if (best !== undefined && best.distance <= Math.max(1, Math.floor(plain.length / 3))) return `Did you mean "${best.name}"?`
  return `Known options: ${known.join(', ')}.`
}

/** `event_name` and `eventName` are the same word to a person. */
function toPlain(name: string): string {
  return name.toLowerCase().replace(/[^a-z]/g, '')
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
