import { isRegExp } from 'node:util/types'
import type { AttributeValue } from '@opentelemetry/api'
import type { Resource, ResourceDetector } from '@opentelemetry/resources'
import type { IdGenerator, Sampler, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace'
import * as z from 'zod/mini'
import type { Logger } from '../diagnostics.js'
import { toKind, toShown } from './describe.js'
import type { RedactFunction, RedactRules } from '../semantics/redaction.js'
import { MAX_TIMER_MS } from '../time.js'
import type { TracerOptions } from './options.js'
import type { DropReport, InstrumentationLike, ResolvedBatch, ResolvedCapture, ResolvedLimits, SpanFilter } from './resolved.js'

/** How the text of a variable becomes a value. */
export type TextKind = 'text' | 'boolean' | 'number'

/** One option: what it accepts and how to speak about it. */
export interface OptionSpec {
  /** Built at its first use: building all of them would double the start time of this folder. */
  readonly schema: () => z.ZodMiniType
  /** Completes "expected …". */
  readonly expected: string
  /** One sentence: what to do instead. */
  readonly remedy: string
  /** How text from a variable is read; absent for options text cannot give. */
  readonly text?: TextKind
  /** Environment variable. */
  readonly env?: string
  /** Its value is never shown. */
  readonly secret?: boolean
  /** Completes "got …" for a wrong value, without showing a secret. */
  readonly found?: (value: unknown) => string
  /** Its own properties are copied before they are checked, so that what was checked is what is used. */
  readonly isMap?: boolean
  /** Makes an item of the list from text of a file; may throw. */
  readonly itemFromText?: (text: string) => unknown
  /** A wrong one in the environment disables the tracer: what was meant for one place must not go to another. */
  readonly isDestination?: boolean
  /** Only code can give it: a function or an object with methods. */
  readonly codeOnly?: boolean
}

/** An option that holds options. */
export interface GroupSpec {
  readonly expected: string
  readonly remedy: string
  readonly members: Readonly<Record<string, OptionSpec>>
  /** What may stand in place of the members. */
  readonly other?: () => z.ZodMiniType
}

/** Specs by option name. */
export type Specs = Readonly<Record<string, OptionSpec | GroupSpec>>

/** A spec whose schema takes exactly `T`. */
interface Typed<T> extends OptionSpec {
  readonly schema: () => z.ZodMiniType<unknown, T>
  /** Never set: makes `T` invariant, so that schema and {@link TracerOptions} cannot drift apart in either direction. */
  readonly inStepWith?: (value: T) => void
}

interface TypedGroup<T, Other = never> extends GroupSpec {
  readonly members: { readonly [K in keyof T]-?: Typed<NonNullable<T[K]>> }
  readonly other?: () => z.ZodMiniType<unknown, Other>
}

type PrefixFilter = Exclude<SpanFilter, (...input: never[]) => unknown>

type SpecOf<T> = {
  readonly [K in keyof T]-?: K extends 'limits' | 'batch' | 'capture'
    ? TypedGroup<NonNullable<T[K]>>
    : K extends 'redact'
      ? TypedGroup<RedactRules, RedactFunction | false>
      : K extends 'spanFilter'
        ? TypedGroup<PrefixFilter, SpanFilter>
        : Typed<NonNullable<T[K]>>
}

const DEFAULT_PROTOCOL = 'http/json'

/** Limits of one span. The counts follow the OpenTelemetry SDK's order of magnitude, the bytes stay below the ingestion's request cap. */
export const LIMIT_DEFAULTS: ResolvedLimits = Object.freeze({
  maxAttributes: 1024,
  maxEvents: 1024,
  maxLinks: 128,
  maxSpanBytes: 10_485_760,
})

/** The delivery queue of one tracer. */
export const BATCH_DEFAULTS: ResolvedBatch = Object.freeze({
  maxQueueSize: 50_000,
  maxQueueBytes: 67_108_864,
  maxExportBatchSize: 512,
  maxExportBatchBytes: 1_048_576,
  scheduledDelayMs: 1000,
  exportTimeoutMs: 10_000,
  retryBudgetMs: 60_000,
  concurrency: 4,
})

/** What wrappers record. */
export const CAPTURE_DEFAULTS: ResolvedCapture = Object.freeze({ inputs: true, outputs: true, maxBytes: 2_097_152 })

/** Defaults of the remaining options. */
export const DEFAULTS: {
  readonly source: string
  readonly serverUrl: string
  readonly protocol: 'http/protobuf' | 'http/json'
  readonly compression: 'gzip' | 'none'
  readonly sampleRate: number
} = Object.freeze({
  source: 'dev',
  serverUrl: 'https://api.dp1.us.honeyhive.ai',
  protocol: DEFAULT_PROTOCOL,
  compression: 'gzip',
  sampleRate: 1,
})

const MAX_COUNT = 10_000_000
const MAX_CONCURRENCY = 256
const MAX_BYTES = 4_294_967_296

function once<T>(build: () => T): () => T {
  let built: T | undefined
  return () => (built ??= build())
}

const ANY_TEXT = once(() => z.string())
const ANY_FLAG = once(() => z.boolean())
const ANY_FIELDS = once(() => z.record(z.string(), z.unknown()))

function text(env: string | undefined, remedy: string): Typed<string> {
  return { schema: ANY_TEXT, expected: 'a string', remedy, text: 'text', ...(env !== undefined && { env }) }
}

function flag(env?: string): Typed<boolean> {
  return { schema: ANY_FLAG, expected: 'true or false', remedy: 'Give true or false.', text: 'boolean', ...(env !== undefined && { env }) }
}

function whole(min: number, max: number, env: string, remedy: string): Typed<number> {
  const expected = min === 0 ? 'zero or a positive integer' : 'a positive integer'
  const schema = once(() => z.int().check(z.minimum(min), z.maximum(max)))
  return { schema, expected: max > MAX_CONCURRENCY ? expected : `${expected} up to ${max}`, remedy, text: 'number', env }
}

function oneOf<const T extends string>(values: readonly [T, ...T[]], env: string): Typed<T> {
  const quoted = values.map((value) => `"${value}"`).join(' or ')
  // The record type zod derives from the list has the members of T as its values.
  const schema = once(() => z.enum(values) as z.ZodMiniType<unknown, T>)
  return { schema, expected: quoted, remedy: `Give ${quoted}.`, text: 'text', env }
}

function collaborator<T>(check: (value: unknown) => boolean, expected: string, remedy: string): Typed<T> {
  return { schema: once(() => z.custom<T>(check)), expected, remedy, codeOnly: true }
}

function everyOf<T>(methods: readonly string[], expected: string, remedy: string): Typed<readonly T[]> {
  const has = hasMethods(...methods)
  const found = (value: unknown): string => (Array.isArray(value) ? toWrongItem(value, methods) : toShown(value))
  return { ...collaborator<readonly T[]>((value) => Array.isArray(value) && value.every(has), expected, remedy), found }
}

function toWrongItem(items: readonly unknown[], methods: readonly string[]): string {
  const index = items.findIndex((item) => !hasMethods(...methods)(item))
  const missing = methods.find((method) => !hasMethods(method)(items[index]))
  return `${toKind(items[index])} without ${missing}() at index ${index}`
}

function list<T>(item: () => z.ZodMiniType<T, T>, expected: string, remedy: string): Typed<readonly T[]> {
  return { schema: once(() => z.readonly(z.array(item()))), expected, remedy, secret: true }
}

function fields(remedy: string): Typed<Readonly<Record<string, unknown>>> {
  return { schema: ANY_FIELDS, expected: 'an object', remedy, isMap: true, secret: true }
}

function isFunction(value: unknown): value is (...input: never[]) => unknown {
  return typeof value === 'function'
}

function hasMethods(...names: readonly string[]): (value: unknown) => boolean {
  return (value) => {
    if ((typeof value !== 'object' || value === null) && !isFunction(value)) return false
    return names.every((name) => isFunction((value as unknown as Readonly<Record<string, unknown>>)[name]))
  }
}

/** One line of what HTTP can carry: anything else would fail late at the socket, or inject a header there. */
const HEADER_TEXT = /^[\t\x20-\x7e\x80-\xff]*$/
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** Set by the delivery itself; a second value would break the request or name another key. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'transfer-encoding',
])

