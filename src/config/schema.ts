import type { Agent } from 'node:http'
import { isRegExp } from 'node:util/types'
import type { AttributeValue, MeterProvider } from '@opentelemetry/api'
import type { Resource, ResourceDetector } from '@opentelemetry/resources'
import type { IdGenerator, Sampler, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Logger } from '../diagnostics.js'
import { toKind, toShown } from '../options/shown.js'
import { remembered } from './remembered.js'
import {
  functionSpec,
  type GroupSpec,
  isBoolean,
  isFilledText,
  isFunction,
  isListOf,
  isMapLike,
  isMapOf,
  isText,
  isWholeText,
  isWhole,
  methodsListSpec,
  methodsListsSpec,
  methodsSpec,
  type OptionSpec,
  type SpecOf,
  type Specs,
} from '../options/spec.js'
import type { RedactFunction, RedactRules } from '../semantics/redaction.js'
import { MAX_TIMER_MS } from '../time.js'
import { findUnreadable, isAuthorities } from './authorities.js'
import type { TracerOptions } from './options.js'
import type { DropReport, InstrumentationLike, ResolvedBatch, ResolvedCapture, ResolvedLimits, SpanFilter } from './resolved.js'

/** How the text of a variable becomes a value. */
export type TextKind = 'text' | 'boolean' | 'number'

/** An option that a variable or a file may give as well. */
export interface SettingSpec extends OptionSpec {
  /** What a file can hold, as JSON Schema; absent for options only code can give: a function or an object with methods. */
  readonly json?: Readonly<Record<string, unknown>>
  /** How text from a variable is read; absent for options text cannot give. */
  readonly text?: TextKind
  /** Environment variable. */
  readonly env?: string
  /** A wrong one in the environment disables the tracer: what was meant for one place must not go to another. */
  readonly isDestination?: boolean
  /** Makes an item of the list from text of a file; may throw. */
  readonly itemFromText?: (text: string) => unknown
}

/** Specs of settings by option name. */
export type Settings = Specs<SettingSpec>

/** A setting that takes exactly `T`. */
type Setting<T> = SettingSpec & SpecOf<T>

interface SettingGroup<T, Other = never> extends GroupSpec<SettingSpec> {
  readonly members: { readonly [K in keyof T]-?: Setting<NonNullable<T[K]>> }
  readonly other?: (value: unknown) => value is Other
}

type PrefixFilter = Exclude<SpanFilter, (...input: never[]) => unknown>

type SettingsOf<T> = {
  readonly [K in keyof T]-?: K extends 'limits' | 'batch' | 'capture'
    ? SettingGroup<NonNullable<T[K]>>
    : K extends 'redact'
      ? SettingGroup<RedactRules, RedactFunction | false>
      : K extends 'spanFilter'
        ? SettingGroup<PrefixFilter, SpanFilter>
        : Setting<NonNullable<T[K]>>
}

type AskKey = () => string | PromiseLike<string>

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
  mostDelayMs: 5000,
  exportTimeoutMs: 10_000,
  retryBudgetMs: 60_000,
  concurrency: 4,
})

/** What wrappers record. */
export const CAPTURE_DEFAULTS: ResolvedCapture = Object.freeze({ inputs: true, outputs: true, maxBytes: 2_097_152, media: 'summary' })

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

const STRING = { type: 'string' }
const PRIMITIVE = { type: ['string', 'number', 'boolean'] }
const STRINGS = { type: 'array', items: STRING }

function text(env: string | undefined, remedy: string): Setting<string> {
  const expected = 'a string of whole characters'
  return { accepts: isWholeText, expected, remedy, json: STRING, text: 'text', ...(env !== undefined && { env }) }
}

const FLAG = { accepts: isBoolean, expected: 'true or false', remedy: 'Give true or false.', json: { type: 'boolean' } }

function flag(env?: string): Setting<boolean> {
  return { ...FLAG, text: 'boolean', ...(env !== undefined && { env }) }
}

function whole(min: number, max: number, env: string, remedy: string): Setting<number> {
  const kind = min === 0 ? 'zero or a positive integer' : 'a positive integer'
  const expected = max > MAX_CONCURRENCY ? kind : `${kind} up to ${max}`
  return { accepts: isWhole(min, max), expected, remedy, json: { type: 'integer', minimum: min, maximum: max }, text: 'number', env }
}

