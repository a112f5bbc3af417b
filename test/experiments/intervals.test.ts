import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { normalCdf, normalQuantile, studentQuantile } from '../../src/values/distributions.js'
import { confidenceInterval, type Interval, pairedInterval, wilsonInterval } from '../../src/values/intervals.js'
import { holm, minimumDetectableChange, pairedTest } from '../../src/experiments/paired-test.js'
import { createRandom } from '../../src/experiments/random.js'
import { mean, quantile, standardDeviation, sum } from '../../src/values/statistics.js'

/** Made by `reference/make_statistics.py`, which names its command. */
const reference = JSON.parse(readFileSync(new URL('reference/statistics.json', import.meta.url), 'utf8')) as {
  normalCdf: [number, number][]
  studentQuantile: [number, number, number][]
  wilson: [number, number, number, number][]
  t: [number[], number, number][]
  hall: [number[], number, number][]
  paired: [number[], number][]
  holm: [number[], number[]][]
  detectableEffect: [number, number, number, number][]
}

/** The two agree to `digits` significant digits. */
function expectClose(actual: number | undefined, wanted: number, digits: number, what: string): void {
  const distance = Math.abs((actual ?? Number.NaN) - wanted)
  expect(distance <= 10 ** -digits * Math.max(Math.abs(wanted), 10 ** -digits), `${what}: ${actual} instead of ${wanted}`).toBe(true)
}

describe('distributions', () => {
  test('the normal distribution is that of SciPy', () => {
    for (const [x, p] of reference.normalCdf) expectClose(normalCdf(x), p, 7, `normalCdf(${x})`)
  })

  test('quantiles of Student are those of SciPy', () => {
    for (const [p, degrees, t] of reference.studentQuantile) expectClose(studentQuantile(p, degrees), t, 8, `t(${p}, ${degrees})`)
  })
})

describe('confidenceInterval', () => {
  test("Wilson's interval is that of SciPy", () => {
    for (const [hits, count, low, high] of reference.wilson) {
      const interval = wilsonInterval(hits, count)
      expect(interval.low, `${hits}/${count}`).toBeCloseTo(low, 8)
      expect(interval.high, `${hits}/${count}`).toBeCloseTo(high, 8)
    }
  })

  test("Student's interval is that of SciPy", () => {
    for (const [values, low, high] of reference.t) {
      const interval = values.length < 5 ? confidenceInterval(values) : pairedInterval(values, false)
      expect(interval?.method).toBe('t')
      expectClose(interval?.low, low, 8, 'low')
      expectClose(interval?.high, high, 8, 'high')
    }
  })

  test("Hall's interval is that of SciPy's root finder", () => {
    for (const [values, low, high] of reference.hall) {
      const interval = confidenceInterval(values)
      expect(interval?.method).toBe('hall')
      expectClose(interval?.low, low, 8, 'low')
      expectClose(interval?.high, high, 8, 'high')
    }
  })

  test("without skewness it is Student's, and without spread a point", () => {
    const symmetric = [0.1, 0.2, 0.3, 0.4, 0.5]
    const [hall, student] = [confidenceInterval(symmetric), pairedInterval(symmetric, false)]
    expectClose(hall?.low, student?.low ?? Number.NaN, 9, 'low')
    expectClose(hall?.high, student?.high ?? Number.NaN, 9, 'high')
    expect(confidenceInterval([0.5, 0.5, 0.5, 0.5, 0.5])).toMatchObject({ low: 0.5, high: 0.5, method: 'hall' })
    expect(confidenceInterval([0.7, 0.7, 0.7, 0.7, 0.7, 0.7])).toMatchObject({
      low: expect.closeTo(0.7, 12),
      high: expect.closeTo(0.7, 12),
    })
  })

  test('its bounds do not jump where the correction is left out', () => {
    const nearly = (tilt: number): Interval | undefined => confidenceInterval([0.1, 0.2, 0.3, 0.4, 0.5 + tilt])
    expectClose(nearly(2e-6)?.low, nearly(1e-7)?.low ?? Number.NaN, 4, 'low')
    expectClose(nearly(2e-6)?.high, nearly(1e-7)?.high ?? Number.NaN, 4, 'high')
  })

  test('a rate of nothing begins at 0, one of everything ends at 1, whatever the rounding', () => {
    for (let count = 1; count <= 200; count += 1) {
      expect(wilsonInterval(0, count).low).toBe(0)
      expect(wilsonInterval(count, count).high).toBe(1)
    }
  })

  test('the change of a rate is that of the adjusted Wald interval, inside of -1 and 1', () => {
    // By hand: 6/12 - 2/12, and 1.959964 times the root of (8/12 - (4/12) squared) / 12.
    const mixed = pairedInterval([1, 1, 1, 1, 1, -1, 0, 0, 0, 0], true)
    expect(mixed).toMatchObject({ low: expect.closeTo(-0.088385, 5), high: expect.closeTo(0.755051, 5), method: 'bonett-price' })
    expect(pairedInterval([1, 1, 1], true)).toMatchObject({ low: expect.closeTo(-0.101218, 5), high: 1 })
    expect(pairedInterval([-1, -1, -1], true)).toMatchObject({ low: -1, high: expect.closeTo(0.101218, 5) })
    expect(pairedInterval([1, 0], true)).toBeDefined()
    expect([pairedInterval([1], true), pairedInterval([0.5], false)]).toEqual([undefined, undefined])
  })

  test('one value between 0 and 1 is enough for no rate', () => {
    expect(confidenceInterval([1, 1, 0, 0.5, 1])?.method).toBe('hall')
    expect(confidenceInterval([0.5, 1])?.method).toBe('t')
  })

  test('values that are all 0 or 1 are a rate, and a perfect one leaves room for doubt', () => {
    expect(confidenceInterval([1, 1, 1, 1, 1])).toMatchObject({ method: 'wilson', low: expect.closeTo(0.5655, 4), high: 1 })
    expect(confidenceInterval([1])).toBeUndefined()
  })
})

