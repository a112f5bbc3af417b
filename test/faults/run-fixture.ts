import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { renameSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { COVERAGE_ENV, OUTSIDE_COVERAGE } from '../fixtures/coverage.js'

/** How a child process ended. */
export interface Ending {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

// A fixture that counts on the order in which modules load has to be the file it was written as.
const BUNDLED: ReadonlySet<string> = new Set(['accidents.ts', 'ending.ts', 'small-heap.ts', 'tracer.ts'])
const commands = new Map<string, string[]>()

/** Arguments for Node. A bundle, made once for each test file, starts in a fraction of the time the loader takes. */
function toCommand(name: string): string[] {
  const file = fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
  if (!BUNDLED.has(name)) return ['--import', 'tsx', file]
  const known = commands.get(name)
  if (known !== undefined) return known
  const command = [bundle(file, name)]
  commands.set(name, command)
  return command
}

/** Bundles one file with the packages left outside, where Node finds them. */
export function bundle(file: string, name: string): string {
  const outfile = fileURLToPath(new URL(`../../node_modules/.cache/faults/${name}-${process.pid}.mjs`, import.meta.url))
  buildSync({
    entryPoints: [file],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
    sourcemap: OUTSIDE_COVERAGE === undefined ? false : 'inline',
  })
  // Several workers may build at the same time; each finds a whole file.
  const shared = outfile.replace(`-${process.pid}`, '')
  renameSync(outfile, shared)
  return shared
}

/** Runs a file of `fixtures/` in a process of its own; `signal` is sent once it says that it is ready. */
export async function runFixture(name: string, env: Record<string, string>, signal?: NodeJS.Signals): Promise<Ending> {
  const command = toCommand(name)
  const child = spawn(process.execPath, command, { env: { ...process.env, ...(BUNDLED.has(name) ? COVERAGE_ENV : {}), ...env } })
  let stdout = ''
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
    if (signal !== undefined && chunk.toString().includes('ready')) child.kill(signal)
  })
  const [code, endSignal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { code, signal: endSignal, stdout, stderr }
}
