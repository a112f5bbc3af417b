import type { Sampler, SpanExporter } from '@opentelemetry/sdk-trace-base'
import type { Logger } from '../diagnostics.js'
import type { DropReport, InstrumentationLike, RedactFunction, RedactRules, SpanFilter } from './resolved.js'

/** Limits of one span. What is cut is marked on the span; identity attributes are never the ones lost. */
export interface LimitsOptions {
  readonly maxAttributes?: number | null | undefined
  readonly maxEvents?: number | null | undefined
  readonly maxLinks?: number | null | undefined
  readonly maxSpanBytes?: number | null | undefined
}

/** The delivery queue of one tracer. */
export interface BatchOptions {
  readonly maxQueueSize?: number | null | undefined
  readonly maxQueueBytes?: number | null | undefined
  readonly maxExportBatchSize?: number | null | undefined
  readonly maxExportBatchBytes?: number | null | undefined
  readonly scheduledDelayMs?: number | null | undefined
  readonly exportTimeoutMs?: number | null | undefined
  readonly retryBudgetMs?: number | null | undefined
  readonly concurrency?: number | null | undefined
}

/** What every wrapper of the tracer records unless the wrapper says otherwise. */
export interface CaptureOptions {
  readonly inputs?: boolean | null | undefined
  readonly outputs?: boolean | null | undefined
  readonly maxBytes?: number | null | undefined
}

/** Settings of one tracer. `null` and `undefined` mean "not given"; `false`, `0` and `''` are values. */
export interface TracerOptions {
  readonly apiKey?: string | null | undefined
  readonly project?: string | null | undefined
  readonly source?: string | null | undefined
  readonly serverUrl?: string | null | undefined
  readonly allowInsecureUrl?: boolean | null | undefined
  readonly sessionName?: string | null | undefined
  readonly sessionId?: string | null | undefined
  readonly inputs?: Readonly<Record<string, unknown>> | null | undefined
  readonly metadata?: Readonly<Record<string, unknown>> | null | undefined
  readonly userProperties?: Readonly<Record<string, unknown>> | null | undefined
  readonly skipSessionCreation?: boolean | null | undefined
  readonly testMode?: boolean | null | undefined
  readonly disabled?: boolean | null | undefined
  readonly verbose?: boolean | null | undefined
  readonly disableBatch?: boolean | null | undefined
  readonly isEvaluation?: boolean | null | undefined
  readonly runId?: string | null | undefined
  readonly datasetId?: string | null | undefined
  readonly datapointId?: string | null | undefined
  readonly linkCarrier?: object | null | undefined
  readonly spanFilter?: SpanFilter | null | undefined
  readonly limits?: LimitsOptions | null | undefined
  readonly batch?: BatchOptions | null | undefined
  readonly spool?: string | null | undefined
  readonly protocol?: 'http/protobuf' | 'http/json' | null | undefined
  readonly compression?: 'gzip' | 'none' | null | undefined
  readonly headers?: Readonly<Record<string, string>> | null | undefined
  readonly resourceAttributes?: Readonly<Record<string, string>> | null | undefined
  readonly capture?: CaptureOptions | null | undefined
  readonly redact?: RedactRules | RedactFunction | false | null | undefined
  readonly sampler?: Sampler | null | undefined
  readonly sampleRate?: number | null | undefined
  readonly crossTracerLinks?: boolean | null | undefined
  readonly registerContextManager?: boolean | null | undefined
  readonly instrumentations?: readonly InstrumentationLike[] | null | undefined
  readonly exporter?: SpanExporter | null | undefined
  readonly fetch?: typeof fetch | null | undefined
  readonly logger?: Logger | null | undefined
  readonly onDrop?: ((report: DropReport) => void) | null | undefined
}
