import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { gunzipSync } from 'node:zlib'

/**
 * A programmable OTLP/JSON and REST sink, run as a child process (see `start-fault-server.ts`). `PUT /control` sets the
 * behaviour, `GET /seen` tells what arrived; every other request is answered by the current rules.
 */
export interface FaultRules {
  /** Behaviours of the next requests, one each; afterwards `otherwise` applies. */
  script?: Behaviour[]
  otherwise?: Behaviour
  /** Behaviour of single paths; goes before the others. */
  byPath?: Record<string, Behaviour>
}

export interface Behaviour {
  status?: number
  /** Milliseconds before anything is sent. */
  delayMs?: number
  headers?: Record<string, string>
  body?: string
  /** Base64 of the body's bytes. */
  bodyBase64?: string
  /** Sends this many bytes of filler. */
  fillBytes?: number
  /** Answers once `PUT /release` came. */
  hold?: boolean
  /** Never answers. */
  hang?: boolean
  /** Sends the headers, then one byte now and then for ever. */
  drip?: boolean
  /** Reads the request, stores it, then resets the connection. */
  reset?: boolean
  /** Rejects this many spans of each request. */
  partialRejected?: number
  /** Answers 413 to larger bodies, before decompression. */
  sizeLimit?: number
  /** Answers 400 to any request with a span of this name. */
  poisonName?: string
  /** Answers with this status for the first milliseconds after control was set. */
  failForMs?: number
}

export interface SeenRequest {
  at: number
  method: string
  path: string
  status: number
  bytes: number
  spans: number
  encoding: string
  bodyHash: string
  headers: Record<string, string | string[] | undefined>
  json?: unknown
}

export interface Seen {
  requests: SeenRequest[]
  /** Span ids of acknowledged requests, with how often each arrived. */
  spanIds: Record<string, number>
  uniqueSpans: number
  totalSpans: number
  connections: number
  open: number
  maxActive: number
}

let rules: FaultRules = {}
let held: (() => void)[] = []
let setAt = Date.now()
let requests: SeenRequest[] = []
let spanIds = new Map<string, number>()
let connections = 0
let open = 0
let active = 0
let maxActive = 0

const server = createServer((request, response) => {
  void readBody(request)
    .then((body) => {
      if (request.url === '/control') return control(body, response)
      if (request.url === '/release') return release(response)
      if (request.url === '/seen') return response.end(JSON.stringify(seen()))
      return answer(request, response, body)
    })
    .catch(() => response.destroy())
})
server.on('connection', (socket) => {
  connections++
  open++
  socket.on('close', () => open--)
  socket.on('error', () => undefined)
})
server.keepAliveTimeout = 60_000

function control(body: Buffer, response: ServerResponse): void {
  rules = JSON.parse(body.toString()) as FaultRules
  setAt = Date.now()
  requests = []
  spanIds = new Map()
  maxActive = 0
  response.end('{}')
}

function release(response: ServerResponse): void {
  for (const answerNow of held) answerNow()
  held = []
  response.end('{}')
}

function seen(): Seen {
  const counts = [...spanIds.values()]
  return {
    requests,
    spanIds: spanIds.size <= 5_000 ? Object.fromEntries(spanIds) : {},
    uniqueSpans: spanIds.size,
    totalSpans: counts.reduce((sum, count) => sum + count, 0),
    connections,
    open,
    maxActive,
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, raw: Buffer): Promise<void> {
  active++
  maxActive = Math.max(maxActive, active)
  response.on('close', () => active--)
  const behaviour = rules.byPath?.[request.url ?? ''] ?? rules.script?.shift() ?? rules.otherwise ?? {}
  const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw
  const isJson = /json/.test(request.headers['content-type'] ?? '')
  const json: unknown = isJson && body.length > 0 ? JSON.parse(body.toString()) : undefined
  const spans = readSpans(json)
  const status = statusFor(behaviour, raw.length, spans)
  requests.push({
    at: Date.now(),
    method: request.method ?? '',
    path: request.url ?? '',
    status,
    bytes: raw.length,
    spans: spans.length,
    encoding: request.headers['content-encoding'] ?? '',
    bodyHash: createHash('sha1').update(body).digest('hex'),
    headers: request.headers,
    ...(request.url?.includes('opentelemetry') === true ? {} : { json }),
  })
  if (status < 300 && behaviour.hang !== true) for (const { spanId } of spans) spanIds.set(spanId, (spanIds.get(spanId) ?? 0) + 1)
  if (behaviour.hang === true) return
  if (behaviour.hold === true) await new Promise<void>((resolve) => void held.push(resolve))
  if (behaviour.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, behaviour.delayMs))
  if (behaviour.reset === true) return void request.socket.destroy()
  respond(response, behaviour, status)
}

function statusFor(behaviour: Behaviour, bytes: number, spans: { name: string }[]): number {
  if (behaviour.failForMs !== undefined) return Date.now() - setAt < behaviour.failForMs ? (behaviour.status ?? 503) : 200
  if (behaviour.sizeLimit !== undefined && bytes > behaviour.sizeLimit) return 413
  if (behaviour.poisonName !== undefined && spans.some(({ name }) => name === behaviour.poisonName)) return 400
  return behaviour.status ?? 200
}

function respond(response: ServerResponse, behaviour: Behaviour, status: number): void {
  const { partialRejected, headers = {}, drip, fillBytes } = behaviour
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  if (drip === true) {
    const timer = setInterval(() => response.write(' '), 50)
    response.on('close', () => clearInterval(timer))
    return
  }
  if (fillBytes !== undefined) return fill(response, fillBytes)
  if (behaviour.bodyBase64 !== undefined) return void response.end(Buffer.from(behaviour.bodyBase64, 'base64'))
  const partial =
    partialRejected === undefined
      ? '{}'
      : JSON.stringify({ partialSuccess: { rejectedSpans: String(partialRejected), errorMessage: 'too old' } })
  response.end(behaviour.body ?? partial)
}

function fill(response: ServerResponse, bytes: number): void {
  const chunk = Buffer.alloc(65_536, 0x20)
  let left = bytes
  const more = (): void => {
    while (left > 0 && !response.destroyed) {
      left -= chunk.length
      if (!response.write(chunk)) return void response.once('drain', more)
    }
    response.end()
  }
  more()
}

function readSpans(json: unknown): { name: string; spanId: string }[] {
  const { resourceSpans = [] } = (json ?? {}) as { resourceSpans?: { scopeSpans: { spans: { name: string; spanId: string }[] }[] }[] }
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${typeof address === 'object' && address !== null ? address.port : 0}\n`)
})
process.on('disconnect', () => process.exit(0))
