import { promisify } from 'node:util'
import { gzip as gzipCallback } from 'node:zlib'
import { leaseAgent, registerEndpoint, type TlsOptions } from './sockets.js'
import { runDetached } from './detached.js'
import { exchange, type Reply } from './exchange.js'

/** One request to the tracer's server. */
export interface TransportRequest {
  /** @defaultValue `'POST'` */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | undefined
  /** Appended to the base URL; starts with a slash. */
  readonly path: string
  readonly body?: Uint8Array | undefined
  readonly contentType?: string | undefined
  /** Headers of this request only. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Absolute limit for this attempt, milliseconds. */
  readonly timeoutMs: number
  /** Reading the reply stops after this many bytes. @defaultValue 1_048_576 */
  readonly maxReplyBytes?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** The way to one server with the key of one tracer. */
export interface Transport {
  /** Base URL without a trailing slash and without user info, fit for messages. */
  readonly baseUrl: string
  /**
   * Sends one request; never retries, never follows a redirect.
   *
   * @throws ExchangeError when no reply arrived.
   */
  send(request: TransportRequest): Promise<Reply>
  /** Gives the sockets back; the last tracer that uses them closes them. */
  close(): void
}

/** Settings of {@link createTransport}. */
export interface TransportOptions {
  /** Base URL of the server. */
  readonly serverUrl: string
  /** Headers of every request, see `toRequestHeaders`. */
  readonly headers: Readonly<Record<string, string>>
  /** @defaultValue `'none'` */
  readonly compression?: 'gzip' | 'none' | undefined
  /** Smallest body that is compressed, bytes. @defaultValue 4_096 */
  readonly compressFromBytes?: number | undefined
  readonly tls?: TlsOptions | undefined
}

const gzip = promisify(gzipCallback)

/** Opens the way to a server. Makes no connection before the first request. */
export function createTransport(options: TransportOptions): Transport {
  const { serverUrl, headers, compression = 'none', compressFromBytes = 4_096, tls } = options
  const base = new URL(serverUrl)
  const baseUrl = `${base.origin}${base.pathname.replace(/\/+$/, '')}`
  const isCompressing = compression === 'gzip'
  const unregister = OWN_PATHS.map((path) => registerEndpoint(`${baseUrl}${path}`))
  let lease: ReturnType<typeof leaseAgent> | undefined
  let isClosed = false

  async function attempt(request: TransportRequest): Promise<Reply> {
    const startedAt = performance.now()
    const isGzip = isCompressing && request.body !== undefined && request.body.byteLength >= compressFromBytes
    const body = isGzip && request.body !== undefined ? await gzip(request.body, { level: 1 }) : request.body
    if (isClosed) throw new TypeError('the transport is closed')
    lease ??= leaseAgent(base.origin, tls)
    return exchange({
      method: request.method ?? 'POST',
      url: new URL(`${baseUrl}${request.path}`),
      headers: {
        ...headers,
        ...request.headers,
        ...(request.contentType === undefined ? {} : { 'Content-Type': request.contentType }),
        ...(isGzip ? { 'Content-Encoding': 'gzip' } : {}),
      },
      body,
      agent: lease.agent,
      timeoutMs: Math.max(1, request.timeoutMs - (performance.now() - startedAt)),
      maxReplyBytes: request.maxReplyBytes,
      signal: request.signal,
    })
  }

  return {
    baseUrl,
    send: (request) => runDetached(() => attempt(request)),
    close() {
      if (isClosed) return
      isClosed = true
      for (const take of unregister) take()
      lease?.release()
    },
  }
}

/** Where this package sends to, below the base URL. */
const OWN_PATHS = ['/opentelemetry/v1/traces', '/session/', '/events', '/v1/'] as const
