import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { HoneyHiveError } from '../errors.js'
import type { DevContext } from './context.js'
import { type Database, openDatabase } from './store/database.js'
import { type EventNode, listEvents, readTree } from './page-api/events.js'
import { createLiveFeed, type LiveFeed } from './http/live.js'
import { migrate } from './store/migrations.js'
import type { EventDetail, ProjectSummary, SessionSummary } from './page-api/contract.js'
import { createProjectStore, type ProjectStore } from './store/projects.js'
import { sendError, toHttpError } from './http/reply.js'
import { type HttpError, notFound } from './http/http-error.js'
import { createDatapointRoutes } from './rest/datapoints.js'
import { createDatasetRoutes } from './rest/datasets.js'
import { createEventRoutes } from './rest/events.js'
import { createOtlpRoutes } from './routes/otlp.js'
import { createPageRoutes } from './page-api/routes.js'
import { createRunRoutes } from './rest/runs.js'
import { createSearchRoutes } from './rest/search.js'
import { createSessionRoutes } from './rest/sessions.js'
import { createUnsupportedRoutes } from './rest/unsupported.js'
import { createRunPages } from './page-api/runs.js'
import { applyRetention, type Retention } from './store/retention.js'
import { matchRoute, type Route, splitPath } from './http/router.js'
import { createGuard, type Guard, resolveBindHost } from './http/guard.js'
import { listProjects, listSessions, type SessionFilter } from './page-api/sessions.js'
import { createStaticFiles, type StaticFiles } from './http/page-files.js'
import { createWriteQueue, StorageFullError, type WriteQueue } from './store/write-queue.js'

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
const RETENTION_EVERY_MS = 60_000
const MAX_HEADER_BYTES = 16_384
const KEEP_ALIVE_MS = 65_000
/** How long requests on their way may still take when the server closes. */
const CLOSE_GRACE_MS = 500

/**
 * Starts the local HoneyHive server: speaks HoneyHive's wire contract, stores in SQLite and shows a page.
 *
 * @throws HoneyHiveError `DEV_SERVER` when the host is not loopback, the port is taken or the database cannot be opened.
 */
export async function startDevServer(options: DevServerOptions = {}): Promise<DevServer> {
  const { port = 4319, host = '127.0.0.1', database: path = '.honeyhive/dev.db', dangerouslyBindAllInterfaces = false } = options
  const bindHost = resolveBindHost({ host, dangerouslyBindAllInterfaces })
  const database = await openDatabase(path, options.engine)
  prepareDatabase(database, options.maxDatabaseBytes)
  const projects = createProjectStore(database, options.projects ?? {})
  const live = createLiveFeed(database)
  const runs = createRunPages(database)
  const queue = createWriteQueue(database, (changes) => {
    runs.forget(changes)
    live.publish(changes)
  })
  const context: DevContext = {
    database,
    queue,
    projects,
    now: Date.now,
    limits: {
      maxBodyBytes: options.maxBodyBytes ?? 20 * MEBIBYTE,
      maxInflatedBytes: options.maxInflatedBytes ?? 32 * MEBIBYTE,
      maxSpans: options.maxSpans ?? 50_000,
    },
    mapping: { strict: options.strictMapping ?? false, parseJson: options.parseJsonStrings ?? true },
  }
  const routes = [
    ...createOtlpRoutes(context),
    ...createSessionRoutes(context),
    ...createSearchRoutes(context),
    ...createEventRoutes(context),
    ...createRunRoutes(context, runs),
    ...createDatasetRoutes(context),
    ...createDatapointRoutes(context),
    ...createUnsupportedRoutes(),
    ...createPageRoutes({ database, projects, live, runs }),
  ]
  const listening = await listen(options, port, bindHost, routes)
  const stopRetention = startRetention(queue, database, options.retention ?? {})
  return createHandle({ ...listening, bindHost, path, database, projects, live, queue, stopRetention })
}

