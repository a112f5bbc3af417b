import type { Agent } from 'node:http'
import type { AttributeValue, MeterProvider } from '@opentelemetry/api'
import type { Resource, ResourceDetector } from '@opentelemetry/resources'
import type { IdGenerator, Sampler, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Logger } from '../diagnostics.js'
import type { RedactFunction, RedactRules } from '../semantics/redaction.js'
import type { DropReport, InstrumentationLike, SpanFilter } from './resolved.js'

/** Limits of one span. What is cut is marked on the span; identity attributes are never the ones lost. */
export interface LimitsOptions {
  /**
   * Most attributes of one span. The identity, an error, and one text for each group of captured values stay whatever the number; 0 keeps nothing else.
   *
   * Environment `HH_MAX_ATTRIBUTES`, file key `limits.maxAttributes`.
   *
   * @defaultValue 1024
   */
  readonly maxAttributes?: number | null | undefined
  /**
   * Most events of one span; 0 keeps none.
   *
   * Environment `HH_MAX_EVENTS`, file key `limits.maxEvents`.
   *
   * @defaultValue 1024
   */
  readonly maxEvents?: number | null | undefined
  /**
   * Most links of one span; 0 keeps none.
   *
   * Environment `HH_MAX_LINKS`, file key `limits.maxLinks`.
   *
   * @defaultValue 128
   */
  readonly maxLinks?: number | null | undefined
  /**
   * Most attributes of one event; 0 keeps none.
   *
   * Environment `HH_MAX_ATTRIBUTES_PER_EVENT`, file key `limits.maxAttributesPerEvent`.
   *
   * @defaultValue `limits.maxAttributes`
   */
  readonly maxAttributesPerEvent?: number | null | undefined
  /**
   * Most attributes of one link; 0 keeps none.
   *
   * Environment `HH_MAX_ATTRIBUTES_PER_LINK`, file key `limits.maxAttributesPerLink`.
   *
   * @defaultValue `limits.maxAttributes`
   */
  readonly maxAttributesPerLink?: number | null | undefined
  /**
   * Longest text in the value of an attribute, of span, event and link, in UTF-16 units; what is longer keeps its beginning. Redacted
   * first; identity is never cut. For backends with such a limit: a prompt cut in the middle of its JSON cannot be read as one.
   *
   * Environment `HH_MAX_VALUE_LENGTH`, file key `limits.maxValueLength`.
   *
   * @defaultValue none
   */
  readonly maxValueLength?: number | null | undefined
  /**
   * Most bytes of one span as it is sent.
   *
   * Environment `HH_MAX_SPAN_BYTES`, file key `limits.maxSpanBytes`.
   *
   * @defaultValue 10_485_760
   */
  readonly maxSpanBytes?: number | null | undefined
}

