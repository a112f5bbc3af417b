// Next takes the package into the bundles of its route handlers; its standalone output is run without this repository.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Receiver, startReceiver } from '../fixtures/receiver.js'
import { installPlace, type Place } from './place.js'

let place: Place
let receiver: Receiver

beforeAll(async () => {
  place = await installPlace('next')
  receiver = await startReceiver()
})
afterAll(async () => {
  await receiver.close()
  await place.remove()
})

describe.for([
  ['Turbopack', []],
  ['webpack', ['--webpack']],
] as const)('Next built by %s', ([, flags]) => {
  test('delivers from a route handler, and serves the local server’s page', async ({ onTestFinished }) => {
    await rm(join(place.folder, '.next'), { recursive: true, force: true })
    const env = { NEXT_TELEMETRY_DISABLED: '1' }
    const built = await place.run([join(place.folder, 'node_modules/next/dist/bin/next'), 'build', ...flags], { env })
    expect(built.code, built.stdout + built.stderr).toBe(0)

    const port = await findFreePort()
    const server = startStandalone(port)
    onTestFinished(async () => {
      const ended = once(server, 'exit')
      server.kill('SIGKILL')
      await ended
    })
    await untilReady(server)
    receiver.spans.length = 0
    const ask = async (path: string): Promise<unknown> => (await fetch(`http://127.0.0.1:${port}${path}`)).json()
    expect(await ask('/api/answer?q=otters')).toEqual({ length: 6, isFlushed: true, exported: 1 })
    expect(receiver.spans.map(({ name }) => name)).toEqual(['answer'])
    expect(await ask('/api/server')).toEqual({ status: 200, hasPage: true })
  })
})

describe.for([
  ['Turbopack', []],
  ['webpack', ['--webpack']],
] as const)('Next in development, by %s', ([, flags]) => {
  test('records each call once, before and after an edit of the module, and the newest tracer delivers', async ({ onTestFinished }) => {
    await rm(join(place.folder, '.next'), { recursive: true, force: true })
    const port = await findFreePort()
    const next = join(place.folder, 'node_modules/next/dist/bin/next')
    const server = start([next, 'dev', ...flags, '--port', String(port), '--hostname', '127.0.0.1'])
    const route = join(place.folder, 'app/api/answer/route.js')
    const before = await readFile(route, 'utf8')
    onTestFinished(async () => {
      await writeFile(route, before)
      const ended = once(server, 'exit')
      server.kill('SIGTERM')
      await ended
    })
    await untilReady(server)
    let asked = 0
    receiver.spans.length = 0
    const ask = async (): Promise<{ length: number; isFlushed: boolean; exported: number }> => {
      const reply = await fetch(`http://127.0.0.1:${port}/api/answer?q=otters`)
      asked++
      return (await reply.json()) as { length: number; isFlushed: boolean; exported: number }
    }
    expect(await ask()).toEqual({ length: 6, isFlushed: true, exported: 1 })
    for (const factor of [2, 3]) {
      await writeFile(route, before.replace('question.length', `question.length * ${factor}`))
      let last = await ask()
      while (last.length !== 6 * factor) last = await ask()
      expect(last).toMatchObject({ isFlushed: true, exported: 1 })
      // A file that is written while it is watched may be evaluated twice; then its tracer is another one again, and counts from one.
      let next = await ask()
      while (next.exported === 1) next = await ask()
      expect(next).toEqual({ length: 6 * factor, isFlushed: true, exported: 2 })
    }
    expect(receiver.spans.map(({ name }) => name)).toEqual(Array(asked).fill('answer'))
  })
})

function start(args: readonly string[]): ChildProcess {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HH|OTEL|npm|NODE|VITEST|TEST)/.test(name)))
  const env = { ...clean, RECEIVER: receiver.url, NEXT_TELEMETRY_DISABLED: '1' }
  return spawn(process.execPath, args, { cwd: place.folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
}

function startStandalone(port: number): ChildProcess {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HH|OTEL|npm|NODE|VITEST|TEST)/.test(name)))
  return spawn(process.execPath, [join(place.folder, '.next/standalone/server.js')], {
    env: { ...clean, PORT: String(port), HOSTNAME: '127.0.0.1', RECEIVER: receiver.url, NEXT_TELEMETRY_DISABLED: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

async function untilReady({ stdout }: ChildProcess): Promise<void> {
  if (stdout === null) throw new Error('there is no output')
  for await (const line of createInterface({ input: stdout })) if (line.includes('Ready')) return
  throw new Error('the server ended before it was ready')
}

/** Next itself takes 0 for its default. */
async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
