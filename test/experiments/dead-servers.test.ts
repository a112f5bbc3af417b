import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect } from 'vitest'
import { resolveConfig } from '../../src/config/resolve.js'
import { createBackend } from '../../src/experiments/backend.js'
import { evaluate, exactMatch, reportResult } from '../../src/experiments/index.js'
import { type Backend, test as base } from './backend.js'

/** What a server does instead of answering. */
const FAULTS: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => unknown>> = {
  'resets connections': (request) => request.socket.destroy(),
  'never answers': (request) => request.resume(),
  'answers 500': (request, response) => request.resume().on('end', () => response.writeHead(500).end('no')),
  'dies in the middle of an answer': (request, response) =>
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write('{"run_id":')
      setImmediate(() => request.socket.destroy())
    }),
  'never ends its answer': (request, response) =>
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).write('{')),
  'answers what is no JSON': (request, response) => request.resume().on('end', () => response.writeHead(502).end('<html>')),
}

interface Door {
  readonly url: string
  /** Stands in front of the server while it is set. */
  fault: string | undefined
}

const test = base.extend<{ door: Door }>({
  door: async ({ backend }, use) => {
    const door: Door & { url: string } = { url: '', fault: undefined }
    const server = createServer((request, response) => {
      const fault = door.fault === undefined ? undefined : FAULTS[door.fault]
      if (fault !== undefined) fault(request, response)
      else void pass(backend, request, response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    door.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await use(door)
    server.closeAllConnections()
    server.close()
  },
})

async function pass(backend: Backend, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const dropped = ['host', 'connection', 'content-length', 'transfer-encoding']
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !dropped.includes(name))) as Record<string, string>
  const body = chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }
  const reply = await fetch(backend.url + request.url, { method: request.method ?? 'GET', headers, ...body })
  response.writeHead(reply.status, { 'content-type': reply.headers.get('content-type') ?? '' }).end(Buffer.from(await reply.arrayBuffer()))
}

const ROWS = 24
/** From which row on it is there; the run is registered before the first one, and closed after the last. */
const MOMENTS = { 'from the start': -1, 'from the middle on': 10, 'from the last row on': ROWS - 1 }

describe.for(Object.keys(FAULTS))('a server that %s', (fault) => {
  test.for(Object.entries(MOMENTS))(
    '%s costs no row and no verdict, and gets them later',
    { timeout: 30_000 },
    async ([, from], { door, backend }) => {
      const server = { apiKey: 'hh_test_key', serverUrl: door.url }
      door.fault = from < 0 ? fault : undefined
      const result = await evaluate({
        ...server,
        progress: false,
        printResults: false,
        git: false,
        reportTimeoutMs: 500,
        maxConcurrency: 3,
        dataset: Array.from({ length: ROWS }, (_, i) => ({ inputs: { i }, groundTruth: `a${i}` })),
        function: ({ inputs }) => {
          if (inputs.i === from) door.fault = fault
          return `a${inputs.i}`
        },
        evaluators: { match: exactMatch() },
        thresholds: { match: 1 },
      })
      expect(result).toMatchObject({ status: 'completed', passed: true, counts: { total: ROWS, succeeded: ROWS }, failures: [] })
      expect(result.unreported.length).toBeGreaterThanOrEqual(ROWS - 1 - Math.max(from, 0) - 3)
      expect(result.warnings.join('\n')).toMatch(/not reported|could not be closed|not closed/)

      door.fault = undefined
      const later = await reportResult(JSON.parse(JSON.stringify(result)), server)
      expect(later).toMatchObject({ reported: result.unreported.length, unreported: [] })
      expect(new Set(backend.server.sessions().map(({ id }) => id)).size).toBe(ROWS)
      const scored = backend.server.events().filter((event) => event.type === 'chain' && event.metrics['match'] === true)
      expect(new Set(scored.map(({ sessionId }) => sessionId)).size).toBe(ROWS)
    },
  )
})

test.for(['never answers', 'resets connections'])(
  'requests to a server that %s are given up once the run is over',
  async (fault, { door }) => {
    door.fault = fault
    const backend = createBackend(resolveConfig({ apiKey: 'k', serverUrl: door.url }))
    const outcome = backend?.put('/v1/runs/r', {}).catch((error: unknown) => error)
    await backend?.close()
    // Not by its own limit of 30 seconds, for which it would have kept the process.
    expect(await outcome).toMatchObject({ code: 'HTTP_NETWORK' })
  },
)
