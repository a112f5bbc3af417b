import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { clearTimeout, setTimeout, unixMs } from '../builtins.js'
import { createDiagnostics } from '../diagnostics.js'
import { HoneyHiveError } from '../errors.js'
import { checkOptions } from '../options/check.js'
import { createAdviser } from '../options/nearest.js'
import {
  ANYTHING,
  type GroupSpec,
  isBoolean,
  isFilledText,
  isListOf,
  isMapLike,
  isMapOf,
  isText,
  isWhole,
  type OptionSpec,
} from '../options/spec.js'
import type { DevContext } from './context.js'
import { createApp } from './http/app.js'
import type { App } from './http/call.js'
import { createGuard, resolveBindHost } from './http/guard.js'
import { createListener, refuseEarly } from './http/listener.js'
import { createLiveFeed, type LiveFeed } from './http/live.js'
import { createPageFiles } from './http/page-files.js'
import { addIngestRoutes } from './ingest/routes.js'
import type { EventDetail, ProjectSummary, SessionSummary } from './page-api/contract.js'
import { type EventNode, eachEvent, readTree } from './page-api/events.js'
import { createPageApi } from './page-api/routes.js'
import { createRunPages } from './page-api/runs.js'
import { findSession, listProjects, listSessions, type SessionFilter } from './page-api/sessions.js'
import { createPriceTable, type PriceOptions } from './prices/price-table.js'
import { addConfigurationRoutes } from './rest/configurations.js'
import { addDatapointRoutes } from './rest/datapoints.js'
import { addDatasetRoutes } from './rest/datasets.js'
import { addEventRoutes } from './rest/events.js'
import { addMetricRoutes } from './rest/metrics.js'
import { addRunRoutes } from './rest/runs.js'
import { addSearchRoutes } from './rest/search.js'
import { addSessionRoutes } from './rest/sessions.js'
import { addUnsupportedRoutes } from './rest/unsupported.js'
import type { Database } from './store/database.js'
import { createProjectStore, findProject } from './store/projects.js'
import { type Retention, startRetention } from './store/retention.js'
import { openStore, type Store } from './store/store.js'

const MAX_PORT = 65_535
const FLAG: OptionSpec = { accepts: isBoolean, expected: 'true or false', remedy: 'Give true or false.' }
const DURATION: OptionSpec = { accepts: isWhole(0), expected: 'a whole number of milliseconds', remedy: 'Give e.g. 10_000.' }
const COUNT: OptionSpec = { accepts: isLimit, expected: 'a number above 0', remedy: 'Give e.g. 1_000.' }
const BYTES: OptionSpec = { accepts: isLimit, expected: 'a number of bytes above 0', remedy: 'Give e.g. 1_048_576.' }

const RETENTION: Readonly<Record<keyof Retention, OptionSpec>> = {
  maxBytes: BYTES,
  maxAgeMs: {
    accepts: (value) => value === 0 || isLimit(value),
    expected: 'a number of milliseconds',
    remedy: 'Give e.g. 604_800_000 for a week.',
  },
}

/** `Infinity` is no limit. */
function isLimit(value: unknown): boolean {
  return typeof value === 'number' && value > 0
}

/** Where an option is looked at closely by whoever reads it, anything passes here. */
const OPTIONS: Readonly<Record<keyof DevServerOptions, OptionSpec | GroupSpec>> = {
  port: { accepts: isWhole(0, MAX_PORT), expected: `a whole number from 0 to ${MAX_PORT}`, remedy: 'Give e.g. 4319, or 0 for a free one.' },
  host: { accepts: isText, expected: 'a text', remedy: "Give e.g. '127.0.0.1'." },
  database: { accepts: isFilledText, expected: 'the path of a file', remedy: "Give e.g. 'dev.db' or ':memory:'." },
  projects: {
    accepts: isMapOf(isText),
    expected: 'an object of names and keys',
    remedy: "Give e.g. { shop: 'key-of-shop' }.",
    secret: true,
  },
  dangerouslyBindAllInterfaces: ANYTHING,
  allowedHosts: { accepts: isListOf(isText), expected: 'a list of texts', remedy: "Give e.g. ['my-machine:4319']." },
  strictMapping: FLAG,
  parseJsonStrings: FLAG,
  maxBodyBytes: BYTES,
  maxInflatedBytes: BYTES,
  maxSpans: COUNT,
  headersTimeoutMs: DURATION,
  requestTimeoutMs: DURATION,
  maxConnections: COUNT,
  retention: { expected: 'an object', remedy: 'Give e.g. { maxAgeMs: 604_800_000 }.', members: RETENTION },
  maxDatabaseBytes: { accepts: isWhole(1), expected: 'a whole number of bytes above 0', remedy: 'Leave it out for no limit.' },
  prices: { accepts: isMapLike, expected: 'an object of prices by model', remedy: "Give e.g. { 'my-model': { input: 1, output: 2 } }." },
  engine: {
    accepts: (value) => value === 'node:sqlite' || value === 'libsql',
    expected: "'node:sqlite' or 'libsql'",
    remedy: 'Leave it out to take what this Node has.',
  },
}

