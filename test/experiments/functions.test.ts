import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import {
  compareRuns,
  createExperiment,
  evaluate,
  evaluator,
  exactMatch,
  judgePairs,
  llmJudge,
  scoreRun,
} from '../../src/experiments/index.js'
import { createRateLimiter, type RateLimits } from '../../src/experiments/rate-limit.js'
import { readRetryAfter, withRetries } from '../../src/experiments/retry.js'
import { Stop } from '../../src/experiments/stop.js'
import { OFFLINE } from './backend.js'

const rows = (count: number): { inputs: { i: number }; groundTruth: string }[] =>
  Array.from({ length: count }, (_, i) => ({ inputs: { i }, groundTruth: `a${i}` }))

describe('streaming functions', () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
  const forms: Record<string, [() => unknown, unknown]> = {
    'async generator': [
      async function* () {
        yield* ['Par', 'is', '']
      },
      'Paris',
    ],
    generator: [
      function* () {
        yield* ['Par', 'is']
      },
      'Paris',
    ],
    'web stream of bytes that split a character': [
      () =>
        new ReadableStream({
          start(controller) {
            const text = bytes('Zürich')
            controller.enqueue(text.subarray(0, 2))
            controller.enqueue(text.subarray(2))
            controller.close()
          },
        }),
      'Zürich',
    ],
    'Node stream behind a promise': [async () => Readable.from(['Par', 'is']), 'Paris'],
    'async iterable of objects': [
      () => ({
        async *[Symbol.asyncIterator]() {
          yield { delta: 1 }
          yield { delta: 2 }
        },
      }),
      [{ delta: 1 }, { delta: 2 }],
    ],
    'generator that returns': [
      async function* () {
        yield 'a'
        return { usage: 1 }
      },
      { result: 'a', returned: { usage: 1 } },
    ],
    'generator that only returns': [
      async function* () {
        return 'whole'
      },
      'whole',
    ],
    'list, which is a value': [() => ['Par', 'is'], ['Par', 'is']],
  }

  test.for(Object.entries(forms))('%s', async ([, [fn, expected]]) => {
    let seen: unknown
    const { rows: found } = await evaluate({
      ...OFFLINE,
      dataset: [{ inputs: {} }],
      function: fn,
      evaluators: {
        seen: (outputs) => {
          seen = outputs
          return true
        },
      },
    })
    expect([found[0]?.outputs, seen]).toEqual([expected, expected])
  })

  test('a stream that fails or outlasts the limit fails the row, and is told to stop', async () => {
    let returned = 0
    const result = await evaluate({
      ...OFFLINE,
      dataset: rows(2),
      timeoutMs: 50,
      function: async function* ({ inputs }) {
        try {
          yield 'a'
          if (inputs.i === 0) throw new Error('broken')
          for (;;) {
            await new Promise((resolve) => setTimeout(resolve, 5))
            yield 'b'
          }
        } finally {
          returned += 1
        }
      },
    })
    expect(result.rows.map(({ error }) => error?.message)).toEqual(['broken', expect.stringContaining('timeoutMs (50 ms)')])
    await expect.poll(() => returned).toBe(2)
  })
})

describe('what a row gives', () => {
  test('is the same in every attempt and trial and for every evaluator, whatever one of them does to it', async () => {
    const dataset = ['hi', 'yo'].map((text) => ({ inputs: { messages: [text] }, groundTruth: ['b', 'a'] }))
    const given = structuredClone(dataset)
    const result = await evaluate({
      ...OFFLINE,
      trials: 2,
      retries: 1,
      retryDelayMs: 1,
      dataset,
      function: ({ inputs: { messages } }, { attempt }) => {
        messages.push('answer')
        if (attempt === 1) throw Object.assign(new Error('429'), { status: 429 })
        return messages
      },
      evaluators: {
        length: (outputs: string[]) => outputs.splice(0).length,
        left: (outputs: string[]) => outputs.length,
        first: (_: unknown, { messages }: { messages: string[] }, truth: string[]) => `${messages.length}${truth.sort()[0]}`,
        last: (_: unknown, { messages }: { messages: string[] }, truth: string[]) => `${messages.length}${truth[1]}`,
      },
    })
    expect(dataset).toEqual(given)
    expect(result.rows.map(({ inputs, groundTruth }) => ({ inputs, groundTruth }))).toEqual([given[0], given[0], given[1], given[1]])
    expect(result.rows.map(({ outputs }) => outputs?.length)).toEqual([2, 2, 2, 2])
    for (const { scores } of result.rows) expect(scores).toEqual({ length: 2, left: 2, first: '1a', last: '1a' })
  })
})

