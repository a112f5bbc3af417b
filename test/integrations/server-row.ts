import { type Lock, versionOf } from './row.js'

/** Packages of servers and clients with their instrumentations, all in one folder. */
export interface ServerGroup {
  readonly folder: string
  readonly format: 'esm' | 'cjs'
  /** Line of Node that its packages need, where the running one is not enough. */
  readonly node?: '24'
  readonly nodeArguments: readonly string[]
  /** Who its instrumentations write to, each in a row. */
  readonly sides: readonly Side[]
}

/** `tracer`: a tracer's `provider`; `routing`: `createRoutingProvider()`; `sdk`: the application's `NodeSDK`; `provider`: a plain provider of its own. */
export type Side = 'tracer' | 'routing' | 'sdk' | 'provider'

/** A framework, or Node alone, with what instruments it. */
export interface ServerRow {
  readonly framework: Framework
  readonly library: string
  readonly instrumentor: string
}

export type Framework = 'http' | 'express' | 'fastify' | 'koa' | 'nest'

/** A client, with what instruments it. */
export interface ClientRow {
  readonly library: string
  readonly instrumentor: string
  /** Names under which the program has it. */
  readonly clients: readonly string[]
  /** Server that the test starts. */
  readonly needs?: 'postgres' | 'redis'
}

export const SERVER_GROUPS: readonly ServerGroup[] = [
  { folder: 'servers', format: 'cjs', nodeArguments: [], sides: ['tracer', 'routing', 'provider'] },
  { folder: 'servers-24', format: 'esm', node: '24', nodeArguments: ['--import', './loader-hook.mjs'], sides: ['tracer', 'sdk'] },
]

// Nest 12 is newer than what its instrumentation takes (below 12).
export const SERVER_ROWS: readonly ServerRow[] = [
  { framework: 'http', library: 'node:http', instrumentor: '@opentelemetry/instrumentation-http' },
  { framework: 'express', library: 'express', instrumentor: '@opentelemetry/instrumentation-express' },
  { framework: 'fastify', library: 'fastify', instrumentor: '@fastify/otel' },
  { framework: 'koa', library: 'koa', instrumentor: '@opentelemetry/instrumentation-koa' },
  { framework: 'nest', library: '@nestjs/core', instrumentor: '@opentelemetry/instrumentation-nestjs-core' },
]

export const CLIENT_ROWS: readonly ClientRow[] = [
  { library: 'undici', instrumentor: '@opentelemetry/instrumentation-undici', clients: ['fetch', 'undici'] },
  { library: 'pg', instrumentor: '@opentelemetry/instrumentation-pg', clients: ['pg'], needs: 'postgres' },
  { library: 'ioredis', instrumentor: '@opentelemetry/instrumentation-ioredis', clients: ['ioredis'], needs: 'redis' },
  { library: 'pino', instrumentor: '@opentelemetry/instrumentation-pino', clients: [] },
]

/** What does not work, whose fault it is and what to do. */
export const SERVER_GAPS = [
  {
    where: '`pg` beside an SDK of your own',
    fault: 'library',
    what: 'callbacks, and in a pool waiting queries, run in the asynchronous context of whoever opened or gave back the connection; the SDK’s context is put back, our scope is not',
    remedy: 'leave its instrumentation in your SDK, and give callbacks to `tracer.bind(fn)`; promises are right',
  },
  {
    where: '`undici` with a limit of connections',
    fault: 'library',
    what: 'a request that waits for a connection starts in the asynchronous context of the request before it, and so does its span, with plain OpenTelemetry too',
    remedy: 'no limit, as `fetch` has none, or a limit of your own whose tasks are bound',
  },
  {
    where: '`@nestjs/core` 12',
    fault: 'instrumentor',
    what: 'its instrumentation takes versions below 12: Express and HTTP are recorded, controllers are not',
    remedy: 'stay with 11, or trace controllers with `@trace`',
  },
] as const

const SAID: Readonly<Record<Side, string>> = {
  tracer: 'on a tracer’s provider',
  routing: 'on a routing provider',
  sdk: 'in the application’s NodeSDK',
  provider: 'in the application’s own provider',
}

/** `express 5.3.0 + @opentelemetry/instrumentation-express 0.72.0, on a tracer’s provider, ESM, Node 24` */
export function serverTitle(
  { library, instrumentor }: Omit<ServerRow, 'framework'>,
  group: ServerGroup,
  side: Side | undefined,
  lock: Lock,
): string {
  const packages = [library, instrumentor].map((name) => (name.startsWith('node:') ? name : `${name} ${versionOf(name, lock)}`))
  const format = group.format === 'esm' ? 'ESM' : 'CommonJS'
  const parts = [
    packages.join(' + '),
    side === undefined ? undefined : SAID[side],
    format,
    group.node === undefined ? undefined : `Node ${group.node}`,
  ]
  return parts.filter((part) => part !== undefined).join(', ')
}