function oneOf<const T extends string>(values: readonly T[], env?: string): Setting<T> {
  const quoted = values.map((value) => `"${value}"`).join(' or ')
  const accepts = (value: unknown): value is T => values.some((known) => known === value)
  return {
    accepts,
    expected: quoted,
    remedy: `Give ${quoted}.`,
    json: { type: 'string', enum: values },
    text: 'text',
    ...(env !== undefined && { env }),
  }
}

function list<T>(isItem: (value: unknown) => value is T, expected: string, remedy: string): Setting<readonly T[]> {
  return { accepts: isListOf(isItem), expected, remedy, json: STRINGS, secret: true, isCopied: true }
}

function fields(remedy: string): Setting<Readonly<Record<string, unknown>>> {
  return { accepts: isMapLike, expected: 'an object', remedy, json: { type: 'object' }, secret: true, isCopied: true }
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

function isHeaders(value: unknown): value is Readonly<Record<string, string>> {
  return isMapLike(value) && Object.entries(value).every(([name, content]) => isHeader(name, content))
}

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

const HTTP_URL = 'an http or https URL without user, password, query and fragment'

const PROXY_URL = 'an http or https URL without path, query and fragment, or false'

const EXPORTER: OptionSpec = methodsSpec<SpanExporter>(
  ['export', 'shutdown'],
  'an OpenTelemetry span exporter or false',
  'Give an object with export() and shutdown(), or false to export through "spanProcessors" alone.',
)

const AGENT: OptionSpec = methodsSpec<Agent>(['addRequest'], '', '')

/** Not in quotes, and without the scheme of a header: both come along from where a key was copied. */
const KEY = /^(?!(["'`]).*\1$)(?!bearer\s)[\x20-\x7e\xa0-\xff]*$/i

/** Which kind of character does not belong there; nothing of the key itself. */
function toWrongKey(value: unknown): string {
  if (typeof value !== 'string') return toKind(value)
  const key = value.trim()
  if (/^bearer\s/i.test(key)) return 'a string that begins with "Bearer "'
  if (/^(["'`]).*\1$/.test(key)) return 'a string in quotes'
  if (/[\r\n]/.test(key)) return 'a string with a line break inside'
  return 'a string with other characters'
}

const options: SettingsOf<TracerOptions> = {
  apiKey: {
    accepts: (key): key is string | AskKey => isFunction(key) || (isText(key) && KEY.test(key.trim())),
    json: STRING,
    expected: 'a string of printable latin1 characters, or a function that gives one',
    remedy: 'Copy the API key again from the settings of your HoneyHive project.',
    text: 'text',
    env: 'HH_API_KEY',
    secret: true,
    found: toWrongKey,
  },
  project: text('HH_PROJECT', 'Give the name of the project.'),
  source: text('HH_SOURCE', 'Give the name of the environment, e.g. "production".'),
  serverUrl: {
    accepts: (url): url is string => isText(url) && toServerUrl(url) !== undefined,
    json: STRING,
    expected: HTTP_URL,
    remedy: `Give the base URL of the server, e.g. "${DEFAULTS.serverUrl}".`,
    text: 'text',
    env: 'HH_API_URL',
    found: toShownUrl,
    isDestination: true,
  },
  exportUrl: {
    accepts: (url): url is string => isText(url) && toHttpUrl(url) !== undefined,
    json: STRING,
    expected: HTTP_URL,
    remedy: 'Give the full URL of an OTLP/HTTP endpoint, e.g. "http://localhost:4318/v1/traces".',
    text: 'text',
    env: 'HH_EXPORT_URL',
    found: toShownUrl,
    isDestination: true,
  },
  allowInsecureUrl: flag(),
  proxy: {
    accepts: (url): url is string | false => url === false || (isText(url) && toProxyUrl(url) !== undefined),
    json: { anyOf: [STRING, { const: false }] },
    expected: PROXY_URL,
    remedy: 'Give e.g. "http://proxy.example.com:3128", or false for none.',
    found: toShownUrl,
  },
  agent: {
    accepts: (value): value is Agent | ((url: URL) => Agent | null | undefined) => isFunction(value) || AGENT.accepts(value),
    expected: 'an http.Agent or https.Agent, or a function of the URL that gives one',
    remedy: 'Give e.g. new https.Agent({ ... }) of "node:https"; a dispatcher of undici belongs to "fetch".',
    ...(AGENT.found && { found: AGENT.found }),
  },
  ca: {
    accepts: isAuthorities,
    json: { anyOf: [STRING, STRINGS] },
    expected: 'certificates: PEM text, a Buffer, the path of a file, or an array of them',
    remedy: 'Give e.g. "/etc/ssl/company-ca.pem".',
    found: (value) => findUnreadable(value) ?? toKind(value),
    isCopied: true,
  },
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
  linkCarrier: {
    accepts: (value): value is object => typeof value === 'object' && value !== null,
    expected: 'an object with headers',
    remedy: 'Give the headers of the request, as an object, Headers or Map.',
  },
  spanFilter: {
    expected: '{ include?: string[], exclude?: string[] } or a function',
    remedy: 'Give name prefixes, e.g. { exclude: ["http."] }, or (name, attributes) => boolean.',
    members: {
      include: list(isText, 'an array of strings', 'Give prefixes of span names, e.g. ["chat"].'),
      exclude: list(isText, 'an array of strings', 'Give prefixes of span names, e.g. ["http."].'),
    },
    other: (value): value is SpanFilter => isFunction(value),
  },
  limits: {
    expected: 'an object',
    remedy: 'Give e.g. { maxAttributes: 1024 }.',
    members: {
      maxAttributes: whole(0, MAX_COUNT, 'HH_MAX_ATTRIBUTES', 'Give a number of attributes, e.g. 1024.'),
      maxEvents: whole(0, MAX_COUNT, 'HH_MAX_EVENTS', 'Give a number of events, e.g. 1024.'),
      maxLinks: whole(0, MAX_COUNT, 'HH_MAX_LINKS', 'Give a number of links, e.g. 128.'),
      maxAttributesPerEvent: whole(0, MAX_COUNT, 'HH_MAX_ATTRIBUTES_PER_EVENT', 'Give a number of attributes, e.g. 128.'),
      maxAttributesPerLink: whole(0, MAX_COUNT, 'HH_MAX_ATTRIBUTES_PER_LINK', 'Give a number of attributes, e.g. 128.'),
      maxValueLength: whole(1, MAX_BYTES, 'HH_MAX_VALUE_LENGTH', 'Give a number of characters, e.g. 32768.'),
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
    accepts: (path): path is string => isFilledText(path) && !path.includes('\0'),
    json: STRING,
    expected: 'the path of a directory',
    remedy: 'Give the path of a directory this process may write to.',
    text: 'text',
    env: 'HH_SPOOL_DIR',
  },
  protocol: oneOf(['http/protobuf', 'http/json'], 'HH_OTLP_PROTOCOL'),
  compression: oneOf(['gzip', 'none'], 'HH_OTLP_COMPRESSION'),
  headers: {
    accepts: isHeaders,
    json: { type: 'object', additionalProperties: STRING },
    expected: 'header names with one line of latin1 text each, without Authorization and the headers of the transport',
    remedy: 'Give e.g. { "x-tenant": "acme" }; the API key goes to "apiKey".',
    found: toWrongHeader,
    isCopied: true,
    secret: true,
  },
  resourceAttributes: {
    accepts: isMapOf(isAttributeValue),
    json: { type: 'object', additionalProperties: { anyOf: [PRIMITIVE, { type: 'array', items: PRIMITIVE }] } },
    expected: 'an object of strings, numbers, booleans or arrays of one of them',
    remedy: 'Give e.g. { "service.name": "checkout" }.',
    found: toWrongAttribute,
    isCopied: true,
    secret: true,
  },
  resource: methodsSpec<Resource>(
    ['merge', 'getRawAttributes'],
    'a resource of OpenTelemetry SDK 2.x',
    'Give what resourceFromAttributes() of "@opentelemetry/resources" 2.x returns, or use "resourceAttributes".',
  ),
  resourceDetectors: methodsListSpec<ResourceDetector>(
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
      media: oneOf(['summary', 'keep']),
    },
  },
  redact: {
    expected: '{ keys?, patterns?, replacement?, builtIn?, formats? }, a function or false',
    remedy: 'Give e.g. { keys: ["ssn"] } or (path, value) => value.',
    members: {
      keys: list(
        (key): key is string | RegExp => isText(key) || isRegExp(key),
        'an array of strings and RegExps',
        'Give names of fields, e.g. ["ssn"].',
      ),
      patterns: {
        ...list(isRegExp, 'an array of RegExps', 'Give e.g. [/\\d{16}/]; in a file, the text between the slashes.'),
        itemFromText: (pattern) => new RegExp(pattern, 'g'),
      },
      replacement: text(undefined, 'Give the text to show instead, e.g. "[REDACTED]".'),
      builtIn: flag(),
      formats: flag(),
    },
    other: (value): value is RedactFunction | false => value === false || isFunction(value),
  },
  sampler: methodsSpec<Sampler>(['shouldSample'], 'an OpenTelemetry sampler', 'Give an object with shouldSample(), or use "sampleRate".'),
  sampleRate: {
    accepts: (rate): rate is number => typeof rate === 'number' && rate >= 0 && rate <= 1,
    json: { type: 'number', minimum: 0, maximum: 1 },
    expected: 'a number from 0 to 1',
    remedy: 'Give the share of traces to keep, e.g. 0.1.',
    text: 'number',
    env: 'HH_SAMPLE_RATE',
  },
  crossTracerLinks: flag('HH_CROSS_TRACER_LINKS'),
  registerContextManager: flag(),
  instrumentations: methodsListsSpec<InstrumentationLike>(
    ['setTracerProvider'],
    'an array of OpenTelemetry instrumentations',
    'Give instances, e.g. [new OpenAIInstrumentation()].',
  ),
  spanProcessors: methodsListSpec<SpanProcessor>(
    ['onStart', 'onEnd', 'forceFlush', 'shutdown'],
    'an array of OpenTelemetry span processors',
    'Give instances, e.g. [new BatchSpanProcessor(exporter)].',
  ),
  idGenerator: methodsSpec<IdGenerator>(
    ['generateTraceId', 'generateSpanId'],
    'an OpenTelemetry id generator',
    'Give an object with generateTraceId() and generateSpanId().',
  ),
  meterProvider: methodsSpec<MeterProvider>(['getMeter'], 'an OpenTelemetry meter provider', 'Give an object with getMeter().'),
  exporter: {
    ...EXPORTER,
    accepts: (value): value is SpanExporter | false => value === false || EXPORTER.accepts(value),
  },
  fetch: functionSpec<typeof fetch>('Give a function with the signature of fetch.'),
  logger: methodsSpec<Logger>(['debug', 'warn', 'error'], 'an object with debug(), warn() and error()', 'Give e.g. console.'),
  onDrop: functionSpec<(report: DropReport) => void>('Give a function that takes one report.'),
}

/** Every option: the one place for types, bounds and environment names. */
export const OPTIONS: Settings = options

const MAX_URL_CHARS = 2048

/** The URL without trailing slashes, or `undefined` when it cannot be a server's base URL. */
export function toServerUrl(text: string): string | undefined {
  if (text === DEFAULTS.serverUrl) return text
  let url = toHttpUrl(text)
  while (url?.endsWith('/')) url = url.slice(0, -1)
  return url
}

/** The normalised URL, or `undefined` when it is not http or https, or carries user, password, query or fragment. */
export const toHttpUrl: (text: string) => string | undefined = remembered(readHttpUrl)

function readHttpUrl(text: string): string | undefined {
  const trimmed = text.trim()
  if (trimmed.length > MAX_URL_CHARS || !URL.canParse(trimmed)) return undefined
  const { protocol, username, password, search, hash, href } = new URL(trimmed)
  if (protocol !== 'https:' && protocol !== 'http:') return undefined
  return `${username}${password}${search}${hash}` !== '' || /[?#]$/.test(trimmed) ? undefined : href
}

/** The URL of a proxy as it is, or `undefined` when it is not http or https, or says more than a proxy can be told. */
export function toProxyUrl(text: string): string | undefined {
  const trimmed = text.trim()
  if (trimmed.length > MAX_URL_CHARS || !URL.canParse(trimmed)) return undefined
  const { protocol, pathname, search, hash, href, hostname } = new URL(trimmed)
  const isPlain = pathname === '/' && search === '' && hash === '' && hostname !== ''
  return isPlain && (protocol === 'http:' || protocol === 'https:') ? href : undefined
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