function prepareDatabase(database: Database, maxBytes: number | undefined): void {
  database.exec('PRAGMA busy_timeout = 5000')
  database.all('PRAGMA auto_vacuum = INCREMENTAL')
  database.all('PRAGMA journal_mode = WAL')
  database.exec('PRAGMA synchronous = NORMAL')
  migrate(database)
  if (maxBytes === undefined) return
  const pageSize = Number(database.get('PRAGMA page_size')?.page_size)
  database.all(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / pageSize))}`)
}

/** Forgets old sessions now and then; a full disk only postpones it. */
function startRetention(queue: WriteQueue, database: Database, retention: Retention): () => void {
  let isStopped = false
  const round = async (): Promise<void> => {
    try {
      await queue.write(() => applyRetention(database, retention, Date.now()))
      if (!isStopped) database.all('PRAGMA incremental_vacuum(1000)')
    } catch (error) {
      if (!(error instanceof StorageFullError) && !isStopped) throw error
    }
  }
  void round()
  const timer = setInterval(() => void round(), RETENTION_EVERY_MS).unref()
  return () => {
    isStopped = true
    clearInterval(timer)
  }
}

async function listen(
  options: DevServerOptions,
  port: number,
  bindHost: string,
  routes: readonly Route[],
): Promise<{ server: Server; port: number }> {
  const files = createStaticFiles()
  let guard: Guard | undefined
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: options.headersTimeoutMs ?? 10_000,
      requestTimeout: options.requestTimeoutMs ?? 30_000,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: KEEP_ALIVE_MS,
      requireHostHeader: false,
    },
    (request, response) => void answer(request, response, routes, files, guard),
  )
  server.maxConnections = options.maxConnections ?? 512
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
  const actual = (server.address() as AddressInfo).port
  guard = createGuard({ port: actual, bindHost, allowedHosts: options.allowedHosts ?? [] })
  return { server, port: actual }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  routes: readonly Route[],
  files: StaticFiles,
  guard: Guard | undefined,
): Promise<void> {
  try {
    guard?.check(request)
    const { method = 'GET', url = '/' } = request
    const end = url.indexOf('?')
    const path = end < 0 ? url : url.slice(0, end)
    const segments = splitPath(path)
    const match = matchRoute(routes, method, path)
    if (match !== undefined)
      await match.handler({ request, response, params: match.params, query: new URLSearchParams(end < 0 ? '' : url.slice(end + 1)) })
    else if (!sendPage(files, request, response, segments)) throw notFound('Route')
  } catch (error) {
    refuse(request, response, toHttpError(error))
  }
}

function sendPage(files: StaticFiles, { method }: IncomingMessage, response: ServerResponse, segments: readonly string[]): boolean {
  if (segments[0] === 'api' || segments[0] === 'v1') return false
  if (method !== 'GET' && method !== 'HEAD') return false
  return files.send(response, `/${segments.join('/')}`, method === 'HEAD')
}

/** Answers with the error; a body that is still coming is not waited for. */
function refuse(request: IncomingMessage, response: ServerResponse, error: HttpError): void {
  const isUnread = !request.complete
  if (isUnread) response.shouldKeepAlive = false
  sendError(response, error)
  if (!isUnread) return
  request.resume()
  response.on('finish', () => setTimeout(() => request.socket.destroy(), 500).unref())
}

interface Parts {
  readonly server: Server
  readonly port: number
  readonly bindHost: string
  readonly path: string
  readonly database: Database
  readonly projects: ProjectStore
  readonly live: LiveFeed
  readonly queue: WriteQueue
  readonly stopRetention: () => void
}

function createHandle({ server, port, bindHost, path, database, projects, live, queue, stopRetention }: Parts): DevServer {
  let closing: Promise<void> | undefined
  const projectOf = (name: string | undefined): number | undefined => {
    if (name === undefined) return undefined
    // No project has this id: an unknown name lists nothing.
    return projects.find(name) ?? -1
  }

  async function closeOnce(): Promise<void> {
    stopRetention()
    live.close()
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeIdleConnections()
    const grace = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS)
    await closed
    clearTimeout(grace)
    queue.close()
    database.close()
  }

  return {
    url: `http://${bindHost.includes(':') ? `[${bindHost}]` : bindHost}:${port}`,
    port,
    database: path,
    engine: database.engine,
    projects: () => listProjects(database),
    sessions: ({ project, ...filter } = {}) => listSessions(database, { limit: 500, ...filter, projectId: projectOf(project) }).sessions,
    events: ({ project, sessionId } = {}) => listEvents(database, { projectId: projectOf(project), sessionId }),
    tree: (sessionId, { project } = {}) => readTree(database, sessionId, projectOf(project)),
    close: () => (closing ??= closeOnce()),
  }
}