describe('retries', () => {
  test('cover evaluators, each by its own number, without running the function again', async () => {
    const asked: Record<string, number> = {}
    let calls = 0
    const flaky =
      (name: string, failures: number) =>
      (_: unknown, { i }: { i: number }) => {
        const key = `${name}${i}`
        asked[key] = (asked[key] ?? 0) + 1
        if (asked[key] <= failures) throw Object.assign(new Error('429'), { status: 429 })
        return 1
      }
    const result = await evaluate({
      ...OFFLINE,
      retries: 1,
      retryDelayMs: 1,
      dataset: rows(3),
      function: () => ++calls,
      evaluators: {
        judge: flaky('judge', 1),
        stubborn: { evaluate: flaky('stubborn', 3), retries: 3 },
        never: { evaluate: flaky('never', 1), retries: 0 },
      },
    })
    expect(calls).toBe(3)
    expect(result.rows.map(({ evaluatorErrors }) => Object.keys(evaluatorErrors))).toEqual([['never'], ['never'], ['never']])
    expect(result.metrics.stubborn.average).toBe(1)
  })

  test('pause with backoff and jitter, or as long as Retry-After asks', async () => {
    const waits: number[] = []
    const held: number[] = []
    const errors = [new Error('a'), new Error('b'), Object.assign(new Error('c'), { headers: { 'Retry-After': '0.02' } })]
    const startedMs = performance.now()
    await withRetries(
      async () => {
        waits.push(performance.now() - startedMs)
        const error = errors.shift()
        if (error !== undefined) throw error
        return 1
      },
      { retries: 5, delayMs: 10, random: () => 0.5 },
      new Stop(),
      (waitMs) => held.push(waitMs),
    )
    expect(waits).toHaveLength(4)
    // A timer never fires more than a millisecond early.
    expect((waits[1] ?? 0) - (waits[0] ?? 0)).toBeGreaterThan(6)
    expect((waits[2] ?? 0) - (waits[1] ?? 0)).toBeGreaterThan(13)
    expect((waits[3] ?? 0) - (waits[2] ?? 0)).toBeGreaterThan(37)
    expect(held).toEqual([20])
  })

  test('Retry-After is read wherever clients keep it', () => {
    expect(readRetryAfter({ headers: new Headers({ 'retry-after': '3' }) })).toBe(3_000)
    expect(readRetryAfter({ response: { headers: { 'Retry-After': 'Thu, 01 Jan 1970 00:00:05 GMT' } } }, 1_000)).toBe(4_000)
    expect(readRetryAfter({ response: new Response('', { headers: { 'retry-after-ms': '70' } }) })).toBe(70)
    expect(readRetryAfter({ headers: { 'retry-after': '999999' } })).toBe(60_000)
    expect(readRetryAfter({ headers: new Map([['Retry-After', '2']]) })).toBe(2_000)
    expect(readRetryAfter({ headers: { 'retry-after': ['4', '9'] } })).toBe(4_000)
    expect(readRetryAfter({ response: null, retryAfter: 1.5 })).toBe(1_500)
    expect(readRetryAfter(new Error('gave up', { cause: new Error('again', { cause: { headers: { 'retry-after': '6' } } }) }))).toBe(6_000)
    const circle = { cause: undefined as unknown }
    circle.cause = circle
    for (const nothing of [
      undefined,
      'text',
      new Error('x'),
      { headers: { 'retry-after': 'soon' } },
      { headers: ['retry-after', '3'] },
      circle,
    ])
      expect(readRetryAfter(nothing)).toBeUndefined()
  })

  test('an error whose headers cannot be read is tried again like any other, and told as it is', async () => {
    let calls = 0
    const unreadable = Object.defineProperty(new Error('refused'), 'headers', {
      get() {
        throw new Error('a getter')
      },
    })
    const result = await evaluate({
      ...OFFLINE,
      dataset: [{ inputs: {} }],
      retries: 1,
      retryDelayMs: 0,
      function: () => {
        calls += 1
        throw unreadable
      },
    })
    expect(calls).toBe(2)
    expect(result.rows[0]?.error?.message).toBe('refused')
  })
})

