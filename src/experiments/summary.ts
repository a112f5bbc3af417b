import { MetricCollector, type MetricRule, type MetricState, type MetricSummary } from './aggregate.js'
import { entryOf } from './entry-of.js'
import { addUsage, NO_USAGE } from './span-reader.js'
import type { Aggregate } from '../values/statistics.js'
import type { ExperimentRow, RowUsage } from './types.js'
import { countRefusals, hasFailed } from './failures.js'

/** Rows by what became of them. */
export interface RowCounts {
  /** Rows that ended, taken-over ones included. */
  readonly total: number
  readonly succeeded: number
  readonly failed: number
  readonly cancelled: number
  /** Rows whose `passed` is true. */
  readonly passed: number
  /** Rows taken over from an earlier attempt of the run. */
  readonly resumed: number
  /** Rows whose outputs came from the cache. */
  readonly cached: number
  /** Evaluator calls that failed. */
  readonly evaluatorErrors: number
}

/** What a collector knows, as plain data; two of them can be added up. */
export interface SummaryState {
  readonly counts: RowCounts
  readonly metrics: Readonly<Record<string, MetricState>>
  readonly figures: Readonly<Record<string, MetricState>>
  readonly usage: RowUsage
  readonly judges: RowUsage
  readonly refusals: Readonly<Record<string, number>>
}

/** Everything summed up over the rows. */
export interface Summary extends RowUsage {
  readonly counts: RowCounts
  readonly metrics: Readonly<Record<string, MetricSummary>>
  /** Average of the numeric and boolean scores of which more is better, weighted by the evaluators; `null` without any. */
  readonly weightedAverage: number | null
  /** Figures beside the scores: `errorRate`, `latencyMs`, `cost`, `totalTokens`. */
  readonly figures: Readonly<Record<string, MetricSummary>>
  /** Metrics with rows that failed, with these as the worst of the other direction, see `MetricCollector.opposite`. */
  readonly opposites: Readonly<Record<string, MetricSummary>>
  /** Rows that ended and have neither a score of an evaluator nor a failure, by its name. */
  readonly unscored: Readonly<Record<string, number>>
  readonly rows: readonly ExperimentRow[]
  /** Rows that are counted but not in `rows`, see `maxRows`. */
  readonly omittedRows: number
  /** What the evaluators spent. */
  readonly judges: RowUsage
  /** Rows that each evaluator turned down. */
  readonly refusals: Readonly<Record<string, number>>
}

/** What is known of an evaluator's metric. */
export interface SummarizedEvaluator extends MetricRule {
  readonly weight: number
}

const MAX_SESSION_IDS = 10_000

/** Takes rows as they end and sums them up in bounded memory. */
export class SummaryCollector {
  readonly #evaluators: readonly SummarizedEvaluator[]
  readonly #names: ReadonlySet<string>
  readonly #maxRows: number
  readonly #metrics = new Map<string, MetricCollector>()
  readonly #figures: Readonly<Record<'errorRate' | 'latencyMs' | 'cost' | 'totalTokens', MetricCollector>>
  readonly #rows: ExperimentRow[] = []
  readonly #sessionIds: string[] = []
  readonly #counts = { total: 0, succeeded: 0, failed: 0, cancelled: 0, passed: 0, resumed: 0, cached: 0, evaluatorErrors: 0 }
  readonly #refusals: Record<string, number> = {}
  /** Failures of each evaluator so far, by the row they are trials of: its extras lack these rows as well. */
  readonly #failures = new Map<string, Map<string | undefined, number>>()
  #usage: RowUsage = NO_USAGE
  #judges: RowUsage = NO_USAGE

