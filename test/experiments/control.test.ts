import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { runPool } from '../../src/experiments/pool.js'
import { Stop } from '../../src/experiments/stop.js'
import { createProgress } from '../../src/experiments/progress.js'
import { withoutCredentials } from '../../src/experiments/git.js'
import { createExperiment, evaluate, exactMatch, mergeResults } from '../../src/experiments/index.js'
import { OFFLINE, test as base } from './backend.js'

const test = base.extend<{ folder: string }>({
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'experiments-'))
    await use(folder)
    await rm(folder, { recursive: true })
  },
})

const rows = (count: number): { id: string; inputs: { i: number }; groundTruth: number }[] =>
  Array.from({ length: count }, (_, i) => ({ id: `r${i}`, inputs: { i }, groundTruth: i }))

describe('concurrency', () => {
  test('a slot takes the next item as soon as it is free, so a slow row delays only itself', async () => {
    const order: number[] = []
    let running = 0
    let peak = 0
    let freeSlow: () => void = () => undefined
    const slow = new Promise<void>((resolve) => {
      freeSlow = resolve
    })
    const work = async (i: number): Promise<void> => {
      running += 1
      peak = Math.max(peak, running)
      if (i === 0) await slow
      else await new Promise((resolve) => setImmediate(resolve))
      order.push(i)
      if (i === 19) freeSlow()
      running -= 1
    }
    await runPool(
      Array.from({ length: 20 }, (_, i) => i),
      work,
      { limit: 3 },
    )
    expect(order.at(-1)).toBe(0)
    expect(order).toHaveLength(20)
    expect(peak).toBe(3)
  })

  test('pulls one item at a time from a source written by hand, and tells it when nobody wants more', async () => {
    let open = 0
    let overlaps = 0
    let returned = 0
    const stop = new Stop()
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]() {
        let i = 0
        return {
          async next() {
            open += 1
            if (open > 1) overlaps += 1
            await Promise.resolve()
            open -= 1
            return { done: false, value: i++ }
          },
          async return() {
            returned += 1
            return { done: true, value: undefined }
          },
        }
      },
    }
    await runPool(
      source,
      async (i) => {
        if (i === 10) stop.stop('enough')
      },
      { limit: 4, stop },
    )
    expect([overlaps, returned]).toEqual([0, 1])
  })

  test('maxConcurrency bounds the rows under way', async () => {
    let running = 0
    let peak = 0
    await evaluate({
      ...OFFLINE,
      dataset: rows(30),
      maxConcurrency: 4,
      function: async () => {
        running += 1
        peak = Math.max(peak, running)
        await new Promise((resolve) => setImmediate(resolve))
        running -= 1
      },
    })
    expect(peak).toBe(4)
  })
})

