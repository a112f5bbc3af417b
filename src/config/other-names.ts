import { createAdviser } from '../options/nearest.js'

const use = (option: string, note = ''): string => `Use "${option}"${note}.`

const MILLISECONDS = ', in milliseconds'
const KEY = 'One key is enough: give it as "apiKey".'
const PROJECT = 'The API key selects the project; remove the option.'
const SERVICE = 'Name the service in "resourceAttributes", e.g. { "service.name": "checkout" }.'
const INSTRUMENTATIONS = 'Give instances in "instrumentations", e.g. [new OpenAIInstrumentation()].'
const UNPACK = 'Give its fields as options, by name.'
const NO_CACHE = 'Nothing is cached; remove the option.'
const PROMPTS = 'Prompts are not read by the tracer; remove the option.'
const NO_WAIT = 'Delivery never holds the program up; call forceFlush() where you want to wait.'

/**
 * What other SDKs call an option, and what replaces it here: the Python SDK and `honeyhive` 1.x, Traceloop, Langfuse,
 * LangSmith, Braintrust, Sentry, OpenTelemetry's NodeSDK. Names that are near one of ours are not listed, the search for those finds them.
 */
export const REPLACEMENTS: Readonly<Record<string, string>> = {
  disableTracing: use('disabled'),
  disableHttpTracing: `HTTP is traced only by an instrumentation of yours. ${INSTRUMENTATIONS}`,
  instrumentModules: INSTRUMENTATIONS,
  instrumentors: INSTRUMENTATIONS,
  spanNameFilters: use('spanFilter'),
  maxSpanSize: use('limits.maxSpanBytes'),
  preserveCoreAttributes: 'The identity of a span is always kept; remove the option.',
  cacheEnabled: NO_CACHE,
  cacheMaxSize: NO_CACHE,
  cacheTtl: NO_CACHE,
  cacheCleanupInterval: NO_CACHE,
  requestsSession: 'Use "fetch" for REST requests, "exporter" for spans.',
  skipBackendSessionCreation: use('skipSessionCreation'),
  config: UNPACK,
  sessionConfig: UNPACK,
  evaluationConfig: UNPACK,
  otlpEnabled: use('exporter: false'),
  otlpEndpoint: use('exportUrl'),
  otlpHeaders: use('headers'),
  otlpProtocol: use('protocol'),
  batchSize: use('batch.maxExportBatchSize'),
  flushInterval: use('batch.scheduledDelayMs', MILLISECONDS),
  exportTimeout: use('batch.exportTimeoutMs', MILLISECONDS),
  timeout: use('batch.exportTimeoutMs', MILLISECONDS),
  maxRetries: use('batch.retryBudgetMs', MILLISECONDS),

  appName: SERVICE,
  serviceName: SERVICE,
  baseUrl: use('serverUrl'),
  logLevel: use('verbose', ' or "logger"'),
  traceContent: use('capture', ', e.g. { inputs: false, outputs: false }'),
  processor: use('spanProcessors', ', a list'),
  contextManager: use('registerContextManager'),
  silenceInitializationMessage: 'Nothing is printed at the start; remove the option.',
  tracingEnabled: use('disabled', ', with the opposite value'),
  enabled: use('disabled', ', with the opposite value'),

  publicKey: KEY,
  secretKey: KEY,
  flushAt: use('batch.maxExportBatchSize'),
  mask: use('redact'),
  shouldExportSpan: use('spanFilter'),
  environment: use('source'),
  release: 'Give it in "resourceAttributes", e.g. { "service.version": "1.2.3" }.',
  additionalHeaders: use('headers'),
  exportMode: use('disableBatch', ', true for immediate'),

  apiUrl: use('serverUrl'),
  projectName: use('project'),
  workspaceId: PROJECT,
  tenantId: PROJECT,
  timeoutMs: use('batch.exportTimeoutMs'),
  anonymizer: use('redact'),
  hideInputs: use('capture', ', e.g. { inputs: false }'),
  hideOutputs: use('capture', ', e.g. { outputs: false }'),
  autoBatchTracing: use('disableBatch', ', with the opposite value'),
  batchSizeLimit: use('batch.maxExportBatchSize'),
  batchSizeBytesLimit: use('batch.maxExportBatchBytes'),
  maxIngestMemoryBytes: use('batch.maxQueueBytes'),
  traceBatchConcurrency: use('batch.concurrency'),
  blockOnRootRunFinalization: NO_WAIT,
  manualFlushMode: NO_WAIT,
  tracingSamplingRate: use('sampleRate'),
  fetchImplementation: use('fetch'),
  httpAgent: use('agent'),
  httpsAgent: use('agent'),
  httpAgentOptions: use('agent', ', e.g. new https.Agent({ ... })'),
  dispatcher: use('fetch', ' for REST requests; spans take an "agent" of node:https'),
  rejectUnauthorized: 'Certificates are always verified; give the authority as "ca".',
  certificateFile: use('ca'),
  debug: use('verbose'),

  traceExporter: use('exporter'),
  spanLimits: use('limits'),
  autoDetectResources: use('resourceDetectors'),

  traceloopSyncEnabled: PROMPTS,
  tracingExporter: use('exporter'),

  appUrl: use('serverUrl'),
  orgName: PROJECT,
  projectId: PROJECT,
  asyncFlush: NO_WAIT,
  setCurrent: 'Nothing is set as current by init(); call setDefaultTracer(tracer) where you want that.',

  dsn: `${use('apiKey')} The server is "serverUrl".`,
  tracesSampleRate: use('sampleRate'),
  tracesSampler: use('sampler'),
  beforeSend: use('redact', ' for values, "spanFilter" for whole spans'),
  beforeSendSpan: use('redact', ' for values, "spanFilter" for whole spans'),
  integrations: INSTRUMENTATIONS,

  name: use('sessionName'),
  key: use('apiKey'),
  token: use('apiKey'),
  url: use('serverUrl'),
  endpoint: use('serverUrl', ', or "exportUrl" for a collector'),
  host: use('serverUrl'),
  tags: use('metadata'),
  userId: use('userProperties', ', e.g. { user_id: "42" }'),
}

/** What to do about an option that another SDK has, in any spelling; `undefined` for names no SDK has. */
export const findReplacement: (name: string) => string | undefined = createAdviser(REPLACEMENTS)
