import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test as base } from 'vitest'
import { findFiles } from '../../src/experiments/find-files.js'
import {
  defineExperiment,
  defineExperimentTests,
  type ExperimentData,
  evaluate,
  exactMatch,
  runEvalFiles,
} from '../../src/experiments/index.js'
import type { EvalSummary } from '../../src/experiments/runner.js'
import { OFFLINE } from './backend.js'

const ROOT = resolve(import.meta.dirname, '../..')
const ENTRY = pathToFileURL(join(ROOT, 'src/experiments/index.ts')).href

const test = base.extend<{ folder: string; write: (path: string, text: string) => Promise<void> }>({
  folder: async ({}, use) => {
    // Inside the repository, so that the files find tsx as a project's would.
    const folder = await mkdtemp(join(ROOT, 'test/experiments/.eval-'))
    await use(folder)
    await rm(folder, { recursive: true })
  },
  write: async ({ folder }, use) => {
    await use(async (path, text) => {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), text)
    })
  },
})

const evalFile = (name: string, answer: string, type = ''): string => `
import { defineExperiment, exactMatch } from ${JSON.stringify(ENTRY)}
const dataset = [{ inputs: { q: 'x' }, groundTruth: 'good' }]
export const ${name} = defineExperiment({
  name: '${name}', dataset, function: (datapoint${type}) => '${answer}', evaluators: [exactMatch()], thresholds: { exact_match: 1 },
})
`
const settings = { apiKey: '', progress: false, git: false } as const

describe('findFiles', () => {
  test('understands stars, double stars, marks and braces, and leaves out node_modules', async ({ folder, write }) => {
    for (const path of ['a.eval.ts', 'deep/er/b.eval.mjs', 'deep/c.eval.txt', 'node_modules/d.eval.ts', 'x+y.eval.ts'])
      await write(path, '')
    const found = async (...patterns: string[]): Promise<string[]> =>
      (await findFiles(patterns, folder)).files.map((file) => file.slice(folder.length + 1))
    expect(await found('**/*.eval.{ts,mjs}')).toEqual(['a.eval.ts', 'deep/er/b.eval.mjs', 'x+y.eval.ts'])
    expect(await found('*.eval.ts')).toEqual(['a.eval.ts', 'x+y.eval.ts'])
    expect(await found('deep/**')).toEqual(['deep/c.eval.txt', 'deep/er/b.eval.mjs'])
    expect(await found('./x+y.eval.ts', '?.eval.ts')).toEqual(['a.eval.ts', 'x+y.eval.ts'])
    expect(await found(join(folder, 'a.eval.ts'))).toEqual(['a.eval.ts'])
  })

  test('takes a file that is named, wherever it is, once', async ({ folder, write }) => {
    for (const path of ['evals/a.eval.mjs', 'dist/b.eval.mjs', 'evals/real.mjs', 'evals/{x}.eval.mjs']) await write(path, '')
    await symlink('real.mjs', join(folder, 'evals/link.eval.mjs'))
    const directory = join(folder, 'evals')
    const named = ['../dist/b.eval.mjs', 'link.eval.mjs', '{x}.eval.mjs', './a.eval.mjs', join(directory, 'a.eval.mjs'), '*.eval.mjs']
    const paths = ['dist/b.eval.mjs', 'evals/a.eval.mjs', 'evals/link.eval.mjs', 'evals/{x}.eval.mjs'].map((path) => join(folder, path))
    expect(await findFiles(named, directory)).toEqual({ files: paths, problems: [] })
    expect((await findFiles(['a.eval.mjs'], relative(process.cwd(), directory))).files).toEqual([join(directory, 'a.eval.mjs')])
  })

  test('names every pattern that finds nothing', async ({ folder, write }) => {
    await write('evals/a.eval.mjs', '')
    const { files, problems } = await findFiles(['gone.eval.mjs', '**/*.eval.mjs', 'evals/', 'dist/*.mjs'], folder)
    expect(files).toEqual([join(folder, 'evals/a.eval.mjs')])
    expect(problems).toEqual([
      'No file matches "gone.eval.mjs".',
      '"evals/" is a folder. Name its files, e.g. "evals/**/*.eval.{ts,mts,js,mjs}".',
      `No file matches "dist/*.mjs". Patterns look below ${folder}, not into node_modules, .git, dist, coverage, and follow no links.`,
    ])
  })
})