/** Share of samples whose interval holds the true mean. */
function coverage(samples: number, mean: number, draw: (random: () => number) => Interval | undefined): number {
  const random = createRandom(20)
  let held = 0
  for (let i = 0; i < samples; i += 1) {
    const interval = draw(random)
    if (interval !== undefined && interval.low <= mean && mean <= interval.high) held += 1
  }
  return held / samples
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

describe('coverage by simulation (95% asked for)', () => {
  test.for([5, 10, 20, 50])('rates over %i rows, whatever the rate', (size) => {
    const random = createRandom(8)
    let held = 0
    const samples = 6_000
    for (let i = 0; i < samples; i += 1) {
      const rate = random()
      const interval = confidenceInterval(Array.from({ length: size }, () => (random() < rate ? 1 : 0)))
      expect(interval?.method).toBe('wilson')
      if (interval !== undefined && interval.low <= rate && rate <= interval.high) held += 1
    }
    expect(held / samples).toBeGreaterThan(0.94)
    expect(held / samples).toBeLessThan(0.965)
  })

  test.for([3, 5, 10, 30])('means over %i rows', (size) => {
    const held = coverage(3_000, 0.4, (random) => confidenceInterval(Array.from({ length: size }, () => 0.4 + 0.2 * normal(random))))
    expect(held).toBeGreaterThan(0.938)
    expect(held).toBeLessThan(0.962)
  })

  // Beta(4, 1), as judges score: most near 1, a few far below.
  test.for([5, 10, 30, 100])('means of skewed scores over %i rows', (size) => {
    const held = coverage(3_000, 0.8, (random) => confidenceInterval(Array.from({ length: size }, () => random() ** 0.25)))
    expect(held).toBeGreaterThan(0.935)
    expect(held).toBeLessThan(0.968)
  })

  /** What else might have been chosen: Efron 1987, bias-corrected and accelerated, from 200 resamples. */
  function bca(values: readonly number[], random: () => number): Interval {
    const size = values.length
    const means = Array.from({ length: 200 }, () => mean(values.map(() => values[Math.floor(random() * size)] ?? 0))).sort((a, b) => a - b)
    const centre = mean(values)
    const below = means.filter((one) => one < centre).length / means.length
    const left = values.map((value) => (value - centre) / (size - 1))
    const acceleration = sum(left.map((one) => one ** 3)) / (6 * sum(left.map((one) => one ** 2)) ** 1.5)
    const bias = normalQuantile(Math.min(Math.max(below, 0.005), 0.995))
    const at = (p: number): number => {
      const z = bias + normalQuantile(p)
      return quantile(means, normalCdf(bias + z / (1 - acceleration * z)))
    }
    return { low: at(0.025), high: at(0.975), level: 0.95, method: 'hall' }
  }

  // Exponential, as costs and times are: the chosen interval beside the other two.
  test.for([
    [5, 0.91],
    [10, 0.92],
    [20, 0.93],
    [50, 0.935],
  ] as const)('means of very skewed values over %i rows: above %f, where Student and BCa hold less', ([size, least]) => {
    const draw = (random: () => number): readonly number[] => Array.from({ length: size }, () => -Math.log(1 - random()))
    const hall = coverage(3_000, 1, (random) => confidenceInterval(draw(random)))
    const student = coverage(3_000, 1, (random) => pairedInterval(draw(random), false))
    const resampled = createRandom(31)
    const bootstrap = coverage(600, 1, (random) => bca(draw(random), resampled))
    expect(hall).toBeGreaterThan(least)
    expect(hall).toBeLessThan(0.965)
    expect(hall).toBeGreaterThan(student)
    expect(hall).toBeGreaterThan(bootstrap)
  })

  test.for([10, 20, 50])('change of a rate over %i pairs', (size) => {
    const change = 0.2
    const held = coverage(3_000, change, (random) => {
      const differences = Array.from({ length: size }, () => {
        const u = random()
        return u < 0.3 ? 1 : u < 0.4 ? -1 : 0
      })
      return pairedInterval(differences, true)
    })
    expect(held).toBeGreaterThan(0.935)
    expect(held).toBeLessThan(0.985)
  })
})

describe('pairedTest', () => {
  test('is the exact permutation test of SciPy, and the sign test for changes of one size', () => {
    for (const [differences, pValue] of reference.paired)
      expectClose(pairedTest(differences).pValue, pValue, 7, JSON.stringify(differences))
  })

  test('among ten metrics without any change, a false alarm is as rare as alpha says', () => {
    const random = createRandom(4)
    const runs = 600
    let alarms = 0
    for (let run = 0; run < runs; run += 1) {
      const pValues = Array.from({ length: 10 }, () => pairedTest(Array.from({ length: 12 }, () => (random() < 0.5 ? -1 : 1))).pValue)
      if (holm(pValues).some((p) => p < 0.05)) alarms += 1
    }
    expect(alarms / runs).toBeLessThan(0.07)
    expect(alarms).toBeGreaterThan(0)
  })

  test("Holm's correction is that of statsmodels", () => {
    for (const [pValues, adjusted] of reference.holm) {
      for (const [at, p] of holm(pValues).entries()) expectClose(p, adjusted[at] ?? Number.NaN, 9, `Holm ${at}`)
    }
  })
})

describe('minimumDetectableChange', () => {
  test('is the effect statsmodels finds for the paired t test, in small sets too', () => {
    for (const [size, alpha, power, effect] of reference.detectableEffect) {
      const differences = Array.from({ length: size }, (_, i) => Math.sin(i * 1.7) + 0.1 * i)
      const found = (minimumDetectableChange(differences, { alpha, power }) ?? Number.NaN) / standardDeviation(differences)
      expectClose(found, effect, 5, `${size} pairs, alpha ${alpha}, power ${power}`)
    }
  })

  test('is that of the normal distribution for thousands of pairs', () => {
    const many = Array.from({ length: 2_001 }, (_, i) => i % 7)
    const standardError = standardDeviation(many) / Math.sqrt(many.length)
    expect((minimumDetectableChange(many) ?? 0) / standardError).toBeCloseTo(1.959964 + 0.841621, 5)
    expect((minimumDetectableChange(many, { alpha: 0.01, power: 0.9 }) ?? 0) / standardError).toBeCloseTo(2.575829 + 1.281552, 5)
  })

  test('says nothing of one pair, or of pairs without spread', () => {
    expect(minimumDetectableChange([1])).toBeUndefined()
    expect(minimumDetectableChange([0, 0, 0])).toBeUndefined()
  })
})
