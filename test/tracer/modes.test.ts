import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, symlink, writeFile, cp, mkdir } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { EventType, HoneyHiveConfigError, HoneyHiveTracer, traceFn, type TracerOptions } from '../../src/index.js'
import { cpuMs, toReferenceMs } from '../fixtures/cost.js'
import { startReceiver } from '../fixtures/receiver.js'

interface Lines {
  readonly lines: string[]
  readonly logger: { debug(line: string): void; warn(line: string): void; error(line: string): void }
}
const collect = (): Lines => {
  const lines: string[] = []
  const add = (line: string): void => void lines.push(line)
  return { lines, logger: { debug: add, warn: add, error: add } }
}
/** Everything a tracer can do that could reach the network. */
const exercise = async (tracer: HoneyHiveTracer): Promise<boolean> => {
  const answer = traceFn(tracer, (n: number) => n + 1, { eventName: 'f' })(1)
  await tracer.withSession({ sessionName: 's' }, async () => tracer.enrichSession({ metadata: { a: 1 } }))
  await tracer.createSession()
  await tracer.createEvent({ eventName: 'e', eventType: EventType.tool })
  await tracer.updateEvent('e', { feedback: { a: 1 } })
  await tracer.forceFlush()
  await tracer.shutdown()
  return answer === 2
}

test.each([[{ apiKey: 'k' }], [{ limits: {} }], [undefined]])('new HoneyHiveTracer(%o) says to use init', (options) => {
  const create = (): unknown => Reflect.construct(HoneyHiveTracer, [options])
  expect(create).toThrow(HoneyHiveConfigError)
  expect(create).toThrow(/HoneyHiveTracer\.init\(\{ … \}\)/)
})

describe('no network at all', () => {
  let connections = 0
  let url = ''
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    connections++
    sockets.add(socket)
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}')
  })
  beforeEach(async () => {
    connections = 0
    if (!server.listening) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    server.unref()
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })

  test.each<[string, TracerOptions]>([
    ['testMode', { apiKey: 'key-of-test', testMode: true }],
    ['disabled', { apiKey: 'key-of-test', disabled: true }],
    ['no key', {}],
    ['testMode and disableBatch', { apiKey: 'key-of-test', testMode: true, disableBatch: true }],
    ['testMode without key', { testMode: true }],
  ])('D-26, D-39: with %s not one connection is made, and user code runs', async (_, options) => {
    const { logger } = collect()
    expect(await exercise(HoneyHiveTracer.init({ serverUrl: url, logger, ...options }))).toBe(true)
    expect(connections).toBe(0)
  })

  test('the same calls with a key do connect', async () => {
    const { logger } = collect()
    await exercise(HoneyHiveTracer.init({ apiKey: 'key-of-test', serverUrl: url, logger }))
    expect(connections).toBeGreaterThan(0)
  })
})

describe('what is said, word for word', () => {
  const refused = (options: object): string => {
    try {
      HoneyHiveTracer.init(options as TracerOptions)
    } catch (error) {
      expect(error).toBeInstanceOf(HoneyHiveConfigError)
      return (error as Error).message
    }
    throw new Error('it was accepted')
  }

  test('no key: disabled, one warning that says what to set', () => {
    const { lines, logger } = collect()
    const tracer = HoneyHiveTracer.init({ logger })
    for (let i = 0; i < 10; i++) traceFn(tracer, () => 1, { eventName: 'f' })()
    expect(lines).toEqual([
      '[honeyhive dev] no API key: this tracer is disabled and records nothing. Set the option `apiKey` or the variable HH_API_KEY.',
    ])
    expect([tracer.isEnabled, tracer.stats().dropped.disabled, tracer.stats().started]).toEqual([false, 10, 10])
  })

  test('wrong options: every one, with what was expected and what to do, and never the key', () => {
    expect(refused({ apiKey: 42 })).toMatch(
      /^HoneyHiveTracer\.init: 1 invalid setting\.\n {2}- Invalid "apiKey": expected .*, got a number from code\. /,
    )
    expect(refused({ apiKey: 42 })).not.toContain('42')
    expect(refused({ serverUrl: 'ftp://x' })).toMatch(/Invalid "serverUrl": expected .*http.*, got "ftp:\/\/x" from code\. /)
    expect(refused({ sesionName: 'x' })).toBe(
      'HoneyHiveTracer.init: 1 invalid setting.\n  - Unknown option "sesionName" from code. Did you mean "sessionName"?',
    )
    expect(refused({ apiKey: 42, serverUrl: 'ftp://x', sesionName: 'x' })).toContain('3 invalid settings')
  })

  test('plain http to another host: disabled, the key is not sent, and the message says so', async () => {
    const { lines, logger } = collect()
    const tracer = HoneyHiveTracer.init({ apiKey: 'key-of-test', serverUrl: 'http://192.0.2.1:4318', logger })
    expect(await exercise(tracer)).toBe(true)
    expect(lines).toEqual([
      '[honeyhive dev] Disabled: "serverUrl" http://192.0.2.1:4318 is plain http to another host and would send the API key readable to everyone on the way. Use https, or set allowInsecureUrl: true.',
    ])
  })

  test('receiver answering 401: user code untouched, spans counted under httpStatus, one warning with the remedy', async () => {
    const receiver = await startReceiver((_, response) => (response.writeHead(401).end('{"error":"bad key"}'), true))
    const { lines, logger } = collect()
    const tracer = HoneyHiveTracer.init({ apiKey: 'key-of-test', serverUrl: receiver.url, logger, skipSessionCreation: true })
    for (let i = 0; i < 20; i++) expect(traceFn(tracer, () => i, { eventName: 'f' })()).toBe(i)
    expect(await tracer.forceFlush()).toBe(false)
    expect(tracer.stats()).toMatchObject({ ended: 20, exported: 0, pending: 0, dropped: { httpStatus: 20 } })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/401/)
    expect(lines[0]).not.toContain('key-of-test')
    await tracer.shutdown()
    await receiver.close()
  })

  test('receiver down: user code untouched and quick; the loss is counted at shutdown', async () => {
    const { lines, logger } = collect()
    const tracer = HoneyHiveTracer.init({ apiKey: 'key-of-test', serverUrl: 'http://127.0.0.1:9', logger, skipSessionCreation: true })
    const before = cpuMs()
    for (let i = 0; i < 20; i++) expect(traceFn(tracer, () => i, { eventName: 'f' })()).toBe(i)
    expect(toReferenceMs(cpuMs() - before, 100)).toBeLessThan(100)
    expect(await tracer.shutdown(200)).toBe(false)
    const { ended, pending, dropped } = tracer.stats()
    expect([ended, pending, Object.values(dropped).reduce((a, b) => a + b)]).toEqual([20, 0, 20])
    expect(lines.length).toBeGreaterThan(0)
    expect(lines.length).toBeLessThanOrEqual(3)
  })

  test('disableBatch delivers each span at once, still in the background', async () => {
    const receiver = await startReceiver()
    await using tracer = HoneyHiveTracer.init({
      apiKey: 'key-of-test',
      serverUrl: receiver.url,
      disableBatch: true,
      batch: { scheduledDelayMs: 600_000 },
      skipSessionCreation: true,
    })
    tracer.startSpan('s').end()
    while (receiver.spans.length === 0) await new Promise((resolve) => setImmediate(resolve))
    await receiver.close()
  })
})

