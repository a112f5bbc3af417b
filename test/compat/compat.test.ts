import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import * as compat from '../../src/compat/index.js'
import type { DevServer } from '../../src/dev/server.js'
import { test } from '../dev/fixtures.js'
import { installOfficialPackage } from '../fixtures/official-package.js'
import * as programs from './programs.mjs'

const run = promisify(execFile)
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const KEY = 'official-key-0042'
const MINUTES = 60_000

beforeEach(() => {
  vi.stubEnv('HH_API_KEY', KEY)
  vi.stubEnv('HH_PROJECT', 'official')
})
afterEach(() => vi.unstubAllEnvs())

const all = { ...programs }
type ProgramName = 'trace' | 'evaluateRows' | 'rest'
type StoredEvent = ReturnType<DevServer['events']>[number]

/** What the program gives with npm's `honeyhive` 1.0.42, in a process of its own. */
const runOfficial = async (name: ProgramName, server: DevServer): Promise<Record<string, unknown>> => {
  const folder = await installOfficialPackage()
  mkdirSync(`${folder}/programs`, { recursive: true })
  const runner = `${folder}/programs/run-official-${process.pid}.cjs`
  copyFileSync(here('run-official.cjs'), runner)
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    TRACELOOP_TELEMETRY: 'false',
    HONEYHIVE_TELEMETRY: 'false',
    HH_API_URL: server.url,
    HH_API_KEY: KEY,
    HH_PROJECT: 'official',
  }
  const { stdout } = await run(process.execPath, [runner, here('programs.mjs'), name], { env })
  return JSON.parse(/^RESULT (.*)$/m.exec(stdout)?.[1] ?? 'null') as Record<string, unknown>
}

const runOurs = async (name: ProgramName, server: DevServer): Promise<Record<string, unknown>> => {
  vi.stubEnv('HH_API_URL', server.url)
  return JSON.parse(JSON.stringify(await all[name](compat as never))) as Record<string, unknown>
}

/** What an event means, without ids, times, and what says which library recorded it. */
const toMeaning = ({ name, type, source, inputs, outputs, config, metadata, metrics, feedback, userProperties, error }: StoredEvent) => ({
  name,
  type,
  source,
  inputs,
  // There, what returns nothing returns the text "null".
  outputs: Object.fromEntries(Object.entries(outputs).filter(([key, value]) => key !== 'result' || value !== 'null')),
  config,
  metadata: Object.fromEntries(Object.entries(metadata).filter(([key]) => ['user', 'cached', 'step'].includes(key))),
  metrics,
  feedback,
  userProperties,
  // What came with the message (type, stack) differs.
  error: error?.split('\n')[0]?.replace(/^Error: /, ''),
})

const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1)

