import { execFile } from 'node:child_process'
import { mkdtemp, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const repository: string = fileURLToPath(new URL('../..', import.meta.url))

/** What a command left behind. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The package as `npm pack` makes it, installed in a folder that knows nothing of this repository. */
export interface Installed {
  readonly tarball: string
  readonly folder: string
  /** Paths inside the tarball. */
  readonly files: readonly string[]
  readonly packedBytes: number
  readonly unpackedBytes: number
  /** What npm said of the installation, warnings included. */
  readonly said: string
  remove(): Promise<void>
}

/**
 * Packs what `npm run build` left in `dist` and installs it with its run-time dependencies only, under strict peer checks.
 *
 * @param beside packages of the user, as `npm install` takes them.
 */
export async function installPackage(beside: readonly string[] = []): Promise<Installed> {
  const folder = await mkdtemp(join(tmpdir(), 'honeyhive-tracer-pack-'))
  const packed = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], repository)
  if (packed.code !== 0) throw new Error(`npm pack failed: ${packed.stderr}`)
  const [report] = JSON.parse(packed.stdout) as [{ filename: string; size: number; unpackedSize: number; files: { path: string }[] }]
  const tarball = join(folder, report.filename)

  const consumer = join(folder, 'consumer')
  await mkdir(consumer)
  await writeFile(join(consumer, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  const installed = await run(
    'npm',
    ['install', '--no-audit', '--no-fund', '--loglevel=warn', '--strict-peer-deps', ...beside, tarball],
    consumer,
  )
  if (installed.code !== 0) throw new Error(`npm install failed: ${installed.stderr}`)

  return {
    tarball,
    folder: consumer,
    files: report.files.map(({ path }) => path),
    packedBytes: report.size,
    unpackedBytes: report.unpackedSize,
    said: installed.stderr,
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Runs a command to its end, without input and without the machine's own settings. */
export function run(command: string, args: readonly string[], cwd: string): Promise<Outcome> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HH|OTEL|npm|NODE|VITEST|TEST)/.test(name)))
  return new Promise((resolve) => {
    // On Windows npm and the commands of packages are scripts, which only a shell starts.
    const shell = process.platform === 'win32' && command !== process.execPath
    const child = execFile(command, args, { cwd, env, shell, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
      resolve({ code, stdout, stderr })
    })
    child.stdin?.end()
  })
}

/** Runs `source` as a module inside `folder` and gives back the one JSON value it prints. */
export async function evaluate<T>(folder: string, source: string, flags: readonly string[] = []): Promise<T> {
  const file = join(folder, `probe-${Math.random().toString(36).slice(2)}.mjs`)
  await writeFile(file, source)
  const { code, stdout, stderr } = await run(process.execPath, [...flags, file], folder)
  if (code !== 0) throw new Error(`ended with ${code}: ${stderr}`)
  return JSON.parse(stdout) as T
}

/** Makes packages of this repository visible to the consumer, e.g. type packages it would have installed itself. */
export async function lendPackages(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const target = join(folder, 'node_modules', name)
    await mkdir(join(target, '..'), { recursive: true })
    await rm(target, { recursive: true, force: true })
    await symlink(join(repository, 'node_modules', name), target)
  }
}

/** One line per package of the consumer's install tree. */
export async function readTree(
  folder: string,
): Promise<{ readonly path: string; readonly optional: boolean; readonly hasInstallScript: boolean }[]> {
  const lock = JSON.parse(await readFile(join(folder, 'node_modules/.package-lock.json'), 'utf8')) as {
    packages: Record<string, { optional?: boolean; hasInstallScript?: boolean }>
  }
  return Object.entries(lock.packages).map(([path, { optional = false, hasInstallScript = false }]) => ({
    path,
    optional,
    hasInstallScript,
  }))
}

/** Bytes of all files below `folder`. */
export async function sizeOf(folder: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size
  }
  return bytes
}

/** The file behind a package's command, to be run with this very node. */
export function resolveTool(path: string): string {
  return createRequire(import.meta.url).resolve(path)
}
