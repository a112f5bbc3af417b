import type { Agent, ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { clearTimeout, setTimeout, NativePromise, concatBytes } from '../builtins.js'
import { toTimerMs } from '../time.js'
import { canRequest } from './language.js'
import { decodeBody } from './content-encoding.js'
import { describeFailure } from './connection-failure.js'
import { beginRequest, toHostOptions } from './outgoing.js'

/** One HTTP request. */
export interface ExchangeRequest {
  readonly method: string
  readonly url: URL
  /** Proxy that is asked for `url` in place of its host. @defaultValue none */
  readonly relay?: URL | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
  readonly agent: Agent
  /** Certificate authorities to trust, PEM. @defaultValue those of the agent */
  readonly ca?: string | undefined
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
  /** What the server, or a gateway in front of it, calls this request. */
  readonly requestId?: string | undefined
  readonly body: Uint8Array
  /** False when reading stopped at the deadline, at the size cap or because the connection broke. */
  readonly isComplete: boolean
}

/** Why no reply arrived. */
export type ExchangeFailure = 'timeout' | 'network' | 'aborted'

/** An exchange that ended before the reply's headers. */
export class ExchangeError extends Error {
  readonly kind: ExchangeFailure
  /** Whether it lasts until somebody changes a setting or the server, so that it is worth saying at once. */
  readonly isLasting: boolean
  override name: string = 'ExchangeError'

  constructor(kind: ExchangeFailure, message: string, isLasting = false) {
    super(message)
    this.kind = kind
    this.isLasting = isLasting
  }
}

/** Gateways add policies and cookies; beyond Node's own 16 KiB a reply that says that all arrived would count as none. */
const MAX_REPLY_HEADER_BYTES = 262_144
/** Most bytes of a reply that are read. */
const MAX_REPLY_BYTES = 1_048_576

/**
 * Sends one request and reads its reply. Redirects are not followed.
 *
 * @throws ExchangeError when no headers arrived: deadline, connection failure or abort.
 */
export function exchange(request: ExchangeRequest): Promise<Reply> {
  return new NativePromise((resolve, reject) => {
    const { signal } = request
    if (signal?.aborted === true) return reject(new ExchangeError('aborted', 'the request was aborted'))
    const opened = openSafely(request)
    if (opened instanceof ExchangeError) return reject(opened)
    const outgoing = opened
    let reading: ReplyReader | undefined
    let isFinished = false
    // First of all, because an error that nobody hears ends the host's process.
    outgoing.on('error', (error) => finish('network', error))
    const deadline = setTimeout(() => finish('timeout'), toTimerMs(request.timeoutMs))
    deadline.unref()
    signal?.addEventListener('abort', abort)

    function abort(): void {
      finish('aborted')
    }

    // Called once for whatever ends the exchange first: with headers at hand the reply counts, however much of it came.
    function finish(kind: ExchangeFailure | 'end', cause?: Error): void {
      if (isFinished) return
      isFinished = true
      try {
        clearTimeout(deadline)
        signal?.removeEventListener('abort', abort)
        if (kind !== 'end') outgoing.destroy()
        if (reading !== undefined && kind !== 'aborted') resolve(reading.toReply(kind === 'end'))
        else reject(toError(kind === 'end' ? 'network' : kind, request, cause))
      } catch {
        // Nobody is on the stack but Node, whose caller is the host.
        reject(new ExchangeError('network', 'the reply could not be read'))
      }
    }

    outgoing.on('socket', releaseLoop)
    outgoing.on('close', () => finish('network'))
    outgoing.on('response', (incoming) => {
      reading = createReplyReader(incoming, request.maxReplyBytes)
      incoming.on('data', (chunk: Uint8Array) => {
        if (!takeChunk(reading, chunk)) finish('network')
      })
      incoming.on('end', () => {
        holdLoop(outgoing.socket)
        finish('end')
      })
      incoming.on('error', () => finish('network'))
    })
    outgoing.end(request.body)
  })
}

const BROKEN_LANGUAGE =
  "Node's own HTTP client cannot work: a function of Array.prototype was replaced, or a field was put on Object.prototype, by something in this program"

/** Node refuses an agent for another protocol at once. */
function openSafely(request: ExchangeRequest): ClientRequest | ExchangeError {
  if (!canRequest()) return new ExchangeError('network', BROKEN_LANGUAGE, true)
  try {
    return openRequest(request)
  } catch (error) {
    const { message, isLasting } = describeFailure(error)
    return new ExchangeError('network', message, isLasting)
  }
}

function openRequest({ method, url, relay, headers, body, agent, ca }: ExchangeRequest): ClientRequest {
  return beginRequest(
    {
      agent,
      method,
      ...toHostOptions(relay ?? url),
      path: relay === undefined ? `${url.pathname}${url.search}` : url.href,
      headers: {
        ...headers,
        ...(relay === undefined ? {} : { Host: url.host }),
        ...(body === undefined ? {} : { 'Content-Length': String(body.byteLength) }),
      },
      ...(ca === undefined ? {} : { ca }),
      maxHeaderSize: MAX_REPLY_HEADER_BYTES,
    },
    headers,
  )
}

/** A request under way must not keep the host's process alive; who waits for one holds the process by itself. */
function releaseLoop(socket: Socket): void {
  socket.unref()
  if (socket.connecting) socket.once('connect', () => socket.unref())
}

/** A socket goes back to its agent as it came: the host's next request on it holds the process. */
function holdLoop(socket: Socket | null): void {
  socket?.ref()
}

/** Whether more may come. */
function takeChunk(reading: ReplyReader | undefined, chunk: Uint8Array): boolean {
  try {
    return reading?.add(chunk) !== false
  } catch {
    return false
  }
}

/** Headers in which servers and gateways name a request. */
const REQUEST_ID_HEADERS = ['x-request-id', 'x-amzn-requestid', 'x-amzn-trace-id', 'cf-ray'] as const

/** The id of a request as its reply has it. */
export function toRequestId(headerOf: (name: string) => string | readonly string[] | null | undefined): string | undefined {
  for (const name of REQUEST_ID_HEADERS) {
    const value = headerOf(name)
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}

interface ReplyReader {
  /** False when the cap is reached. */
  add(chunk: Uint8Array): boolean
  toReply(isComplete: boolean): Reply | Promise<Reply>
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
    toReply: (isComplete) => {
      const reply = {
        status: incoming.statusCode ?? 0,
        contentType: incoming.headers['content-type'] ?? '',
        retryAfter: incoming.headers['retry-after'],
        requestId: toRequestId((name) => incoming.headers[name]),
        body: concatBytes(chunks),
        isComplete,
      }
      const encoding = incoming.headers['content-encoding']
      return encoding === undefined || reply.body.byteLength === 0 ? reply : decodeReply(reply, encoding, maxBytes)
    },
  }
}

/** A gateway may compress what nobody asked to be compressed. */
async function decodeReply(reply: Reply, encoding: string, maxBytes: number): Promise<Reply> {
  const decoded = await decodeBody(reply.body, encoding, maxBytes)
  return decoded === undefined ? reply : { ...reply, ...decoded, isComplete: reply.isComplete && decoded.isComplete }
}

function toError(kind: ExchangeFailure, { timeoutMs }: ExchangeRequest, cause: Error | undefined): ExchangeError {
  if (kind === 'timeout') return new ExchangeError(kind, `no reply within ${timeoutMs} ms`)
  if (kind === 'aborted') return new ExchangeError(kind, 'the request was aborted')
  const { message, isLasting } = describeFailure(cause)
  return new ExchangeError(kind, message, isLasting)
}
