import { describe, expect, test } from 'vitest'
import { MAX_VALUES, MetricCollector } from '../../src/experiments/aggregate.js'
import { createRandom } from '../../src/experiments/random.js'
import { normalQuantile } from '../../src/values/distributions.js'
import { pairedTest, smallestPValue } from '../../src/experiments/paired-test.js'
import { mean, quantile, standardDeviation, sum } from '../../src/values/statistics.js'

describe('basic figures', () => {
  test('quantile interpolates as NumPy does by default', () => {
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5)
    expect(quantile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.9)).toBeCloseTo(9.1)
    expect(quantile([7], 0.99)).toBe(7)
    expect(quantile([], 0.5)).toBeNaN()
  })

  test('sum keeps small values beside large ones', () => {
    expect(sum([1, 1e100, 1, -1e100])).toBe(2)
    expect(sum(Array.from({ length: 1_000_000 }, () => 0.1))).toBeCloseTo(100_000, 9)
  })

  test('standardDeviation divides by n - 1', () => {
    expect(standardDeviation([2, 4, 4, 4, 5, 5, 7, 9])).toBeCloseTo(2.13809, 5)
    expect(standardDeviation([1])).toBe(0)
    // Their sum divided by three is not 0.7.
    expect(standardDeviation([0.7, 0.7, 0.7])).toBe(0)
  })

  test('normalQuantile gives the tabled values', () => {
    expect(normalQuantile(0.975)).toBeCloseTo(1.959964, 6)
    expect(normalQuantile(0.8)).toBeCloseTo(0.8416212, 6)
    expect(normalQuantile(0.001)).toBeCloseTo(-3.0902323, 6)
  })
})

describe('pairedTest', () => {
  test("finds the p-value of Fisher's test on Darwin's maize", () => {
    // Zea mays heights, crossed minus self-fertilised, eighths of an inch; Fisher gives 863 + 863 of 32,768 patterns.
    const differences = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    const { pValue, method } = pairedTest(differences)
    expect(method).toBe('exact')
    expect(pValue).toBeCloseTo(1_726 / 32_768, 5)
  })

  test('says nothing about runs that do not differ', () => {
    expect(pairedTest([0, 0, 0])).toEqual({ pValue: 1, method: 'exact', pairs: 0 })
  })

  test('finds a clear change and not a balanced one, also when it samples', () => {
    const clear = Array.from({ length: 100 }, (_, i) => (i % 4 === 0 ? -0.1 : 0.2))
    const balanced = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? -0.2 : 0.2))
    expect(pairedTest(clear).pValue).toBeLessThan(0.001)
    expect(pairedTest(balanced).pValue).toBeGreaterThan(0.5)
    expect(pairedTest(clear)).toEqual(pairedTest(clear))
  })

  test('counts every pattern of up to 16 pairs, and samples beyond', () => {
    const rising = (pairs: number): readonly number[] => Array.from({ length: pairs }, (_, i) => 1 + i / 100)
    expect(pairedTest(rising(16))).toEqual({ pValue: 2 ** -15, method: 'exact', pairs: 16 })
    expect(pairedTest(rising(17)).method).toBe('sampled')
    // Of 40 pairs no sampled pattern is as far from zero as all of one sign; the observed one counts.
    expect(pairedTest(rising(40))).toEqual({ pValue: 1 / 10_001, method: 'sampled', pairs: 40 })
    // A sum of zero is no further than any other.
    expect(pairedTest([...rising(20), ...rising(20).map((up) => -up)]).pValue).toBe(1)
  })

  test.each([
    [0, 10, 2 / 1_024],
    [2, 10, (2 * (1 + 10 + 45)) / 1_024],
    [8, 10, (2 * (1 + 10 + 45)) / 1_024],
    [5, 10, 1],
    [4, 9, 1],
    [5, 9, 1],
    [3, 9, (2 * (1 + 9 + 36 + 84)) / 512],
    [1, 3, 1],
    [1, 1, 1],
    [20, 40, 1],
    [0, 40, 2 / 2 ** 40],
  ])('%i of %i differences of one size up: as the sign test has it', (ups, pairs, expected) => {
    const differences = Array.from({ length: pairs }, (_, i) => (i < ups ? 0.25 : -0.25))
    const { pValue, method } = pairedTest(differences)
    expect(pValue / expected).toBeCloseTo(1, 9)
    expect([pValue <= 1, method]).toEqual([true, 'exact'])
  })

  test('takes sums that differ in their last digit alone for equal', () => {
    // 0.3 - 0.1 - 0.2 is -2.8e-17, and with the signs turned round it is the same size.
    expect(pairedTest([0.3, -0.1, -0.2]).pValue).toBe(1)
    expect(pairedTest([0.1, 0.2, 0.3]).pValue).toBe(2 / 8)
    expect(pairedTest([0.3, 0.2, -0.1]).pValue).toBe(4 / 8)
    for (const unit of [1e-10, 1e10]) expect(pairedTest([unit, 2 * unit, 3 * unit]).pValue).toBe(2 / 8)
    // Of 1, 0.8, 0.6 and 0.4, each with both signs, all but the last are at least as far as 0.6.
    expect(pairedTest([0.7, 0.1, -0.2]).pValue).toBe(6 / 8)
  })

  test('knows the smallest p-value there can be', () => {
    expect([1, 2, 5, 16, 17].map(smallestPValue)).toEqual([1, 0.5, 1 / 16, 2 ** -15, 1 / 10_001])
    expect(smallestPValue(0)).toBe(1)
  })

  test('calls a change by chance significant about as often as alpha says', () => {
    const random = createRandom(11)
    let significant = 0
    for (let sample = 0; sample < 300; sample += 1) {
      const differences = Array.from({ length: 12 }, () => random() - 0.5)
      if (pairedTest(differences).pValue < 0.05) significant += 1
    }
    expect(significant).toBeGreaterThan(3)
    expect(significant).toBeLessThan(30)
  })
})