/** The delivery queue of one tracer. */
export interface BatchOptions {
  /**
   * Most spans waiting for delivery; more are dropped and counted as `queueFull`.
   *
   * Environment `HH_BATCH_MAX_QUEUE_SIZE`, file key `batch.maxQueueSize`.
   *
   * @defaultValue 50_000
   */
  readonly maxQueueSize?: number | null | undefined
  /**
   * Most bytes waiting for delivery; more are dropped and counted as `bytesFull`.
   *
   * Environment `HH_BATCH_MAX_QUEUE_BYTES`, file key `batch.maxQueueBytes`.
   *
   * @defaultValue 67_108_864 (64 MiB)
   */
  readonly maxQueueBytes?: number | null | undefined
  /**
   * Most spans in one request. Lowered to `maxQueueSize` when that is smaller.
   *
   * Environment `HH_BATCH_MAX_EXPORT_BATCH_SIZE`, file key `batch.maxExportBatchSize`.
   *
   * @defaultValue 512
   * @see OpenTelemetry trace SDK, section "Batching processor"
   */
  readonly maxExportBatchSize?: number | null | undefined
  /**
   * Most bytes in one request before compression. Lowered to `maxQueueBytes` when that is smaller.
   *
   * Environment `HH_BATCH_MAX_EXPORT_BATCH_BYTES`, file key `batch.maxExportBatchBytes`.
   *
   * @defaultValue 1_048_576 (1 MiB)
   */
  readonly maxExportBatchBytes?: number | null | undefined
  /**
   * Longest time a span waits for its request to fill, in milliseconds; 0 sends at once. Where it is not set and more than 200 tracers of
   * the process send to one address, it grows with their number, to 5,000.
   *
   * Environment `HH_BATCH_SCHEDULED_DELAY_MS`, file key `batch.scheduledDelayMs`.
   *
   * @defaultValue 1000
   */
  readonly scheduledDelayMs?: number | null | undefined
  /**
   * Longest time one request may take, in milliseconds, retries excluded.
   *
   * Environment `HH_BATCH_EXPORT_TIMEOUT_MS`, file key `batch.exportTimeoutMs`.
   *
   * @defaultValue 10_000
   * @see OTLP exporter specification, section "Configuration options"
   */
  readonly exportTimeoutMs?: number | null | undefined
  /**
   * Longest time one batch is tried again after its first failure, in milliseconds; 0 never tries again.
   *
   * Environment `HH_BATCH_RETRY_BUDGET_MS`, file key `batch.retryBudgetMs`.
   *
   * @defaultValue 60_000
   */
  readonly retryBudgetMs?: number | null | undefined
  /**
   * Most requests under way at the same time, 1 to 256.
   *
   * Environment `HH_BATCH_CONCURRENCY`, file key `batch.concurrency`.
   *
   * @defaultValue 4
   */
  readonly concurrency?: number | null | undefined
}

/** What every wrapper of the tracer records unless the wrapper says otherwise. */
export interface CaptureOptions {
  /**
   * Whether arguments are recorded.
   *
   * Environment `HH_CAPTURE_INPUTS`, file key `capture.inputs`.
   *
   * @defaultValue true
   */
  readonly inputs?: boolean | null | undefined
  /**
   * Whether results are recorded.
   *
   * Environment `HH_CAPTURE_OUTPUTS`, file key `capture.outputs`.
   *
   * @defaultValue true
   */
  readonly outputs?: boolean | null | undefined
  /**
   * Most bytes of one recorded value.
   *
   * Environment `HH_CAPTURE_MAX_BYTES`, file key `capture.maxBytes`.
   *
   * @defaultValue 2_097_152 (2 MiB)
   */
  readonly maxBytes?: number | null | undefined
  /**
   * What becomes of data URIs, base64 and binary values, those of auto-instrumentors included: `'summary'` shows type, size and
   * SHA-256, `'keep'` the bytes as far as they have room.
   *
   * File key `capture.media`.
   *
   * @defaultValue `'summary'`
   */
  readonly media?: 'summary' | 'keep' | null | undefined
}

/**
 * Settings of one tracer. Code wins over environment, environment over default. `null` and `undefined` mean "not given";
 * `false`, `0` and `''` are values. File keys may also be written in snake_case.
 */
