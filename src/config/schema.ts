import { isRegExp } from 'node:util/types'
import * as z from 'zod/mini'
import type { TracerOptions } from './options.js'
import type { DropReport, InstrumentationLike, RedactFunction, RedactRules, ResolvedBatch, ResolvedCapture, ResolvedLimits, SpanFilter } from './resolved.js'
import type { Sampler, SpanExporter } from '@opentelemetry/sdk-trace-base'
import type { Logger } from '../diagnostics.js'

/** How the text of a variable becomes a value. */
export type TextKind = 'text' | 'boolean' | 'number'

/** One option: what it accepts and how to speak about it. */
export interface OptionSpec<T = unknown> {
  readonly schema: z.ZodMiniType<unknown, T>
  /** Completes "expected …". */
  readonly expected: string
  /** One sentence: what to do instead. */
  readonly remedy: string
  /** How text from a variable is read; absent for options only code can give. */
  readonly text?: TextKind
  /** Environment variable. */
  readonly env?: string
  /** Its value is never shown. */
  readonly secret?: boolean
  /** Type-level only: makes `T` invariant, so that schema and {@link TracerOptions} cannot drift apart in either direction. */
  readonly inStepWith?: (value: T) => void
}

/** An option that holds options. */
export interface GroupSpec<T = unknown> {
  readonly expected: string
  readonly remedy: string
  readonly members: { readonly [K in keyof T]-?: OptionSpec<NonNullable<T[K]>> }
}

