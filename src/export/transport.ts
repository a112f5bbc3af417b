import { promisify } from 'node:util'
import { gzip as gzipCallback } from 'node:zlib'
import { monotonicMs } from '../builtins.js'
import { type ConnectionOptions, Connections } from './connections.js'
import { Destination } from './destination.js'
import { runDetached } from './detached.js'
import { type ApiKey, sendWithKey } from './api-key.js'
import { exchange, type Reply } from './exchange.js'
import { toProxyAuthorization } from './proxy.js'

/** One request to the tracer's server. */
export interface TransportRequest {
  /** @defaultValue `'POST'` */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | undefined
  /** Full URL. */
  readonly url: string
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
  /** Whether a key that is refused may be followed by another, so that another attempt is worth it. @defaultValue false */
  readonly hasRenewableKey?: boolean | undefined
  /**
   * Sends one request; never follows a redirect, and repeats it only with another key after one was refused.
   *
   * @throws ExchangeError when no reply arrived.
   */
  send(request: TransportRequest): Promise<Reply>
  /** Gives the sockets back; the last tracer that uses them closes them. */
  close(): void
}

/** A transport that knows where spans go. */
export interface TracesTransport extends Transport {
  /** Full URL of the OTLP/HTTP endpoint for traces. */
  readonly tracesUrl: string
  /** How many tracers of the process use the same connections. @defaultValue 1 */
  readonly sharers?: number
}

/** Settings of {@link HttpTransport}. */
export interface HttpTransportOptions extends ConnectionOptions {
  /** Base URL of the server. */
  readonly serverUrl: string
  /** Where spans go instead, exactly as given, e.g. to a collector. @defaultValue `{serverUrl}/opentelemetry/v1/traces` */
  readonly exportUrl?: string | undefined
  /** Headers of requests to the origin of `serverUrl`, see `toRequestHeaders`. */
  readonly headers: Readonly<Record<string, string>>
  /** Headers of requests to another origin: those of `toRequestHeaders` without a key. @defaultValue none */
  readonly foreignHeaders?: Readonly<Record<string, string>> | undefined
  /** @defaultValue `'none'` */
  readonly compression?: 'gzip' | 'none' | undefined
  /** Smallest body that is compressed, bytes. @defaultValue 4_096 */
  readonly compressFromBytes?: number | undefined
  /** Key of requests to the origin of `serverUrl`. @defaultValue what `headers` say */
  readonly key?: ApiKey | undefined
}

/** What both attempts of one request share, and the key of this one. */
interface Attempt {
  readonly url: URL
  readonly body: Uint8Array | undefined
  readonly key: string | undefined
  /** On the monotonic clock, milliseconds. */
  readonly startedAt: number
}

/** The header a key travels in; none without a key. */
export function toAuthorization(key: string | undefined): Record<string, string> {
  return key === undefined ? {} : { Authorization: `Bearer ${key}` }
}

const gzip = promisify(gzipCallback)

/** The way to a server over pooled sockets. Makes no connection before the first request. */
export class HttpTransport implements TracesTransport {
  readonly #options: HttpTransportOptions
  readonly #destination: Destination
  readonly #connections: Connections
  #isClosed = false

  constructor(options: HttpTransportOptions) {
    this.#options = options
    this.#connections = new Connections(options)
    this.#destination = Destination.share(options.serverUrl, options.exportUrl)
  }

  get baseUrl(): string {
    return this.#destination.baseUrl
  }

  get tracesUrl(): string {
    return this.#destination.tracesUrl
  }

  get hasRenewableKey(): boolean {
    return this.#options.key?.isRenewable ?? false
  }

  get sharers(): number {
    return this.#connections.sharers
  }

  send(request: TransportRequest): Promise<Reply> {
    return runDetached(() => this.#attempt(request))
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#destination.release()
    this.#connections.close()
  }

  async #attempt(request: TransportRequest): Promise<Reply> {
    const startedAt = monotonicMs()
    const url = new URL(request.url)
    const body = await this.#compress(request.body)
    const source = url.origin === this.#destination.origin ? this.#options.key : undefined
    // With `await` here and below: a promise that an async function gives back is asked for its `then`, which may be the host's.
    return await sendWithKey(source, (key) => this.#exchange(request, { url, body, key, startedAt }))
  }

  #exchange(request: TransportRequest, { url, body, key, startedAt }: Attempt): Promise<Reply> {
    if (this.#isClosed) throw new TypeError('the transport is closed')
    const route = this.#connections.routeTo(url)
    return exchange({
      method: request.method ?? 'POST',
      url,
      ...route,
      headers: {
        ...this.#headersFor(url),
        ...(route.relay === undefined ? {} : toProxyAuthorization(route.relay)),
        ...toAuthorization(key),
        ...request.headers,
        ...(request.contentType === undefined ? {} : { 'Content-Type': request.contentType }),
        ...(body === request.body ? {} : { 'Content-Encoding': 'gzip' }),
      },
      body,
      timeoutMs: Math.max(1, request.timeoutMs - (monotonicMs() - startedAt)),
      maxReplyBytes: request.maxReplyBytes,
      signal: request.signal,
    })
  }

  /** The key belongs to the server it was given for: a collector is somebody else's host. */
  #headersFor({ origin }: URL): Readonly<Record<string, string>> {
    return origin === this.#destination.origin ? this.#options.headers : (this.#options.foreignHeaders ?? {})
  }

  async #compress(body: Uint8Array | undefined): Promise<Uint8Array | undefined> {
    const { compression, compressFromBytes = 4_096 } = this.#options
    return compression === 'gzip' && body !== undefined && body.byteLength >= compressFromBytes ? gzip(body, { level: 1 }) : body
  }
}
