import type { Agent } from 'node:http'
import { createFetchTransport } from '../api/fetch-transport.js'
import { withMask } from '../api/masked-transport.js'
import type { TracerOptions } from '../config/options.js'
import { resolveConfig } from '../config/resolve.js'
import type { ResolvedConfig } from '../config/resolved.js'
import { OPTIONS } from '../config/schema.js'
import { HoneyHiveConfigError, HoneyHiveError } from '../errors.js'
import { toRequestHeaders } from '../export/headers.js'
import { HttpTransport, type Transport } from '../export/transport.js'
import { checkOptions } from '../options/check.js'
import { createAdviser } from '../options/nearest.js'
import type { OptionSpec, Specs } from '../options/spec.js'
import type { RedactFunction, RedactRules } from '../semantics/redaction.js'
import { MAX_TIMER_MS } from '../time.js'
import { apiKeyFor } from '../tracer/instance-key.js'
import { redactorFor } from '../tracer/instance-redactor.js'
import { type ConfigurationsResource, createConfigurations } from './configurations.js'
import { createDatapoints, type DatapointsResource } from './datapoints.js'
import { createDatasets, type DatasetsResource } from './datasets.js'
import { createEvents, type EventsResource } from './events.js'
import { createExperiments, type ExperimentsResource } from './experiments.js'
import { createMetrics, type MetricsResource } from './metrics.js'
import { createProjects, type ProjectsResource } from './projects.js'
import { createSend, type Send } from './request.js'
import { createSessions, type SessionsResource } from './sessions.js'
import { createTools, type ToolsResource } from './tools.js'

/** Settings of {@link createClient}. */
export interface ClientOptions {
  /**
   * Selects the project; a function is asked at the first request, and again when the server refuses the key.
   *
   * Environment `HH_API_KEY`.
   */
  readonly apiKey?: string | (() => string | Promise<string>)
  /**
   * Base URL of the server.
   *
   * Environment `HH_API_URL`.
   *
   * @defaultValue `https://api.dp1.us.honeyhive.ai`
   */
  readonly serverUrl?: string
  /** Allows plain `http:` to another machine, which sends the key readable to everyone on the way. @defaultValue false */
  readonly allowInsecureUrl?: boolean
  /** Limit of one call in milliseconds, waiting and retries included. @defaultValue 30_000 */
  readonly timeoutMs?: number
  /**
   * How often a call is repeated that failed in passing: 429, 502, 503 and 504, and broken connections where a repetition changes nothing. 0
   * for never.
   *
   * @defaultValue 4
   */
  readonly retries?: number
  /** Headers of every request. */
  readonly headers?: Readonly<Record<string, string>>
  /** Proxy, or `false` for none. @defaultValue that of `HTTPS_PROXY` and `HTTP_PROXY` where Node itself was told to use it */
  readonly proxy?: string | false
  /** Makes the connections, e.g. with a client certificate. */
  readonly agent?: Agent
  /** Certificate authorities to trust, PEM or the path of a file. */
  readonly ca?: NonNullable<TracerOptions['ca']>
  /** Sends the requests in place of Node's own client; `proxy`, `agent` and `ca` are then its business. */
  readonly fetch?: typeof fetch
  /** What is masked in the bodies of errors, as for tracers; the API key always is. Requests are sent as they are. */
  readonly redact?: RedactRules | RedactFunction | false
}

/** HoneyHive's API with the key of one project. */
export interface HoneyHiveClient {
  readonly sessions: SessionsResource
  readonly events: EventsResource
  readonly datasets: DatasetsResource
  readonly datapoints: DatapointsResource
  readonly experiments: ExperimentsResource
  readonly configurations: ConfigurationsResource
  readonly metrics: MetricsResource
  readonly projects: ProjectsResource
  readonly tools: ToolsResource
  /** Base URL of the server. */
  readonly serverUrl: string
  /** Gives the connections back; later calls fail. An idle client keeps no process alive, so only programs that make many need it. */
  close(): void
  /** As {@link HoneyHiveClient.close}, for `using`. */
  [Symbol.dispose](): void
}

const NAMES = ['apiKey', 'serverUrl', 'allowInsecureUrl', 'headers', 'proxy', 'agent', 'ca', 'fetch', 'redact'] as const