function isHeader(name: string, content: unknown): boolean {
  return HEADER_NAME.test(name) && !OWN_HEADERS.has(name.toLowerCase()) && typeof content === 'string' && HEADER_TEXT.test(content)
}

function toWrongHeader(value: unknown): string {
  if (!isMapLike(value)) return toKind(value)
  const name = Object.keys(value).find((key) => !isHeader(key, value[key]))
  return name === undefined ? toKind(value) : `${toShown(name)} with ${typeof value[name] === 'string' ? 'its text' : toKind(value[name])}`
}

function toWrongAttribute(value: unknown): string {
  if (!isMapLike(value)) return toKind(value)
  const name = Object.keys(value).find((key) => !isAttributeValue(value[key]))
  return name === undefined ? toKind(value) : `${toShown(name)} with ${toKind(value[name])}`
}

/** What OpenTelemetry takes as the value of an attribute; a list holds one kind, with gaps. */
function isAttributeValue(value: unknown): value is AttributeValue {
  if (!Array.isArray(value)) return isPrimitive(value)
  const items = value.filter((item: unknown) => item !== null && item !== undefined)
  return items.every((item) => isPrimitive(item) && typeof item === typeof items[0])
}

function isPrimitive(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
}

/** True for objects with named fields: not lists, maps, dates and the like, whose content a copy would lose. */
export function isMapLike(value: unknown): value is Readonly<Record<string, unknown>> {
  return Object.prototype.toString.call(value) === '[object Object]'
}