describe('rateLimit', () => {
  test('an evaluator whose key is none of the limits is named', async () => {
    const judge = evaluator('judge', { evaluate: () => 1, rateLimit: 'opnai' })
    const run = (rateLimit: RateLimits) =>
      evaluate({ ...OFFLINE, dataset: [{ inputs: {} }], function: () => 1, evaluators: [judge], rateLimit })
    const limit = { requestsPerMinute: 60_000 }
    const said = 'Evaluator "judge" is not limited: its rateLimit "opnai" is none of the keys of rateLimit'
    expect((await run({ openai: limit, slow: limit })).warnings).toContain(`${said} (openai, slow).`)
    expect((await run(limit)).warnings).toContain(`${said} (default).`)
    expect((await run({ opnai: limit })).warnings.join()).not.toContain('not limited')
  })

  test('spaces calls of a key evenly after a burst, and not those of another', async () => {
    let now = 0
    const limiter = createRateLimiter({ model: { requestsPerMinute: 600, burst: 3 } }, { now: () => now })
    const stop = new Stop()
    const startOf = async (key: string): Promise<boolean> => {
      let hasStarted = false
      void Promise.resolve(limiter.take(key, stop)).then(() => {
        hasStarted = true
      })
      await new Promise((resolve) => setImmediate(resolve))
      return hasStarted
    }
    expect([await startOf('model'), await startOf('model'), await startOf('model'), await startOf('model')]).toEqual([
      true,
      true,
      true,
      false,
    ])
    expect(await startOf('other')).toBe(true)
    now += 1_000
    expect(await startOf('model')).toBe(true)
    limiter.hold('model', 500)
    expect(await startOf('model')).toBe(false)
    stop.stop('enough')
  })

  test('is shared by rows and judges: together they never exceed the rate', async () => {
    const starts: number[] = []
    const note = (): void => void starts.push(performance.now())
    const beganMs = performance.now()
    await evaluate({
      ...OFFLINE,
      dataset: rows(4),
      rateLimit: { requestsPerMinute: 3_000, burst: 1 },
      function: note,
      evaluators: {
        judge: llmJudge({
          model: () => {
            note()
            return '{"choice":"correct"}'
          },
        }),
        turn: async (_o, _i, _g, { takeTurn }) => {
          await takeTurn()
          note()
          return 1
        },
      },
    })
    expect(starts).toHaveLength(12)
    // 12 calls at 20 ms apart; timers may fire a millisecond early. The first may start late after its turn, which moves none of the others.
    expect((starts.at(-1) ?? 0) - beganMs).toBeGreaterThan(11 * 20 - 12)
  })
})

