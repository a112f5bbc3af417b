import { asList, asObject } from './json-reader.js'
import { Digest, type DigestState } from './digest.js'
import { confidenceInterval, type Interval, intervalOf, momentsOf } from '../values/intervals.js'
import { type Aggregate, mean, quantile, standardDeviation } from '../values/statistics.js'
import { worstScore } from '../values/worst-score.js'
import type { ScoreValue } from './types.js'

/** What is known of a metric before its first score. */
export interface MetricRule {
  readonly name: string
  /** Less of it is better. @defaultValue false */
  readonly lowerIsBetter?: boolean | undefined
  /** Score of a row that failed. @defaultValue the worst one, see `worstScore` */
  readonly failedScore?: number | undefined
}

/** Reads rules that were stored as JSON; whatever is no rule is left out. */
export function readRules(value: unknown): readonly MetricRule[] {
  return asList(value).flatMap((entry): MetricRule[] => {
    const { name, lowerIsBetter, failedScore } = asObject(entry)
    if (typeof name !== 'string') return []
    return [{ name, lowerIsBetter: lowerIsBetter === true, failedScore: typeof failedScore === 'number' ? failedScore : undefined }]
  })
}

/** The part of an evaluator that is stored as its rule. */
export function toRule({ name, lowerIsBetter, failedScore }: MetricRule): MetricRule {
  return { name, ...(lowerIsBetter === true ? { lowerIsBetter } : {}), ...(failedScore === undefined ? {} : { failedScore }) }
}

/**
 * Summary of one metric over the rows that have it and those that failed. Figures of a text metric are all `null` except
 * `count`.
 */
export interface MetricSummary {
  readonly name: string
  readonly type: 'number' | 'boolean' | 'category'
  /** The figure that the run's `aggregate` option names. */
  readonly aggregate: number | null
  readonly average: number | null
  readonly min: number | null
  readonly max: number | null
  readonly median: number | null
  readonly p90: number | null
  readonly p95: number | null
  readonly p99: number | null
  readonly sum: number | null
  /** Rows with this metric, those that failed included. */
  readonly count: number
  /** Rows that count although they have no score, because the function or the evaluator failed. */
  readonly failedRows: number
  /** What each of them counts as; `null` without any, and for texts. */
  readonly failedScore: number | null
  readonly lowerIsBetter: boolean
  /** Of the average. `null` for fewer than two rows. */
  readonly confidence: Interval | null
  /** Rows that passed and failed the evaluator's own threshold, rows without a score among the latter; both 0 when nothing decides. */
  readonly passed: number
  readonly failed: number
  /** Rows for each value of a text metric; for a boolean metric `true` and `false`. */
  readonly categories: Readonly<Record<string, number>>
  /** Mean over the rows of the standard deviation between the trials of one row; `null` without trials. */
  readonly trialSpread: number | null
  /** True when percentiles come from a sketch (t-digest), from 100,000 rows on; everything else is exact. */
  readonly isSampled: boolean
}

/** Most values of one metric held in memory; beyond it percentiles come from a sketch. */
export const MAX_VALUES = 100_000
/** Most different texts counted by themselves; the rest counts as one. */
const MAX_CATEGORIES = 100
const OTHER_CATEGORY = '(other)'

const FAILED_CATEGORY = '(failed)'

/** The trials of one row. */
interface Cluster {
  readonly values: number[]
  failures: number
}

/** What a collector knows, as plain data. */
export interface MetricState {
  readonly type: MetricSummary['type'] | undefined
  readonly count: number
  readonly numbers: number
  readonly sum: number
  readonly squares: number
  readonly min: number | null
  readonly max: number | null
  readonly isRate: boolean
  readonly passed: number
  readonly failed: number
  readonly failedRows: number
  readonly categories: Readonly<Record<string, number>>
  readonly distribution: DigestState
  /** The distribution holds every value. */
  readonly isExact: boolean
  /** Some of the rows are trials of one. */
  readonly hasTrials?: boolean
}

/** Collects one metric row by row in bounded memory. */
export class MetricCollector {
  readonly #rule: MetricRule
  #values: number[] = []
  #digest: Digest | undefined
  readonly #categories = new Map<string, number>()
  readonly #clusters = new Map<string, Cluster>()
  #type: MetricSummary['type'] | undefined
  #count = 0
  #numbers = 0
  #sum = 0
  #lost = 0
  #mean = 0
  #squares = 0
  #min = Number.POSITIVE_INFINITY
  #max = Number.NEGATIVE_INFINITY
  #isRate = true
  #passed = 0
  #failed = 0
  #failedRows = 0
  #hasForeignTrials = false

  constructor(rule: MetricRule | string) {
    this.#rule = typeof rule === 'string' ? { name: rule } : rule
  }

  /** Rows so far, those that failed included. */
  get count(): number {
    return this.#count + this.#failedRows
  }

  /** Counts rows that have no score because something failed; rows of one `cluster` are trials of the same row. */
  addFailure(cluster?: string, count = 1): void {
    this.#failedRows += count
    if (cluster !== undefined) this.#cluster(cluster).failures += count
  }

