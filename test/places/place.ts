import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { pack } from '../fixtures/group-install.js'

const here = fileURLToPath(new URL('.', import.meta.url))
const execute = promisify(execFile)

/** What a command left behind. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A copy of one folder here, with its packages and ours, that knows nothing of this repository: bundlers look into every parent. */
export interface Place {
  readonly folder: string
  /** Runs Node, or the command of an installed package when `command` is given, without the settings of this process. */
  run(args: readonly string[], options?: RunOptions): Promise<Outcome>
  remove(): Promise<void>
}

export interface RunOptions {
  /** Absolute path. @defaultValue this very Node */
  readonly command?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Installs the locked packages of `name` and the packed project beside them. */
export async function installPlace(name: string): Promise<Place> {
  const room = await mkdtemp(join(tmpdir(), 'honeyhive-tracer-place-'))
  const remove = (): Promise<void> => rm(room, { recursive: true, force: true })
  const folder = join(room, name)
  try {
    await cp(join(here, name), folder, { recursive: true, filter: (path) => !path.includes('node_modules') })
    const tarball = process.env['PACKAGE'] ?? (await pack(room))
    await execute(
      'npm',
      ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', tarball],
      {
        cwd: folder,
        shell: process.platform === 'win32',
      },
    )
  } catch (error) {
    await remove()
    throw error
  }
  return { folder, remove, run: (args, options) => run(folder, args, options) }
}

function run(cwd: string, args: readonly string[], { command = process.execPath, env = {} }: RunOptions = {}): Promise<Outcome> {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HH|OTEL|npm|NODE|VITEST|TEST|JEST)/.test(name)))
  return new Promise((resolve) => {
    const options = { cwd, env: { ...clean, NO_COLOR: '1', FORCE_COLOR: '0', ...env }, timeout: 180_000, maxBuffer: 64 << 20 }
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
      resolve({ code, stdout, stderr })
    })
    child.stdin?.end()
  })
}