describe('trials', () => {
  test('run each row several times in sessions of their own; intervals go by rows, the spread is told', async () => {
    const noisy = { evaluate: (outputs: unknown) => Number(outputs) }
    const run = (trials: number, more: object = {}) =>
      evaluate({
        ...OFFLINE,
        trials,
        dataset: rows(6),
        function: ({ inputs }, { trial }) => inputs.i + (trial % 2),
        evaluators: { noisy },
        ...more,
      })
    const [one, four] = [await run(2), await run(8)]
    expect(four.counts.total).toBe(48)
    expect(new Set(four.rows.map(({ sessionId }) => sessionId)).size).toBe(48)
    expect(four.rows.slice(0, 3).map(({ index, trial }) => [index, trial])).toEqual([
      [0, 1],
      [0, 2],
      [0, 3],
    ])
    expect(four.metrics.noisy.confidence?.low).toBeCloseTo(one.metrics.noisy.confidence?.low ?? Number.NaN, 9)
    expect(one.metrics.noisy.trialSpread).toBeCloseTo(Math.SQRT1_2, 9)
    expect(four.toTable()).toContain('spread of trials')
    const comparison = await compareRuns(four, one)
    expect(comparison).toMatchObject({ commonDatapoints: 6, unchangedRows: 6, metrics: { noisy: { pairs: 6, difference: 0 } } })
  })

  test('a trial that fails counts as the worst for its row', async () => {
    const run = (failing: boolean) =>
      evaluate({
        ...OFFLINE,
        trials: 2,
        dataset: rows(3),
        function: ({ inputs }, { trial }) => {
          if (failing && trial === 2) throw new Error('flaky')
          return `a${inputs.i}`
        },
        evaluators: { match: exactMatch() },
      })
    const comparison = await compareRuns(await run(true), await run(false))
    expect(comparison).toMatchObject({ worseRows: 3, metrics: { match: { newAverage: 0.5, oldAverage: 1 } } })
  })
})

describe('summaryEvaluators', () => {
  test('score the data set from all rows, take bounds, and fail the run when they fail', async () => {
    const run = (more: object) => evaluate({ ...OFFLINE, dataset: rows(4), function: ({ inputs }) => inputs.i, ...more })
    const good = await run({
      summaryEvaluators: {
        total: (all: { outputs: number }[]) => ({ score: all.reduce((sum, { outputs }) => sum + outputs, 0), explanation: 'sum' }),
      },
      thresholds: { total: { min: 6, max: 6 } },
    })
    expect(good).toMatchObject({ passed: true, summaryScores: [{ name: 'total', score: 6, explanation: 'sum' }] })
    for (const text of [good.toTable(), good.toMarkdown(), good.toHTML()]) expect(text).toContain('total')
    const bad = await run({
      summaryEvaluators: {
        broken: () => {
          throw new Error('no')
        },
        wrong: () => false,
      },
    })
    expect(bad.failures).toEqual(['broken: the summary evaluator failed: Error: no', 'wrong: the data set did not pass'])
    const cut = await run({ maxRows: 2, summaryEvaluators: { all: () => 1 } })
    expect(cut.failures.join()).toContain('2 rows are not in memory')
  })
})

describe('which rows run', () => {
  const run = (more: object) =>
    evaluate({ ...OFFLINE, dataset: rows(10), function: ({ inputs }) => `a${inputs.i}`, evaluators: { match: exactMatch() }, ...more })

  test('the first, the filtered, the failed; the report says that it was only a part', async () => {
    const first = await run({ first: 3 })
    expect(first).toMatchObject({ counts: { total: 3 }, selectedRows: 3, passed: true })
    expect(first.warnings.join()).toContain('Only a part of the 10 rows was run: the first 3')
    const odd = await run({ filter: (_: unknown, index: number) => index % 2 === 1, first: 2 })
    expect(odd.rows.map(({ index }) => index)).toEqual([1, 3])
    const failing = await run({ function: ({ inputs }: { inputs: { i: number } }) => (inputs.i % 4 === 0 ? 'no' : `a${inputs.i}`) })
    expect((await run({ onlyFailedOf: failing })).rows.map(({ index }) => index)).toEqual([0, 4, 8])
    const moved = [{ inputs: { i: 77 }, groundTruth: 'a77' }, ...rows(10)]
    expect((await run({ onlyFailedOf: failing, dataset: moved })).rows.map(({ inputs }) => inputs)).toEqual([{ i: 0 }, { i: 4 }, { i: 8 }])
    async function* stream(): AsyncGenerator<unknown> {
      yield* rows(10)
    }
    expect(await run({ dataset: stream(), first: 4 })).toMatchObject({ counts: { total: 4 }, selectedRows: 4 })
  })
})

