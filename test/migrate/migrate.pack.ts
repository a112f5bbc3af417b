import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type DevServer, startDevServer } from '../../src/dev/server.js'
import { hasPython, installPythonSdk, PYTHON_CACHE } from '../fixtures/python-sdk.js'
import { type Backend, startBackend } from './backend.js'

const run = promisify(execFile)
const repository = fileURLToPath(new URL('../..', import.meta.url))
const examples = join(repository, 'examples/migrate')
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

let server: DevServer
let backend: Backend
beforeEach(async () => {
  server = await startDevServer({ port: 0, database: ':memory:' })
  backend = await startBackend()
})
afterEach(async () => {
  await Promise.all([server.close(), backend.close()])
})

/** The settings of this machine reach no program. */
const toEnv = (): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: PYTHON_CACHE,
  HH_API_KEY: 'key-of-migration-01',
  HH_API_URL: server.url,
  BACKEND_URL: backend.url,
  TRACELOOP_TELEMETRY: 'false',
  HONEYHIVE_TELEMETRY: 'false',
})

/** Runs a program before the change, beside its own packages, which are installed once. */
const runBefore = async (name: string): Promise<void> => {
  const source = join(examples, name, 'before')
  const lock = readFileSync(join(source, 'package-lock.json'))
  const folder = join(repository, 'node_modules/.cache/migrate', `${name}-${createHash('sha256').update(lock).digest('hex').slice(0, 12)}`)
  if (!existsSync(folder)) {
    const fresh = `${folder}.${process.pid}`
    mkdirSync(fresh, { recursive: true })
    for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(source, file), join(fresh, file))
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: fresh,
      shell: process.platform === 'win32',
    })
    try {
      renameSync(fresh, folder)
    } catch {
      // Another run was quicker.
      rmSync(fresh, { recursive: true, force: true })
    }
  }
  copyFileSync(join(source, 'main.mjs'), join(folder, 'main.mjs'))
  await run(process.execPath, ['main.mjs'], { cwd: folder, env: toEnv() })
}

const runAfter = async (name: string): Promise<void> => {
  await run(process.execPath, ['--import', tsx, join('examples/migrate', name, 'after/main.ts')], { cwd: repository, env: toEnv() })
}

const THREE_SPANS = [
  { name: 'answer', parent: undefined },
  { name: 'complete', parent: 'answer' },
  { name: 'lookup', parent: 'answer' },
]

/** What every program after the change leaves behind. */
const expectArrived = (session: object): void => {
  expect(server.sessions()).toHaveLength(1)
  const [{ id, name, source } = { id: '', name: '', source: '' }] = server.sessions()
  expect({ name, source }).toEqual({ name: 'chat', source: 'production' })
  expect(server.events({ sessionId: id }).find(({ type }) => type === 'session')).toMatchObject(session)
  expect(server.tree(id)).toMatchObject([
    {
      name: 'answer',
      type: 'chain',
      error: null,
      children: [
        { name: 'lookup', type: 'tool', inputs: expect.objectContaining({}) as unknown },
        { name: 'complete', type: 'model', config: { model: 'gpt-4o' }, outputs: expect.objectContaining({}) as unknown },
      ],
    },
  ])
  expect(JSON.stringify(server.tree(id))).toMatch(/Do otters swim\?[\s\S]*a document about otters[\s\S]*Otters swim \(1\)/)
}

describe.each(['langfuse', 'langsmith', 'braintrust', 'traceloop', 'opentelemetry'])('from %s', (name) => {
  it('the program before sends three spans to its backend', async () => {
    await runBefore(name)
    const spans = backend
      .spans()
      .map(({ name: of, parent }) => ({ name: of.replace(/\.(?:workflow|task|tool)$/, ''), parent: parent?.replace('.workflow', '') }))
    expect(spans, backend.text().slice(0, 4_000)).toEqual(THREE_SPANS)
    for (const value of ['thread-1', 'u-1', 'Otters swim'])
      if (name !== 'opentelemetry' || value !== 'Otters swim') expect(backend.text()).toContain(value)
    expect(server.sessions()).toEqual([])
  })

  it('the program after sends the same to HoneyHive', async () => {
    await runAfter(name)
    expectArrived({ userProperties: { user_id: 'u-1' } })
    expect(backend.text()).toBe('')
  })
})

describe('from npm honeyhive', () => {
  const feedback = { userProperties: { user_id: 'u-1' }, feedback: { rating: 5 } }

  it('the program before sends three spans to HoneyHive', async () => {
    await runBefore('honeyhive')
    expectArrived(feedback)
  })

  it('the program after sends the same', async () => {
    await runAfter('honeyhive')
    expectArrived(feedback)
  })
})

describe('from the Python SDK', () => {
  const feedback = { userProperties: { user_id: 'u-1' }, feedback: { rating: 5 } }

  it.runIf(hasPython)('the program before sends three spans to HoneyHive', async () => {
    const version = /honeyhive==(\S+)/.exec(readFileSync(join(examples, 'python/before/requirements.txt'), 'utf8'))?.[1] ?? ''
    const python = await installPythonSdk(version)
    await run(python, [join(examples, 'python/before/main.py')], { env: toEnv() })
    expectArrived(feedback)
  })

  it('the program after sends the same', async () => {
    await runAfter('python')
    expectArrived(feedback)
  })
})
