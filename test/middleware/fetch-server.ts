import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { FetchHandler } from '../../src/middleware/fetch.js'
import { listen } from './node-routes.js'
import type { Route } from './shared-spec.js'

/** Serves a fetch handler over `node:http`, telling it nothing but the request and its signal. */
export function serveFetch(handler: FetchHandler): Promise<{ readonly url: string; close(): Promise<void> }> {
  return listen(createServer((incoming, outgoing) => void answer(handler, incoming, outgoing)))
}

async function answer(handler: FetchHandler, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const controller = new AbortController()
  outgoing.on('close', () => {
    if (!outgoing.writableFinished) controller.abort()
  })
  const { method = 'GET', url = '/' } = incoming
  const body = method === 'GET' ? null : (toBody(incoming) as BodyInit)
  const init = { method, headers: toPairs(incoming.headers), body, duplex: 'half', signal: controller.signal }
  try {
    const response = await handler(new Request(`http://localhost${url}`, init as RequestInit))
    outgoing.writeHead(response.status, [...response.headers].flat())
    await write(response, outgoing)
  } catch {
    outgoing.writeHead(500).end()
  }
}

async function write(response: Response, outgoing: ServerResponse): Promise<void> {
  const reader = response.body?.getReader()
  outgoing.on('close', () => void reader?.cancel().catch(() => undefined))
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined }
    if (done || outgoing.destroyed) break
    outgoing.write(value)
  }
  outgoing.end()
}

function toBody(incoming: IncomingMessage): ReadableStream {
  return new ReadableStream({
    async start(controller) {
      for await (const chunk of incoming) controller.enqueue(chunk)
      controller.close()
    },
  })
}

function toPairs(headers: IncomingHttpHeaders): [string, string][] {
  return Object.entries(headers).map(([name, value]) => [name, String(value)])
}

/** Runs a route of the spec and answers it as a fetch response. */
export async function respondRoute(route: Route, request: Request): Promise<Response> {
  const {
    status = 200,
    text = '',
    chunks,
  } = await route.run({ header: (name) => request.headers.get(name) ?? undefined, body: () => request.text() })
  return new Response(chunks === undefined ? text : toStream(chunks), { status })
}

/** A stream that works only when it is pulled, in whatever context that happens. */
function toStream(chunks: AsyncIterable<string>): ReadableStream {
  const iterator = chunks[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next()
      if (done === true) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
    cancel: () => void iterator.return?.(),
  })
}

/** The route of the spec that a request asks for. */
export function findRoute(routes: readonly Route[], request: Request): Route | undefined {
  const { pathname } = new URL(request.url)
  return routes.find(({ method, path }) => method === request.method && new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`).test(pathname))
}