const SPECS: Specs = {
  ...Object.fromEntries(NAMES.map((name) => [name, OPTIONS[name] as OptionSpec])),
  timeoutMs: {
    accepts: (value) => typeof value === 'number' && value > 0 && value <= MAX_TIMER_MS,
    expected: 'a positive number of milliseconds',
    remedy: 'Give e.g. 30_000.',
  },
  retries: {
    accepts: (value) => Number.isInteger(value) && Number(value) >= 0,
    expected: 'zero or a positive integer',
    remedy: 'Give e.g. 4, or 0 for none.',
  },
}

const SERVER = 'Use "serverUrl".'
const KEY = 'Use "apiKey".'

/** What the clients of the Python SDK and of `honeyhive` on npm, and HTTP libraries, call the same. */
const adviseUnknown = createAdviser({
  baseUrl: SERVER,
  apiUrl: SERVER,
  url: SERVER,
  host: SERVER,
  endpoint: SERVER,
  dataPlaneUrl: SERVER,
  bearerAuth: KEY,
  token: KEY,
  key: KEY,
  maxRetries: 'Use "retries".',
  retryConfig: 'Use "retries".',
  httpClient: 'Use "fetch".',
})

/** What a client is made of. */
export interface OpenClient {
  readonly send: Send
  readonly serverUrl: string
  close(): void
}

/** The way to the server. @throws HoneyHiveConfigError as {@link createClient} does, naming `where` */
export function openClient(options: ClientOptions, where: string): OpenClient {
  const { timeoutMs = 30_000, retries = 4, ...given } = checkOptions(options, SPECS, where, adviseUnknown)
  const config = resolveConfig({ ...given, disabled: false, testMode: false })
  refuseUnusable(config, where)
  const { label, text } = toMasks(config)
  const transport = withMask(openTransport(config, label), label)
  const sendOpen = createSend({ transport, timeoutMs: Number(timeoutMs), retries: Number(retries), mask: text })
  let isClosed = false
  return {
    serverUrl: transport.baseUrl,
    async send(plan, requestOptions) {
      if (!isClosed) return sendOpen(plan, requestOptions)
      const message = `${plan.method} ${plan.path} was not sent: this client is closed. Make another one.`
      throw new HoneyHiveError('HTTP_NETWORK', message)
    },
    close() {
      isClosed = true
      transport.close()
    },
  }
}

/**
 * A client of HoneyHive's REST API. No request is made before the first call.
 *
 * @throws HoneyHiveConfigError listing every option that is wrong or unknown; without a key, and for a server that cannot be used
 */
export function createClient(options: ClientOptions = {}): HoneyHiveClient {
  const { send, serverUrl, close } = openClient(options, 'createClient')
  const events = createEvents(send)
  return Object.freeze({
    sessions: createSessions(send, events),
    events,
    datasets: createDatasets(send),
    datapoints: createDatapoints(send),
    experiments: createExperiments(send),
    configurations: createConfigurations(send),
    metrics: createMetrics(send),
    projects: createProjects(send),
    tools: createTools(send),
    serverUrl,
    close,
    [Symbol.dispose]: close,
  })
}

function refuseUnusable({ apiKey, askKey, disabled, warnings }: ResolvedConfig, where: string): void {
  if (disabled) {
    const problems = warnings.map((message) => ({ option: 'serverUrl', message: message.replace(/^Disabled: /, '') }))
    throw new HoneyHiveConfigError(problems, where)
  }
  if (apiKey !== undefined || askKey !== undefined) return
  const message = 'Invalid "apiKey": expected an API key, got none. Give "apiKey", or set HH_API_KEY.'
  throw new HoneyHiveConfigError([{ option: 'apiKey', message }], where)
}

function toMasks(config: ResolvedConfig): { label: (text: string) => string; text: (text: string) => string } {
  const redactor = redactorFor(config)
  return { label: (text) => redactor.label(text), text: (text) => redactor.text('body', text) }
}

function openTransport(config: ResolvedConfig, label: (text: string) => string): Transport {
  const { serverUrl, source, headers: given, fetch, proxy, agent, ca } = config
  const key = apiKeyFor(config)
  const headers = toRequestHeaders({ apiKey: undefined, source: label(source), headers: given })
  return fetch === undefined
    ? new HttpTransport({ serverUrl, headers, key, proxy, agent, ca })
    : createFetchTransport({ serverUrl, headers, key, fetch })
}
