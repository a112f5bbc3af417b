import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { test as base } from 'vitest'
import { type DevServer, type DevServerOptions, startDevServer } from '../../src/dev/server.js'

export const KEY = 'hh_test_key_0123456789'

/** Whether the full figures are wanted: `TEST_LONG=1`, or `HH_TEST_LONG=1` where the runner lets `HH_*` through. */
export const isLong: boolean = process.env.TEST_LONG === '1' || process.env.HH_TEST_LONG === '1'

type Plain = string | number | boolean | readonly Plain[] | { readonly [key: string]: Plain }

export interface SpanInput {
  readonly traceId?: string
  readonly spanId?: string
  readonly parentSpanId?: string
  readonly name?: string
  readonly startMs?: number
  readonly endMs?: number
  readonly attributes?: Readonly<Record<string, Plain>>
  readonly events?: readonly { readonly name: string; readonly attributes?: Readonly<Record<string, Plain>> }[]
  readonly links?: readonly { readonly traceId: string; readonly spanId: string; readonly attributes?: Readonly<Record<string, Plain>> }[]
  readonly status?: { readonly code: number | string; readonly message?: string }
}

let counter = 0
/** A new id of `bytes` bytes, hex. */
export const newId = (bytes: number): string => `f${(++counter).toString(16).padStart(bytes * 2 - 1, '0')}`

const toValue = (value: Plain): Record<string, unknown> => {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(toValue) } }
  return { kvlistValue: { values: toAttributes(value as Record<string, Plain>) } }
}

export const toAttributes = (attributes: Readonly<Record<string, Plain>> = {}): { key: string; value: unknown }[] =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: toValue(value) }))

/** An OTLP/JSON export request. */
export const toExport = (
  spans: readonly SpanInput[],
  resource: Readonly<Record<string, Plain>> = {},
  scope = 'test-scope',
): Record<string, unknown> => ({
  resourceSpans: [
    {
      resource: { attributes: toAttributes(resource) },
      scopeSpans: [
        {
          scope: { name: scope, version: '1.0' },
          spans: spans.map((span) => ({
            traceId: span.traceId ?? newId(16),
            spanId: span.spanId ?? newId(8),
            ...(span.parentSpanId === undefined ? {} : { parentSpanId: span.parentSpanId }),
            name: span.name ?? 'span',
            kind: 'SPAN_KIND_INTERNAL',
            startTimeUnixNano: `${span.startMs ?? 1_700_000_000_000}000000`,
            endTimeUnixNano: `${span.endMs ?? 1_700_000_000_100}000000`,
            attributes: toAttributes(span.attributes),
            events: (span.events ?? []).map((event) => ({
              name: event.name,
              timeUnixNano: '1700000000000000000',
              attributes: toAttributes(event.attributes),
            })),
            links: (span.links ?? []).map((link) => ({ ...link, attributes: toAttributes(link.attributes) })),
            status: span.status ?? { code: 'STATUS_CODE_UNSET' },
          })),
        },
      ],
    },
  ],
})

export interface Reply {
  readonly status: number
  readonly body: unknown
  readonly headers: Headers
}

/** Sends one JSON request with a bearer key. */
export const call = async (server: DevServer, method: string, path: string, body?: unknown, key: string | null = KEY): Promise<Reply> => {
  const reply = await fetch(server.url + path, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await reply.text()
  return { status: reply.status, body: text === '' ? undefined : (JSON.parse(text) as unknown), headers: reply.headers }
}

export const sendSpans = (
  server: DevServer,
  spans: readonly SpanInput[],
  options: { key?: string | null; resource?: Readonly<Record<string, Plain>>; scope?: string; path?: string } = {},
): Promise<Reply> =>
  call(
    server,
    'POST',
    options.path ?? '/opentelemetry/v1/traces',
    toExport(spans, options.resource, options.scope),
    options.key === undefined ? KEY : options.key,
  )

export interface RawReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** A request with headers and targets that fetch would not send. */
export const rawRequest = (
  server: DevServer,
  options: { method?: string; path?: string; headers?: Record<string, string | string[]>; body?: Uint8Array | string; setHost?: boolean },
): Promise<RawReply> =>
  new Promise((resolve, reject) => {
    const { method = 'GET', path = '/', headers = {}, body, setHost = true } = options
    const request = httpRequest({ host: '127.0.0.1', port: server.port, method, path, headers, setHost, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString('utf8') }),
      )
      response.on('error', reject)
    })
    request.on('error', reject)
    request.end(body)
  })

/** Writes bytes on a bare connection and gives back everything that came until it closed. */
export const rawSocket = (server: DevServer, text: string | Buffer): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write(text))
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('utf8')))
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' || error.code === 'EPIPE' ? resolve(Buffer.concat(chunks).toString('utf8')) : reject(error),
    )
  })

/** A server in a process of its own; the first line it prints is its URL. `cpuMs` is the processor time it has used. */
export const spawnServer = async (path: string): Promise<{ child: ChildProcess; url: string; cpuMs(): Promise<number> }> => {
  const script = `import { startDevServer } from ${JSON.stringify(new URL('../../src/dev/server.ts', import.meta.url).href)}
    const server = await startDevServer({ port: 0, database: ${JSON.stringify(path)} })
    process.on('message', () => process.send(process.cpuUsage()))
    console.log(server.url)`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  if (child.stdout === null) throw new Error('no stdout')
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string]
  return {
    child,
    url,
    async cpuMs() {
      child.send('how much?')
      const [{ user, system }] = (await once(child, 'message')) as [NodeJS.CpuUsage]
      return (user + system) / 1000
    },
  }
}

/** `server`: in memory and closed after the test. `start`: further ones. */
export const test = base.extend<{ server: DevServer; start: (options?: DevServerOptions) => Promise<DevServer> }>({
  start: async ({ task: _task }, use) => {
    const servers: DevServer[] = []
    await use(async (options = {}) => {
      const server = await startDevServer({ port: 0, database: ':memory:', ...options })
      servers.push(server)
      return server
    })
    await Promise.all(servers.map((server) => server.close()))
  },
  server: async ({ start }, use) => {
    await use(await start())
  },
})

/** Lets another process hold the write lock of a database; gives back how to make it let go. */
export const holdLock = async (path: string): Promise<() => Promise<void>> => {
  const libsql = new URL('../../node_modules/libsql/index.js', import.meta.url).href
  const script = `import Database from ${JSON.stringify(libsql)}
    const database = new Database(${JSON.stringify(path)})
    database.exec('PRAGMA busy_timeout = 30000')
    database.exec('BEGIN IMMEDIATE')
    console.log('held')
    process.stdin.once('data', () => { database.exec('ROLLBACK'); process.exit() })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(createInterface(child.stdout), 'line')
  return async () => {
    const ended = once(child, 'exit')
    child.stdin.write('let go\n')
    await ended
  }
}
