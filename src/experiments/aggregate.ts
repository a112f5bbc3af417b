import { createRandom } from './random.js'
import { type Aggregate, confidenceInterval, type Interval, quantile } from './statistics.js'
import type { ScoreValue } from './types.js'

/** Summary of one metric over the rows that have it. Figures of a text metric are all `null` except `count`. */
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
  /** Rows with this metric. */
  readonly count: number
  /** Of the average. `null` for fewer than two rows. */
  readonly confidence: Interval | null
  /** Rows whose score passed and failed its threshold; both 0 when nothing decides. */
  readonly passed: number
  readonly failed: number
  /** Rows for each value of a text metric; for a boolean metric `true` and `false`. */
  readonly categories: Readonly<Record<string, number>>
  /** True when percentiles and confidence come from a random sample of 100,000 rows. */
  readonly isSampled: boolean
}

/** Most values of one metric held in memory; beyond it percentiles come from an even random sample. */
export const MAX_VALUES = 100_000
/** Most different texts counted by themselves; the rest counts as one. */
const MAX_CATEGORIES = 100
const OTHER_CATEGORY = '(other)'

/** Collects one metric row by row in bounded memory. */
export class MetricCollector {
  readonly #name: string
  readonly #seed: number
  readonly #random: () => number
  readonly #values: number[] = []
  readonly #categories = new Map<string, number>()
  #type: MetricSummary['type'] | undefined
  #count = 0
  #numbers = 0
  #sum = 0
  #lost = 0
  #min = Number.POSITIVE_INFINITY
  #max = Number.NEGATIVE_INFINITY
  #passed = 0
  #failed = 0

  constructor(name: string, seed = 1) {
    this.#name = name
    this.#seed = seed
    this.#random = createRandom(seed)
  }

  /** Adds the score of one row; `passed` says what its threshold decided, if there is one. */
  add(value: ScoreValue, passed?: boolean): void {
    this.#count += 1
    if (passed === true) this.#passed += 1
    if (passed === false) this.#failed += 1
    this.#type = widen(this.#type, value)
    if (typeof value === 'number') return this.#addNumber(value)
    if (typeof value === 'boolean') this.#addNumber(value ? 1 : 0)
    this.#addCategory(String(value))
  }

  #addNumber(value: number): void {
    this.#numbers += 1
    const next = this.#sum + value
    this.#lost += Math.abs(this.#sum) >= Math.abs(value) ? this.#sum - next + value : value - next + this.#sum
    this.#sum = next
    this.#min = Math.min(this.#min, value)
    this.#max = Math.max(this.#max, value)
    if (this.#values.length < MAX_VALUES) this.#values.push(value)
    else this.#replaceOne(value)
  }

  // Reservoir sampling: every value so far has the same chance to be among those kept.
  #replaceOne(value: number): void {
    const at = Math.floor(this.#random() * this.#numbers)
    if (at < MAX_VALUES) this.#values[at] = value
  }

  #addCategory(category: string): void {
    const known = this.#categories.has(category) || this.#categories.size < MAX_CATEGORIES
    const key = known ? category : OTHER_CATEGORY
    this.#categories.set(key, (this.#categories.get(key) ?? 0) + 1)
  }

  /** The summary of everything added so far. */
  summary(aggregate: Aggregate = 'average'): MetricSummary {
    const figures = this.#figures()
    return {
      name: this.#name,
      type: this.#type ?? 'number',
      aggregate: figures[aggregate],
      ...figures,
      confidence: confidenceInterval(this.#values, { seed: this.#seed }) ?? null,
      passed: this.#passed,
      failed: this.#failed,
      categories: Object.fromEntries(this.#categories),
      isSampled: this.#numbers > this.#values.length,
    }
  }

  #figures(): Record<Aggregate, number | null> & { count: number } {
    const count = this.#count
    if (this.#numbers === 0) {
      return { average: null, min: null, max: null, median: null, p90: null, p95: null, p99: null, sum: null, count }
    }
    const sorted = Array.from(Float64Array.from(this.#values).sort())
    const total = this.#sum + this.#lost
    return {
      average: total / this.#numbers,
      min: this.#min,
      max: this.#max,
      median: quantile(sorted, 0.5),
      p90: quantile(sorted, 0.9),
      p95: quantile(sorted, 0.95),
      p99: quantile(sorted, 0.99),
      sum: total,
      count,
    }
  }
}

function widen(type: MetricSummary['type'] | undefined, value: ScoreValue): MetricSummary['type'] {
  const own = typeof value === 'string' ? 'category' : typeof value === 'boolean' ? 'boolean' : 'number'
  if (type === undefined || type === own) return own
  return type === 'category' || own === 'category' ? 'category' : 'number'
}
