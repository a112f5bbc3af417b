import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { bundle } from './run-fixture.js'
import type { FaultRules, Seen } from './fault-server.js'

/** A {@link file://./fault-server.ts} in a child process. */
export interface FaultServer {
  readonly url: string
  readonly port: number
  /** Sets the rules and forgets what was seen. */
  set(rules: FaultRules): Promise<void>
  seen(): Promise<Seen>
  /** Lets the requests go that were held. */
  release(): Promise<void>
  stop(): Promise<void>
}

let built: string | undefined

function serverFile(): string {
  built ??= bundle(fileURLToPath(new URL('fault-server.ts', import.meta.url)), 'fault-server')
  return built
}

/** Starts the sink; `port` 0 picks a free one. */
export async function startFaultServer(port = 0): Promise<FaultServer> {
  const child = spawn(process.execPath, [serverFile(), String(port)], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer]
  const bound = Number(line.toString().trim())
  const url = `http://127.0.0.1:${bound}`
  return {
    url,
    port: bound,
    async set(rules) {
      await (await fetch(`${url}/control`, { method: 'PUT', body: JSON.stringify(rules) })).text()
    },
    async seen() {
      return (await (await fetch(`${url}/seen`)).json()) as Seen
    },
    async release() {
      await (await fetch(`${url}/release`, { method: 'PUT' })).text()
    },
    async stop() {
      if (child.exitCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}