describe('time limits, retries and stopping', () => {
  test('H91 a function that never settles fails at timeoutMs, is told by its signal, and delays no other row', async () => {
    let wasTold = false
    const result = await evaluate({
      ...OFFLINE,
      dataset: rows(3),
      timeoutMs: 40,
      function: ({ inputs }, { signal }) => {
        if (inputs.i !== 1) return inputs.i
        signal.addEventListener('abort', () => (wasTold = true))
        return new Promise<number>(() => undefined)
      },
    })
    expect(wasTold).toBe(true)
    expect(result.rows.map((row) => row.status)).toEqual(['success', 'failed', 'success'])
    expect(result.rows[1]?.error?.message).toBe('"function" on row 1 took longer than timeoutMs (40 ms).')
  })

  test('retries run the function again, and the row says how often', async () => {
    const calls: number[] = []
    const result = await evaluate({
      ...OFFLINE,
      dataset: rows(2),
      retries: 2,
      retryDelayMs: 1,
      function: ({ inputs }, { attempt }) => {
        calls.push(inputs.i)
        if (inputs.i === 0 || attempt < 3) throw new Error(`attempt ${attempt}`)
        return 'ok'
      },
    })
    expect(calls.filter((i) => i === 0)).toHaveLength(3)
    expect(result.rows).toMatchObject([
      { status: 'failed', attempts: 3, error: { message: 'attempt 3' } },
      { status: 'success', attempts: 3, outputs: 'ok' },
    ])
  })

  test('the signal aborts rows under way, starts no further ones and leaves a result that says cancelled', async ({ backend, online }) => {
    const abort = new AbortController()
    const result = await evaluate({
      ...online,
      signal: abort.signal,
      maxConcurrency: 2,
      dataset: rows(100),
      function: ({ inputs }) => {
        if (inputs.i < 4) return inputs.i
        abort.abort()
        return new Promise<number>(() => undefined)
      },
    })
    expect(result).toMatchObject({ status: 'cancelled', passed: false, counts: { succeeded: 4 } })
    expect(result.counts.cancelled).toBeGreaterThan(0)
    expect(result.counts.total).toBeLessThan(8)
    expect(backend.sent('PUT /v1/runs')[0]?.body).toMatchObject({ status: 'cancelled' })
  })

  test('a signal that was aborted before runs nothing', async () => {
    let calls = 0
    const result = await evaluate({
      ...OFFLINE,
      signal: AbortSignal.abort(),
      dataset: rows(3),
      function: () => {
        calls += 1
      },
    })
    expect([result.status, calls]).toEqual(['cancelled', 0])
    expect(result.warnings.join()).not.toContain('The dataset is empty')
  })

  test('an evaluator that was stopped has not failed, and a function that was stopped has not returned nothing', async () => {
    const abort = new AbortController()
    const result = await evaluate({
      ...OFFLINE,
      signal: abort.signal,
      dataset: rows(2),
      function: () => 1,
      evaluators: { endless: () => new Promise<number>(() => void setTimeout(() => abort.abort(), 20)) },
    })
    expect(result.failures).toEqual(['the run was stopped'])
    expect([result.counts, result.metrics.endless]).toMatchObject([{ cancelled: 2, evaluatorErrors: 0 }, undefined])
    expect(result.warnings.join()).not.toContain('returned nothing')
  })
})

describe('options that are null', () => {
  const OTHERS = [
    'filter',
    'journal',
    'baseline',
    'shard',
    'onlyFailedOf',
    'thresholds',
    'rateLimit',
    'cache',
    'parse',
    'summaryEvaluators',
  ]
  const options = { ...OFFLINE, dataset: rows(2), function: async () => 1, evaluators: { one: () => 1 } }

  test.for([...OTHERS, 'trials', 'first', 'maxRows', 'timeoutMs', 'rowLimits'])('%s counts as not given', async (name) => {
    const result = await evaluate({ ...options, [name]: null })
    expect([result.passed, result.rows.length, result.metrics.one?.average]).toEqual([true, 2, 1])
  })

  test('so does one of a group', async () => {
    const slow = async (): Promise<number> => new Promise((resolve) => setTimeout(() => resolve(1), 30))
    const result = await evaluate({ ...options, function: slow, rowLimits: { durationMs: null as never, tokens: 5 } })
    expect([result.passed, result.counts.succeeded]).toEqual([true, 2])
  })
})

describe('streams', () => {
  test('rows of an async iterable run while it is read; the result keeps maxRows and counts all', async () => {
    let produced = 0
    let finished = 0
    let lead = 0
    async function* stream(): AsyncGenerator<{ inputs: { i: number }; groundTruth: number }> {
      for (let i = 0; i < 500; i += 1) {
        produced += 1
        lead = Math.max(lead, produced - finished)
        yield { inputs: { i }, groundTruth: i }
      }
    }
    const result = await evaluate({
      ...OFFLINE,
      name: 'streamed',
      dataset: stream(),
      maxRows: 20,
      maxConcurrency: 5,
      function: ({ inputs }) => inputs.i,
      evaluators: [exactMatch()],
      onProgress: ({ done }) => {
        finished = done
      },
    })
    expect(result).toMatchObject({ counts: { total: 500 }, omittedRows: 480 })
    expect(result.rows).toHaveLength(20)
    expect(result.metrics.exact_match).toMatchObject({ count: 500, average: 1 })
    expect(lead).toBeLessThanOrEqual(12)
  })

  test('a source that fails in the middle keeps what was done and fails the run', async () => {
    function* source(): Generator<{ inputs: number }> {
      yield { inputs: 1 }
      yield { inputs: 2 }
      throw new Error('disk gone')
    }
    const result = await evaluate({ ...OFFLINE, dataset: source(), function: ({ inputs }) => inputs })
    expect(result).toMatchObject({ status: 'failed', passed: false, counts: { succeeded: 2 } })
    expect(result.warnings.join()).toContain('disk gone')
  })
})