describe('runEvalFiles', () => {
  test('runs every exported experiment, TypeScript included, writes the reports and says whether all passed', async ({ folder, write }) => {
    await write('good.eval.ts', evalFile('good', 'good', ': { inputs: { q: string } }'))
    await write('sub/bad.eval.ts', evalFile('bad', 'wrong'))
    const written: string[] = []
    const summary = await runEvalFiles({
      directory: folder,
      settings,
      write: (text) => written.push(text),
      reporters: [
        'table',
        { format: 'junit', file: 'reports/{name}.xml' },
        { format: 'json', file: 'reports/{name}.json' },
        { format: 'html', file: 'reports/{name}.html' },
        { format: 'markdown' },
      ],
    })
    expect(summary.failures).toEqual([])
    expect(summary).toMatchObject({
      passed: false,
      runs: [{ result: { name: 'good', passed: true } }, { result: { name: 'bad', passed: false } }],
    })
    expect(written.join()).toMatch(/Experiment good[\s\S]*✅ good[\s\S]*Experiment bad/)
    expect(await readFile(join(folder, 'reports/good.xml'), 'utf8')).toContain('<testsuites')
    expect(JSON.parse(await readFile(join(folder, 'reports/bad.json'), 'utf8'))).toMatchObject({ name: 'bad', passed: false })
    expect(await readFile(join(folder, 'reports/bad.html'), 'utf8')).toContain('<!doctype html>')
  })

  test('filters by name and file, and a file that breaks does not keep the others from running', async ({ folder, write }) => {
    await write('one.eval.ts', evalFile('one', 'good'))
    await write('two.eval.ts', evalFile('two', 'good'))
    await write('zz.eval.mjs', 'throw new Error("broken file")')
    const filtered = await runEvalFiles({ directory: folder, settings, filter: 'two', reporters: [] })
    expect(filtered.runs.map(({ result }) => result.name)).toEqual(['two'])
    expect(filtered.failures).toMatchObject([{ message: 'Error: broken file' }])
    expect(filtered.passed).toBe(false)
    const one = await runEvalFiles({ directory: folder, patterns: ['o*.eval.ts'], settings, reporters: [] })
    expect(one).toMatchObject({ passed: true, runs: [{ result: { name: 'one' } }] })
  })

  test('a gate with nothing to check does not pass', async ({ folder }) => {
    expect(await runEvalFiles({ directory: folder, reporters: [] })).toMatchObject({
      passed: false,
      failures: [{ message: expect.stringContaining('No file matches') }],
    })
  })

  test('does not pass where one of the files that were named is not there', async ({ folder, write }) => {
    await write('good.eval.mjs', evalFile('good', 'good'))
    const summary = await runEvalFiles({ directory: folder, patterns: ['good.eval.mjs', 'gone.eval.mjs'], settings, reporters: [] })
    expect(summary).toMatchObject({
      passed: false,
      runs: [{ result: { passed: true } }],
      failures: [{ message: 'No file matches "gone.eval.mjs".' }],
    })
    expect(await runEvalFiles({ directory: folder, patterns: [], reporters: [] })).toMatchObject({ passed: false, failures: [{}] })
  })

  test('an experiment and a report that fail take nothing else with them', async ({ folder, write }) => {
    await write(
      'three.eval.mjs',
      `
import { defineExperiment } from ${JSON.stringify(ENTRY)}
const node = { answer: 'Paris', at: new Date(0), big: 5n }
node.self = node
const common = { dataset: [{ inputs: {} }], evaluators: { ok: () => true } }
export const broken = defineExperiment({ ...common, name: 'broken', datasetId: 'both', function: () => 1 })
export const cyclic = defineExperiment({ ...common, name: 'cyclic', function: () => node })
export const last = defineExperiment({ ...common, name: 'last', function: () => 1 })
`,
    )
    const written: string[] = []
    const summary = await runEvalFiles({
      directory: folder,
      settings,
      write: (text) => written.push(text),
      reporters: [
        { format: 'json', file: 'three.eval.mjs/{name}.json' },
        { format: 'json', file: 'out/{name}.json' },
        { format: 'junit', file: 'out/{name}.xml' },
        { format: 'html', file: 'out/{name}.html' },
        'markdown',
      ],
    })
    expect(summary.passed).toBe(false)
    expect(summary.runs.map(({ result }) => result.name)).toEqual(['cyclic', 'last'])
    expect(summary.failures).toHaveLength(3)
    expect(summary.failures[0]?.message).toContain('Give exactly one of "dataset" and "datasetId"')
    expect(summary.failures[1]?.message).toMatch(
      /The json report of "cyclic" could not be written to "three\.eval\.mjs\/cyclic\.json": Error: E/,
    )
    const outputs = { answer: 'Paris', at: '1970-01-01T00:00:00.000Z', self: '[Circular]' }
    expect(JSON.parse(await readFile(join(folder, 'out/cyclic.json'), 'utf8'))).toMatchObject({ passed: true, rows: [{ outputs }] })
    expect(await readFile(join(folder, 'out/cyclic.xml'), 'utf8')).toContain('failures="0"')
    expect(await readFile(join(folder, 'out/cyclic.html'), 'utf8')).toContain('[Circular]')
    expect(written.join()).toMatch(/cyclic[\s\S]*last/)
  })

  test('refuses forms of reports that do not exist', async () => {
    for (const reporter of ['xunit', { format: 'junit', path: 'a.xml' }, { format: 'junit', file: '' }, {}])
      await expect(runEvalFiles({ reporters: [reporter as never] })).rejects.toThrow(/"reporters": expected a list of table, json/)
  })

  test.for(['live.eval.ts', 'dist/live.eval.ts'])('watches: %s, edited, runs again with its new text', async (path, { folder, write }) => {
    await write(path, evalFile('live', 'wrong'))
    const abort = new AbortController()
    const summaries: EvalSummary[] = []
    const done = runEvalFiles({
      directory: folder,
      patterns: [path],
      settings,
      watch: true,
      signal: abort.signal,
      reporters: [{ format: 'json', file: 'report.json' }],
      onSummary: (summary) => {
        summaries.push(summary)
        if (summaries.length === 1) setTimeout(() => void write(path, evalFile('live', 'good')), 50)
        if (summary.passed) abort.abort()
      },
    })
    expect((await done).passed).toBe(true)
    expect(summaries.map(({ passed }) => passed)).toEqual([false, true])
  })
})