describe('MetricCollector', () => {
  test('gives every figure', () => {
    const collector = new MetricCollector('score')
    for (let value = 1; value <= 100; value += 1) collector.add(value, value > 50)
    expect(collector.summary('p95')).toMatchObject({
      type: 'number',
      average: 50.5,
      min: 1,
      max: 100,
      median: 50.5,
      sum: 5_050,
      count: 100,
      passed: 50,
      failed: 50,
      isSampled: false,
    })
    expect(collector.summary('p95').aggregate).toBeCloseTo(95.05)
  })

  test('counts booleans as 1 and 0 and texts by themselves', () => {
    const booleans = new MetricCollector('ok')
    for (const value of [true, true, false]) booleans.add(value)
    expect(booleans.summary()).toMatchObject({ type: 'boolean', average: 2 / 3, count: 3, categories: { true: 2, false: 1 } })
    const texts = new MetricCollector('tone')
    for (const value of ['warm', 'cold', 'warm']) texts.add(value)
    expect(texts.summary()).toMatchObject({ type: 'category', average: null, count: 3, categories: { warm: 2, cold: 1 } })
  })

  test('stays bounded for a million values: exact sums, percentiles from a sample', () => {
    const collector = new MetricCollector('latency')
    const total = MAX_VALUES * 3
    for (let value = 0; value < total; value += 1) collector.add(value)
    const summary = collector.summary()
    expect(summary).toMatchObject({ count: total, min: 0, max: total - 1, average: (total - 1) / 2, isSampled: true })
    expect((summary.median ?? 0) / total).toBeCloseTo(0.5, 1)
  })

  test('mean of nothing is not a number, and no figure is invented', () => {
    expect(mean([])).toBeNaN()
    expect(new MetricCollector('none').summary()).toMatchObject({ average: null, count: 0, confidence: null })
  })
})
