import type { Attributes, SpanKind, SpanOptions } from '@opentelemetry/api'
import { EventType } from '../semantics/attributes.js'
import type { RedactFunction, RedactRules } from '../semantics/redaction.js'
import type { TracerHandle } from '../context/instance.js'
import { checkOptions } from '../options/check.js'
import { createAdviser } from '../options/nearest.js'
import { fieldsOf } from '../options/fields.js'
import { hideOwnObjects } from '../values/own-objects.js'
import { toSnapshot } from '../values/snapshot.js'
import { ANYTHING, isBoolean, isFilledText, isFunction, isListOf, isText, isWhole, type OptionSpec } from '../options/spec.js'

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

const EVENT_TYPES: readonly unknown[] = Object.values(EventType)

const TEXT: OptionSpec = { accepts: isFilledText, expected: 'a text that is not empty', remedy: 'Give a text.' }
const FIELDS: OptionSpec = { accepts: isFields, expected: 'an object', remedy: 'Give fields by name.', secret: true }

/** Instances of classes and maps count as well: they are read like any other value. */
function isFields(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A switch, or a function of the user's that says what to record. */
function captureSpec(of: string): OptionSpec {
  const accepts = (value: unknown): boolean => isBoolean(value) || isFunction(value)
  return { accepts, expected: `a boolean or a function of the ${of}`, remedy: 'Give false to record nothing.' }
}

const TRACE_OPTIONS: Readonly<Record<keyof TraceOptions, OptionSpec>> = {
  tracer: { accepts: isTracerRef, expected: 'a tracer, a function returning one, or a registered name', remedy: 'Give e.g. the tracer.' },
  eventType: {
    accepts: (value) => EVENT_TYPES.includes(value),
    expected: `one of ${EVENT_TYPES.map((type) => `'${String(type)}'`).join(', ')}`,
    remedy: 'Give e.g. EventType.chain.',
  },
  eventName: TEXT,
  eventId: TEXT,
  inputs: captureSpec('arguments'),
  outputs: captureSpec('result'),
  argNames: {
    accepts: isListOf(isText),
    expected: 'an array of texts',
    remedy: "Give names by position, e.g. ['question'].",
    isCopied: true,
  },
  config: FIELDS,
  metadata: FIELDS,
  metrics: FIELDS,
  feedback: FIELDS,
  userProperties: FIELDS,
  kind: { accepts: isWhole(0, 4), expected: "a SpanKind of '@opentelemetry/api'", remedy: 'Give e.g. SpanKind.CLIENT.' },
  attributes: FIELDS,
  redact: {
    accepts: (value) => isFunction(value) || isFields(value),
    expected: 'rules or a function (path, value)',
    remedy: "Give e.g. { keys: ['ssn'] }.",
    isCopied: true,
  },
}

const FIELD_OPTIONS = ['config', 'metadata', 'metrics', 'feedback', 'userProperties', 'attributes'] as const
/** What is kept of one of them; what a span has room for is decided with each call. */
const MAX_FIELDS_BYTES = 10_485_760

const EVENT_TYPE = "Use \"eventType\": 'model', 'tool' or 'chain'."

/** What other SDKs call these options. */
export const adviseTraceOption: (name: string) => string | undefined = createAdviser({
  name: 'Use "eventName".',
  spanName: 'Use "eventName".',
  runName: 'Use "eventName".',
  type: EVENT_TYPE,
  runType: EVENT_TYPE,
  asType: EVENT_TYPE,
  spanType: EVENT_TYPE,
  captureInput: 'Use "inputs", e.g. false.',
  captureOutput: 'Use "outputs", e.g. false.',
  processInputs: 'Use "inputs", a function of the arguments.',
  processOutputs: 'Use "outputs", a function of the result.',
  parent: 'A span nests under what is active where it starts; remove the option.',
  parentSpan: 'A span nests under what is active where it starts; remove the option.',
  projectName: 'The tracer decides the project; give it as "tracer".',
  tags: 'Use "metadata".',
})

/** True for a tracer, a function or a name; see {@link TracerRef}. */
export function isTracerRef(value: unknown): value is TracerRef {
  return typeof value === 'function' || isFilledText(value) || isTracer(value)
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
  const others = extra.map((name) => [name, ANYTHING])
  const specs = others.length === 0 ? TRACE_OPTIONS : { ...TRACE_OPTIONS, ...Object.fromEntries(others) }
  return withOwnFields(checkOptions(options, specs, where, adviseTraceOption))
}

/** The same options with copies of the fields: they are for every call, whatever becomes of the caller's objects. */
function withOwnFields(options: TraceOptions): TraceOptions {
  const given = FIELD_OPTIONS.filter((name) => options[name] !== undefined)
  if (given.length === 0) return options
  const copies = given.map((name) => [name, copyFields(options[name])])
  return Object.freeze(fieldsOf({ ...options, ...Object.fromEntries(copies) }))
}

function copyFields(fields: object | undefined): unknown {
  // Media stay what they are: the tracer of a call says what becomes of them.
  return toSnapshot(fields, { maxBytes: MAX_FIELDS_BYTES, media: 'keep' }, hideOwnObjects).value
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
