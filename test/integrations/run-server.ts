import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { DecodedSpan } from '../../src/otlp/decoded-span.js'
import { findNode } from '../fixtures/group-install.js'
import type { SpanReceiver } from './receiver.js'
import type { SeenSpan } from './run-row.js'
import type { Framework, ServerGroup, Side } from './server-row.js'

const execute = promisify(execFile)

/** What the application is asked: the tenant, how it is chosen, and what the handler does. */
export interface Question {
  readonly marker: string
  readonly tenant: Tenant
  readonly entry: (typeof ENTRIES)[number]
  readonly style: (typeof STYLES)[number]
}

export type Tenant = 'A' | 'B'

/** A span of OpenTelemetry's own SDK. */
export interface PlainSpan extends Omit<SeenSpan, 'events'> {
  readonly scopeName: string
  /** Marker of the request in whose tenant's asynchronous context it started. */
  readonly scope?: string
}

/** One run of the application. */
export interface Phase {
  /** Status of each answer, by marker. */
  readonly answers: Readonly<Record<string, number>>
  /** What clients got back, by marker and client: of HTTP clients the headers that arrived. */
  readonly headers: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly logs: readonly { readonly marker: string; readonly place: string; readonly trace_id?: string; readonly span_id?: string }[]
  /** What OpenTelemetry's own SDK recorded, where one is there. */
  readonly spans: readonly PlainSpan[]
}

/** One run of the application with our tracers. */
export interface OurPhase extends Phase {
  readonly ours: Readonly<Record<Tenant, readonly DecodedSpan[]>>
  readonly stats: Readonly<
    Record<Tenant, { readonly started: number; readonly exported: number; readonly dropped: Readonly<Record<string, number>> }>
  >
  readonly warnings: readonly string[]
}

/** The phases of one program, by name: see `server-side/on-tracer.mjs` and `beside-host.mjs`. */
export type Outcome<Side> = Side extends 'plain'
  ? Readonly<Record<'alone' | 'propagating', Phase>>
  : Side extends 'tracer'
    ? Readonly<Record<'alone' | 'propagating' | 'beside', OurPhase>>
    : Side extends 'routing'
      ? { readonly alone: OurPhase & { readonly unowned: number } }
      : { readonly without: Phase; readonly with: OurPhase }

const ENTRIES = ['adapter', 'pool', 'session', 'span', 'in-session', 'in-function'] as const
const STYLES = ['promises', 'together', 'callbacks', 'failure'] as const
const LOAD = 200

const tenantOf = (index: number): Tenant => (index % 2 === 0 ? 'A' : 'B')
const pick = <Item>(items: readonly Item[], index: number): Item => items[index % items.length] as Item

/** Every entry with every style for both tenants. */
export const EACH: readonly Question[] = ENTRIES.flatMap((entry) =>
  STYLES.flatMap((style) =>
    [0, 1].map(tenantOf).map((tenant) => ({ marker: `marker-${tenant}-${entry.replace('-', '_')}_${style}`, tenant, entry, style })),
  ),
)

/** Many more, in turn. */
export const MANY: readonly Question[] = Array.from({ length: LOAD }, (_, index) => ({
  marker: `marker-${tenantOf(index)}-${String(index).padStart(4, '0')}`,
  tenant: tenantOf(index),
  entry: pick(ENTRIES, index >> 1),
  style: pick(STYLES, Math.floor((index >> 1) / ENTRIES.length)),
}))

/** Servers that the program uses; a database that is not there is left out. */
export interface Databases {
  readonly postgres: string | undefined
  readonly redis: string | undefined
}

/** Runs the application of `framework`. @throws Error with what the program wrote when it dies. */
export async function runServer<S extends Side | 'plain'>(
  group: ServerGroup,
  framework: Framework,
  side: S,
  databases: Databases,
  receiver: SpanReceiver,
): Promise<Outcome<S>> {
  const id = randomUUID()
  const result = join(tmpdir(), `honeyhive-tracer-server-${id}.json`)
  const { NODE_OPTIONS: _, ...inherited } = process.env
  const env = {
    ...inherited,
    NODE_ENV: 'test',
    FORMAT: group.format,
    FRAMEWORK: framework,
    SIDE: side,
    PLAN: JSON.stringify({ databases, requests: { each: EACH, load: MANY } }),
    SERVER_URL: receiver.url,
    RESULT: result,
    RUN: id,
  }
  const cwd = join(import.meta.dirname, group.folder)
  const program = join(import.meta.dirname, 'server-side', 'program.mjs')
  try {
    const node = await findNode(group.node)
    await execute(node, ['--no-warnings', ...group.nodeArguments, program], {
      cwd,
      env,
      timeout: 90_000,
    })
    const phases = JSON.parse(await readFile(result, 'utf8')) as Record<string, Phase>
    const withOurs = ([name, phase]: [string, Phase]): [string, Phase] => [name, addOurs(phase, `${id}-${name}`, receiver)]
    return Object.fromEntries(Object.entries(phases).map(withOurs)) as Outcome<S>
  } finally {
    await rm(result, { force: true })
  }
}

function addOurs(phase: Phase, run: string, receiver: SpanReceiver): Phase | OurPhase {
  if (!('stats' in phase)) return phase
  return { ...(phase as OurPhase), ours: { A: receiver.take(`A-${run}`), B: receiver.take(`B-${run}`) } }
}