/** What the command calls these options. */
const adviseOption = createAdviser({ db: 'Use "database".', project: 'Use "projects": { name: key }.' })

/** Settings of {@link startDevServer}. */
export interface DevServerOptions {
  /** TCP port; 0 takes a free one. @defaultValue 4319 */
  readonly port?: number
  /** Loopback address to listen on. @defaultValue `'127.0.0.1'` */
  readonly host?: string
  /** SQLite file, or `':memory:'`. @defaultValue `'.honeyhive/dev.db'` */
  readonly database?: string
  /** API key of each project, by project name. Other keys get projects of their own. */
  readonly projects?: Readonly<Record<string, string>>
  /** Lets `host` be something other than loopback. Everybody who can reach it can read and write. @defaultValue false */
  readonly dangerouslyBindAllInterfaces?: boolean
  /** Further names in the `Host` header that are answered, as `name:port`. */
  readonly allowedHosts?: readonly string[]
  /** Model signals override an explicit event type and span status is no error, as HoneyHive's newest ingestion does. @defaultValue false */
  readonly strictMapping?: boolean
  /** Whether JSON text inside inputs, outputs and the other buckets is read. @defaultValue true */
  readonly parseJsonStrings?: boolean
  /** Largest request body in bytes as it comes over the wire. @defaultValue 20 MiB */
  readonly maxBodyBytes?: number
  /** Largest request body in bytes after decompression. @defaultValue 32 MiB */
  readonly maxInflatedBytes?: number
  /** Most spans in one export request. @defaultValue 50_000 */
  readonly maxSpans?: number
  /** Time in milliseconds a client has to send its headers. @defaultValue 10_000 */
  readonly headersTimeoutMs?: number
  /** Time in milliseconds a client has to send its whole request. @defaultValue 30_000 */
  readonly requestTimeoutMs?: number
  /** Most open connections. @defaultValue 512 */
  readonly maxConnections?: number
  /** How much is kept, and for how long. */
  readonly retention?: Retention
  /** Hard limit of the file in bytes; beyond it senders get 503 until there is room. @defaultValue none */
  readonly maxDatabaseBytes?: number
  /** What models cost, by name, in US dollars per million tokens: `{ 'my-model': { input: 1, output: 2 } }`. Before the usual prices. */
  readonly prices?: PriceOptions
  /** SQLite engine; by default the one built into Node, else `libsql`. */
  readonly engine?: Database['engine']
}

/** A running local server. Reads see everything that was acknowledged. */
export interface DevServer {
  /** Base URL, e.g. `http://127.0.0.1:4319`; what `serverUrl` or `HH_API_URL` should be. */
  readonly url: string
  readonly port: number
  /** The SQLite file, or `':memory:'`. */
  readonly database: string
  readonly engine: Database['engine']
  /** Every project that holds something or was given in the settings, with its figures. */
  projects(): readonly ProjectSummary[]
  /** Sessions, newest first; `project` is a name or an id. */
  sessions(filter?: Omit<SessionFilter, 'projectId'> & { readonly project?: string }): readonly SessionSummary[]
  /** Events in full and in order of start, session records included; `project` is a name or an id. */
  events(filter?: { readonly project?: string; readonly sessionId?: string }): readonly EventDetail[]
  /** The events of a session as trees, one per root. */
  tree(sessionId: string, filter?: { readonly project?: string }): readonly EventNode[]
  /** Commits what is waiting, ends open connections and closes the file. May be called again. */
  close(): Promise<void>
}

const MEBIBYTE = 1_048_576
const MAX_HEADER_BYTES = 16_384
const KEEP_ALIVE_MS = 65_000
/** How long requests on their way may still take when the server closes. */
const CLOSE_GRACE_MS = 500

/**
 * Starts the local HoneyHive server: speaks HoneyHive's wire contract, stores in SQLite and shows a page.
 *
 * @throws HoneyHiveConfigError for options that it does not have, and for values they do not take.
 * @throws HoneyHiveError `DEV_SERVER` when the host is not loopback, the port is taken or the database cannot be opened.
 */
export async function startDevServer(options: DevServerOptions = {}): Promise<DevServer> {
  // Each value was checked against its type.
  const given = checkOptions(options, OPTIONS, 'startDevServer', adviseOption) as DevServerOptions
  const { port = 4319, host = '127.0.0.1', database = '.honeyhive/dev.db', dangerouslyBindAllInterfaces = false } = given
  const bindHost = resolveBindHost({ host, dangerouslyBindAllInterfaces })
  const server = createNodeServer(given)
  // The port comes first: a server that cannot have it leaves the database alone.
  const actual = await listen(server, port, bindHost)
  try {
    const store = await openStore(database, { engine: given.engine, maxBytes: given.maxDatabaseBytes })
    return await serve(given, { server, port: actual, bindHost, store })
  } catch (error) {
    server.close()
    server.closeAllConnections()
    throw error
  }
}