describe('resume', () => {
  test('of a run of which nothing is known says so, and where it looked', async ({ folder }) => {
    const runId = '0f9ad6a0-1111-4111-8111-111111111111'
    const options = { ...OFFLINE, resume: runId, dataset: [{ inputs: {} }], function: () => 1 }
    const beside = await evaluate({ ...options, journal: folder })
    expect(beside.warnings.join('\n')).toContain(
      `Run ${runId} is not resumed, every row runs: no finished row of it is in the journal in ${folder}.`,
    )
    const again = await evaluate({ ...options, journal: folder })
    expect(again.warnings.join('\n')).not.toContain('is not resumed')
    const without = await evaluate(options)
    expect(without.warnings.join('\n')).toContain('every row runs: there is neither a journal nor an API key.')
  })

  test('runs only what is missing, from the local journal, offline', async ({ folder }) => {
    let isBroken = true
    const calls: number[] = []
    const run = (resume?: string) =>
      evaluate({
        ...OFFLINE,
        journal: folder,
        ...(resume === undefined ? {} : { resume }),
        dataset: rows(6),
        function: ({ inputs }) => {
          calls.push(inputs.i)
          if (isBroken && inputs.i % 2 === 1) throw new Error('broken')
          return inputs.i
        },
        evaluators: [exactMatch()],
      })
    const first = await run()
    isBroken = false
    calls.length = 0
    const second = await run(first.runId)
    expect(calls.sort()).toEqual([1, 3, 5])
    expect(second).toMatchObject({ runId: first.runId, status: 'completed', counts: { total: 6, succeeded: 6, resumed: 3 } })
    expect(second.metrics.exact_match).toMatchObject({ count: 6, average: 1 })
    expect(second.rows.map((row) => row.origin)).toEqual(['resumed', 'run', 'resumed', 'run', 'resumed', 'run'])
  })

  test('a journal whose last line was cut off by a crash is still good', async ({ folder }) => {
    const options = { ...OFFLINE, journal: folder, dataset: rows(3), function: () => 1 }
    const first = await evaluate(options)
    const [file = ''] = await readdir(folder)
    const text = await readFile(join(folder, file), 'utf8')
    const { writeFile } = await import('node:fs/promises')
    await writeFile(join(folder, file), text.slice(0, -20))
    const second = await evaluate({ ...options, resume: first.runId })
    expect(second.counts).toMatchObject({ total: 3, resumed: 2 })
  })

  test('a journal is found by an id in upper case, and a line that is no row of ours runs again', async ({ folder }) => {
    const options = { ...OFFLINE, journal: folder, dataset: rows(3), evaluators: { one: () => 1 }, function: () => 1 }
    const first = await evaluate({ ...options, runId: 'ABCDEF01-1111-4111-8111-111111111111' })
    await appendFile(join(folder, `${first.runId}.jsonl`), '{"datapointId":"EXT-r1","status":"success"}\n{"datapointId":"EXT-r2"}\n')
    const second = await evaluate({ ...options, resume: 'ABCDEF01-1111-4111-8111-111111111111' })
    expect(second).toMatchObject({ runId: first.runId, passed: true, counts: { total: 3, succeeded: 3, resumed: 1 } })
    expect((await readdir(folder)).length).toBe(1)
  })

  test('a row that ran alone is the first of its trials, and counts with them', async ({ folder }) => {
    const options = { ...OFFLINE, journal: folder, dataset: rows(4), function: () => 1 }
    const first = await evaluate({ ...options, evaluators: { score: () => 0 } })
    const both = await evaluate({ ...options, evaluators: { score: () => 1 }, trials: 2, resume: first.runId })
    expect(both.rows.map(({ trial, origin }) => `${trial} ${origin}`)).toEqual(Array(4).fill(['1 resumed', '2 run']).flat())
    expect(both.metrics.score?.trialSpread).toBeCloseTo(Math.SQRT1_2)
    const alone = await evaluate({ ...options, evaluators: { score: () => 1 }, resume: both.runId })
    expect(alone.rows.map(({ trial }) => trial)).toEqual(Array(4).fill(undefined))
  })

  test('runs only what is missing, from the server, and makes no second run or session', async ({ backend, online }) => {
    const abort = new AbortController()
    const options = { ...online, dataset: rows(6), evaluators: [exactMatch()] as const, maxConcurrency: 1 }
    const first = await evaluate({
      ...options,
      signal: abort.signal,
      function: ({ inputs }) => {
        if (inputs.i === 3) abort.abort()
        return inputs.i
      },
    })
    expect(first.status).toBe('cancelled')
    const calls: number[] = []
    const second = await evaluate({
      ...options,
      resume: first.runId,
      function: ({ inputs }) => {
        calls.push(inputs.i)
        return inputs.i
      },
    })
    expect(calls).toEqual([3, 4, 5])
    expect(second).toMatchObject({ runId: first.runId, status: 'completed', counts: { total: 6, succeeded: 6, resumed: 3 } })
    expect(second.metrics.exact_match).toMatchObject({ count: 6, average: 1 })
    expect(backend.sent('POST /v1/runs')).toHaveLength(1)
    expect(backend.server.sessions()).toHaveLength(6)
    expect(backend.sent('PUT /v1/runs').at(-1)?.body).toMatchObject({
      status: 'completed',
      event_ids: second.rows.map((row) => row.sessionId),
    })
  })
})

