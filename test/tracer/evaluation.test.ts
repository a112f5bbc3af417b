import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { runInThisContext } from 'node:vm'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { processState } from '../../src/context/globals.js'
import { flushAll, getDefaultTracer, HoneyHiveTracer, setDefaultTracer, shutdownAll, traceFn, type TracerOptions } from '../../src/index.js'
import { type Receiver, startReceiver } from '../fixtures/receiver.js'

const MODULE = `
// A module as a user writes it.
const tracer = globalThis.reloaded.init()
const other = globalThis.reloaded.later ?? tracer
`
const require = createRequire(import.meta.url)
const directory = mkdtempSync(join(tmpdir(), 'evaluation-'))
let receiver: Receiver
let options: TracerOptions
let made: HoneyHiveTracer[]
let lines: string[]
const holder = globalThis as { reloaded?: unknown }

beforeEach(async () => {
  receiver = await startReceiver()
  lines = []
  made = []
  const logger = { debug: () => undefined, warn: (line: string) => lines.push(line), error: () => undefined }
  options = { apiKey: 'key', serverUrl: receiver.url, skipSessionCreation: true, logger }
  const init = (more?: TracerOptions): HoneyHiveTracer => {
    const tracer = HoneyHiveTracer.init({ ...options, ...more })
    made.push(tracer)
    return tracer
  }
  holder.reloaded = { init }
})

afterAll(() => rmSync(directory, { recursive: true, force: true }))

afterEach(async () => {
  await shutdownAll()
  await receiver.close()
  delete holder.reloaded
})

const toNativeImport = (): ((url: string) => Promise<unknown>) => {
  // The loader of the test runner would give the same module for each query.
  writeFileSync(join(directory, 'import.cjs'), 'module.exports = (url) => import(url)')
  return require(join(directory, 'import.cjs'))
}

/** Ways in which loaders evaluate the same module again. */
const loaders: Readonly<Record<string, (round: number, text?: string) => Promise<unknown>>> = {
  'ES module with another query': (round, text = MODULE) => {
    writeFileSync(join(directory, 'chat.mjs'), text)
    return toNativeImport()(`${pathToFileURL(join(directory, 'chat.mjs'))}?version=${round}-${performance.now()}`)
  },
  'CommonJS, taken out of the cache': async (_, text = MODULE) => {
    const file = join(directory, 'chat.cjs')
    writeFileSync(file, text)
    delete require.cache[file]
    require(file)
    await null
  },
  'an async function of the body, as Vite does it': (_, text = MODULE) => {
    const AsyncFunction = (async () => undefined).constructor as new (...parts: string[]) => () => Promise<unknown>
    return new AsyncFunction(`${text}\n//# sourceURL=/app/chat.ts`)()
  },
  'a script of the body, as webpack does it': async (_, text = MODULE) => {
    runInThisContext(`${text.replaceAll('const', 'var')}\n//# sourceURL=webpack-internal:///./lib/chat.ts`)
    await null
  },
}

describe.each(Object.entries(loaders))('a module that is evaluated again: %s', (_, load) => {
  test('its newest tracer is the only one, what the older ones held arrives once, and one line says what happened', async () => {
    const ask = traceFn(undefined, () => 1, { eventName: 'ask' })
    for (const round of [1, 2, 3]) {
      await load(round)
      ask()
    }
    expect(made).toHaveLength(3)
    expect(await flushAll()).toBe(true)
    expect(made.map((tracer) => tracer.stats().exported)).toEqual([1, 1, 1])
    expect(receiver.spans.map(({ name }) => name)).toEqual(['ask', 'ask', 'ask'])
    expect(lines.map((line) => /was evaluated again: this tracer takes the place/.test(line))).toEqual([true, true])
  })

  test('the default goes to the newest; a span that was open meanwhile arrives; who still uses an older one loses nothing', async () => {
    await load(1)
    const [first] = made as [HoneyHiveTracer]
    setDefaultTracer(first)
    const open = first.startSpan('open meanwhile')
    await load(2, `\n\n${MODULE}`)
    expect(getDefaultTracer()).toBe(made[1])
    open.end()
    await vi.waitFor(() => expect(receiver.spans.map(({ name }) => name)).toEqual(['open meanwhile']))
    first.startSpan('still used').end()
    await vi.waitFor(() => expect(receiver.spans.map(({ name }) => name)).toEqual(['open meanwhile', 'still used']))
    // What it held is given back: a task at the end of the process, endpoints, sockets.
    await vi.waitFor(() => expect([processState.exitTasks.size, processState.endpoints.size, processState.agents.size]).toEqual([0, 0, 0]))
  })

  test('a tracer with another key takes no place: nothing goes to a project it was not meant for', async () => {
    await load(1)
    await load(2, "\nglobalThis.reloaded.init({ apiKey: 'of somebody else' })\n")
    expect(processState.instances.size).toBe(2)
    expect(lines).toEqual([])
  })

  test('two tracers of one module are two, each with its successor', async () => {
    const two = '\nglobalThis.reloaded.init()\nglobalThis.reloaded.init()\n'
    await load(1, two)
    expect(processState.instances.size).toBe(2)
    setDefaultTracer(made[1])
    await load(2, two)
    expect([processState.instances.size, getDefaultTracer() === made[3]]).toEqual([2, true])
  })
})

test.each(['ES module with another query', 'an async function of the body, as Vite does it'])(
  'a body that waits between two tracers is evaluated once: %s',
  async (name) => {
    const two = '\nglobalThis.reloaded.init()\nawait null\nawait new Promise(setImmediate)\nglobalThis.reloaded.init()\n'
    await loaders[name]?.(1, two)
    expect([processState.instances.size, lines]).toEqual([2, []])
    setDefaultTracer(made[1])
    await loaders[name]?.(2, two)
    expect([processState.instances.size, getDefaultTracer() === made[3]]).toEqual([2, true])
  },
)

test('tracers of a function that runs again, at once, later or without a name, stand side by side', async () => {
  await loaders['CommonJS, taken out of the cache']?.(
    1,
    '\nconst request = async () => { globalThis.reloaded.init(); await null; globalThis.reloaded.init() }\nglobalThis.reloaded.all = [request(), request()]\nglobalThis.reloaded.request = request',
  )
  const { request, all } = holder.reloaded as { request: () => Promise<void>; all: Promise<void>[] }
  await Promise.all([...all, request(), new Promise<void>((resolve) => setTimeout(() => void request().then(resolve), 1))])
  expect([made.length, processState.instances.size, lines]).toEqual([8, 8, []])
})

test('a host that has frozen Error makes tracers as ever', () => {
  const { prepareStackTrace, stackTraceLimit } = Error
  try {
    Object.defineProperty(Error, 'stackTraceLimit', { value: 7, writable: false, configurable: true })
    expect(HoneyHiveTracer.init(options).isEnabled).toBe(true)
    expect([Error.stackTraceLimit, Error.prepareStackTrace]).toEqual([7, prepareStackTrace])
  } finally {
    Object.defineProperty(Error, 'stackTraceLimit', { value: stackTraceLimit, writable: true, configurable: true, enumerable: true })
  }
})