describe('rows and choices that are promises', () => {
  const data = [{ inputs: { city: 'Rome' } }, { inputs: { city: 'Paris' } }]
  const ran: unknown[] = []
  const run = (more: object) =>
    evaluate({
      ...OFFLINE,
      dataset: data,
      function: (datapoint: object) => {
        ran.push(datapoint)
        return 'x'
      },
      evaluators: { filled: () => true },
      ...more,
    } as never)

  test('are refused where that shows before the first row', async () => {
    ran.length = 0
    await expect(run({ dataset: data.map(async (row) => row) })).rejects.toThrow(
      'Invalid "dataset": row 0 is a promise. Await the rows first: await Promise.all(rows).',
    )
    await expect(run({ dataset: [data[0], Promise.resolve(data[1])], parse: (row: unknown) => row })).rejects.toThrow('row 1 is a promise')
    await expect(run({ parse: async (row: unknown) => row })).rejects.toThrow(
      'Invalid "parse": expected a function that is not async, got an async function from code.',
    )
    await expect(run({ filter: async () => false })).rejects.toThrow('Invalid "filter": expected a function that is not async')
    await expect(run({ filter: () => Promise.reject(new Error('no')) })).rejects.toThrow('"filter" gave a promise for row 0.')
    expect(ran).toEqual([])
  })

  test('fail the rows, or the run, where it shows only then; streams of promises are awaited', async () => {
    ran.length = 0
    const parsed = await run({ parse: () => Promise.reject(new Error('no')) })
    expect(parsed.rows.map(({ error }) => error?.message)).toEqual(
      [0, 1].map((row) => expect.stringContaining(`"parse" gave a promise for row ${row}.`)),
    )
    const unread = await run({ dataset: new Set(data), filter: () => Promise.resolve(false) })
    expect(unread).toMatchObject({ status: 'failed', passed: false, counts: { total: 0 } })
    expect(unread.warnings.join()).toContain('"filter" gave a promise for row 0.')
    const experiment = await createExperiment({ ...OFFLINE, dataset: data, function: () => 'x', evaluators: { filled: () => true } })
    expect((await experiment.runDatapoint(Promise.resolve(data[0]), 0)).error?.message).toBe(
      'The dataset: row 0 is a promise. Await the rows first: await Promise.all(rows).',
    )
    await experiment.finish()
    expect(ran).toEqual([])
    expect(await run({ dataset: new Set(data.map(async (row) => row)) })).toMatchObject({ passed: true, rows: data })
  })
})

describe('limits of a row and what judges spend', () => {
  const spend = (tokens: number, cost: number) => ({
    metadata: { prompt_tokens: tokens, completion_tokens: 0, total_tokens: tokens, cost },
  })

  test('the judges’ tokens are told apart from the row’s', async () => {
    const result = await evaluate({
      ...OFFLINE,
      dataset: rows(3),
      function: (_, { tracer }) => tracer.startActiveSpan('model', { eventType: 'model', ...spend(10, 0.1) }, () => 'x'),
      evaluators: {
        judge: (_o, _i, _g, { tracer }) => tracer.startActiveSpan('judge model', { eventType: 'model', ...spend(7, 0.01) }, () => 1),
      },
      thresholds: { totalTokens: 10, cost: 0.1 },
    })
    expect(result).toMatchObject({ passed: true, tokens: { total: 30 }, judges: { tokens: { total: 21 } } })
    expect(result.rows[0]).toMatchObject({ tokens: { total: 10 }, cost: 0.1, judges: { tokens: { total: 7 }, cost: 0.01 } })
    expect(result.toTable()).toContain('21 tokens')
  })

  test('a row that uses too many tokens, dollars or too much time is stopped and fails', async () => {
    const run = (rowLimits: object, retries = 0) =>
      evaluate({
        ...OFFLINE,
        dataset: rows(1),
        rowLimits,
        retries,
        retryDelayMs: 1,
        function: async (_, { tracer, signal }) => {
          for (let i = 0; i < 5; i += 1) {
            tracer.startActiveSpan('model', { eventType: 'model', ...spend(10, 1) }, () => i)
            await new Promise((resolve) => setTimeout(resolve, 5))
            signal.throwIfAborted()
          }
          return 'done'
        },
      })
    expect((await run({ tokens: 50, cost: 5 })).rows[0]).toMatchObject({ status: 'success', tokens: { total: 50 } })
    expect((await run({ tokens: 25 }, 3)).rows[0]).toMatchObject({
      status: 'failed',
      attempts: 1,
      error: { message: expect.stringContaining('rowLimits.tokens (25)') },
    })
    expect((await run({ cost: 2.5 })).rows[0]?.error?.message).toContain('rowLimits.cost (2.5)')
    expect((await run({ durationMs: 8 })).rows[0]?.error?.message).toContain('rowLimits.durationMs (8 ms)')
  })
})

