import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test as base } from 'vitest'
import { coordinateRows, evaluate, runRowWorker, type SharedTurns } from '../../../src/experiments/index.js'
import { createRateLimiter } from '../../../src/experiments/rate-limit.js'
import { Stop } from '../../../src/experiments/stop.js'
import { OFFLINE } from '../backend.js'
import { createMemoryQueue } from './memory-queue.js'

const test = base.extend<{ folder: string }>({
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'coordinate-'))
    await use(folder)
    await rm(folder, { recursive: true })
  },
})

class Answer {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** One coordinator and two workers in this process. */
async function spread(options: object, turns?: SharedTurns) {
  const queue = createMemoryQueue(turns)
  const settings = { ...OFFLINE, name: 'spread', runId: crypto.randomUUID(), function: () => 1, dataset: [], ...options }
  const stop = new AbortController()
  const workers = [1, 2].map(() => runRowWorker(settings as never, queue, { signal: stop.signal }))
  const result = await coordinateRows(settings as never, queue)
  stop.abort()
  await Promise.all(workers)
  return { result, sent: queue.sent }
}

describe('coordinateRows', () => {
  test('ends for a stream whose rows bring the same id', async () => {
    const dataset = (async function* () {
      for (const id of ['a', 'b', 'a', 'a']) yield { id, inputs: { id } }
    })()
    const { result } = await spread({ dataset })
    expect(result).toMatchObject({ passed: true, counts: { total: 4 } })
    expect(result.rows.map(({ datapointId }) => datapointId)).toEqual(['EXT-a', 'EXT-b', 'EXT-a#2', 'EXT-a#3'])
  })

  test('takes from a journal the rows of its data set only', async ({ folder }) => {
    const runId = crypto.randomUUID()
    const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => ({ id: from + i, inputs: { i: from + i } }))
    await evaluate({ ...OFFLINE, runId, journal: folder, dataset: rows(0, 6), function: () => 'early' })
    const { result, sent } = await spread({ runId, journal: folder, dataset: rows(4, 12), function: () => 'late' })
    expect(result.rows.map(({ outputs }) => outputs)).toEqual(['early', 'early', ...Array.from({ length: 6 }, () => 'late')])
    expect(sent.filter(({ body }) => typeof body === 'object')).toHaveLength(6)
    expect(result.passed).toBe(true)
  })

  test('runs again what another hand left of a row in the journal', async ({ folder }) => {
    const runId = crypto.randomUUID()
    const dataset = Array.from({ length: 4 }, (_, i) => ({ id: i, inputs: { i } }))
    const options = {
      runId,
      journal: folder,
      dataset,
      function: () => 'right',
      evaluators: { right: (outputs: string) => outputs === 'right' },
    }
    await evaluate({ ...OFFLINE, ...options })
    const [name = ''] = await readdir(folder)
    const file = join(folder, name)
    const edited = (await readFile(file, 'utf8')).replace('"scores":{"right":true}', '"scores":null')
    await writeFile(file, edited)
    const { result, sent } = await spread(options)
    expect(sent.filter(({ body }) => typeof body === 'object')).toHaveLength(1)
    expect(result).toMatchObject({ passed: true, counts: { total: 4, succeeded: 4 } })
    expect(result.rows.map(({ scores }) => scores)).toEqual(Array(4).fill({ right: true }))
  })

  test('counts a row whose outputs have no exact form for what it is', async () => {
    const { result } = await spread({
      dataset: [{ inputs: { i: 1 } }],
      function: () => new Answer('yes'),
      evaluators: { ok: (outputs: Answer) => outputs instanceof Answer },
    })
    expect(result).toMatchObject({ passed: true, counts: { succeeded: 1, cancelled: 0 }, rows: [{ outputs: { text: 'yes' } }] })
  })

  test('fails like a run in one process', async () => {
    const dataset = Array.from({ length: 10 }, (_, i) => ({ inputs: { i } }))
    const options = {
      dataset,
      function: ({ inputs }: { inputs: { i: number } }) => {
        if (inputs.i === 3) throw new Error('broken')
        return inputs.i
      },
      evaluators: { small: (outputs: number) => outputs < 8 },
      thresholds: { small: 0.9, errorRate: 0.1 },
    }
    const { result } = await spread(options)
    const alone = await evaluate({ ...OFFLINE, ...options })
    expect([result.failures, result.counts, result.metrics]).toEqual([alone.failures, alone.counts, alone.metrics])
    expect(result.passed).toBe(false)
  })
})

describe('rateLimit of workers', () => {
  test('is taken from the place they share, by judges too', async () => {
    const taken: string[] = []
    const turns: SharedTurns = {
      take: async (key, { intervalMs }) => {
        taken.push(`${key} every ${intervalMs} ms`)
        return 0
      },
      hold: () => Promise.resolve(),
    }
    const judge = { evaluate: () => 1, rateLimit: 'judge' }
    const rateLimit = { default: { requestsPerMinute: 60_000 }, judge: { requestsPerMinute: 30_000 } }
    await spread({ dataset: [{ inputs: 1 }, { inputs: 2 }], rateLimit, evaluators: { judge } }, turns)
    // Each row is delivered twice.
    expect(taken.sort()).toEqual([...Array(4).fill('default every 1 ms'), ...Array(4).fill('judge every 2 ms')])
  })

  test('is each one’s own while the place cannot be reached', async () => {
    const turns: SharedTurns = { take: () => Promise.reject(new Error('down')), hold: () => Promise.reject(new Error('down')) }
    const limiter = createRateLimiter({ requestsPerMinute: 600, burst: 2 }, { shared: turns, now: () => 0 })
    const stop = new Stop()
    await limiter.take('default', stop)
    await limiter.take('default', stop)
    let hasStarted = false
    const third = limiter.take('default', stop)?.then(() => {
      hasStarted = true
    })
    await new Promise(setImmediate)
    expect(hasStarted).toBe(false)
    limiter.hold('default', 1)
    stop.stop('enough')
    await third
  })
})