describe('defineExperimentTests', () => {
  test('each row is a test, the run is one experiment, and thresholds fail at the end', async () => {
    const hooks: { before: (() => Promise<void>)[]; after: (() => Promise<void>)[]; tests: [string, () => Promise<void>][] } = {
      before: [],
      after: [],
      tests: [],
    }
    const experiment = defineExperiment({
      ...OFFLINE,
      name: 'as tests',
      dataset: [
        { inputs: { q: 'a' }, groundTruth: 'A' },
        { inputs: { q: 'b' }, groundTruth: 'wrong' },
        { inputs: { q: 'c' }, groundTruth: 'C' },
      ],
      function: ({ inputs }) => {
        if (inputs.q === 'c') throw new Error('boom')
        return inputs.q.toUpperCase()
      },
      evaluators: [exactMatch()],
      thresholds: { exact_match: 1 },
    })
    let total = 0
    defineExperimentTests(
      experiment,
      {
        describe: (_name, define) => define(),
        test: (name, run) => hooks.tests.push([name, run]),
        beforeAll: (run) => hooks.before.push(run),
        afterAll: (run) => hooks.after.push(run),
      },
      {
        onResult: ({ counts }) => {
          total = counts.total
        },
      },
    )
    expect(hooks.tests.map(([name]) => name)).toEqual(['row 0 {"q":"a"}', 'row 1 {"q":"b"}', 'row 2 {"q":"c"}'])
    for (const run of hooks.before) await run()
    await hooks.tests[0]?.[1]()
    await expect(hooks.tests[1]?.[1]()).rejects.toThrow(/exact_match = false/)
    await expect(hooks.tests[2]?.[1]()).rejects.toThrow(/boom/)
    await expect(hooks.after[0]?.()).rejects.toThrow(/exact_match: average is 0.33/)
    expect(total).toBe(3)
  })

  test('chooses rows and trials as evaluate does', async () => {
    const dataset = [0, 1, 2, 3, 4].map((i) => ({ id: `r${i}`, inputs: { i } }))
    const run = async (options: object) => {
      const calls: number[] = []
      const hooks: Record<'before' | 'after', (() => Promise<void>)[]> = { before: [], after: [] }
      const tests: [string, () => Promise<void>][] = []
      const results: ExperimentData[] = []
      const common = { ...OFFLINE, name: 'chosen', dataset, evaluators: { ok: () => true } }
      const experiment = defineExperiment({ ...common, ...options, function: ({ inputs }) => calls.push(inputs.i) })
      const api = {
        describe: (_: string, define: () => void) => define(),
        test: (name: string, body: () => Promise<void>) => tests.push([name.replace(/^row /, ''), body]),
        beforeAll: (body: () => Promise<void>) => hooks.before.push(body),
        afterAll: (body: () => Promise<void>) => hooks.after.push(body),
      }
      defineExperimentTests(experiment, api, { onResult: (result) => void results.push(result) })
      await hooks.before[0]?.()
      const failures: unknown[] = []
      for (const body of [...tests.map(([, one]) => one), ...hooks.after]) await body().catch((error: unknown) => failures.push(error))
      return { names: tests.map(([name]) => name), calls, failures: failures.length, passed: results[0]?.passed }
    }
    const onlyOdd = (row: { readonly inputs: { readonly i: number } }): boolean => row.inputs.i % 2 === 1
    const rest = { failures: 0, passed: true }
    const names = ['1/1 {"i":1}', '1/2 {"i":1}']
    expect(await run({ filter: onlyOdd, first: 1, trials: 2 })).toEqual({ names, calls: [1, 1], ...rest })
    expect(await run({ shard: { index: 1, count: 3 } })).toEqual({ names: ['1 {"i":1}', '4 {"i":4}'], calls: [1, 4], ...rest })
    const failed = await evaluate({ ...OFFLINE, dataset, function: ({ inputs }) => inputs.i, evaluators: { ok: (i) => i !== 3 } })
    expect(await run({ onlyFailedOf: failed })).toEqual({ names: ['3 {"i":3}'], calls: [3], ...rest })
    expect(await run({ filter: () => false })).toEqual({ names: ['has rows'], calls: [], failures: 1, passed: false })
    expect(await run({ shard: { index: 8, count: 9 } })).toMatchObject({ names: ['no row falls to this shard'], calls: [], failures: 0 })
  })

  test('refuses options that do not exist', () => {
    const experiment = defineExperiment({ ...OFFLINE, dataset: [{ inputs: {} }], function: () => 1 })
    const api = { describe, test, beforeAll: () => undefined, afterAll: () => undefined }
    expect(() => defineExperimentTests(experiment, api, { onresult: () => undefined } as object)).toThrow('Did you mean "onResult"?')
  })

  test('needs a list', () => {
    const experiment = defineExperiment({ ...OFFLINE, datasetId: 'd', function: () => 1 })
    expect(() => defineExperimentTests(experiment, { describe, test, beforeAll: () => undefined, afterAll: () => undefined })).toThrow(
      /needs a list/,
    )
  })
})