describe('many tracers with the same trouble', () => {
  test('a program that makes a tracer without a key for each request is told a few times, not each time', () => {
    const lines: string[] = []
    const write = vi.spyOn(process.stderr, 'write').mockImplementation((line) => {
      lines.push(String(line))
      return true
    })
    for (let i = 0; i < 50; i++) HoneyHiveTracer.init({ apiKey: '' })
    write.mockRestore()
    expect(lines.filter((line) => line.includes('no API key')).length).toBeLessThanOrEqual(5)
  })
})

describe('F37: a system clock that steps', () => {
  test.each([
    ['back', -3_600_000],
    ['ahead', 3_600_000],
  ])('%s by an hour in the middle of a trace moves nothing', async (_, stepMs) => {
    let unixMs = 1_800_000_000_000
    let elapsedMs = 1000
    const pass = (ms: number): void => {
      unixMs += ms
      elapsedMs += ms
    }
    const { createSystemClock } = await import('../../src/provider/clock.js')
    const clock = createSystemClock(
      () => unixMs,
      () => elapsedMs,
    )
    const tracer = HoneyHiveTracer.initWith({ apiKey: 'key-of-test', testMode: true }, { clock })
    tracer.startActiveSpan('parent', () => {
      pass(10)
      unixMs += stepMs
      tracer.startActiveSpan('child', () => pass(20))
      pass(10)
    })
    tracer.startActiveSpan('next trace', () => pass(5))
    const spans = tracer.instance.exporters.memory?.spans ?? []
    const [child, parent, next] = spans.map((span) => ({
      start: span.startTime[0] * 1000 + span.startTime[1] / 1e6,
      length: span.duration[0] * 1000 + span.duration[1] / 1e6,
    }))
    expect([child?.length, parent?.length, next?.length].map((ms) => Math.round(ms ?? -1))).toEqual([20, 40, 5])
    expect(parent?.start).toBe(1_800_000_000_000)
    expect(Math.round((child?.start ?? 0) - (parent?.start ?? 0))).toBe(10)
    // A new trace follows the clock of the machine again.
    expect(Math.round((next?.start ?? 0) - 1_800_000_000_040)).toBe(stepMs)
    await tracer.shutdown()
  })
})

describe('F42: another version of the OpenTelemetry API in the process', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const api = join(root, 'node_modules/@opentelemetry/api')
  let folder = ''
  afterEach(() => rm(folder, { recursive: true, force: true }))

  test.each(['before', 'after'])(
    'loaded and registered %s ours: the host keeps its context, our spans are delivered, no global is ours',
    async (order) => {
      folder = await mkdtemp(join(tmpdir(), 'two-apis-'))
      const copy = join(folder, 'node_modules/@opentelemetry/api')
      await mkdir(dirname(copy), { recursive: true })
      await cp(api, copy, { recursive: true })
      const version = (JSON.parse(await readFile(join(api, 'package.json'), 'utf8')) as { version: string }).version
      const [major, minor] = version.split('.') as [string, string]
      const newer = `${major}.${Number(minor) + 1}.0`
      for (const build of ['build/src', 'build/esm', 'build/esnext']) {
        const file = join(copy, build, 'version.js')
        await writeFile(file, (await readFile(file, 'utf8')).replace(version, newer))
      }
      await symlink(
        join(root, 'node_modules/@opentelemetry/context-async-hooks'),
        join(folder, 'node_modules/@opentelemetry/context-async-hooks'),
      )
      const receiver = await startReceiver()
      const script = join(root, `test/tracer/fixtures/two-apis.ts`)
      const child = spawn(process.execPath, ['--import', 'tsx', script], {
        env: { ...process.env, API_COPY: join(copy, 'build/src/index.js'), ORDER: order, SERVER: receiver.url },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let output = ''
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
      expect((await once(child, 'close'))[0]).toBe(0)
      expect(JSON.parse(output)).toEqual({ versions: true, hostKept: true, hostProvider: true, flushed: true })
      expect(receiver.spans.map((span) => span.name).sort()).toEqual(['auto', 'inner', 'outer'])
      await receiver.close()
    },
  )
})