describe('cache', () => {
  test('runs the function once for the same inputs; version and inputs make new keys', async ({ folder }) => {
    let calls = 0
    const run = (version: string, count = 3) =>
      evaluate({
        ...OFFLINE,
        cache: { directory: folder, version },
        dataset: rows(count),
        function: ({ inputs }) => {
          calls += 1
          return { i: inputs.i }
        },
        evaluators: { i: (outputs) => outputs.i },
      })
    await run('1')
    const second = await run('1')
    expect(calls).toBe(3)
    expect(second).toMatchObject({ counts: { cached: 3 }, metrics: { i: { average: 1 } } })
    await run('2')
    expect(calls).toBe(6)
    await run('1', 4)
    expect(calls).toBe(7)
  })

  test('gives back what JSON would change, and keeps neither failures nor what has no exact form', async ({ folder }) => {
    let calls = 0
    const run = () =>
      evaluate({
        ...OFFLINE,
        cache: folder,
        dataset: rows(3),
        function: ({ inputs }) => {
          calls += 1
          if (inputs.i === 1) throw new Error('no')
          return inputs.i === 0 ? new Map([['at', new Date(0)]]) : { call: () => 1 }
        },
      })
    await run()
    const second = await run()
    expect(calls).toBe(5)
    expect(second.rows[0]).toMatchObject({ origin: 'cache', outputs: new Map([['at', new Date(0)]]) })
  })

  test('rows that differ in anything the function can see have entries of their own, and the gap is said', async ({ folder }) => {
    const variants = [
      { lang: 'en' },
      { lang: 'de' },
      { lang: new Map([['a', 1]]) },
      { lang: new Map([['a', 2]]) },
      { lang: new Date(1) },
      { lang: new Date(2) },
      { lang: 1n },
      { lang: 1 },
      { lang: '1' },
      { lang: Number.NaN },
      { lang: null },
      { lang: undefined },
      { lang: /a/g },
      { lang: /a/i },
      { lang: new Uint8Array([1]) },
      { lang: new Uint8Array([2]) },
      { lang: 'en', groundTruth: 'x' },
    ]
    let calls = 0
    const run = () =>
      evaluate({
        ...OFFLINE,
        cache: folder,
        dataset: variants.map((variant) => ({ inputs: { text: 'hello' }, ...variant })),
        function: () => {
          calls += 1
          return calls
        },
      })
    const first = await run()
    const second = await run()
    expect(calls).toBe(variants.length)
    expect(second.rows.map(({ outputs }) => outputs)).toEqual(first.rows.map(({ outputs }) => outputs))
    expect(second.warnings.join()).toContain('give cache.version')
    let unseen = 0
    const blind = () => evaluate({ ...OFFLINE, cache: folder, dataset: [{ inputs: {}, call: () => 1 }], function: () => ++unseen })
    await blind()
    await blind()
    expect(unseen).toBe(2)
  })
})

