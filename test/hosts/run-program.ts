import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findNode, installGroups } from '../fixtures/group-install.js'
import type { EchoServer } from './echo-server.js'

const here = fileURLToPath(new URL('.', import.meta.url))
const execute = promisify(execFile)

/** One product in one version, with a folder that holds its packages. */
export interface Host {
  readonly folder: string
  readonly adapter: string
  readonly modes: readonly string[]
  /** Line of Node that it asks for, when the running one is not enough. */
  readonly node?: string
}

export type Sampler = 'on' | 'off'

/** When our tracers are made: after the product, before it, or before it with their `provider` and `otelTracer` read. */
export type Start = 'after' | 'before' | 'read'

/** One setting of the program; without `start` it runs without us. */
export interface Run {
  readonly host: Host
  readonly mode: string
  readonly sampler: Sampler
  readonly start: Start | undefined
}

export interface Ids {
  readonly traceId?: string
  readonly spanId?: string
}

export interface HostSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentId?: string
  readonly isSampled?: boolean
  /** Attributes that the program set on what was active. */
  readonly marks?: readonly string[]
}

interface OurSpan extends HostSpan {
  readonly links: readonly string[]
  readonly marks: readonly string[]
}

/** What the program left in its result. */
export interface Outcome {
  readonly spans: readonly HostSpan[]
  readonly logs: readonly (Ids & { readonly message: string })[]
  readonly errors: readonly (Ids & { readonly message: string })[]
  readonly observed: readonly { readonly scope: string; readonly place: string; readonly what: string; readonly value?: unknown }[]
  /** Names of the headers of each of our deliveries. */
  readonly deliveries: readonly (readonly string[])[]
  /** Whether OpenTelemetry's context manager was registered before the product started. */
  readonly isSlotTaken: boolean
  readonly trees: Readonly<Record<string, { readonly actual: unknown; readonly expected: unknown }>>
  readonly tenants?: unknown
  readonly ours?: readonly OurSpan[]
}

/** Installs our package beside each product. */
export const installHosts = (hosts: readonly Host[]): Promise<void> =>
  installGroups(hosts.map(({ folder, node }) => ({ folder: join(here, folder), node })))

/** Runs the program in one setting. */
export async function runProgram({ host, mode, sampler, start }: Run, echo: EchoServer): Promise<Outcome> {
  const run = randomUUID()
  const result = join(tmpdir(), `honeyhive-tracer-host-${run}.json`)
  const { NODE_OPTIONS: _, ...inherited } = process.env
  const env = {
    ...inherited,
    ADAPTER: host.adapter,
    MODE: mode,
    SAMPLER: sampler,
    START: start ?? 'after',
    WITH_US: start === undefined ? '0' : '1',
    RESULT: result,
    ECHO: echo.url,
    RUN: run,
  }
  try {
    await execute(await findNode(host.node), [join(here, 'program.mjs')], {
      cwd: join(here, host.folder),
      env,
      timeout: 60_000,
      maxBuffer: 16_777_216,
    })
    return JSON.parse(await readFile(result, 'utf8')) as Outcome
  } finally {
    await rm(result, { force: true })
  }
}
