import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test as base } from 'vitest'
import { type DevServer, startDevServer } from '../../src/dev/server.js'

/** One request as it came over the wire. */
export interface RecordedRequest {
  readonly method: string
  readonly path: string
  readonly body: Record<string, unknown>
}

/** The local server behind a door that records, and that fails where a test wants it to. */
export interface Backend {
  readonly url: string
  readonly server: DevServer
  readonly requests: readonly RecordedRequest[]
  /** Requests whose method and path match, e.g. `'PUT /v1/runs'`. */
  sent(start: string): readonly RecordedRequest[]
  /** Answers instead of the server; `undefined` lets the request through. */
  intercept: (request: RecordedRequest) => { status: number; body?: unknown } | undefined
  /** Highest number of sockets that were open at once. */
  readonly peakSockets: number
  close(): Promise<void>
}

export async function startBackend(): Promise<Backend> {
  const server = await startDevServer({ port: 0, database: ':memory:' })
  const requests: RecordedRequest[] = []
  let sockets = 0
  let peakSockets = 0
  const door: Server = createServer((incoming, outgoing) => {
    answer(incoming).then(
      ({ status, type, body }) => outgoing.writeHead(status, type === null ? {} : { 'content-type': type }).end(body),
      (error: unknown) => outgoing.writeHead(418).end(String(error)),
    )
  })
  door.on('connection', (socket) => {
    sockets += 1
    peakSockets = Math.max(peakSockets, sockets)
    socket.on('close', () => {
      sockets -= 1
    })
  })

  async function answer(incoming: IncomingMessage): Promise<{ status: number; type: string | null; body: Buffer }> {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const bytes = Buffer.concat(chunks)
    // Exports may be compressed and are not of interest here; they are read back from the server.
    const isRest = incoming.headers['content-type']?.includes('json') === true && incoming.url?.startsWith('/opentelemetry') === false
    const request = { method: incoming.method ?? '', path: incoming.url ?? '', body: isRest ? JSON.parse(bytes.toString()) : {} }
    requests.push(request)
    const own = backend.intercept(request)
    if (own !== undefined) return { status: own.status, type: 'application/json', body: Buffer.from(JSON.stringify(own.body ?? {})) }
    const headers = Object.fromEntries(
      Object.entries(incoming.headers).filter(([name]) => !['host', 'connection', 'content-length', 'transfer-encoding'].includes(name)),
    ) as Record<string, string>
    const reply = await fetch(server.url + request.path, { method: request.method, headers, ...(bytes.length > 0 ? { body: bytes } : {}) })
    return { status: reply.status, type: reply.headers.get('content-type'), body: Buffer.from(await reply.arrayBuffer()) }
  }

  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve))
  const backend: Backend = {
    url: `http://127.0.0.1:${(door.address() as AddressInfo).port}`,
    server,
    requests,
    sent: (start) => requests.filter(({ method, path }) => `${method} ${path}`.startsWith(start)),
    intercept: () => undefined,
    get peakSockets() {
      return peakSockets
    },
    async close() {
      door.closeAllConnections()
      await new Promise((resolve) => door.close(resolve))
      await server.close()
    },
  }
  return backend
}

/** `test` with a backend, and the options that point an experiment at it and keep it quiet. */
export const test = base.extend<{
  backend: Backend
  online: { apiKey: string; serverUrl: string; progress: false; printResults: false; git: false }
}>({
  backend: async ({}, use) => {
    const backend = await startBackend()
    await use(backend)
    await backend.close()
  },
  online: async ({ backend }, use) => {
    await use({ apiKey: 'hh_test_key', serverUrl: backend.url, progress: false, printResults: false, git: false })
  },
})

/** Options of an experiment that stays in this process. */
export const OFFLINE = { apiKey: '', progress: false, printResults: false, git: false } as const
