import { X509Certificate } from 'node:crypto'
import { Agent } from 'node:http'
import { rootCertificates } from 'node:tls'
import { hostDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { NoopSpanProcessor, RandomIdGenerator } from '@opentelemetry/sdk-trace'
import type { ResolvedConfig } from '../../src/config/resolved.js'

/** One row of the table of options: what each source gives and what must come out. */
export interface Row {
  readonly option: string
  readonly initial: unknown
  /** A value given in code, and what it resolves to when that differs. */
  readonly code: readonly [given: unknown, resolved?: unknown]
  readonly wrong: readonly unknown[]
  readonly env?: { readonly name: string; readonly text: string; readonly value: unknown; readonly wrong: string }
}

const wrongTexts = [42, true, {}, [], () => 'x']
const wrongFlags = ['true', 1, 'yes', {}, Number.NaN]
const wrongCounts = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e308, '10', true, [], {}]
const wrongMaps = ['x', 5, [], () => ({}), new Map(), new Date(0)]
const collaborator = (): void => undefined
const sampler = { shouldSample: () => ({ decision: 2 }), toString: () => 'always' }
const logger = { debug: collaborator, warn: collaborator, error: collaborator }
const exporter = { export: collaborator, shutdown: async () => undefined }
const processor = new NoopSpanProcessor()
const instrumentation = { setTracerProvider: collaborator }
const authority = new X509Certificate(rootCertificates[0] ?? '').toString()
const PEM_MARKS = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
const meters = { getMeter: collaborator }
const uuid = '0b6de1f2-58f6-4a7e-9c1e-000000000001'

const text = (option: string, initial: unknown, name: string): Row => ({
  option,
  initial,
  code: ['from code'],
  wrong: wrongTexts,
  env: { name, text: ' from env ', value: 'from env', wrong: 'undefined' },
})
const flag = (option: string, initial: boolean, name?: string): Row => ({
  option,
  initial,
  code: [!initial],
  wrong: wrongFlags,
  ...(name !== undefined && { env: { name, text: initial ? 'off' : 'ON', value: !initial, wrong: 'maybe' } }),
})
const count = (option: string, initial: number | undefined, name: string, wrong: readonly unknown[] = wrongCounts): Row => ({
  option,
  initial,
  code: [7],
  wrong,
  env: { name, text: '9', value: 9, wrong: '5s' },
})
const notZero = (values: readonly unknown[]): readonly unknown[] => values.filter((value) => value !== 0)