const HTTP_URL = 'an http or https URL without user, password, query and fragment'
const ATTRIBUTE_VALUE = once(() => z.custom<AttributeValue>(isAttributeValue))

const PRINTABLE = /^[\x20-\x7e\xa0-\xff]*$/

const options: SpecOf<TracerOptions> = {
  apiKey: {
    schema: once(() => z.string().check(z.refine((key) => PRINTABLE.test(key.trim())))),
    expected: 'a string of printable latin1 characters',
    remedy: 'Copy the API key again from the settings of your HoneyHive project.',
    text: 'text',
    env: 'HH_API_KEY',
    secret: true,
    found: (value) => (typeof value === 'string' ? 'a string with other characters' : toKind(value)),
  },
  project: text('HH_PROJECT', 'Give the name of the project.'),
  source: text('HH_SOURCE', 'Give the name of the environment, e.g. "production".'),
  serverUrl: {
    schema: once(() => z.string().check(z.refine((url) => toServerUrl(url) !== undefined))),
    expected: HTTP_URL,
    remedy: `Give the base URL of the server, e.g. "${DEFAULTS.serverUrl}".`,
    text: 'text',
    env: 'HH_API_URL',
    found: toShownUrl,
    isDestination: true,
  },
  exportUrl: {
    schema: once(() => z.string().check(z.refine((url) => toHttpUrl(url) !== undefined))),
    expected: HTTP_URL,
    remedy: 'Give the full URL of an OTLP/HTTP endpoint, e.g. "http://localhost:4318/v1/traces".',
    text: 'text',
    env: 'HH_EXPORT_URL',
    found: toShownUrl,
    isDestination: true,
  },
  allowInsecureUrl: flag(),
  sessionName: text('HH_SESSION_NAME', 'Give a name for the session.'),
  sessionId: text(undefined, 'Give a UUID, or any text that names the session.'),
  inputs: fields('Give the inputs of the session by name.'),
  metadata: fields('Give the metadata of the session by name.'),
  userProperties: fields('Give the properties of the user by name.'),
  skipSessionCreation: flag('HH_SKIP_SESSION_CREATION'),
  testMode: flag('HH_TEST_MODE'),
  disabled: flag('HH_DISABLE_TRACING'),
  verbose: flag('HH_VERBOSE'),
  disableBatch: flag('HH_DISABLE_BATCH'),
  isEvaluation: flag(),
  runId: text(undefined, 'Give the id of the run.'),
  datasetId: text(undefined, 'Give the id of the dataset.'),
  datapointId: text(undefined, 'Give the id of the datapoint.'),
  linkCarrier: collaborator<object>(
    (value) => typeof value === 'object' && value !== null,
    'an object with headers',
    'Give the headers of the request, as an object, Headers or Map.',
  ),
  spanFilter: {
    expected: '{ include?: string[], exclude?: string[] } or a function',
    remedy: 'Give name prefixes, e.g. { exclude: ["http."] }, or (name, attributes) => boolean.',
    members: {
      include: list(ANY_TEXT, 'an array of strings', 'Give prefixes of span names, e.g. ["chat"].'),
      exclude: list(ANY_TEXT, 'an array of strings', 'Give prefixes of span names, e.g. ["http."].'),
    },
    other: once(() => z.custom<SpanFilter>(isFunction)),
  },
  limits: {
    expected: 'an object',
    remedy: 'Give e.g. { maxAttributes: 1024 }.',
    members: {
      maxAttributes: whole(0, MAX_COUNT, 'HH_MAX_ATTRIBUTES', 'Give a number of attributes, e.g. 1024.'),
      maxEvents: whole(0, MAX_COUNT, 'HH_MAX_EVENTS', 'Give a number of events, e.g. 1024.'),
      maxLinks: whole(0, MAX_COUNT, 'HH_MAX_LINKS', 'Give a number of links, e.g. 128.'),
      maxSpanBytes: whole(1, MAX_BYTES, 'HH_MAX_SPAN_BYTES', 'Give bytes, e.g. 10485760.'),
    },
  },
  batch: {
    expected: 'an object',
    remedy: 'Give e.g. { maxQueueSize: 50000 }.',
    members: {
      maxQueueSize: whole(1, MAX_COUNT, 'HH_BATCH_MAX_QUEUE_SIZE', 'Give a number of spans, e.g. 50000.'),
      maxQueueBytes: whole(1, MAX_BYTES, 'HH_BATCH_MAX_QUEUE_BYTES', 'Give bytes, e.g. 67108864.'),
      maxExportBatchSize: whole(1, MAX_COUNT, 'HH_BATCH_MAX_EXPORT_BATCH_SIZE', 'Give a number of spans, e.g. 512.'),
      maxExportBatchBytes: whole(1, MAX_BYTES, 'HH_BATCH_MAX_EXPORT_BATCH_BYTES', 'Give bytes, e.g. 1048576.'),
      scheduledDelayMs: whole(0, MAX_TIMER_MS, 'HH_BATCH_SCHEDULED_DELAY_MS', 'Give milliseconds, e.g. 1000.'),
      exportTimeoutMs: whole(1, MAX_TIMER_MS, 'HH_BATCH_EXPORT_TIMEOUT_MS', 'Give milliseconds, e.g. 10000.'),
      retryBudgetMs: whole(0, MAX_TIMER_MS, 'HH_BATCH_RETRY_BUDGET_MS', 'Give milliseconds, e.g. 60000.'),
      concurrency: whole(1, MAX_CONCURRENCY, 'HH_BATCH_CONCURRENCY', 'Give a number of requests, e.g. 4.'),
    },
  },
  spool: {
    schema: once(() => z.string().check(z.refine((path) => path.trim() !== '' && !path.includes('\0')))),
    expected: 'the path of a directory',
    remedy: 'Give the path of a directory this process may write to.',
    text: 'text',
    env: 'HH_SPOOL_DIR',
  },
  protocol: oneOf(['http/protobuf', 'http/json'], 'HH_OTLP_PROTOCOL'),
  compression: oneOf(['gzip', 'none'], 'HH_OTLP_COMPRESSION'),
  headers: {
    schema: once(() =>
      z.record(z.string(), z.string()).check(z.refine((map) => Object.entries(map).every(([name, content]) => isHeader(name, content)))),
    ),
    expected: 'header names with one line of latin1 text each, without Authorization and the headers of the transport',
    remedy: 'Give e.g. { "x-tenant": "acme" }; the API key goes to "apiKey".',
    found: toWrongHeader,
    isMap: true,
    secret: true,
  },
  resourceAttributes: {
    schema: once(() => z.record(z.string(), ATTRIBUTE_VALUE())),
    expected: 'an object of strings, numbers, booleans or arrays of one of them',
    remedy: 'Give e.g. { "service.name": "checkout" }.',
    found: toWrongAttribute,
    isMap: true,
    secret: true,
  },
  resource: collaborator<Resource>(
    hasMethods('merge', 'getRawAttributes'),
    'a resource of OpenTelemetry SDK 2.x',
    'Give what resourceFromAttributes() of "@opentelemetry/resources" 2.x returns, or use "resourceAttributes".',
  ),
  resourceDetectors: everyOf<ResourceDetector>(
    ['detect'],
    'an array of OpenTelemetry resource detectors',
    'Give e.g. [hostDetector] of "@opentelemetry/resources".',
  ),
  capture: {
    expected: 'an object',
    remedy: 'Give e.g. { inputs: false }.',
    members: {
      inputs: flag('HH_CAPTURE_INPUTS'),
      outputs: flag('HH_CAPTURE_OUTPUTS'),
      maxBytes: whole(1, MAX_BYTES, 'HH_CAPTURE_MAX_BYTES', 'Give bytes, e.g. 2097152.'),
    },
  },
  redact: {
    expected: '{ keys?, patterns?, replacement?, builtIn? }, a function or false',
    remedy: 'Give e.g. { keys: ["ssn"] } or (path, value) => value.',
    members: {
      keys: list(
        () => z.union([z.string(), z.custom<RegExp>(isRegExp)]),
        'an array of strings and RegExps',
        'Give names of fields, e.g. ["ssn"].',
      ),
      patterns: {
        ...list(() => z.custom<RegExp>(isRegExp), 'an array of RegExps', 'Give e.g. [/\\d{16}/]; in a file, the text between the slashes.'),
        itemFromText: (pattern) => new RegExp(pattern, 'g'),
      },
      replacement: text(undefined, 'Give the text to show instead, e.g. "[REDACTED]".'),
      builtIn: flag(),
    },
    other: once(() => z.union([z.custom<RedactFunction>(isFunction), z.literal(false)])),
  },
  sampler: collaborator<Sampler>(
    hasMethods('shouldSample'),
    'an OpenTelemetry sampler',
    'Give an object with shouldSample(), or use "sampleRate".',
  ),
  sampleRate: {
    schema: once(() => z.number().check(z.minimum(0), z.maximum(1))),
    expected: 'a number from 0 to 1',
    remedy: 'Give the share of traces to keep, e.g. 0.1.',
    text: 'number',
    env: 'HH_SAMPLE_RATE',
  },
  crossTracerLinks: flag('HH_CROSS_TRACER_LINKS'),
  registerContextManager: flag(),
  instrumentations: everyOf<InstrumentationLike>(
    ['setTracerProvider'],
    'an array of OpenTelemetry instrumentations',
    'Give instances, e.g. [new OpenAIInstrumentation()].',
  ),
  spanProcessors: everyOf<SpanProcessor>(
    ['onStart', 'onEnd', 'forceFlush', 'shutdown'],
    'an array of OpenTelemetry span processors',
    'Give instances, e.g. [new BatchSpanProcessor(exporter)].',
  ),
  idGenerator: collaborator<IdGenerator>(
    hasMethods('generateTraceId', 'generateSpanId'),
    'an OpenTelemetry id generator',
    'Give an object with generateTraceId() and generateSpanId().',
  ),
  exporter: collaborator<SpanExporter | false>(
    (value) => value === false || hasMethods('export', 'shutdown')(value),
    'an OpenTelemetry span exporter or false',
    'Give an object with export() and shutdown(), or false to export through "spanProcessors" alone.',
  ),
  fetch: collaborator<typeof fetch>(isFunction, 'a function', 'Give a function with the signature of fetch.'),
  logger: collaborator<Logger>(hasMethods('debug', 'warn', 'error'), 'an object with debug(), warn() and error()', 'Give e.g. console.'),
  onDrop: collaborator<(report: DropReport) => void>(isFunction, 'a function', 'Give a function that takes one report.'),
}

