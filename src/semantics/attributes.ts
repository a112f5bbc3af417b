/**
 * Kinds of HoneyHive event a span can become. `llm`, `generation` and `embedding` of other SDKs are `model`; `agent`,
 * `workflow` and `task` are `chain`; `retriever` and `function` are `tool`.
 */
export const EventType = {
  model: 'model',
  tool: 'tool',
  chain: 'chain',
  session: 'session',
  generic: 'generic',
} as const
/** One of the names in {@link EventType}. */
export type EventType = (typeof EventType)[keyof typeof EventType]

/** Attribute names that steer HoneyHive's ingestion; `honeyhive.` with a dot is identity, `honeyhive_` is user data. */
export const ATTRIBUTE = {
  sessionId: 'honeyhive.session_id',
  sessionAutoCreate: 'honeyhive.session_auto_create',
  sessionName: 'honeyhive.session_name',
  project: 'honeyhive.project',
  source: 'honeyhive.source',
  parentId: 'honeyhive.parent_id',
  tracerVersion: 'honeyhive.tracer_version',
  truncated: 'honeyhive.truncated',
  unfinished: 'honeyhive.unfinished',
  redactionFailed: 'honeyhive.redaction_failed',
  link: 'honeyhive.link',
  eventType: 'honeyhive_event_type',
  eventName: 'honeyhive_event_name',
  eventId: 'honeyhive_event_id',
  error: 'honeyhive_error',
  errorType: 'honeyhive_error_type',
} as const

/** Metrics of an answer that came in pieces. */
export const METRIC = {
  /** Milliseconds from the start of the call to the first piece of the answer. */
  timeToFirstTokenMs: 'ttft_ms',
  chunkCount: 'chunk_count',
} as const

/** Value of the link attribute on a root that was opened inside another tracer's span. */
export const CROSS_TRACER_LINK = 'cross-tracer'

/** The user-data buckets of an event and the attribute prefix each one has on a span. */
export const BUCKET_PREFIX = {
  inputs: 'honeyhive_inputs',
  outputs: 'honeyhive_outputs',
  config: 'honeyhive_config',
  metadata: 'honeyhive_metadata',
  metrics: 'honeyhive_metrics',
  feedback: 'honeyhive_feedback',
  userProperties: 'honeyhive_user_properties',
} as const
/** Name of a bucket, as options and enrichment spell it. */
export type Bucket = keyof typeof BUCKET_PREFIX

/** Every bucket name, in the order they are written. */
export const BUCKETS: readonly Bucket[] = Object.keys(BUCKET_PREFIX) as Bucket[]

/** Why a span was not delivered. */
export const DROP_REASONS = [
  'queueFull',
  'bytesFull',
  'tooLarge',
  'unserializable',
  'retryExhausted',
  'httpStatus',
  'serverRejected',
  'badReply',
  'afterShutdown',
  'shutdownTimeout',
  'filtered',
  'unsampled',
  'disabled',
  'internal',
] as const
/** Why a span was not delivered; `stats().dropped` counts under these names. */
export type DropReason = (typeof DROP_REASONS)[number]