describe('scoreRun', () => {
  test('scores a finished run again without running the function, failures included', async () => {
    let calls = 0
    const first = await evaluate({
      ...OFFLINE,
      dataset: rows(4),
      function: ({ inputs }) => {
        calls += 1
        if (inputs.i === 3) throw new Error('broken')
        return { text: `a${inputs.i}`, at: new Date(inputs.i) }
      },
    })
    const again = await scoreRun(first, {
      ...OFFLINE,
      evaluators: { late: (outputs, inputs, groundTruth) => outputs.text === groundTruth && outputs.at.getTime() === inputs.i },
      thresholds: { late: 0.75, errorRate: 0.25 },
    })
    expect(calls).toBe(4)
    expect(again).toMatchObject({ passed: true, metrics: { late: { average: 0.75, failedRows: 1 } } })
    expect(again.rows[3]?.error).toMatchObject({ message: 'broken' })
    expect(await compareRuns(again, first)).toMatchObject({ commonDatapoints: 4 })
  })
})

describe('judgePairs', () => {
  test('prefers by content, not by position, and counts failures as losses', async () => {
    const run = (quality: (i: number) => number) => evaluate({ ...OFFLINE, dataset: rows(12), function: ({ inputs }) => quality(inputs.i) })
    const old = await run(() => 1)
    const now = await run((i) => {
      if (i === 11) throw new Error('broken')
      return i < 8 ? 2 : i < 10 ? 1 : 0
    })
    const judge = ({ first, second }: { first: unknown; second: unknown }) =>
      Number(first) > Number(second) ? ('first' as const) : Number(first) < Number(second) ? ('second' as const) : ('tie' as const)
    const result = await judgePairs(now, old, { judge })
    expect(result).toMatchObject({ wins: 8, losses: 2, ties: 2, winRate: { rate: 0.8, method: 'wilson' }, errors: {} })
    expect(result.pairs[11]).toMatchObject({ winner: 'old', reason: 'failed' })
    expect(result.pValue).toBeCloseTo(112 / 1_024, 9)
    const biased = await judgePairs(now, old, { judge: () => 'first' })
    expect(biased).toMatchObject({ wins: 0, losses: 1, ties: 11 })
    const broken = await judgePairs(now, old, { judge: () => 'left' as never, swap: false })
    expect(Object.keys(broken.errors)).toHaveLength(11)
    expect(() => judgePairs(now, old, { jugde: judge } as never)).toThrow('Did you mean "judge"')
  })
})

test('evaluator options of a plain object are those of evaluator()', async () => {
  const result = await evaluate({
    ...OFFLINE,
    dataset: rows(2),
    function: () => 3,
    evaluators: {
      size: { evaluate: (outputs: number) => outputs, lowerIsBetter: true, threshold: 2 } as never,
      other: evaluator('x', () => 1),
    },
  })
  expect(result.failures).toEqual(['size: 2 rows did not pass'])
})
