import { ClientRequest, type Agent, type ClientRequestArgs, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { NativePromise, clearTimeout, setTimeout } from '../builtins.js'
import { toTimerMs } from '../time.js'

/** One HTTP request. */
export interface ExchangeRequest {
  readonly method: string
  readonly url: URL
  /** Proxy that is asked for `url` in place of its host. @defaultValue none */
  readonly relay?: URL | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
  readonly agent: Agent
  /** Absolute limit for the whole exchange, connecting and reading included, milliseconds. */
  readonly timeoutMs: number
  /** Reading stops after this many bytes. @defaultValue 1_048_576 */
  readonly maxReplyBytes?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** What came back, as far as it was read. */
export interface Reply {
  readonly status: number
  readonly contentType: string
  readonly retryAfter: string | undefined
  readonly body: Uint8Array
  /** False when reading stopped at the deadline, at the size cap or because the connection broke. */
  readonly isComplete: boolean
}

/** Why no reply arrived. */
export type ExchangeFailure = 'timeout' | 'network' | 'aborted'

/** An exchange that ended before the reply's headers. */
export class ExchangeError extends Error {
  readonly kind: ExchangeFailure

  constructor(kind: ExchangeFailure, message: string) {
    super(message)
    this.name = 'ExchangeError'
    this.kind = kind
  }
}

/** Most bytes of a reply that are read. */
const MAX_REPLY_BYTES = 1_048_576

/**
 * Sends one request and reads its reply. Redirects are not followed.
 *
 * `ClientRequest` is used directly because instrumentations replace `http.request` and `https.request`: a request made
 * here is invisible to them with or without a context manager, so it gets no trace headers and cannot feed back.
 *
 * @throws ExchangeError when no headers arrived: deadline, connection failure or abort.
 */
export function exchange(request: ExchangeRequest): Promise<Reply> {
  return new NativePromise((resolve, reject) => {
    const { signal } = request
    if (signal?.aborted === true) return reject(new ExchangeError('aborted', 'the request was aborted'))
    const outgoing = openRequest(request)
    const deadline = setTimeout(() => finish('timeout'), toTimerMs(request.timeoutMs))
    deadline.unref()
    signal?.addEventListener('abort', abort)
    let reading: ReplyReader | undefined
    let isFinished = false

    function abort(): void {
      finish('aborted')
    }

    // Called once for whatever ends the exchange first: with headers at hand the reply counts, however much of it came.
    function finish(kind: ExchangeFailure | 'end', cause?: Error): void {
      if (isFinished) return
      isFinished = true
      clearTimeout(deadline)
      signal?.removeEventListener('abort', abort)
      if (kind !== 'end') outgoing.destroy()
      if (reading !== undefined && kind !== 'aborted') resolve(reading.toReply(kind === 'end'))
      else reject(new ExchangeError(kind === 'end' ? 'network' : kind, toMessage(kind, request, cause)))
    }

    outgoing.on('socket', releaseLoop)
    outgoing.on('error', (error) => finish('network', error))
    outgoing.on('close', () => finish('network'))
    outgoing.on('response', (incoming) => {
      reading = createReplyReader(incoming, request.maxReplyBytes)
      incoming.on('data', (chunk: Uint8Array) => {
        if (reading?.add(chunk) === false) finish('network')
      })
      incoming.on('end', () => finish('end'))
      incoming.on('error', () => finish('network'))
    })
    outgoing.end(request.body)
  })
}

function openRequest({ method, url, relay, headers, body, agent }: ExchangeRequest): ClientRequest {
  const at = relay ?? url
  const options: ClientRequestArgs = {
    agent,
    method,
    protocol: at.protocol,
    hostname: at.hostname.replace(/^\[|\]$/g, ''),
    port: at.port,
    path: relay === undefined ? `${url.pathname}${url.search}` : url.href,
    headers: {
      ...headers,
      ...(relay === undefined ? {} : { Host: url.host }),
      ...(body === undefined ? {} : { 'Content-Length': String(body.byteLength) }),
    },
  }
  // The types know only the url form; Node's own `http.request` passes the options as they are.
  const request = new (ClientRequest as unknown as new (options: ClientRequestArgs) => ClientRequest)(options)
  return withoutPropagation(request, headers)
}

/** What products add to each request of the process; our own requests are in no trace. */
const PROPAGATION: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage', 'sentry-trace', 'b3'])

/** Takes out what was added as the request was made (Node's diagnostics channels) and refuses what comes as it is written. */
function withoutPropagation(request: ClientRequest, given: Readonly<Record<string, string>>): ClientRequest {
  for (const name of PROPAGATION) if (request.hasHeader(name) && !Object.hasOwn(given, name)) request.removeHeader(name)
  const { setHeader } = request
  request.setHeader = (name, value) => (PROPAGATION.has(name.toLowerCase()) ? request : setHeader.call(request, name, value))
  return request
}

/** A request under way must not keep the host's process alive; who waits for one holds the process by itself. */
function releaseLoop(socket: Socket): void {
  socket.unref()
  if (socket.connecting) socket.once('connect', () => socket.unref())
}

interface ReplyReader {
  /** False when the cap is reached. */
  add(chunk: Uint8Array): boolean
  toReply(isComplete: boolean): Reply
}

function createReplyReader(incoming: IncomingMessage, maxBytes = MAX_REPLY_BYTES): ReplyReader {
  const chunks: Uint8Array[] = []
  let bytes = 0
  return {
    add(chunk) {
      const room = maxBytes - bytes
      chunks.push(chunk.subarray(0, room))
      bytes += Math.min(room, chunk.byteLength)
      return bytes < maxBytes
    },
    toReply: (isComplete) => ({
      status: incoming.statusCode ?? 0,
      contentType: incoming.headers['content-type'] ?? '',
      retryAfter: incoming.headers['retry-after'],
      body: Buffer.concat(chunks),
      isComplete,
    }),
  }
}

function toMessage(kind: ExchangeFailure | 'end', { timeoutMs }: ExchangeRequest, cause: Error | undefined): string {
  if (kind === 'timeout') return `no reply within ${timeoutMs} ms`
  if (kind === 'aborted') return 'the request was aborted'
  const code = cause !== undefined && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined
  return `the connection failed${code === undefined ? '' : ` (${code})`}`
}
