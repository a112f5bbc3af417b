import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect } from 'vitest'
import { hasPython, installPythonSdk, PYTHON_CACHE } from '../fixtures/python-sdk.js'
import { call, test } from './fixtures.js'

const run = promisify(execFile)
const PROGRAMS = ['samples.py', 'experiment.py'].map((name) => fileURLToPath(new URL(`python/${name}`, import.meta.url)))
const MINUTES = 60_000

describe.runIf(hasPython).each(['1.5.1', '1.7.0'])('Python honeyhive %s', (version) => {
  test('runs its own samples without an error line, and everything arrives', { timeout: 10 * MINUTES }, async ({ server }) => {
    const python = await installPythonSdk(version)
    const env = { PATH: process.env['PATH'], HOME: PYTHON_CACHE, HH_API_KEY: 'key-of-python-0001', HH_API_URL: server.url }
    let stdout = ''
    for (const program of PROGRAMS) {
      const said = await run(python, [program], { env })
      expect(`${said.stdout}${said.stderr}`.split('\n').filter((line) => /error|warning|traceback|exception/i.test(line))).toEqual([])
      expect(said.stdout).toContain('DONE')
      stdout += said.stdout
    }

    const sessionId = /SESSION ([0-9a-f-]{36})/.exec(stdout)?.[1] ?? ''
    expect(server.sessions().find(({ id }) => id === sessionId)).toMatchObject({
      name: 'python session',
      source: 'python',
      hasFeedback: true,
    })
    const events = server.events({ sessionId })
    expect(events.find(({ type }) => type === 'session')).toMatchObject({
      metadata: { a: 1 },
      feedback: { rating: 5 },
      userProperties: { user_id: 'user-123', plan: 'premium' },
    })
    expect(events.find(({ name }) => name === 'posted')).toMatchObject({ metadata: { updated: true }, outputs: { a: 2 } })
    expect(events.find(({ name }) => name === 'my_function')).toMatchObject({ type: 'tool', metadata: { city: 'Rome' } })
    expect(events.find(({ name }) => name === 'my_async_function')).toMatchObject({ type: 'model' })

    const runId = /RUN ([0-9a-f-]{36}) completed/.exec(stdout)?.[1]
    expect((await call(server, 'GET', `/api/runs/${runId}`)).body).toMatchObject({
      run: { name: 'python run', status: 'completed', rows: 2, failedRows: 0, metrics: { is_right: 0.5 } },
      rows: expect.arrayContaining([
        expect.objectContaining({ outputs: { doubled: 2 } }),
        expect.objectContaining({ outputs: { doubled: 4 } }),
      ]) as unknown,
    })
  })
})