async function serve(options: DevServerOptions, listening: Listening): Promise<DevServer> {
  const { server, port, bindHost, store } = listening
  const live = createLiveFeed((sessionId, projectId) => findSession(store, sessionId, projectId))
  try {
    const { listPage } = await import('./http/page-content.js')
    const app = createApp({ files: createPageFiles(listPage), addRoutes: await prepareRoutes(options, store, live) })
    const guard = createGuard({ port, bindHost, allowedHosts: options.allowedHosts ?? [] })
    server.removeAllListeners('request').on('request', await createListener(app, guard))
    const diagnostics = createDiagnostics({ label: 'dev' })
    const stopRetention = startRetention(store, options.retention ?? {}, (error) =>
      diagnostics.warn('retention', `old sessions could not be deleted: ${error instanceof Error ? error.message : String(error)}`),
    )
    return createHandle({ ...listening, live, stopRetention })
  } catch (error) {
    live.close()
    await store.close()
    throw error
  }
}

async function prepareRoutes(options: DevServerOptions, store: Store, live: LiveFeed): Promise<(app: App) => void> {
  const prices = createPriceTable(options.prices)
  const context: DevContext = {
    store,
    projects: await createProjectStore(store, options.projects ?? {}),
    prices,
    now: unixMs,
    limits: {
      maxBodyBytes: options.maxBodyBytes ?? 20 * MEBIBYTE,
      maxInflatedBytes: options.maxInflatedBytes ?? 32 * MEBIBYTE,
      maxSpans: options.maxSpans ?? 50_000,
    },
    mapping: { strict: options.strictMapping ?? false, parseJson: options.parseJsonStrings ?? true },
  }
  const runs = createRunPages(store)
  store.onCommit((changes) => {
    runs.forget(changes)
    live.publish(changes)
  })
  return (app) => {
    addIngestRoutes(app, context)
    addSessionRoutes(app, context)
    addSearchRoutes(app, context)
    addEventRoutes(app, context)
    addRunRoutes(app, context, runs)
    addDatasetRoutes(app, context)
    addDatapointRoutes(app, context)
    addConfigurationRoutes(app, context)
    addMetricRoutes(app, context)
    addUnsupportedRoutes(app)
    app.route('/api', createPageApi({ reader: store, runs, live, prices, edits: { store, prices, limits: context.limits } }))
  }
}

function createNodeServer(options: DevServerOptions): Server {
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: options.headersTimeoutMs ?? 10_000,
    requestTimeout: options.requestTimeoutMs ?? 30_000,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requireHostHeader: false,
  })
  server.maxConnections = options.maxConnections ?? 512
  server.on('request', refuseEarly)
  return server
}

/** Gives back the port, which the system chose when 0 was asked for. */
async function listen(server: Server, port: number, bindHost: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new HoneyHiveError(
          'DEV_SERVER',
          `Cannot listen on ${bindHost}:${port}: ${cause.message}. Choose another port, or 0 for a free one.`,
          { cause },
        ),
      ),
    )
    server.listen(port, bindHost, resolve)
  })
  // A server listening on TCP has an address object.
  return (server.address() as AddressInfo).port
}

interface Listening {
  readonly server: Server
  readonly port: number
  readonly bindHost: string
  readonly store: Store
}

interface Parts extends Listening {
  readonly live: LiveFeed
  readonly stopRetention: () => void
}

function createHandle({ server, port, bindHost, store, live, stopRetention }: Parts): DevServer {
  let closing: Promise<void> | undefined
  const projectOf = (name: string | undefined): number | undefined => {
    if (name === undefined) return undefined
    // No project has this id: an unknown name lists nothing.
    return findProject(store, name) ?? -1
  }

  async function closeOnce(): Promise<void> {
    stopRetention()
    live.close()
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeIdleConnections()
    const grace = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS)
    await closed
    clearTimeout(grace)
    await store.close()
  }

  return {
    url: `http://${bindHost.includes(':') ? `[${bindHost}]` : bindHost}:${port}`,
    port,
    database: store.path,
    engine: store.engine,
    projects: () => listProjects(store),
    sessions: ({ project, ...filter } = {}) => listSessions(store, { limit: 500, ...filter, projectId: projectOf(project) }).sessions,
    events: ({ project, sessionId } = {}) => [...eachEvent(store, { projectId: projectOf(project), sessionId })],
    tree: (sessionId, { project } = {}) => readTree(store, sessionId, projectOf(project)),
    close: () => (closing ??= closeOnce()),
  }
}
