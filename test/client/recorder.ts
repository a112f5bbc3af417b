import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as it arrived. */
export interface Recorded {
  readonly method: string
  readonly path: string
  /** Sorted by name. */
  readonly query: readonly (readonly [string, string])[]
  readonly body: unknown
}

/** A server on a free port that answers as it is told, and keeps what it was asked. */
export interface Recorder {
  readonly url: string
  readonly requests: (Recorded & { readonly headers: IncomingMessage['headers'] })[]
  close(): Promise<void>
}

export type Answer = (request: Recorded, response: ServerResponse, index: number) => void

const sendEmpty: Answer = (_request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end('{}')
}

export async function startRecorder(answer: Answer = sendEmpty): Promise<Recorder> {
  const requests: Recorder['requests'] = []
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8')
      const url = new URL(incoming.url ?? '/', 'http://localhost')
      const recorded: Recorded = {
        method: incoming.method ?? '',
        path: url.pathname,
        query: [...url.searchParams].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
        body: text === '' ? null : (JSON.parse(text) as unknown),
      }
      requests.push({ ...recorded, headers: incoming.headers })
      answer(recorded, response, requests.length - 1)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Of a list of requests, without headers. */
export function withoutHeaders(requests: Recorder['requests']): Recorded[] {
  return requests.map(({ headers: _, ...rest }) => rest)
}