export interface TracerOptions {
  /**
   * Key of the HoneyHive project the spans go to. Trimmed; a blank one counts as missing and disables the tracer without
   * looking at the environment, so that a tenant without a key never writes to somebody else's project.
   *
   * A function (code only) is asked at the first use, and again when the server refuses the key (HTTP 401 or 403): what was refused is
   * sent again with the key it gives then, within `batch.retryBudgetMs`. It may be asynchronous; after 10 seconds it counts as failed.
   *
   * Environment `HH_API_KEY`, file key `apiKey`.
   *
   * @defaultValue none: the tracer is disabled
   */
  readonly apiKey?: string | (() => string | PromiseLike<string>) | null | undefined
  /**
   * Label on spans and in legacy request bodies. The key alone selects the project.
   *
   * Environment `HH_PROJECT`, file key `project`.
   *
   * @defaultValue none
   */
  readonly project?: string | null | undefined
  /**
   * Label of the environment the program runs in.
   *
   * Environment `HH_SOURCE`, file key `source`.
   *
   * @defaultValue `'dev'`
   */
  readonly source?: string | null | undefined
  /**
   * Base URL of the server, http or https, without user, password, query and fragment; trailing slashes are removed. One in
   * the environment that cannot be read disables the tracer: nothing goes to a place nobody named.
   *
   * Environment `HH_API_URL`, file key `serverUrl`.
   *
   * @defaultValue `'https://api.dp1.us.honeyhive.ai'`
   */
  readonly serverUrl?: string | null | undefined
  /**
   * Full URL of an OTLP/HTTP endpoint for traces, e.g. of a collector; used as it is, under the same rules as `serverUrl`.
   *
   * Environment `HH_EXPORT_URL`, file key `exportUrl`.
   *
   * @defaultValue `{serverUrl}/opentelemetry/v1/traces`
   * @see OTLP specification, section "OTLP/HTTP Request"
   */
  readonly exportUrl?: string | null | undefined
  /**
   * Whether plain `http:` to a host that is not loopback is accepted. Without it such a `serverUrl` or `exportUrl` disables
   * the tracer, because the key and what was recorded would travel readable.
   *
   * File key `allowInsecureUrl`.
   *
   * @defaultValue false
   */
  readonly allowInsecureUrl?: boolean | null | undefined
  /**
   * URL of the proxy that deliveries and REST calls go through, http or https, with user and password where it asks for them;
   * `false` for none. Hosts in `NO_PROXY` are reached directly. `https:` servers are tunnelled, so the proxy reads nothing.
   *
   * Environment `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in lower case first, where Node itself was told to use them
   * (`NODE_USE_ENV_PROXY=1` or `--use-env-proxy`); one that cannot be read disables the tracer. File key `proxy`.
   *
   * @defaultValue none
   * @see Node.js, "Built-in Proxy Support"
   */
  readonly proxy?: string | false | null | undefined
  /**
   * Makes the connections of deliveries and REST calls in place of the tracer's own: an `http.Agent` or `https.Agent`, or a function
   * that is given the URL of each request and gives the agent for it, `undefined` for the tracer's own. It stays yours: the tracer
   * neither closes it nor shares its connections with tracers that were not given the same one. Its options win over `ca`, and
   * the environment's proxies do not count, as everywhere in Node; with `proxy` it speaks the TLS through the tunnel.
   *
   * @defaultValue connections of the tracer, kept alive, at most twelve to an address
   * @see Node.js, "Class: http.Agent"
   */
  readonly agent?: Agent | ((url: URL) => Agent | null | undefined) | null | undefined
  /**
   * Certificate authorities to trust instead of those that Node trusts: PEM text, a `Buffer`, the path of a file, or a list of them.
   * Read once, when the tracer is made.
   *
   * File key `ca`.
   *
   * @defaultValue those of Node, with what `NODE_EXTRA_CA_CERTS` and `--use-system-ca` add
   * @see Node.js, `tls.createSecureContext`, option `ca`
   */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[] | null | undefined
  /**
   * Name of the tracer's own session.
   *
   * Environment `HH_SESSION_NAME`, file key `sessionName`.
   *
   * @defaultValue base name of the main module without its extension; `'node'` when there is none
   */
  readonly sessionName?: string | null | undefined
  /**
   * Id of the tracer's own session. A UUID of any version is kept, lower-cased; other text becomes the UUIDv5 of it in the
   * DNS namespace; a blank one counts as missing.
   *
   * File key `sessionId`.
   *
   * @defaultValue a new random UUID
   */
  readonly sessionId?: string | null | undefined
  /**
   * Inputs of the tracer's own session.
   *
   * File key `inputs`.
   *
   * @defaultValue none
   */
  readonly inputs?: Readonly<Record<string, unknown>> | null | undefined
  /**
   * Metadata of the tracer's own session.
   *
   * File key `metadata`.
   *
   * @defaultValue none
   */
  readonly metadata?: Readonly<Record<string, unknown>> | null | undefined
  /**
   * Properties of the user of the tracer's own session.
   *
   * File key `userProperties`.
   *
   * @defaultValue none
   */
  readonly userProperties?: Readonly<Record<string, unknown>> | null | undefined
  /**
   * Whether sessions are left to be created by ingestion, without a REST call.
   *
   * Environment `HH_SKIP_SESSION_CREATION`, file key `skipSessionCreation`.
   *
   * @defaultValue false
   */
  readonly skipSessionCreation?: boolean | null | undefined
  /**
   * Whether spans are recorded but nothing at all goes to the network.
   *
   * Environment `HH_TEST_MODE`, file key `testMode`.
   *
   * @defaultValue false
   */
  readonly testMode?: boolean | null | undefined
  /**
   * Whether the tracer does nothing: user code runs untouched, nothing is recorded or sent.
   *
   * Environment `HH_DISABLE_TRACING`, file key `disabled`.
   *
   * @defaultValue false
   */
  readonly disabled?: boolean | null | undefined
  /**
   * Whether the tracer also writes debug lines about itself.
   *
   * Environment `HH_VERBOSE`, file key `verbose`.
   *
   * @defaultValue false
   */
  readonly verbose?: boolean | null | undefined
  /**
   * Whether every span is sent as soon as it ends, one request per span.
   *
   * Environment `HH_DISABLE_BATCH`, file key `disableBatch`.
   *
   * @defaultValue false
   */
  readonly disableBatch?: boolean | null | undefined
  /**
   * Whether the tracer belongs to an evaluation.
   *
   * File key `isEvaluation`.
   *
   * @defaultValue true when `runId`, `datasetId` and `datapointId` are all given, else false
   */
  readonly isEvaluation?: boolean | null | undefined
  /**
   * Id of the evaluation run; a blank one counts as missing.
   *
   * File key `runId`.
   *
   * @defaultValue none
   */
  readonly runId?: string | null | undefined
  /**
   * Id of the evaluation's dataset; a blank one counts as missing.
   *
   * File key `datasetId`.
   *
   * @defaultValue none
   */
  readonly datasetId?: string | null | undefined
  /**
   * Id of the evaluation's datapoint; a blank one counts as missing.
   *
   * File key `datapointId`.
   *
   * @defaultValue none
   */
  readonly datapointId?: string | null | undefined
  /**
   * Headers of a request (plain object, Node's headers, `Headers` or `Map`) whose trace the tracer's first root continues.
   *
   * @defaultValue none
   * @see W3C Trace Context
   */
  readonly linkCarrier?: object | null | undefined
  /**
   * Spans to keep: name prefixes, or a function that returns true for spans to keep. Children of a span that is left out
   * attach to its nearest kept ancestor.
   *
   * File key `spanFilter` (prefixes only).
   *
   * @defaultValue none: every span is kept
   */
  readonly spanFilter?: SpanFilter | null | undefined
  /**
   * Limits of one span.
   *
   * Environment `HH_MAX_*`, file key `limits`.
   */
  readonly limits?: LimitsOptions | null | undefined
  /**
   * The delivery queue.
   *
   * Environment `HH_BATCH_*`, file key `batch`.
   */
  readonly batch?: BatchOptions | null | undefined
  /**
   * Directory for spans that could not be delivered before the process ended; they are delivered at the next start. Files
   * are readable by their owner only and written after redaction.
   *
   * Environment `HH_SPOOL_DIR`, file key `spool`.
   *
   * @defaultValue none: nothing is written
   */
  readonly spool?: string | null | undefined
  /**
   * Encoding of OTLP requests.
   *
   * Environment `HH_OTLP_PROTOCOL`, file key `protocol`.
   *
   * @defaultValue `'http/json'`
   * @see OTLP specification, section "OTLP/HTTP"
   */
  readonly protocol?: 'http/protobuf' | 'http/json' | null | undefined
  /**
   * Compression of OTLP requests above 4 KiB.
   *
   * Environment `HH_OTLP_COMPRESSION`, file key `compression`.
   *
   * @defaultValue `'gzip'`, `'none'` to a server on the same machine
   */
  readonly compression?: 'gzip' | 'none' | null | undefined
  /**
   * Extra headers of OTLP requests. `Authorization` and the headers of the transport itself cannot be set.
   *
   * File key `headers`.
   *
   * @defaultValue none
   */
  readonly headers?: Readonly<Record<string, string>> | null | undefined
  /**
   * Extra resource attributes of every span: texts, numbers, booleans, or lists of one of them. They win over `resource` and
   * the environment's.
   *
   * Environment `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME`, file key `resourceAttributes`.
   *
   * @defaultValue none
   * @see OpenTelemetry Resource SDK
   */
  readonly resourceAttributes?: Readonly<Record<string, AttributeValue>> | null | undefined
  /**
   * OpenTelemetry resource, added to what is known of the process and the platform.
   *
   * @defaultValue none
   * @see OpenTelemetry Resource SDK
   */
  readonly resource?: Resource | null | undefined
  /**
   * Asked once for further resource attributes, when the tracer starts.
   *
   * @defaultValue none
   * @see OpenTelemetry Resource SDK, section "Detecting resource information from the environment"
   */
  readonly resourceDetectors?: readonly ResourceDetector[] | null | undefined
  /**
   * What wrappers record.
   *
   * Environment `HH_CAPTURE_*`, file key `capture`.
   */
  readonly capture?: CaptureOptions | null | undefined
  /**
   * What is masked before anything leaves the tracer: rules, a function, or `false` for nothing at all.
   *
   * File key `redact` (rules, with patterns as text, or false).
   *
   * @defaultValue the built-in names of secrets
   */
  readonly redact?: RedactRules | RedactFunction | false | null | undefined
  /**
   * Decides which traces of this tracer are kept; cannot be combined with `sampleRate`.
   *
   * @defaultValue none: `sampleRate` decides
   */
  readonly sampler?: Sampler | null | undefined
  /**
   * Share of this tracer's traces to keep, from 0 to 1.
   *
   * Environment `HH_SAMPLE_RATE`, file key `sampleRate`.
   *
   * @defaultValue 1
   */
  readonly sampleRate?: number | null | undefined
  /**
   * Whether a root opened inside another tracer's span links to that span. Trace id and span id are all that crosses.
   *
   * Environment `HH_CROSS_TRACER_LINKS`, file key `crossTracerLinks`.
   *
   * @defaultValue true
   */
  readonly crossTracerLinks?: boolean | null | undefined
  /**
   * Whether an OpenTelemetry context manager is registered when instrumentations are wired and the process has none.
   *
   * File key `registerContextManager`.
   *
   * @defaultValue true
   */
  readonly registerContextManager?: boolean | null | undefined
  /**
   * OpenTelemetry instrumentations to enable on this tracer's provider, or lists of them. Metrics go to the global meter provider,
   * log events to the global logger provider; messages among them become inputs and outputs as well.
   *
   * @defaultValue none
   */
  readonly instrumentations?: readonly (InstrumentationLike | readonly InstrumentationLike[])[] | null | undefined
  /**
   * Further OpenTelemetry span processors. They see every span of this tracer and no other, redacted and flattened as it would
   * be exported.
   *
   * @defaultValue none
   * @see OpenTelemetry trace SDK, section "Span processor"
   */
  readonly spanProcessors?: readonly SpanProcessor[] | null | undefined
  /**
   * Makes the ids of traces and spans.
   *
   * @defaultValue random ids
   * @see OpenTelemetry trace SDK, section "Id Generators"
   */
  readonly idGenerator?: IdGenerator | null | undefined
  /**
   * Counts the spans of this tracer as OpenTelemetry's SDK does, `otel.sdk.span.started` and `otel.sdk.span.live`. The numbers of tracers
   * that share one are added up; give each its own to tell tenants apart. Whatever it is, `stats()` has all numbers of one tracer.
   *
   * @defaultValue none: nothing is counted for metrics
   * @see OpenTelemetry semantic conventions, section "Span metrics" of the SDK
   */
  readonly meterProvider?: MeterProvider | null | undefined
  /**
   * Takes the place of the OTLP exporter; with `false`, nothing exports but `spanProcessors`.
   *
   * @defaultValue OTLP over HTTP to `exportUrl`
   */
  readonly exporter?: SpanExporter | false | null | undefined
  /**
   * Takes the place of the transport of REST requests.
   *
   * @defaultValue the global `fetch`
   */
  readonly fetch?: typeof fetch | null | undefined
  /**
   * Receives the lines the tracer writes about itself.
   *
   * @defaultValue standard error
   */
  readonly logger?: Logger | null | undefined
  /**
   * Sees every loss with its reason.
   *
   * @defaultValue none
   */
  readonly onDrop?: ((report: DropReport) => void) | null | undefined
}
