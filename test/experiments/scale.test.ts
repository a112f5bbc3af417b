import { describe, expect, test } from 'vitest'
import { MetricCollector } from '../../src/experiments/aggregate.js'
import { Digest } from '../../src/experiments/digest.js'
import { evaluate, mergeResults } from '../../src/experiments/index.js'
import { createRandom } from '../../src/experiments/random.js'
import { Stop } from '../../src/experiments/stop.js'
import { leastBelow } from '../fixtures/cost.js'
import { OFFLINE } from './backend.js'

describe('Digest', () => {
  const skewed = (random: () => number): number => -Math.log(1 - random()) * 100

  test('gives quantiles of a million values within the accuracy it states, in a few hundred centroids', () => {
    const random = createRandom(3)
    const digest = new Digest()
    const values = Float64Array.from({ length: 1_000_000 }, () => skewed(random))
    for (const value of values) digest.add(value)
    values.sort()
    const rankOf = (value: number): number => values.findIndex((other) => other >= value) / values.length
    for (const [fraction, accuracy] of [
      [0.01, 2e-4],
      [0.5, 2e-3],
      [0.9, 1e-3],
      [0.95, 5e-4],
      [0.99, 2e-4],
      [0.999, 1e-4],
    ] as const) {
      expect(Math.abs(rankOf(digest.quantile(fraction, values[0] ?? 0, values.at(-1) ?? 0)) - fraction), `${fraction}`).toBeLessThan(
        accuracy,
      )
    }
    expect(digest.state.means.length).toBeLessThan(500)
  })

  test('merged from parts, through JSON, is as good as whole', () => {
    const random = createRandom(4)
    const parts = Array.from({ length: 8 }, () => new Digest())
    const values = Float64Array.from({ length: 200_000 }, () => skewed(random))
    for (const [at, value] of values.entries()) parts[at % 8]?.add(value)
    const whole = new Digest()
    for (const part of parts) whole.merge(JSON.parse(JSON.stringify(part.state)))
    values.sort()
    const rank = values.findIndex((other) => other >= whole.quantile(0.95, 0, 1_000)) / values.length
    expect(Math.abs(rank - 0.95)).toBeLessThan(1e-3)
  })
})

describe('summaries', () => {
  test('of parts add up to that of the whole', () => {
    const random = createRandom(9)
    const [whole, one, other] = [new MetricCollector('m'), new MetricCollector('m'), new MetricCollector('m')]
    for (let i = 0; i < 3_000; i += 1) {
      const value = random() * 10 - 3
      whole.add(value, value > 0)
      ;(i % 3 === 0 ? one : other).add(value, value > 0)
    }
    for (const collector of [whole, one]) collector.addFailure()
    const merged = new MetricCollector('m')
    merged.merge(JSON.parse(JSON.stringify(one.state())))
    merged.merge(JSON.parse(JSON.stringify(other.state())))
    const [a, b] = [merged.summary('p95'), whole.summary('p95')]
    expect(a).toEqual({
      ...b,
      average: expect.closeTo(b.average ?? 0, 9),
      sum: expect.closeTo(b.sum ?? 0, 6),
      confidence: { ...b.confidence, low: expect.closeTo(b.confidence?.low ?? 0, 9), high: expect.closeTo(b.confidence?.high ?? 0, 9) },
    })
  })

  test('let shards of streams merge although they keep no rows', async () => {
    const run = (more: object) =>
      evaluate({
        ...OFFLINE,
        runId: '6f6b3f3e-6c3c-4d55-9d28-4a2f6f6ab0b1',
        dataset: (async function* () {
          for (let i = 0; i < 300; i += 1) yield { inputs: { i } }
        })(),
        name: 'streamed',
        maxRows: 5,
        function: ({ inputs }) => {
          if (inputs.i % 50 === 0) throw new Error('no')
          return inputs.i
        },
        evaluators: { even: (output: number) => output % 2 === 0, size: (output: number) => output },
        thresholds: { errorRate: 0.1, even: 0.4 },
        ...more,
      })
    const whole = await run({})
    const parts = JSON.parse(JSON.stringify(await Promise.all([0, 1, 2].map((index) => run({ shard: { index, count: 3 } })))))
    const merged = mergeResults(parts as (typeof whole)[])
    expect(merged).toMatchObject({
      passed: true,
      counts: whole.counts,
      omittedRows: 285,
      metrics: { even: whole.metrics.even, size: { median: whole.metrics.size.median, failedRows: 6 } },
    })
    expect(() => mergeResults([...parts, parts[0]])).toThrow('Shards are there twice: 0')
    expect(() => mergeResults(parts.slice(1))).toThrow('Shards are missing: 0/3')
  })
})

describe('evaluate', () => {
  test('costs as much for a row with 10,000 at once as with 10', { timeout: 120_000 }, async () => {
    const cost = async (maxConcurrency: number): Promise<number> => {
      const before = process.cpuUsage()
      const result = await evaluate({
        ...OFFLINE,
        dataset: Array.from({ length: 10_000 }, (_, i) => ({ id: i, inputs: { i } })),
        maxConcurrency,
        function: async ({ inputs }) => {
          await new Promise(setImmediate)
          return inputs.i
        },
        evaluators: { same: async (output, inputs) => output === inputs.i },
      })
      const { user, system } = process.cpuUsage(before)
      expect(result).toMatchObject({ passed: true, counts: { total: 10_000 } })
      return user + system
    }
    await cost(10)
    const limit = 4 * Math.min(await cost(10), await cost(10))
    // Squares would make it a hundred times as much.
    expect(await leastBelow(limit, () => cost(10_000))).toBeLessThan(limit)
  })
})

describe('Stop', () => {
  test('adding and taking away a listener costs the same however many there are', async () => {
    const cost = (listeners: number): number => {
      const stop = new Stop()
      for (let i = 0; i < listeners; i += 1) stop.onStop(() => undefined)
      const before = process.cpuUsage()
      for (let i = 0; i < 200_000; i += 1) stop.onStop(() => undefined)()
      const { user, system } = process.cpuUsage(before)
      return user + system
    }
    cost(10)
    const limit = 8 * cost(20)
    expect(await leastBelow(limit, () => cost(20_000))).toBeLessThan(limit)
  })
})