/** Every option of the public table, groups member by member. */
export const ROWS: readonly Row[] = [
  {
    ...text('apiKey', undefined, 'HH_API_KEY'),
    code: ['  key from code\n', 'key from code'],
    wrong: text('apiKey', undefined, 'HH_API_KEY').wrong.filter((value) => typeof value !== 'function'),
  },
  text('project', undefined, 'HH_PROJECT'),
  text('source', 'dev', 'HH_SOURCE'),
  {
    option: 'serverUrl',
    initial: 'https://api.dp1.us.honeyhive.ai',
    code: ['https://self.hosted:8443/base///', 'https://self.hosted:8443/base'],
    wrong: [
      '',
      'not a url',
      'ftp://x',
      'javascript:alert(1)',
      'file:///etc/passwd',
      'https://u:p@h',
      'https://h:99999',
      'https://h/?q=1',
      'https://h/#f',
      'http://',
      `https://h/${'a'.repeat(65_536)}`,
      42,
      {},
    ],
    env: { name: 'HH_API_URL', text: 'https://env.example/', value: 'https://env.example', wrong: 'env.example' },
  },
  {
    option: 'exportUrl',
    initial: undefined,
    code: ['http://LOCALHOST:4318/v1/traces/', 'http://localhost:4318/v1/traces/'],
    wrong: ['', 'localhost:4318', '/v1/traces', 'ftp://x', 'https://u:p@h', 'https://h/?q=1', 'https://h/#f', 42, false, {}],
    env: {
      name: 'HH_EXPORT_URL',
      text: 'https://collector.example/v1/traces',
      value: 'https://collector.example/v1/traces',
      wrong: 'localhost',
    },
  },
  flag('allowInsecureUrl', false),
  {
    option: 'proxy',
    initial: undefined,
    code: ['http://proxy:3128', { http: 'http://proxy:3128/', https: 'http://proxy:3128/', except: '' }],
    wrong: ['', 'proxy:3128', 'socks5://proxy:1', 'http://proxy/path', 'http://proxy/?q=1', true, 42, {}],
  },
  {
    option: 'agent',
    initial: undefined,
    code: [new Agent()],
    wrong: ['', 'http', true, false, 42, {}, [], { addRequest: 1 }, [new Agent()]],
  },
  {
    option: 'ca',
    initial: undefined,
    code: [authority, authority],
    wrong: ['', '/no/such/file.pem', PEM_MARKS, new Uint8Array(3), [], [authority, 'x'], true, 42, {}],
  },
  text('sessionName', undefined, 'HH_SESSION_NAME'),
  { option: 'sessionId', initial: undefined, code: [uuid.toUpperCase(), uuid], wrong: wrongTexts },
  { option: 'inputs', initial: undefined, code: [{ q: 1 }], wrong: wrongMaps },
  { option: 'metadata', initial: undefined, code: [{ q: { deep: [1] } }], wrong: wrongMaps },
  { option: 'userProperties', initial: undefined, code: [{ id: 'u' }], wrong: wrongMaps },
  flag('skipSessionCreation', false, 'HH_SKIP_SESSION_CREATION'),
  flag('testMode', false, 'HH_TEST_MODE'),
  flag('disabled', false, 'HH_DISABLE_TRACING'),
  flag('verbose', false, 'HH_VERBOSE'),
  flag('disableBatch', false, 'HH_DISABLE_BATCH'),
  flag('isEvaluation', false),
  { option: 'runId', initial: undefined, code: ['run'], wrong: wrongTexts },
  { option: 'datasetId', initial: undefined, code: ['set'], wrong: wrongTexts },
  { option: 'datapointId', initial: undefined, code: ['point'], wrong: wrongTexts },
  { option: 'linkCarrier', initial: undefined, code: [new Headers({ traceparent: 'x' })], wrong: ['x', 5, true] },
  {
    option: 'spanFilter',
    initial: undefined,
    code: [{ include: ['chat'], exclude: ['http.'] }],
    wrong: ['x', [], { include: 'chat' }, { exclude: [1] }, { includes: [] }],
  },
  { ...count('limits.maxAttributes', 1024, 'HH_MAX_ATTRIBUTES', notZero(wrongCounts)), code: [0] },
  { ...count('limits.maxEvents', 1024, 'HH_MAX_EVENTS', notZero(wrongCounts)), code: [0] },
  { ...count('limits.maxLinks', 128, 'HH_MAX_LINKS', notZero(wrongCounts)), code: [0] },
  { ...count('limits.maxAttributesPerEvent', undefined, 'HH_MAX_ATTRIBUTES_PER_EVENT', notZero(wrongCounts)), code: [0] },
  { ...count('limits.maxAttributesPerLink', undefined, 'HH_MAX_ATTRIBUTES_PER_LINK', notZero(wrongCounts)), code: [0] },
  count('limits.maxValueLength', undefined, 'HH_MAX_VALUE_LENGTH'),
  count('limits.maxSpanBytes', 10_485_760, 'HH_MAX_SPAN_BYTES'),
  { ...count('batch.maxQueueSize', 50_000, 'HH_BATCH_MAX_QUEUE_SIZE'), code: [60_000] },
  { ...count('batch.maxQueueBytes', 67_108_864, 'HH_BATCH_MAX_QUEUE_BYTES'), code: [70_000_000] },
  count('batch.maxExportBatchSize', 512, 'HH_BATCH_MAX_EXPORT_BATCH_SIZE'),
  count('batch.maxExportBatchBytes', 1_048_576, 'HH_BATCH_MAX_EXPORT_BATCH_BYTES'),
  count('batch.scheduledDelayMs', 1000, 'HH_BATCH_SCHEDULED_DELAY_MS', notZero(wrongCounts)),
  count('batch.exportTimeoutMs', 10_000, 'HH_BATCH_EXPORT_TIMEOUT_MS'),
  count('batch.retryBudgetMs', 60_000, 'HH_BATCH_RETRY_BUDGET_MS', notZero(wrongCounts)),
  count('batch.concurrency', 4, 'HH_BATCH_CONCURRENCY', [...wrongCounts, 257]),
  { ...text('spool', undefined, 'HH_SPOOL_DIR'), code: ['./spool'], wrong: [...wrongTexts, '', ' ', 'a\0b'] },
  {
    option: 'protocol',
    initial: 'http/json',
    code: ['http/protobuf'],
    wrong: ['grpc', 1, ''],
    env: { name: 'HH_OTLP_PROTOCOL', text: 'http/protobuf', value: 'http/protobuf', wrong: 'grpc' },
  },
  {
    option: 'compression',
    initial: 'gzip',
    code: ['none'],
    wrong: ['br', true],
    env: { name: 'HH_OTLP_COMPRESSION', text: 'none', value: 'none', wrong: 'zstd' },
  },
  {
    option: 'headers',
    initial: {},
    code: [{ 'x-tenant': 'acme' }],
    wrong: [
      ...wrongMaps,
      { a: 1 },
      { 'x y': '1' },
      { a: 'b\r\nAuthorization: Bearer x' },
      { a: '\0' },
      { a: '😀' },
      { authorization: 'Bearer x' },
      { Host: 'x' },
      { '': 'x' },
    ],
  },
  {
    option: 'resourceAttributes',
    initial: {},
    code: [{ 'service.name': 'checkout', n: 0, on: false, names: ['a', null], sizes: [1, 2], flags: [true], none: [] }],
    wrong: [...wrongMaps, { a: {} }, { a: null }, { a: [1, 'b'] }, { a: [[]] }, { a: Number.NaN }, { a: 1n }, { a: () => 1 }],
  },
  { option: 'resource', initial: undefined, code: [resourceFromAttributes({ a: 1 })], wrong: ['x', {}, { attributes: {} }, []] },
  { option: 'resourceDetectors', initial: [], code: [[hostDetector]], wrong: [hostDetector, [{}], [hostDetector, null], 'x'] },
  flag('capture.inputs', true, 'HH_CAPTURE_INPUTS'),
  flag('capture.outputs', true, 'HH_CAPTURE_OUTPUTS'),
  count('capture.maxBytes', 2_097_152, 'HH_CAPTURE_MAX_BYTES'),
  { option: 'capture.media', initial: 'summary', code: ['keep'], wrong: ['none', true, 1, {}] },
  {
    option: 'redact',
    initial: {},
    code: [{ keys: ['ssn', /^pin$/i], patterns: [/\d{16}/g], replacement: '', builtIn: false }],
    wrong: [
      true,
      'x',
      [],
      { keys: 'ssn' },
      { keys: [1] },
      { patterns: ['x'] },
      { replacement: 1 },
      { builtIn: 'no' },
      { formats: 'jwt' },
      { pattern: [] },
    ],
  },
  { option: 'sampler', initial: undefined, code: [sampler], wrong: ['x', {}, { shouldSample: true }, []] },
  {
    option: 'sampleRate',
    initial: 1,
    code: [0],
    wrong: [-0.1, 1.1, Number.NaN, Number.POSITIVE_INFINITY, '0.5', 1e308, true],
    env: { name: 'HH_SAMPLE_RATE', text: '0.25', value: 0.25, wrong: '2' },
  },
  flag('crossTracerLinks', true, 'HH_CROSS_TRACER_LINKS'),
  flag('registerContextManager', true),
  { option: 'instrumentations', initial: [], code: [[instrumentation]], wrong: [instrumentation, [{}], [null], [[null]], 'x'] },
  {
    option: 'spanProcessors',
    initial: [],
    code: [[processor]],
    wrong: [processor, [{}], [{ ...processor, onEnd: undefined }], [null], 'x'],
  },
  {
    option: 'idGenerator',
    initial: undefined,
    code: [new RandomIdGenerator()],
    wrong: [{}, { generateTraceId: collaborator }, collaborator],
  },
  { option: 'meterProvider', initial: undefined, code: [meters], wrong: [{}, { getMeter: 1 }, collaborator, 'x'] },
  { option: 'exporter', initial: undefined, code: [exporter], wrong: [{}, { export: collaborator }, 'x', true] },
  { option: 'fetch', initial: undefined, code: [globalThis.fetch], wrong: [{}, 'x'] },
  { option: 'logger', initial: undefined, code: [logger], wrong: [{}, { warn: collaborator }, 'x', true] },
  { option: 'onDrop', initial: undefined, code: [collaborator], wrong: [{}, 'x'] },
]

/** `{ batch: { concurrency: value } }` for `batch.concurrency`. */
export function toOptions(option: string, value: unknown): Record<string, unknown> {
  const [name = '', member] = option.split('.')
  return { [name]: member === undefined ? value : { [member]: value } }
}

/** The resolved value at `batch.concurrency`. */
export function toResolved(config: ResolvedConfig, option: string): unknown {
  return option.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], config)
}
