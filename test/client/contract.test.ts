import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createClient, isHoneyHiveError } from '../../src/client/index.js'
import { installOfficialPackage } from '../fixtures/official-package.js'
import { hasPython, installPythonSdk, PYTHON_CACHE } from '../fixtures/python-sdk.js'
import { type NamedCall, OFFICIAL_CALLS, PYTHON_CALLS } from './calls.js'
import { type Recorded, startRecorder, withoutHeaders } from './recorder.js'

const run = promisify(execFile)
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const MINUTES = 60_000
const KEY = 'hh_contract_key_0001'

/** Written anew by `RECORD=1 npx vitest run test/client/contract.test.ts`. */
const isRecording = process.env.RECORD === '1'

type Fixture = Readonly<Record<string, Recorded>>

const readFixture = (name: string): Fixture => JSON.parse(readFileSync(here(`fixtures/${name}.json`), 'utf8')) as Fixture

const toFixture = (calls: readonly NamedCall[], requests: readonly Recorded[]): Fixture => {
  expect(requests).toHaveLength(calls.length)
  return Object.fromEntries(calls.map(([name], index) => [name, requests[index] as Recorded]))
}

const expectFixture = (name: string, recorded: Fixture): void => {
  if (isRecording) writeFileSync(here(`fixtures/${name}.json`), `${JSON.stringify(recorded, null, 2)}\n`)
  expect(recorded).toEqual(readFixture(name))
}

/** What our client sends, call by call. The recorder's empty replies lack ids, which is said after the request was made. */
const recordOurs = async (calls: readonly NamedCall[]): Promise<Fixture> => {
  const recorder = await startRecorder()
  try {
    const client = createClient({ apiKey: KEY, serverUrl: recorder.url })
    for (const [, call] of calls) {
      try {
        await call(client)
      } catch (error) {
        if (!isHoneyHiveError(error) || error.code !== 'BAD_REPLY') throw error
      }
    }
    client.close()
    return toFixture(calls, withoutHeaders(recorder.requests))
  } finally {
    await recorder.close()
  }
}

describe('createClient', () => {
  it('sends what the Python SDK sends, for each of its calls', async () => {
    expect(await recordOurs(PYTHON_CALLS)).toEqual(readFixture('python-requests'))
  })

  it('sends what npm honeyhive 1.0.42 sends where the Python SDK has no call', async () => {
    expect(await recordOurs(OFFICIAL_CALLS)).toEqual(readFixture('official-requests'))
  })
})

describe.runIf(hasPython).each(['1.5.1', '1.7.0'])('Python honeyhive %s', (version) => {
  it('sends what was recorded', { timeout: 10 * MINUTES }, async () => {
    const python = await installPythonSdk(version)
    const recorder = await startRecorder()
    try {
      const env = { PATH: process.env.PATH, HOME: PYTHON_CACHE, HH_API_KEY: KEY, HH_API_URL: recorder.url }
      const { stdout } = await run(python, [here('python/calls.py')], { env })
      expect(stdout.match(/(?<=^CALL ).*/gm)).toEqual(PYTHON_CALLS.map(([name]) => name))
      expectFixture('python-requests', toFixture(PYTHON_CALLS, withoutHeaders(recorder.requests)))
    } finally {
      await recorder.close()
    }
  })
})

describe('npm honeyhive 1.0.42', () => {
  it('sends what was recorded', { timeout: 10 * MINUTES }, async () => {
    const folder = await installOfficialPackage()
    const recorder = await startRecorder()
    try {
      mkdirSync(`${folder}/programs`, { recursive: true })
      const program = `${folder}/programs/calls-${process.pid}.cjs`
      copyFileSync(here('official-calls.cjs'), program)
      const env = { PATH: process.env.PATH, HOME: folder, TRACELOOP_TELEMETRY: 'false', HH_API_KEY: KEY, HH_API_URL: recorder.url }
      await run(process.execPath, [program], { env })
      expectFixture('official-requests', toFixture(OFFICIAL_CALLS, withoutHeaders(recorder.requests)))
    } finally {
      await recorder.close()
    }
  })
})