describe('honeyhive-tracer/compat', () => {
  it('has every name of 1.0.42', { timeout: 10 * MINUTES }, async () => {
    const folder = await installOfficialPackage()
    const { stdout } = await run(process.execPath, ['-p', 'JSON.stringify(Object.keys(require("honeyhive")))'], { cwd: folder })
    const theirs = JSON.parse(stdout.trim().split('\n').at(-1) ?? '[]') as string[]
    expect(theirs).toContain('HoneyHiveTracer')
    expect(theirs.filter((name) => !(name in compat))).toEqual([])
  })

  it('has every type of 1.0.42, but for those of what it is built on', { timeout: 10 * MINUTES }, async () => {
    const folder = `${await installOfficialPackage()}/node_modules/honeyhive`
    const declared = ['sdk/tracer', 'sdk/evaluation', 'sdk/evaluator', 'lib/config'].flatMap((file) =>
      [
        ...readFileSync(`${folder}/${file}.d.ts`, 'utf8').matchAll(/^(?:export (?:declare )?(?:interface|type|class)|interface) (\w+)/gm),
      ].map(([, name]) => name ?? ''),
    )
    const ours = readFileSync(here('../../src/compat/index.ts'), 'utf8')
    // Of Traceloop, which this package does not use, and of a request that a method makes by itself.
    const leftOut = ['SessionStartParams', 'TraceloopAssociationProperties', 'TraceloopParams']
    expect(declared.filter((name) => !new RegExp(`\\b${name}\\b`).test(ours)).sort()).toEqual(leftOut)
  })

  it('has every member of a tracer, and every method of the REST client', { timeout: 10 * MINUTES }, async () => {
    const folder = await installOfficialPackage()
    const script = `const { HoneyHive, HoneyHiveTracer } = require('honeyhive')
      const client = new HoneyHive({ bearerAuth: 'k' })
      const of = (value) => Object.getOwnPropertyNames(Object.getPrototypeOf(value)).filter((name) => name !== 'constructor')
      console.log(JSON.stringify({ tracer: Object.getOwnPropertyNames(HoneyHiveTracer.prototype), client: Object.fromEntries(of(client).map((name) => [name, of(client[name])])) }))`
    const { stdout } = await run(process.execPath, ['-e', script], { cwd: folder })
    const theirs = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as { tracer: string[]; client: Record<string, string[]> }
    // Private there.
    const inner = ['updateInstrumentModules', 'testRequiredProperties', 'getTraceloopAssociationProperties']
    const members = theirs.tracer.filter((name) => !inner.includes(name))
    expect(members.filter((name) => !(name in compat.HoneyHiveTracer.prototype))).toEqual([])
    const ours = new compat.HoneyHive({ bearerAuth: KEY }) as unknown as Record<string, Record<string, unknown>>
    const methods = Object.entries(theirs.client).flatMap(([resource, names]) => names.map((name) => `${resource}.${name}`))
    expect(methods.length).toBeGreaterThan(35)
    expect(methods.filter((path) => typeof ours[path.split('.')[0] ?? '']?.[path.split('.')[1] ?? ''] !== 'function')).toEqual([])
  })

  it('says in the editor what to write in place of each name', () => {
    for (const file of ['evaluate', 'langchain', 'package-facts', 'rest', 'tracer', 'tracing']) {
      const source = readFileSync(here(`../../src/compat/${file}.ts`), 'utf8')
      const names = readFileSync(here('../../src/compat/index.ts'), 'utf8')
      const exported = [
        ...source.matchAll(/(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)\nexport (?:async )?(?:function|class|const|interface|type) (\w+)/g),
      ]
      for (const [, text, name] of exported)
        if (new RegExp(`\\b${name}\\b`).test(names) && name !== 'CompatLangChainHandler') expect(text, name).toMatch(/@deprecated \S+ .*\S/)
    }
  })

  test('records what a program for 1.0.42 records there', { timeout: 10 * MINUTES }, async ({ start }) => {
    const [theirs, ours] = [await start(), await start()]
    const [there, here] = [await runOfficial('trace', theirs), await runOurs('trace', ours)]
    expect(here['result']).toBe(there['result'])
    const meaningOf = (server: DevServer, sessionId: unknown) =>
      server
        .events({ sessionId: String(sessionId) })
        .map(toMeaning)
        .sort(byName)
    expect(meaningOf(ours, here['sessionId'])).toEqual(meaningOf(theirs, there['sessionId']))
    const namesOf = (tree: ReturnType<DevServer['tree']>): unknown[] => tree.map(({ name, children }) => [name, namesOf(children)])
    expect(namesOf(ours.tree(String(here['sessionId'])))).toEqual(namesOf(theirs.tree(String(there['sessionId']))))
    expect(ours.sessions()).toMatchObject([{ name: 'official session', source: 'ci' }])
  })

  test('scores what a program for 1.0.42 scores there', { timeout: 10 * MINUTES }, async ({ start }) => {
    const [theirs, ours] = [await start(), await start()]
    const [{ runId: theirRun, ...there }, { runId, ...here }] = [
      await runOfficial('evaluateRows', theirs),
      await runOurs('evaluateRows', ours),
    ]
    expect(here).toEqual(there)
    const rowsOf = async (server: DevServer, id: unknown) => {
      const reply = (await (await fetch(`${server.url}/api/runs/${String(id)}`)).json()) as {
        run: { name: string; status: string; rows: number; failedRows: number }
        rows: { outputs: unknown }[]
      }
      const { name, status, rows, failedRows } = reply.run
      return { name, status, rows, failedRows, outputs: reply.rows.map(({ outputs }) => JSON.stringify(outputs)).sort() }
    }
    expect(await rowsOf(ours, runId)).toEqual(await rowsOf(theirs, theirRun))
  })

  test('asks what a program for 1.0.42 asks there, and gives it the same replies', { timeout: 10 * MINUTES }, async ({ start }) => {
    const [theirs, ours] = [await start(), await start()]
    expect(await runOurs('rest', ours)).toEqual(await runOfficial('rest', theirs))
  })

  test('names arguments as the text of the function does, and by their place where it has no name', async ({ server }) => {
    const tracer = await compat.HoneyHiveTracer.init({ apiKey: KEY, serverUrl: server.url })
    const odd = tracer.traceTool(
      (a: number, { b }: { b: number }, [c]: number[] = [1, 2], d = ')', ...rest: number[]) => a + b + (c ?? 0) + d.length + rest.length,
    )
    const async = tracer.traceTool(async (one: string) => one)
    expect(odd(1, { b: 2 }, [3], ',', 5, 6)).toBe(9)
    expect(await async('x')).toBe('x')
    await tracer.flush()
    const inputs = server.events({ sessionId: tracer.sessionId ?? '' }).map((event) => event.inputs)
    expect(inputs).toContainEqual({ _params_: { a: 1, 1: { b: 2 }, 2: [3], d: ',', rest: 5, 5: 6 } })
    expect(inputs).toContainEqual({ _params_: { one: 'x' } })
  })

  test('keeps two tracers apart, where 1.0.42 sent everything to the first', async ({ start }) => {
    const [a, b] = [await start(), await start()]
    const [first, second] = await Promise.all([
      compat.HoneyHiveTracer.init({ apiKey: 'key-of-a-000001', serverUrl: a.url, sessionName: 'a' }),
      compat.HoneyHiveTracer.init({ apiKey: 'key-of-b-000001', serverUrl: b.url, sessionName: 'b' }),
    ])
    const work = compat.traceTool((side: string) => side, { eventName: 'work' })
    expect([first.trace(work, 'a'), second.trace(work, 'b')]).toEqual(['a', 'b'])
    await Promise.all([first.flush(), second.flush()])
    for (const [server, tracer, side] of [
      [a, first, 'a'],
      [b, second, 'b'],
    ] as const)
      expect(server.tree(tracer.sessionId ?? '')).toMatchObject([{ name: 'work', inputs: { _params_: { side } } }])
  })

  test('never rejects nor throws for settings that are wrong, and leaves functions as they are', async () => {
    const warn = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    try {
      const tracer = await compat.HoneyHiveTracer.init({ serverUrl: 'nowhere', instrumentModules: {} } as never)
      expect(tracer.sessionId).toBeUndefined()
      expect(tracer.traceTool((n: number) => n + 1)(1)).toBe(2)
      compat.enrichSpan({ metadata: {} })
      expect(warn.mock.calls.join('\n')).toMatch(/instrumentModules[\s\S]*records nothing[\s\S]*serverUrl/)
    } finally {
      warn.mockRestore()
    }
  })

  it('tells the state of the repository, streams and servers as there', async () => {
    expect(compat.getGitInfo('/')).toEqual({ uncommittedChanges: false, error: 'not a git repository, or no git' })
    const stream = new Response('abc').body as ReadableStream<Uint8Array>
    expect(Buffer.from(await compat.files.readableStreamToArrayBuffer(stream)).toString()).toBe('abc')
    expect(String(compat.serverURLFromOptions({}))).toBe('https://api.honeyhive.ai/')
    expect(compat.serverURLFromOptions({ serverIdx: 5 })).toBeNull()
    expect(compat.SDK_METADATA.language).toBe('typescript')
  })

  test('records LangChain under the old name of its handler', async ({ server }) => {
    const handler = new compat.HoneyHiveLangChainTracer({ apiKey: KEY, project: 'official', sessionName: 'chains', baseUrl: server.url })
    handler.handleChainStart({ name: 'chain' }, { q: 1 }, 'run-1')
    handler.handleChainEnd({ a: 2 }, 'run-1')
    await handler.setFeedback({ rating: 5 })
    await handler.tracer.forceFlush()
    expect(server.sessions()).toMatchObject([{ name: 'chains', source: 'langchain', hasFeedback: true }])
    expect(
      server
        .events({ sessionId: handler.tracer.sessionId })
        .map(({ type }) => type)
        .sort(),
    ).toEqual(['chain', 'session'])
  })
})
