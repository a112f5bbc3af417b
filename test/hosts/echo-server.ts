import { createServer, get, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The other end of what the programs send: it says which headers arrived, sends requests of its own, and takes our deliveries. */
export interface EchoServer {
  readonly url: string
  close(): Promise<void>
}

/** Starts it on a free loopback port. */
export async function startEchoServer(): Promise<EchoServer> {
  const deliveries = new Map<string, string[][]>()
  const server = createServer((request, response) => {
    const answer = (body: unknown): void => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(body))
    }
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1')
    request.resume()
    if (pathname === '/echo') return answer(request.headers)
    if (pathname === '/deliveries') return answer(deliveries.get(searchParams.get('run') ?? '') ?? [])
    if (pathname === '/drive') return void sendTenants(Number(searchParams.get('port'))).then(answer)
    const run = keyOf(request.headers)
    request.on('end', () => {
      deliveries.set(run, [...(deliveries.get(run) ?? []), Object.keys(request.headers)])
      if (pathname.endsWith('/v1/traces')) return void response.end()
      answer({})
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const keyOf = ({ authorization = '' }: IncomingHttpHeaders): string => authorization.replace('Bearer ', '')

/** Ten requests for each of two tenants, all at the same time, each from a trace of its own. */
async function sendTenants(port: number): Promise<string> {
  const paths = Array.from({ length: 10 }, (_, number) => ['A', 'B'].map((tenant) => `/${tenant}/${number}`)).flat()
  await Promise.all(paths.map((path) => send(port, path)))
  return 'done'
}

function send(port: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const traceparent = `00-${path.replaceAll('/', '').toLowerCase().padStart(32, 'c')}-00f067aa0ba902b7-01`
    const headers = { traceparent, tracestate: 'vendor=value', baggage: 'caller=value' }
    get({ host: '127.0.0.1', port, path, headers, agent: false }, (response) => {
      response.resume()
      response.on('end', resolve)
    }).on('error', reject)
  })
}
