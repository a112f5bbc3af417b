import type { Agent } from 'node:http'
import type { MeterProvider, AttributeValue, TracerProvider } from '@opentelemetry/api'
import type { Resource, ResourceDetector } from '@opentelemetry/resources'
import type { IdGenerator, Sampler, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace'
import type { RedactFunction, RedactRules } from '../semantics/redaction.js'
import type { DropReason } from '../semantics/attributes.js'
import type { Logger } from '../diagnostics.js'

/** One loss, as `onDrop` sees it. */
export interface DropReport {
  readonly reason: DropReason
  /** Spans lost with this report. */
  readonly count: number
  /** What happened, without secrets or span contents. */
  readonly detail: string
}

/** Which spans are kept: by name prefix, or by a function that returns true for those to keep. */
export type SpanFilter =
  | { readonly include?: readonly string[]; readonly exclude?: readonly string[] }
  | ((name: string, attributes: Readonly<Record<string, unknown>>) => boolean)

/** Limits of one span. */
export interface ResolvedLimits {
  readonly maxAttributes: number
  readonly maxEvents: number
  readonly maxLinks: number
  /** @defaultValue `maxAttributes` */
  readonly maxAttributesPerEvent?: number
  /** @defaultValue `maxAttributes` */
  readonly maxAttributesPerLink?: number
  /** UTF-16 units. @defaultValue no limit */
  readonly maxValueLength?: number
  readonly maxSpanBytes: number
}

/** Settings of the delivery queue of one instance. */
export interface ResolvedBatch {
  readonly maxQueueSize: number
  readonly maxQueueBytes: number
  readonly maxExportBatchSize: number
  readonly maxExportBatchBytes: number
  readonly scheduledDelayMs: number
  /** How long a span waits at most where many tracers send to one address. @defaultValue `scheduledDelayMs` */
  readonly mostDelayMs?: number
  readonly exportTimeoutMs: number
  readonly retryBudgetMs: number
  readonly concurrency: number
}

/** What the wrappers of an instance record unless a wrapper says otherwise. */
export interface ResolvedCapture {
  readonly inputs: boolean
  readonly outputs: boolean
  /** Most bytes of one captured value. */
  readonly maxBytes: number
  /** What becomes of media. */
  readonly media: 'summary' | 'keep'
}

/** What instrumentations call of a logger of OpenTelemetry's logs API. */
export interface LoggerLike {
  emit(record: object): void
  enabled(options?: object): boolean
}

/** Minimal instrumentation contract of OpenTelemetry, enough to enable one on our provider. */
export interface InstrumentationLike {
  setTracerProvider(provider: TracerProvider): void
  enable?(): void
  disable?(): void
  isEnabled?(): boolean
  setMeterProvider?(provider: import('@opentelemetry/api').MeterProvider): void
  /** Declared by what instrumentations call, because the logs API is no dependency of who uses this package. */
  setLoggerProvider?(provider: { getLogger(name: string, version?: string): LoggerLike }): void
}

/** All settings of one instance after code, environment and defaults were combined. Frozen. */
export interface ResolvedConfig {
  /** `undefined` when no key was given as a text: without `askKey` the instance is then disabled. */
  readonly apiKey: string | undefined
  /** Gives the key at the first use when there is no `apiKey`, and again when the server refuses the key. */
  readonly askKey: (() => string | PromiseLike<string>) | undefined
  readonly project: string | undefined
  readonly source: string
  /** Without a trailing slash. */
  readonly serverUrl: string
  /** Where spans go in place of the server's own endpoint; a full URL. */
  readonly exportUrl: string | undefined
  readonly allowInsecureUrl: boolean
  /** Proxies by the scheme of what is asked for, and the hosts that are reached directly; `undefined` for none. */
  readonly proxy: { readonly http: string | undefined; readonly https: string | undefined; readonly except: string } | undefined
  /** Makes the connections in place of the tracer's own. */
  readonly agent: Agent | ((url: URL) => Agent | null | undefined) | undefined
  /** Certificate authorities to trust instead of those of Node, PEM. */
  readonly ca: string | undefined
  readonly sessionName: string
  /** A lower-case UUID, when the user gave an id. */
  readonly sessionId: string | undefined
  readonly inputs: Readonly<Record<string, unknown>> | undefined
  readonly metadata: Readonly<Record<string, unknown>> | undefined
  readonly userProperties: Readonly<Record<string, unknown>> | undefined
  readonly skipSessionCreation: boolean
  readonly testMode: boolean
  readonly disabled: boolean
  readonly verbose: boolean
  readonly disableBatch: boolean
  readonly isEvaluation: boolean
  readonly runId: string | undefined
  readonly datasetId: string | undefined
  readonly datapointId: string | undefined
  readonly linkCarrier: unknown
  readonly spanFilter: SpanFilter | undefined
  readonly limits: ResolvedLimits
  readonly batch: ResolvedBatch
  readonly spool: string | undefined
  readonly protocol: 'http/protobuf' | 'http/json'
  readonly compression: 'gzip' | 'none'
  readonly headers: Readonly<Record<string, string>>
  readonly resourceAttributes: Readonly<Record<string, AttributeValue>>
  readonly resource: Resource | undefined
  readonly resourceDetectors: readonly ResourceDetector[]
  readonly capture: ResolvedCapture
  /** `false` turns the built-in rules off as well. */
  readonly redact: RedactRules | RedactFunction | false
  readonly sampler: Sampler | undefined
  readonly sampleRate: number
  readonly crossTracerLinks: boolean
  readonly registerContextManager: boolean
  readonly instrumentations: readonly InstrumentationLike[]
  readonly spanProcessors: readonly SpanProcessor[]
  readonly idGenerator: IdGenerator | undefined
  readonly meterProvider: MeterProvider | undefined
  /** `false`: nothing exports but `spanProcessors`. */
  readonly exporter: SpanExporter | false | undefined
  readonly fetch: typeof fetch | undefined
  readonly logger: Logger | undefined
  readonly onDrop: ((report: DropReport) => void) | undefined
  /** Problems to speak about once the instance has its diagnostics: wrong environment values, or why it is disabled. */
  readonly warnings: readonly string[]
}
