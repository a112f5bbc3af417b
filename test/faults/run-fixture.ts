import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** How a child process ended. */
export interface Ending {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
  tookMs: number
}

/** Runs a file of `fixtures/` in a process of its own; `signal` is sent once it says that it is ready. */
export async function runFixture(name: string, env: Record<string, string>, signal?: NodeJS.Signals): Promise<Ending> {
  const file = fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
  const startedAt = Date.now()
  const child = spawn(process.execPath, ['--import', 'tsx', file], { env: { ...process.env, ...env } })
  let stdout = ''
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
    if (signal !== undefined && chunk.toString().includes('ready')) child.kill(signal)
  })
  const [code, endSignal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { code, signal: endSignal, stdout, stderr, tookMs: Date.now() - startedAt }
}