/** Every option: the one place for types, bounds and environment names. */
export const OPTIONS: Specs = options

const MAX_URL_CHARS = 2048

/** The URL without trailing slashes, or `undefined` when it cannot be a server's base URL. */
export function toServerUrl(text: string): string | undefined {
  if (text === DEFAULTS.serverUrl) return text
  let url = toHttpUrl(text)
  while (url?.endsWith('/')) url = url.slice(0, -1)
  return url
}

/** The normalised URL, or `undefined` when it is not http or https, or carries user, password, query or fragment. */
export function toHttpUrl(text: string): string | undefined {
  const trimmed = text.trim()
  if (trimmed.length > MAX_URL_CHARS || !URL.canParse(trimmed)) return undefined
  const { protocol, username, password, search, hash, href } = new URL(trimmed)
  if (protocol !== 'https:' && protocol !== 'http:') return undefined
  return `${username}${password}${search}${hash}` !== '' || /[?#]$/.test(trimmed) ? undefined : href
}

function toShownUrl(value: unknown): string {
  return toShown(typeof value === 'string' ? withoutCredentials(value) : value)
}

/** A URL for a message: where it points, without user, password, query and fragment. */
function withoutCredentials(url: string): string {
  const [address = ''] = url.split(/[?#]/, 1)
  const scheme = /^\w+:\/\//.exec(address)?.[0] ?? ''
  const at = address.lastIndexOf('@')
  const shown = at === -1 ? address : `${scheme}***${address.slice(at)}`
  return address.length < url.length ? `${shown}${url[address.length]}***` : shown
}