describe('shards', () => {
  test('split the rows between them and merge to the whole, also through JSON', async () => {
    const options = {
      ...OFFLINE,
      runId: '6f6b3f3e-6c3c-4d55-9d28-4a2f6f6ab001',
      dataset: rows(10),
      function: ({ inputs }: { inputs: { i: number } }) => (inputs.i < 8 ? inputs.i : -1),
      evaluators: [exactMatch()] as const,
    }
    const whole = await evaluate(options)
    const parts = await Promise.all([0, 1, 2].map((index) => evaluate({ ...options, shard: { index, count: 3 } })))
    expect(parts.map((part) => part.counts.total)).toEqual([4, 3, 3])
    const merged = mergeResults(parts, { thresholds: { exact_match: 0.9 } })
    expect(merged).toMatchObject({ runId: whole.runId, counts: whole.counts, metrics: whole.metrics, passed: false })
    expect(merged.rows.map((row) => row.index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    const fromJson = mergeResults(JSON.parse(JSON.stringify(parts)) as typeof parts)
    expect(fromJson.metrics).toEqual(whole.metrics)
  })

  test('one without a run id says that it cannot be merged', async () => {
    const shard = { index: 0, count: 2 }
    const lonely = await evaluate({ ...OFFLINE, shard, dataset: rows(4), function: () => 1 })
    const one = await evaluate({ ...OFFLINE, shard, runId: '6f6b3f3e-6c3c-4d55-9d28-4a2f6f6ab007', dataset: rows(4), function: () => 1 })
    expect(lonely.warnings.join()).toContain('Give the same runId to all of them')
    expect(one.warnings.join()).not.toContain('runId')
  })

  test('one run at the server', async ({ backend, online }) => {
    const runId = '6f6b3f3e-6c3c-4d55-9d28-4a2f6f6ab002'
    for (const index of [0, 1]) {
      const part = await evaluate({ ...online, runId, shard: { index, count: 2 }, dataset: rows(4), function: () => 1 })
      expect(part.warnings).toEqual([])
    }
    expect(backend.server.sessions()).toHaveLength(4)
    expect(new Set(backend.server.events().map((event) => event.metadata['run_id']))).toEqual(new Set([runId]))
    expect(backend.sent('PUT /v1/runs').at(-1)?.body['event_ids']).toHaveLength(4)
  })

  test('refuse to merge what does not belong together', async () => {
    const runId = '6f6b3f3e-6c3c-4d55-9d28-4a2f6f6ab003'
    const run = (count: number, options: object = {}) => evaluate({ ...OFFLINE, dataset: rows(count), function: () => 1, ...options })
    const one = await run(1, { runId })
    const other = await run(2, { runId })
    expect(() => mergeResults([one, other])).toThrow(/different datasets/)
    const again = await run(1)
    expect(() => mergeResults([one, again])).toThrow(/different runs/)
    expect(() => mergeResults([one], { thresholds: { errorRate: '0' as never } })).toThrow(/thresholds\.errorRate/)
    expect(() => mergeResults([one], { thresholds: { errorRate: 5 } })).toThrow(/a share of the rows, at most 1, got 5 .+ 0\.05 for 5 %/)
    expect(() => mergeResults([])).toThrow(/nothing to merge/)
  })
})

describe('createExperiment', () => {
  test('takes rows one by one, each once, whoever brings them', async ({ backend, online }) => {
    const dataset = rows(3)
    const experiment = await createExperiment({ ...online, dataset, function: ({ inputs }) => inputs.i, evaluators: [exactMatch()] })
    const done = await Promise.all(dataset.map((row, index) => experiment.runDatapoint(row, index)))
    expect(done.map((row) => row.datapointId)).toEqual(['EXT-r0', 'EXT-r1', 'EXT-r2'])
    expect(await experiment.flush()).toBe(true)
    expect(backend.server.sessions()).toHaveLength(3)
    const result = await experiment.finish()
    expect(result.counts).toMatchObject({ total: 3, succeeded: 3 })
  })

  test('counts rows that other processes ran, each once, and a second process joins the run without making another', async ({
    backend,
    online,
  }) => {
    const dataset = rows(4)
    const options = { ...online, dataset, function: ({ inputs }: { inputs: { i: number } }) => inputs.i }
    const coordinator = await createExperiment(options)
    const worker = await createExperiment({ ...options, resume: coordinator.runId })
    for (const [index, row] of dataset.entries()) {
      const done = JSON.parse(JSON.stringify(await worker.runDatapoint(row, index)))
      coordinator.take(done)
      coordinator.take(done)
    }
    expect(await worker.flush()).toBe(true)
    const result = await coordinator.finish()
    expect(result).toMatchObject({ status: 'completed', counts: { total: 4 } })
    expect(backend.sent('POST /v1/runs')).toHaveLength(1)
    expect(backend.sent('PUT /v1/runs')[0]?.body['event_ids']).toHaveLength(4)
    await worker.tracer.shutdown()
  })
})

describe('progress', () => {
  test('a few plain lines where there is no terminal', () => {
    const lines: string[] = []
    const progress = createProgress('nightly', { write: (text) => lines.push(text) })
    for (let done = 1; done <= 1_000; done += 1) progress.update({ done, failed: 1, total: 1_000, elapsedMs: done * 10 })
    progress.finish({ done: 1_000, failed: 1, total: 1_000, elapsedMs: 10_000 })
    expect(lines).toHaveLength(10)
    expect(lines[0]).toBe('nightly: 100/1000 rows, 1 failed, 1s, 9s left\n')
    expect(lines.at(-1)).toBe('nightly: finished, 1000/1000 rows, 1 failed, 10s\n')
  })

  test('a bar on a terminal that is redrawn ten times a second at most and never wraps', () => {
    const drawn: string[] = []
    const progress = createProgress('n'.repeat(100), { isTTY: true, columns: 60, write: (text) => drawn.push(text) })
    for (let done = 1; done <= 1_000; done += 1) progress.update({ done, failed: 0, total: 1_000, elapsedMs: done })
    progress.finish({ done: 1_000, failed: 0, total: 1_000, elapsedMs: 1_000 })
    expect(drawn.length).toBeLessThan(15)
    for (const text of drawn) expect(text.replace(/^\r\u001b\[2K/, '').length).toBeLessThan(60)
  })

  test('what onProgress throws is a warning', async () => {
    const result = await evaluate({
      ...OFFLINE,
      dataset: rows(2),
      function: () => 1,
      onProgress: () => {
        throw new Error('ui gone')
      },
    })
    expect(result.warnings).toContain('onProgress threw: Error: ui gone')
    expect(result.status).toBe('completed')
  })

  test('what an async onProgress rejects with is a warning too', async () => {
    const onProgress = async (): Promise<void> => {
      throw new Error('ui gone')
    }
    const result = await evaluate({ ...OFFLINE, dataset: rows(2), function: () => 1, onProgress })
    expect(result.warnings).toContain('onProgress threw: Error: ui gone')
    expect(result.status).toBe('completed')
  })
})

describe('withoutCredentials', () => {
  test('D-47 takes user, password, token and query out of every form of a remote', () => {
    expect(withoutCredentials('https://user:p%40ss@github.com/a/b.git')).toBe('https://github.com/a/b.git')
    expect(withoutCredentials('https://x-access-token:ghp_abc@github.com/a/b?token=1')).toBe('https://github.com/a/b')
    expect(withoutCredentials('git@github.com:a/b.git')).toBe('github.com:a/b.git')
    expect(withoutCredentials('ssh://git@host:22/a')).toBe('ssh://host:22/a')
    expect(withoutCredentials('/srv/git/a')).toBe('/srv/git/a')
  })
})