type SpecOf<T> = {
  readonly [K in keyof T]-?: K extends 'limits' | 'batch' | 'capture' ? GroupSpec<NonNullable<T[K]>> : OptionSpec<NonNullable<T[K]>>
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
const MAX_BYTES = 4_294_967_296
/** Longest delay a Node timer keeps; above it the timer fires at once. */
const MAX_DELAY_MS = 2_147_483_647

type Extra = Pick<OptionSpec, 'env' | 'secret'>

function text(env: string | undefined, remedy: string): OptionSpec<string> {
  return { schema: z.string(), expected: 'a string', remedy, text: 'text', ...withEnv(env) }
}

function flag(env: string | undefined, remedy = 'Give true or false.'): OptionSpec<boolean> {
  return { schema: z.boolean(), expected: 'true or false', remedy, text: 'boolean', ...withEnv(env) }
}

function whole(min: number, max: number, env: string, remedy: string): OptionSpec<number> {
  const schema = z.int().check(z.minimum(min), z.maximum(max))
  const expected = `a ${min === 0 ? 'whole number of at least 0' : 'positive integer'}`
  return { schema, expected: max === MAX_COUNT || max === MAX_BYTES || max === MAX_DELAY_MS ? expected : `${expected} up to ${max}`, remedy, text: 'number', env }
}

function oneOf<const T extends string>(values: readonly [T, ...T[]], env: string): OptionSpec<T> {
  const quoted = values.map((value) => `"${value}"`).join(' or ')
  return { schema: z.enum(values) as z.ZodMiniType<unknown, T>, expected: quoted, remedy: `Give ${quoted}.`, text: 'text', env }
}

function given<T>(check: (value: unknown) => boolean, expected: string, remedy: string, extra: Extra = {}): OptionSpec<T> {
  return { schema: z.custom<T>(check), expected, remedy, ...extra }
}

function withEnv(env: string | undefined): Extra {
  return env === undefined ? {} : { env }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return isObject(value) && !Array.isArray(value)
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

function hasMethods(...names: readonly string[]): (value: unknown) => boolean {
  return (value) => (isObject(value) || isFunction(value)) && names.every((name) => isFunction((value as Record<string, unknown>)[name]))
}

function isListOf(value: unknown, check: (item: unknown) => boolean): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.every(check))
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

function hasOnly(value: unknown, names: readonly string[]): value is Readonly<Record<string, unknown>> {
  return isPlainObject(value) && Object.keys(value).every((name) => names.includes(name))
}

function isSpanFilter(value: unknown): boolean {
  if (isFunction(value)) return true
  return hasOnly(value, ['include', 'exclude']) && isListOf(value['include'], isText) && isListOf(value['exclude'], isText)
}

function isRedact(value: unknown): boolean {
  if (value === false || isFunction(value)) return true
  return (
    hasOnly(value, ['keys', 'patterns', 'replacement', 'builtIn']) &&
    isListOf(value['keys'], (key) => isText(key) || isRegExp(key)) &&
    isListOf(value['patterns'], isRegExp) &&
    (value['replacement'] ?? '').constructor === String &&
    typeof (value['builtIn'] ?? true) === 'boolean'
  )
}

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** Printable latin1 and tab: what HTTP can carry; anything else would fail, or inject a header, at the socket. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
/** Set by the delivery itself; a second value would break the request or send the key elsewhere. */
const OWN_HEADERS: ReadonlySet<string> = new Set(['authorization', 'content-type', 'content-length', 'content-encoding', 'transfer-encoding', 'host', 'connection'])

function isHeaderMap(value: unknown): boolean {
  return isPlainObject(value) && Object.entries(value).every(([name, content]) => isHeader(name, content))
}

function isHeader(name: string, content: unknown): boolean {
  return HEADER_NAME.test(name) && !OWN_HEADERS.has(name.toLowerCase()) && typeof content === 'string' && HEADER_VALUE.test(content)
}

function isTextMap(value: unknown): boolean {
  return isPlainObject(value) && Object.values(value).every(isText)
}

const plainObject = (expected: string, remedy: string): OptionSpec<Readonly<Record<string, unknown>>> => given(isPlainObject, expected, remedy)

/** Every option: the one place for types, bounds and environment names. */
export const OPTIONS: SpecOf<TracerOptions> = {
  apiKey: {
    // One line of printable latin1: the key travels in a header, where anything else would fail late or inject one.
    schema: z.string().check(z.refine((key) => /^[\x20-\x7e\xa0-\xff]*$/.test(key.trim()))),
    expected: 'one line of printable text',
    remedy: 'Copy the API key again from the settings of your HoneyHive project.',
    text: 'text',
    env: 'HH_API_KEY',
    secret: true,
  },
  project: text('HH_PROJECT', 'Give the name of the project.'),
  source: text('HH_SOURCE', 'Give the name of the environment, e.g. "production".'),
  serverUrl: {
    schema: z.string().check(z.refine((url) => toServerUrl(url) !== undefined)),
    expected: 'an http or https URL without user, password, query and fragment',
    remedy: `Give the base URL of the server, e.g. "${DEFAULTS.serverUrl}".`,
    text: 'text',
    env: 'HH_API_URL',
  },
  allowInsecureUrl: flag(undefined),
  sessionName: text('HH_SESSION_NAME', 'Give a name for the session.'),
  sessionId: text(undefined, 'Give a UUID, or any text that names the session.'),
  inputs: plainObject('an object', 'Give the inputs of the session as an object.'),
  metadata: plainObject('an object', 'Give the metadata of the session as an object.'),
  userProperties: plainObject('an object', 'Give the properties of the user as an object.'),
  skipSessionCreation: flag('HH_SKIP_SESSION_CREATION'),
  testMode: flag('HH_TEST_MODE'),
  disabled: flag('HH_DISABLE_TRACING'),
  verbose: flag('HH_VERBOSE'),
  disableBatch: flag('HH_DISABLE_BATCH'),
  isEvaluation: flag(undefined),
  runId: text(undefined, 'Give the id of the run.'),
  datasetId: text(undefined, 'Give the id of the dataset.'),
  datapointId: text(undefined, 'Give the id of the datapoint.'),
  linkCarrier: given<object>(isObject, 'a headers object', 'Give the headers of the request, as an object, Headers or Map.'),
  spanFilter: given<SpanFilter>(
    isSpanFilter,
    '{ include?: string[], exclude?: string[] } or a function',
    'Give name prefixes, e.g. { exclude: ["http."] }, or (name, attributes) => boolean.',
  ),
  limits: {
    expected: 'an object',
    remedy: 'Give e.g. { maxAttributes: 1024 }.',
    members: {
      maxAttributes: whole(1, MAX_COUNT, 'HH_MAX_ATTRIBUTES', 'Give a number of attributes, e.g. 1024.'),
      maxEvents: whole(1, MAX_COUNT, 'HH_MAX_EVENTS', 'Give a number of events, e.g. 1024.'),
      maxLinks: whole(1, MAX_COUNT, 'HH_MAX_LINKS', 'Give a number of links, e.g. 128.'),
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
      scheduledDelayMs: whole(0, MAX_DELAY_MS, 'HH_BATCH_SCHEDULED_DELAY_MS', 'Give milliseconds, e.g. 1000.'),
      exportTimeoutMs: whole(1, MAX_DELAY_MS, 'HH_BATCH_EXPORT_TIMEOUT_MS', 'Give milliseconds, e.g. 10000.'),
      retryBudgetMs: whole(0, MAX_DELAY_MS, 'HH_BATCH_RETRY_BUDGET_MS', 'Give milliseconds, e.g. 60000.'),
      concurrency: whole(1, 256, 'HH_BATCH_CONCURRENCY', 'Give a number of requests, e.g. 4.'),
    },
  },
  spool: {
    schema: z.string().check(z.refine((path) => path.trim() !== '' && !path.includes('\0'))),
    expected: 'the path of a directory',
    remedy: 'Give the path of a directory this process may write to.',
    text: 'text',
    env: 'HH_SPOOL_DIR',
  },
  protocol: oneOf(['http/protobuf', 'http/json'], 'HH_OTLP_PROTOCOL'),
  compression: oneOf(['gzip', 'none'], 'HH_OTLP_COMPRESSION'),
  headers: given<Readonly<Record<string, string>>>(
    isHeaderMap,
    'an object of header names and single-line values, without Authorization and the headers of the transport',
    'Give e.g. { "x-tenant": "acme" }; the API key goes to "apiKey".',
    { secret: true },
  ),
  resourceAttributes: given<Readonly<Record<string, string>>>(
    isTextMap,
    'an object of strings',
    'Give e.g. { "service.name": "checkout" }.',
    { secret: true },
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
  redact: given<RedactRules | RedactFunction | false>(
    isRedact,
    '{ keys?: (string | RegExp)[], patterns?: RegExp[], replacement?: string, builtIn?: boolean }, a function or false',
    'Give e.g. { keys: ["ssn"] } or (path, value) => value.',
    { secret: true },
  ),
  sampler: given<Sampler>(hasMethods('shouldSample'), 'an OpenTelemetry sampler', 'Give an object with shouldSample(), or use "sampleRate".'),
  sampleRate: {
    schema: z.number().check(z.minimum(0), z.maximum(1)),
    expected: 'a number from 0 to 1',
    remedy: 'Give the share of traces to keep, e.g. 0.1.',
    text: 'number',
    env: 'HH_SAMPLE_RATE',
  },
  crossTracerLinks: flag('HH_CROSS_TRACER_LINKS'),
  registerContextManager: flag(undefined),
  instrumentations: given<readonly InstrumentationLike[]>(
    (value) => Array.isArray(value) && value.every(hasMethods('setTracerProvider')),
    'an array of OpenTelemetry instrumentations',
    'Give instances, e.g. [new OpenAIInstrumentation()].',
  ),
  exporter: given<SpanExporter>(hasMethods('export', 'shutdown'), 'an OpenTelemetry span exporter', 'Give an object with export() and shutdown().'),
  fetch: given<typeof fetch>(isFunction, 'a function', 'Give a function with the signature of fetch.'),
  logger: given<Logger>(hasMethods('debug', 'warn', 'error'), 'an object with debug(), warn() and error()', 'Give e.g. console.'),
  onDrop: given<(report: DropReport) => void>(isFunction, 'a function', 'Give a function that takes one report.'),
}

const MAX_URL_CHARS = 2048

/** The URL without trailing slashes, or `undefined` when it cannot be a server's base URL. */
export function toServerUrl(text: string): string | undefined {
  const trimmed = text.trim()
  if (trimmed.length > MAX_URL_CHARS || !URL.canParse(trimmed)) return undefined
  const { protocol, username, password, search, hash, origin, pathname } = new URL(trimmed)
  if (protocol !== 'https:' && protocol !== 'http:') return undefined
  if (`${username}${password}${search}${hash}` !== '' || /[?#]$/.test(trimmed)) return undefined
  let end = pathname.length
  while (end > 0 && pathname[end - 1] === '/') end--
  return origin + pathname.slice(0, end)
}
