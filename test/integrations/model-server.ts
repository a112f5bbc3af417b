import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttp2Server, Http2ServerResponse } from 'node:http2'
import type { AddressInfo, Server } from 'node:net'
import { answerAnthropic } from './dialects/anthropic.js'
import { answerBedrock } from './dialects/bedrock.js'
import { answerGoogle } from './dialects/google.js'
import { answerChat, answerEmbeddings } from './dialects/openai.js'
import { answerResponses } from './dialects/openai-responses.js'
import { type Dialect, type ModelRequest, type Reply, toObject } from './dialects/reply.js'

/** A model server on loopback that speaks the dialects of the model providers. */
export interface ModelServer {
  /** Without a path: each client adds the path its provider has. */
  readonly url: string
  /** The same over HTTP/2, as the clients of AWS want it. */
  readonly http2Url: string
  close(): Promise<void>
}

/** How a request goes, by the word that stands in its model or its prompt. */
const BEHAVIOUR = /m-(429|500|cut|slow)/

const DIALECTS: readonly (readonly [path: RegExp, dialect: Dialect])[] = [
  [/\/chat\/completions$/, answerChat],
  [/\/responses$/, answerResponses],
  [/\/embeddings$/, answerEmbeddings],
  [/\/v1\/messages$/, answerAnthropic],
  [/\/models\/[^/]+:\w+$/, answerGoogle],
  [/\/model\/[^/]+\/[\w-]+$/, answerBedrock],
]

/**
 * Starts it on a free port. It answers with an echo of the last text it was given, so a marker in a prompt comes back in the answer;
 * a text with `weather` calls the first tool once. `m-429`, `m-500`, `m-cut` (the connection breaks in the middle of the answer) and
 * `m-slow` (a stream that goes on until the client leaves) in the model's name or in the prompt choose how the request goes.
 */
export async function startModelServer(): Promise<ModelServer> {
  const serve = (request: IncomingMessage, response: ServerResponse): void => void answer(request, response).catch(() => cutOff(response))
  const server = createServer(serve)
  // Its compatible interface is that of HTTP/1 in all that is used here.
  const http2 = createHttp2Server((request, response) => serve(request as never, response as never))
  const sessions = new Set<{ destroy(): void }>()
  http2.on('session', (session) => sessions.add(session))
  const [url, http2Url] = await Promise.all([server, http2].map(listen))
  return {
    url: url ?? '',
    http2Url: http2Url ?? '',
    async close() {
      server.closeAllConnections()
      for (const session of sessions) session.destroy()
      await Promise.all([server, http2].map((one) => new Promise((resolve) => one.close(resolve))))
    },
  }
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function cutOff(response: ServerResponse): void {
  if (response instanceof Http2ServerResponse) response.stream.close(2)
  else response.destroy()
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1')
  const path = decodeURIComponent(pathname)
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  const dialect = DIALECTS.find(([pattern]) => pattern.test(path))?.[1]
  if (dialect === undefined) return void response.writeHead(404).end(JSON.stringify({ error: { message: `no model answers at ${path}` } }))
  const asked: ModelRequest = { path, search: searchParams, body: toObject(JSON.parse(text)) }
  const behaviour = BEHAVIOUR.exec(`${path} ${text}`)?.[1]
  const reply = dialect(asked, behaviour === '429' || behaviour === '500' ? Number(behaviour) : undefined)
  await send(response, reply, behaviour)
}

async function send(response: ServerResponse, reply: Reply, behaviour: string | undefined): Promise<void> {
  response.writeHead(reply.status ?? 200, { 'content-type': reply.type, 'x-request-id': 'req_1', ...reply.headers })
  if (reply.parts === undefined) {
    const body = Buffer.from(JSON.stringify(reply.body))
    if (behaviour !== 'cut') return void response.end(body)
    response.write(body.subarray(0, body.length >> 1))
    return breakOff(response)
  }
  if (behaviour === 'cut') {
    response.write(Buffer.concat(reply.parts.slice(0, 3)))
    return breakOff(response)
  }
  if (behaviour === 'slow') return drip(response, reply.parts)
  for (const part of reply.parts) {
    response.write(part)
    await new Promise(setImmediate)
  }
  response.end()
}

/** After the client got what was written, or the cut would come before it. */
async function breakOff(response: ServerResponse): Promise<void> {
  await pause(20)
  cutOff(response)
}

/** One piece each 20 ms, the last content again and again, for at most ten seconds. */
async function drip(response: ServerResponse, parts: readonly Buffer[]): Promise<void> {
  for (let count = 0; count < 500 && !response.destroyed && !response.writableEnded; count++) {
    response.write(parts[Math.min(count, 2)])
    await pause(20)
  }
  cutOff(response)
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
