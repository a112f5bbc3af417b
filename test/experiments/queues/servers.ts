import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A real server on a free port, which a test may kill and start again on the same data. */
export interface DataServer {
  readonly url: string
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

/** Where a program is; `undefined` on a machine that does not have it. */
export function findProgram(name: string, variable: string): string | undefined {
  if (process.env[variable] !== undefined) return process.env[variable]
  try {
    return execFileSync('which', [name], { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}

/** Redis that writes every command to disk before it answers. */
export async function startRedis(program: string): Promise<DataServer> {
  const folder = mkdtempSync(join(tmpdir(), 'redis-'))
  const port = await freePort()
  const args = ['--port', String(port), '--dir', folder, '--appendonly', 'yes', '--appendfsync', 'always', '--save', '']
  return startServer({ url: `redis://127.0.0.1:${port}`, port, folder, command: [program, ...args] })
}

/** Postgres with a database of its own. */
export async function startPostgres(program: string): Promise<DataServer> {
  const folder = mkdtempSync(join(tmpdir(), 'postgres-'))
  const port = await freePort()
  // Postgres does not run as root.
  const isRoot = process.getuid?.() === 0
  const user = isRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : []
  if (isRoot) chownSync(folder, ...idsOf('postgres'))
  const run = (file: string, ...args: string[]): void => {
    const [first = file, ...rest] = [...user, file, ...args]
    execFileSync(first, rest, { stdio: 'ignore', cwd: folder })
  }
  run(program.replace(/postgres$/, 'initdb'), '-D', folder, '-U', 'test', '-A', 'trust', '--no-sync')
  const command = [
    ...user,
    program,
    '-D',
    folder,
    '-p',
    String(port),
    '-k',
    folder,
    '-c',
    'listen_addresses=127.0.0.1',
    '-c',
    'max_connections=60',
  ]
  return startServer({ url: `postgres://test@127.0.0.1:${port}/postgres`, port, folder, command })
}

function idsOf(user: string): [uid: number, gid: number] {
  const id = (flag: string): number => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }))
  return [id('-u'), id('-g')]
}

interface ServerPlan {
  readonly url: string
  readonly port: number
  readonly folder: string
  readonly command: readonly string[]
}

async function startServer({ url, port, folder, command }: ServerPlan): Promise<DataServer> {
  let child: ChildProcess | undefined
  const server: DataServer = {
    url,
    async start() {
      const [file = '', ...args] = command
      child = spawn(file, args, { stdio: 'ignore', cwd: folder })
      await untilOpen(port)
    },
    async kill() {
      const ended = new Promise((resolve) => child?.once('exit', resolve))
      // Postgres leaves shared memory behind when it is killed; `SIGQUIT` is its way to crash.
      child?.kill(url.startsWith('postgres') ? 'SIGQUIT' : 'SIGKILL')
      await ended
    },
    async close() {
      await server.kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  await server.start()
  return server
}

async function untilOpen(port: number): Promise<void> {
  for (let left = 200; left > 0; left -= 1) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => resolve(false))
    })
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nothing listens on port ${port}`)
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
