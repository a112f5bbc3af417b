/** What the examples share: a local HoneyHive, a local model, and a look at what arrived. */
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Worker } from 'node:worker_threads'
import { type DevServer, startDevServer } from 'honeyhive-tracer/dev'

/** A local HoneyHive whose projects have the keys `key-of-<project>`. */
export interface Local {
  readonly server: DevServer
  /** Names of what arrived in a project, indented by depth, in order of start; sessions are left out. */
  arrived(project: string): string[]
  /** Everything known about the events of that name in a project. */
  find(project: string, name: string): ReturnType<DevServer['events']>
  close(): Promise<void>
}

/** Starts it and points `HH_API_URL` at it, and `HH_API_KEY` and `HH_API_KEY_<PROJECT>` at its projects. */
export async function startLocal(...projects: readonly string[]): Promise<Local> {
  const keys = Object.fromEntries(projects.map((project) => [project, `key-of-${project}`]))
  const server = await startDevServer({ port: 0, database: ':memory:', projects: keys })
  process.env['HH_API_URL'] = server.url
  process.env['HH_API_KEY'] = `key-of-${projects[0]}`
  for (const [project, key] of Object.entries(keys)) process.env[`HH_API_KEY_${project.toUpperCase().replaceAll('-', '_')}`] = key
  return {
    server,
    arrived: (project) =>
      server
        .sessions({ project })
        .toReversed()
        .flatMap(({ id }) => server.tree(id, { project }).flatMap((root) => toLines(root, 0))),
    find: (project, name) => server.events({ project }).filter((event) => event.name === name && event.type !== 'session'),
    close: () => server.close(),
  }
}

type EventNode = ReturnType<DevServer['tree']>[number]

function toLines({ name, type, children }: EventNode, depth: number): string[] {
  const inner = children.flatMap((child) => toLines(child, type === 'session' ? depth : depth + 1))
  return type === 'session' ? inner : [`${'  '.repeat(depth)}${name}`, ...inner]
}

/** A server of an example. */
export interface LocalServer {
  readonly url: string
  close(): Promise<void>
}

/** Listens on a free port of loopback. */
export async function listen(handler: RequestListener): Promise<LocalServer> {
  const server: Server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** A model that speaks OpenAI's protocol, streams included, and echoes what it is asked. `url` is the client's `baseURL`. */
export async function startModel(): Promise<LocalServer> {
  const server = await listen(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const { model, messages, stream } = JSON.parse(text) as { model: string; messages: { content: string }[]; stream?: boolean }
    const words = `You said: ${messages.at(-1)?.content}`.split(' ')
    const usage = { prompt_tokens: 5, completion_tokens: words.length, total_tokens: 5 + words.length }
    const base = { id: 'chatcmpl-local', created: 0, model }
    if (stream !== true) {
      const message = { role: 'assistant', content: words.join(' ') }
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ ...base, object: 'chat.completion', usage, choices: [{ index: 0, finish_reason: 'stop', message }] }))
      return
    }
    response.setHeader('content-type', 'text/event-stream')
    const send = (delta: object, finish: string | null): void => {
      const chunk = { ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] }
      response.write(`data: ${JSON.stringify(chunk)}\n\n`)
    }
    for (const [i, word] of words.entries()) send({ content: i === 0 ? word : ` ${word}` }, null)
    send({}, 'stop')
    response.end('data: [DONE]\n\n')
  })
  return { ...server, url: `${server.url}/v1` }
}

/** Starts a TypeScript file on a thread; a compiled program writes `new Worker(new URL('./worker.js', import.meta.url), { workerData })`. */
export function startThread(url: string, workerData: unknown): Worker {
  const boot = `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(url)}) })`
  return new Worker(boot, { eval: true, workerData })
}
