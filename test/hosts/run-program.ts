import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { EchoServer } from './echo-server.js'

const here = fileURLToPath(new URL('.', import.meta.url))
const repository = fileURLToPath(new URL('../..', import.meta.url))
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

/** Packs the project once and installs it beside each product; PACKAGE names a tarball to use instead. */
export async function installHosts(hosts: readonly Host[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'honeyhive-tracer-hosts-'))
  try {
    const tarball = process.env['PACKAGE'] ?? (await pack(folder))
    // Two at a time: npm waits for the disk and for the registry as much as for the processor.
    const waiting = [...hosts]
    const work = async (): Promise<void> => {
      for (let host = waiting.shift(); host !== undefined; host = waiting.shift()) await installHost(host, tarball)
    }
    await Promise.all([work(), work()])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function pack(folder: string): Promise<string> {
  const { stdout } = await execute('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: repository, maxBuffer: 16_777_216 })
  return join(folder, stdout.trim().split('\n').at(-1) ?? '')
}

/** Installs the locked packages and ours beside them, unless this very installation is there. */
async function installHost({ folder, node }: Host, tarball: string): Promise<void> {
  const cwd = join(here, folder)
  const stamp = join(cwd, 'node_modules', '.installed')
  const contents = await Promise.all([tarball, join(cwd, 'package.json'), join(cwd, 'package-lock.json')].map((path) => readFile(path)))
  const id = createHash('sha256').update(Buffer.concat(contents)).digest('hex')
  if (existsSync(stamp) && (await readFile(stamp, 'utf8')) === id) return
  const npm = node === undefined ? ['npm'] : ['npx', '-y', '-p', `node@${node}`, 'npm']
  const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  await execute(npm[0] ?? '', [...npm.slice(1), 'install', ...options, tarball], { cwd })
  await writeFile(stamp, id)
}

const binaries = new Map<string, Promise<string>>()

/** Path of a Node of that line; started by it, a program is one process and not three. */
function nodeBinary(line: string | undefined): Promise<string> {
  if (line === undefined) return Promise.resolve(process.execPath)
  const found =
    binaries.get(line) ?? execute('npx', ['-y', '-p', `node@${line}`, 'node', '-p', 'process.execPath']).then(({ stdout }) => stdout.trim())
  binaries.set(line, found)
  return found
}

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
    await execute(await nodeBinary(host.node), [join(here, 'program.mjs')], {
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
