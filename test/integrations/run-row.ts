import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { DecodedSpan } from '../../src/otlp/decoded-span.js'
import { findNode } from '../fixtures/group-install.js'
import type { ModelServer } from './model-server.js'
import type { SpanReceiver } from './receiver.js'
import type { Row } from './row.js'

const execute = promisify(execFile)

/** The servers that all rows share. */
export interface Servers {
  readonly model: ModelServer
  readonly receiver: SpanReceiver
}

/** What a program does. */
export interface Plan {
  /** One after the other, for the first tenant. */
  readonly cases: readonly string[]
  /** Requests of both tenants at the same time, and the cases they take in turn. */
  readonly load: number
  readonly mixed: readonly string[]
}

/** A span of either side. */
export type SeenSpan = Pick<DecodedSpan, 'name' | 'traceId' | 'spanId' | 'parentSpanId' | 'attributes' | 'events' | 'isError'>

type Tenant = 'A' | 'B'

interface Stats {
  readonly started: number
  readonly ended: number
  readonly open: number
  readonly exported: number
  readonly dropped: Readonly<Record<string, number>>
}

/** What a program left. */
export interface PlainOutcome {
  readonly spans: readonly (SeenSpan & { readonly scope: string })[]
  /** By case, how many spans nobody ended. */
  readonly open: Readonly<Record<string, number>>
  /** Cases whose answer did not reach the application. */
  readonly unanswered: readonly string[]
  /** Errors of calls that should have gone well. */
  readonly thrown: Readonly<Record<string, string>>
}

/** What our side left: also what arrived. */
export interface OurOutcome extends Omit<PlainOutcome, 'spans'> {
  readonly spans: Readonly<Record<Tenant, readonly DecodedSpan[]>>
  readonly warnings: readonly string[]
  readonly stats: Readonly<Record<Tenant, Stats>>
}

/** Runs a row under plain OpenTelemetry. @throws Error with what the program wrote when it dies. */
export async function runPlain(folder: string, row: Row, plan: Plan, servers: Servers): Promise<PlainOutcome> {
  return (await run(folder, row, { ...plan, tenants: ['C', 'D'] }, 'plain', servers, randomUUID())) as PlainOutcome
}

/** Runs a row with our tracers. @throws Error with what the program wrote when it dies. */
export async function runOurs(folder: string, row: Row, plan: Plan, servers: Servers): Promise<OurOutcome> {
  const id = randomUUID()
  const outcome = (await run(folder, row, { ...plan, tenants: ['A', 'B'] }, 'ours', servers, id)) as Omit<OurOutcome, 'spans'>
  return { ...outcome, spans: { A: servers.receiver.take(`A-${id}`), B: servers.receiver.take(`B-${id}`) } }
}

async function run(
  folder: string,
  row: Row,
  plan: unknown,
  side: 'plain' | 'ours',
  { model, receiver }: Servers,
  id: string,
): Promise<unknown> {
  const cwd = join(import.meta.dirname, folder)
  const result = join(tmpdir(), `honeyhive-tracer-row-${id}.json`)
  const { NODE_OPTIONS: _, ...inherited } = process.env
  const env = {
    ...inherited,
    ...row.env,
    ROW: join(cwd, `${row.program}.${row.format === 'esm' ? 'mjs' : 'cjs'}`),
    SIDE: side,
    PLAN: JSON.stringify(plan),
    MODEL_URL: model.url,
    MODEL_HTTP2_URL: model.http2Url,
    SERVER_URL: receiver.url,
    RESULT: result,
    RUN: id,
  }
  const flags = ['--experimental-import-meta-resolve', '--no-warnings', ...(row.nodeArguments ?? [])]
  try {
    const program = join(import.meta.dirname, 'program.mjs')
    await execute(await findNode(row.node), [...flags, program], { cwd, env, timeout: 90_000, maxBuffer: 16_777_216 })
    return JSON.parse(await readFile(result, 'utf8'))
  } finally {
    await rm(result, { force: true })
  }
}