  /** Adds the score of one row; `passed` says what its threshold decided, if there is one; trials of a row share a `cluster`. */
  add(value: ScoreValue, passed?: boolean, cluster?: string): void {
    this.#count += 1
    if (cluster !== undefined) this.#cluster(cluster).values.push(typeof value === 'string' ? Number.NaN : Number(value))
    if (passed === true) this.#passed += 1
    if (passed === false) this.#failed += 1
    this.#type = widen(this.#type, value)
    if (typeof value === 'number') return this.#addNumber(value)
    if (typeof value === 'boolean') this.#addNumber(value ? 1 : 0)
    this.#addCategory(String(value))
  }

  #cluster(name: string): Cluster {
    const known = this.#clusters.get(name) ?? { values: [], failures: 0 }
    this.#clusters.set(name, known)
    return known
  }

  #addNumber(value: number): void {
    this.#numbers += 1
    if (value !== 0 && value !== 1) this.#isRate = false
    const distance = value - this.#mean
    this.#mean += distance / this.#numbers
    this.#squares += distance * (value - this.#mean)
    const next = this.#sum + value
    this.#lost += Math.abs(this.#sum) >= Math.abs(value) ? this.#sum - next + value : value - next + this.#sum
    this.#sum = next
    this.#min = Math.min(this.#min, value)
    this.#max = Math.max(this.#max, value)
    this.#keep(value)
  }

  // Exact while the values fit, a sketch of their distribution from then on.
  #keep(value: number): void {
    if (this.#digest !== undefined) return this.#digest.add(value)
    this.#values.push(value)
    if (this.#values.length > MAX_VALUES) this.#toDigest()
  }

  #toDigest(): Digest {
    if (this.#digest === undefined) {
      this.#digest = new Digest()
      for (const value of this.#values) this.#digest.add(value)
      this.#values = []
    }
    return this.#digest
  }

  #addCategory(category: string, count = 1): void {
    const known = this.#categories.has(category) || this.#categories.size < MAX_CATEGORIES
    const key = known ? category : OTHER_CATEGORY
    this.#categories.set(key, (this.#categories.get(key) ?? 0) + count)
  }

  /** Everything but the rows, for another process to {@link merge}. Which rows are trials of one is not part of it. */
  state(): MetricState {
    return {
      type: this.#type,
      count: this.#count,
      numbers: this.#numbers,
      sum: this.#sum + this.#lost,
      squares: this.#squares,
      min: this.#numbers === 0 ? null : this.#min,
      max: this.#numbers === 0 ? null : this.#max,
      isRate: this.#isRate,
      passed: this.#passed,
      failed: this.#failed,
      failedRows: this.#failedRows,
      categories: Object.fromEntries(this.#categories),
      distribution: this.#digest === undefined ? { means: this.#values, counts: this.#values.map(() => 1) } : this.#digest.state,
      isExact: this.#digest === undefined,
      hasTrials: this.#hasForeignTrials || this.#clusters.size > 0,
    }
  }

  /** Adds what another collector of the same metric saw. */
  merge(other: MetricState): void {
    if (other.numbers > 0) this.#mergeNumbers(other)
    if (other.type !== undefined)
      this.#type = this.#type === undefined || this.#type === other.type ? other.type : widenTypes(this.#type, other.type)
    this.#count += other.count
    this.#passed += other.passed
    this.#failed += other.failed
    this.#failedRows += other.failedRows
    this.#hasForeignTrials ||= other.hasTrials === true
    for (const [category, count] of Object.entries(other.categories)) this.#addCategory(category, count)
  }

  #mergeNumbers(other: MetricState): void {
    const numbers = this.#numbers + other.numbers
    const distance = other.sum / other.numbers - this.#mean
    // Chan, Golub and LeVeque 1979, "Updating formulae and a pairwise algorithm for computing sample variances".
    this.#squares += other.squares + (distance * distance * this.#numbers * other.numbers) / numbers
    this.#mean += (distance * other.numbers) / numbers
    this.#sum += other.sum
    this.#numbers = numbers
    this.#min = Math.min(this.#min, other.min ?? this.#min)
    this.#max = Math.max(this.#max, other.max ?? this.#max)
    this.#isRate = this.#isRate && other.isRate
    if (other.isExact) for (const value of other.distribution.means) this.#keep(value)
    else this.#toDigest().merge(other.distribution)
  }

  /**
   * The same with rows that failed as the worst of the other direction, for a bound that looks that way; `undefined` when there
   * are none, or their score is stated.
   */
  opposite(): MetricSummary | undefined {
    const { lowerIsBetter = false, failedScore } = this.#rule
    if (this.#failedRows === 0 || failedScore !== undefined || this.#type === 'category') return undefined
    return this.summary('average', worstScore({ ...this.#rule, lowerIsBetter: !lowerIsBetter }, this.#min, this.#max))
  }

  /** The summary of everything added so far. */
  summary(aggregate: Aggregate = 'average', failedScore: number = worstScore(this.#rule, this.#min, this.#max)): MetricSummary {
    const { name, lowerIsBetter = false } = this.#rule
    const worst = this.#failedRows === 0 || this.#type === 'category' ? null : failedScore
    const { confidence, ...figures } = this.#figures(worst)
    const decided = this.#passed + this.#failed
    return {
      name,
      type: this.#type ?? 'number',
      aggregate: figures[aggregate],
      ...figures,
      failedRows: this.#failedRows,
      failedScore: worst,
      lowerIsBetter,
      confidence: this.#toConfidence(confidence, worst),
      trialSpread: this.#trialSpread(worst),
      passed: this.#passed,
      failed: this.#failed + (decided > 0 ? this.#failedRows : 0),
      categories: this.#countCategories(lowerIsBetter),
      isSampled: this.#digest !== undefined,
    }
  }

  #toConfidence(confidence: Interval | null, worst: number | null): Interval | null {
    // Nothing tells the trials of one row from another row any more.
    if (this.#hasForeignTrials) return null
    return this.#clusters.size === 0 ? confidence : this.#confidenceOfMeans(worst)
  }

  #countCategories(lowerIsBetter: boolean): Readonly<Record<string, number>> {
    const counts = Object.fromEntries(this.#categories)
    if (this.#failedRows === 0 || this.#type === undefined || this.#type === 'number') return counts
    const category = this.#type === 'category' ? FAILED_CATEGORY : String(lowerIsBetter)
    return { ...counts, [category]: (counts[category] ?? 0) + this.#failedRows }
  }

  #figures(worst: number | null): Record<Aggregate, number | null> & { count: number; confidence: Interval | null } {
    const count = this.count
    const failures = worst === null ? 0 : this.#failedRows
    const numbers = this.#numbers + failures
    // Numbers among texts are no sample of the rows.
    if (numbers === 0 || this.#type === 'category') {
      return { average: null, min: null, max: null, median: null, p90: null, p95: null, p99: null, sum: null, count, confidence: null }
    }
    const [min, max] = failures === 0 ? [this.#min, this.#max] : [Math.min(this.#min, worst ?? 0), Math.max(this.#max, worst ?? 0)]
    const quantileAt = this.#quantiles(worst ?? 0, failures, min, max)
    const total = this.#sum + this.#lost + (worst ?? 0) * failures
    return {
      average: total / numbers,
      min,
      max,
      median: quantileAt(0.5),
      p90: quantileAt(0.9),
      p95: quantileAt(0.95),
      p99: quantileAt(0.99),
      sum: total,
      count,
      confidence: this.#confidence(total / numbers, numbers, worst),
    }
  }

  #quantiles(worst: number, failures: number, min: number, max: number): (fraction: number) => number {
    if (this.#digest !== undefined) {
      const all = new Digest(this.#digest.state)
      if (failures > 0) all.add(worst, failures)
      return (fraction) => all.quantile(fraction, min, max)
    }
    const sorted = this.#sorted(worst, failures)
    return (fraction) => quantile(sorted, fraction)
  }

  #sorted(worst: number, failures: number): Float64Array {
    const sorted = new Float64Array(this.#values.length + failures)
    sorted.set(this.#values)
    sorted.fill(worst, this.#values.length)
    return sorted.sort()
  }

  #trials(worst: number | null): readonly (readonly number[])[] {
    return [...this.#clusters.values()]
      .map(({ values, failures }) =>
        [...values, ...new Array<number>(failures).fill(worst ?? Number.NaN)].filter((value) => !Number.isNaN(value)),
      )
      .filter((values) => values.length > 0)
  }

  // The rows are the sample, not the trials: twice the trials of one row do not halve what is unknown of the others.
  #confidenceOfMeans(worst: number | null): Interval | null {
    const means = this.#trials(worst)
      .map(mean)
      .sort((one, other) => one - other)
    return confidenceInterval(means) ?? null
  }

  #trialSpread(worst: number | null): number | null {
    const rows = this.#trials(worst).filter((values) => values.length > 1)
    return rows.length === 0 ? null : mean(rows.map(standardDeviation).sort((one, other) => one - other))
  }

  #confidence(average: number, count: number, worst: number | null): Interval | null {
    const isRate = this.#isRate && (worst === null || worst === 0 || worst === 1)
    if (this.#digest !== undefined) {
      const squares = this.#squares + (count - this.#numbers) * ((worst ?? 0) - this.#mean) * ((worst ?? 0) - average)
      return intervalOf({ count, mean: average, squares, isRate }) ?? null
    }
    // In sorted order the sums do not depend on which row ended first, so that merged shards equal one process.
    const moments = momentsOf(this.#sorted(worst ?? 0, worst === null ? 0 : this.#failedRows), average)
    return intervalOf({ ...moments, isRate }) ?? null
  }
}

function widen(type: MetricSummary['type'] | undefined, value: ScoreValue): MetricSummary['type'] {
  const own = typeof value === 'string' ? 'category' : typeof value === 'boolean' ? 'boolean' : 'number'
  return type === undefined || type === own ? own : widenTypes(type, own)
}

function widenTypes(one: MetricSummary['type'], other: MetricSummary['type']): MetricSummary['type'] {
  return one === 'category' || other === 'category' ? 'category' : 'number'
}
