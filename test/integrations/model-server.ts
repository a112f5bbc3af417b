import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
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
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()))
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
  response.destroy()
}

/** One piece each 20 ms, the last content again and again, for at most ten seconds. */
async function drip(response: ServerResponse, parts: readonly Buffer[]): Promise<void> {
  for (let count = 0; count < 500 && !response.destroyed; count++) {
    response.write(parts[Math.min(count, 2)])
    await pause(20)
  }
  response.destroy()
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
