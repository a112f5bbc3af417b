import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

export const CONFIG: string = fileURLToPath(new URL('../../examples/collector/gateway.yaml', import.meta.url))

/** A collector that runs. */
export interface Collector {
  readonly url: string
  /** Ends it at once, without a chance to write anything. */
  kill(): Promise<void>
}

/** A port that was free a moment ago. */
export async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Starts the binary with `gateway.yaml` and waits until it says that it is healthy. */
export async function startCollector(binary: string, port: number, variables: Readonly<Record<string, string>>): Promise<Collector> {
  const healthPort = await findPort()
  const env = { ...variables, LISTEN_ADDRESS: `127.0.0.1:${port}`, HEALTH_ADDRESS: `127.0.0.1:${healthPort}` }
  const child = spawn(binary, ['--config', CONFIG], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.on('data', (chunk) => {
    log += String(chunk)
  })
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`the collector ended with ${child.exitCode}:\n${log}`)
    return isOk(`http://127.0.0.1:${healthPort}/`)
  })
  return { url: `http://127.0.0.1:${port}`, kill: () => kill(child) }
}

/** Asks again until it is so; the test's own limit ends it. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 25))
}

async function isOk(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