  constructor(evaluators: readonly SummarizedEvaluator[], { maxRows }: { readonly maxRows: number }) {
    this.#evaluators = evaluators
    this.#names = new Set(evaluators.map(({ name }) => name))
    // In the order they were given, not in that in which the first row's ended.
    for (const rule of evaluators) this.#metrics.set(rule.name, new MetricCollector(rule))
    this.#maxRows = maxRows
    this.#figures = {
      errorRate: new MetricCollector('errorRate'),
      latencyMs: new MetricCollector('latencyMs'),
      cost: new MetricCollector('cost'),
      totalTokens: new MetricCollector('totalTokens'),
    }
  }

  /** Rows so far that ended in each way. */
  get counts(): Readonly<RowCounts> {
    return this.#counts
  }

  /** Sessions of the rows, up to 10,000; the server also finds them by the run's id. */
  get sessionIds(): readonly string[] {
    return this.#sessionIds
  }

  /** Adds one row. */
  add(row: ExperimentRow): void {
    this.#count(row)
    if (row.tokens.total !== 0 || row.cost !== 0) this.#usage = addUsage(this.#usage, row)
    // Results of earlier versions do not tell the two apart.
    const { judges = NO_USAGE } = row
    if (judges !== NO_USAGE) this.#judges = addUsage(this.#judges, judges)
    countRefusals(this.#refusals, row)
    const cluster = clusterOf(row)
    for (const { name } of this.#evaluators) {
      const score = entryOf(row.scores, name)
      if (score !== undefined) this.#metric(name).add(score, entryOf(row.decisions, name), cluster)
      else if (hasFailed(row, name)) this.#fail(name, cluster)
    }
    for (const [name, value] of Object.entries(row.metrics)) {
      if (!this.#names.has(name) && !name.endsWith('_explanation')) this.#metric(name).add(value, entryOf(row.decisions, name), cluster)
    }
    if (row.status !== 'cancelled') this.#addFigures(row)
    if (this.#rows.length < this.#maxRows) this.#rows.push(row)
    if (this.#sessionIds.length < MAX_SESSION_IDS) this.#sessionIds.push(row.sessionId)
  }

  /** Everything but the rows, for results whose rows are not all kept. */
  state(): SummaryState {
    const states = (collectors: Iterable<readonly [string, MetricCollector]>): Readonly<Record<string, MetricState>> =>
      Object.fromEntries([...collectors].map(([name, collector]) => [name, collector.state()]))
    return {
      counts: { ...this.#counts },
      metrics: states(this.#metrics),
      figures: states(Object.entries(this.#figures)),
      usage: this.#usage,
      judges: this.#judges,
      refusals: this.#refusals,
    }
  }

  /** Adds the rows of another process, of which only `rows` are there. */
  merge(state: SummaryState, rows: readonly ExperimentRow[]): void {
    for (const name of Object.keys(this.#counts) as (keyof RowCounts)[]) this.#counts[name] += state.counts[name]
    for (const [name, metric] of Object.entries(state.metrics)) this.#metric(name).merge(metric)
    for (const { name } of this.#evaluators) {
      const failed = entryOf(state.metrics, name)?.failedRows ?? 0
      for (const [extra, collector] of this.#extrasOf(name))
        if (entryOf(state.metrics, extra) === undefined) collector.addFailure(undefined, failed)
      this.#noteFailure(name, undefined, failed)
    }
    for (const [name, collector] of Object.entries(this.#figures)) {
      const figure = state.figures[name]
      if (figure !== undefined) collector.merge(figure)
    }
    this.#usage = addUsage(this.#usage, state.usage)
    this.#judges = addUsage(this.#judges, state.judges)
    for (const [name, count] of Object.entries(state.refusals)) this.#refusals[name] = (entryOf(this.#refusals, name) ?? 0) + count
    this.#rows.push(...rows.slice(0, Math.max(this.#maxRows - this.#rows.length, 0)))
  }

  #count(row: ExperimentRow): void {
    const counts = this.#counts
    counts.total += 1
    if (row.status === 'success') counts.succeeded += 1
    else counts[row.status] += 1
    if (row.passed) counts.passed += 1
    if (row.origin === 'resumed') counts.resumed += 1
    if (row.origin === 'cache') counts.cached += 1
    counts.evaluatorErrors += Object.keys(row.evaluatorErrors).length
  }

  #addFigures(row: ExperimentRow): void {
    this.#figures.errorRate.add(row.status === 'failed' ? 1 : 0)
    if (row.origin === 'run') this.#figures.latencyMs.add(row.durationMs)
    this.#figures.cost.add(row.cost)
    this.#figures.totalTokens.add(row.tokens.total)
  }

  #metric(name: string): MetricCollector {
    const known = this.#metrics.get(name)
    if (known !== undefined) return known
    const made = new MetricCollector(name)
    this.#metrics.set(name, made)
    // Rows that failed before the first one that gave this extra.
    for (const [cluster, count] of this.#failures.get(this.#ownerOf(name) ?? '') ?? []) made.addFailure(cluster, count)
    return made
  }

  #fail(name: string, cluster: string | undefined): void {
    this.#metric(name).addFailure(cluster)
    for (const [, extra] of this.#extrasOf(name)) extra.addFailure(cluster)
    this.#noteFailure(name, cluster, 1)
  }

  #noteFailure(name: string, cluster: string | undefined, count: number): void {
    const known = this.#failures.get(name) ?? new Map<string | undefined, number>()
    known.set(cluster, (known.get(cluster) ?? 0) + count)
    this.#failures.set(name, known)
  }

  #extrasOf(owner: string): readonly (readonly [string, MetricCollector])[] {
    return [...this.#metrics].filter(([name]) => !this.#names.has(name) && this.#ownerOf(name) === owner)
  }

  /** The evaluator that gave an extra: extras are named `<evaluator>_<extra>`. */
  #ownerOf(extra: string): string | undefined {
    const owners = [...this.#names].filter((name) => extra.startsWith(`${name}_`))
    return owners.sort((one, other) => other.length - one.length)[0]
  }

  /** The sums so far; rows in the order of the dataset. */
  summary(aggregate: Aggregate): Summary {
    const counted = [...this.#metrics].filter(([, collector]) => collector.count > 0)
    const metrics = summarize(Object.fromEntries(counted), aggregate)
    return {
      counts: { ...this.#counts },
      metrics,
      weightedAverage: this.#weightedAverage(metrics),
      figures: summarize(this.#figures, 'average'),
      opposites: Object.fromEntries(
        counted.flatMap(([name, collector]) => {
          const opposite = collector.opposite()
          return opposite === undefined ? [] : [[name, opposite]]
        }),
      ),
      unscored: this.#countUnscored(),
      rows: [...this.#rows].sort((one, other) => one.index - other.index || (one.trial ?? 1) - (other.trial ?? 1)),
      omittedRows: this.#counts.total - this.#rows.length,
      ...this.#usage,
      judges: this.#judges,
      refusals: this.#refusals,
    }
  }

  #countUnscored(): Readonly<Record<string, number>> {
    const ended = this.#counts.total - this.#counts.cancelled
    const counts = this.#evaluators.map(({ name }) => [name, ended - (this.#metrics.get(name)?.count ?? 0)] as const)
    return Object.fromEntries(counts.filter(([, count]) => count > 0))
  }

  #weightedAverage(metrics: Readonly<Record<string, MetricSummary>>): number | null {
    let total = 0
    let weights = 0
    for (const { name, weight, lowerIsBetter } of this.#evaluators) {
      if (lowerIsBetter === true) continue
      const average = entryOf(metrics, name)?.average ?? null
      if (average === null) continue
      total += average * weight
      weights += weight
    }
    return weights === 0 ? null : total / weights
  }
}

// Trials of one row are not independent of each other; they count as one.
function clusterOf(row: ExperimentRow): string | undefined {
  return row.trial === undefined ? undefined : row.datapointId
}

function summarize(collectors: Readonly<Record<string, MetricCollector>>, aggregate: Aggregate): Readonly<Record<string, MetricSummary>> {
  return Object.fromEntries(Object.entries(collectors).map(([name, collector]) => [name, collector.summary(aggregate)]))
}