describe('Ctrl-C', () => {
  const script = `
import { evaluate } from ${JSON.stringify(ENTRY)}
const held = setInterval(() => undefined, 1000)
const result = await evaluate({
  apiKey: '', printResults: false, git: false, progress: false, maxConcurrency: 2,
  dataset: Array.from({ length: 50 }, (_, i) => ({ inputs: { i } })),
  function: async ({ inputs }) => {
    if (inputs.i < 5) return inputs.i
    if (inputs.i === 5) process.stdout.write('ready\\n')
    await new Promise(() => undefined)
  },
})
clearInterval(held)
console.log(JSON.stringify({ status: result.status, ...result.counts, listeners: process.listenerCount('SIGINT') }))
`
  test('once stops and reports, and the listener is gone afterwards', async ({ folder, write }) => {
    await write('stop.mts', script)
    const child = promisify(execFile)(process.execPath, ['--import', 'tsx', join(folder, 'stop.mts')], { cwd: ROOT })
    child.child.stdout?.once('data', () => child.child.kill('SIGINT'))
    const { stdout, stderr } = await child
    expect(JSON.parse(stdout.split('\n')[1] ?? '')).toMatchObject({
      status: 'cancelled',
      succeeded: 5,
      cancelled: 2,
      total: 7,
      listeners: 0,
    })
    expect(stderr).toContain('Press Ctrl-C again')
  })

  test('twice ends the process as if nobody had listened', async ({ folder, write }) => {
    await write(
      'kill.mts',
      script
        .replace('await new Promise(', 'process.kill(process.pid, "SIGINT"); process.kill(process.pid, "SIGINT"); await new Promise(')
        .replace('clearInterval(held)', 'await new Promise(() => undefined)'),
    )
    const child = promisify(execFile)(process.execPath, ['--import', 'tsx', join(folder, 'kill.mts')], { cwd: ROOT })
    await expect(child).rejects.toMatchObject({ signal: 'SIGINT' })
  })
})
