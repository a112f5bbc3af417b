import type { MetricRule, MetricSummary } from './aggregate.js'
import { entryOf } from './entry-of.js'
import type { Aggregate } from '../values/statistics.js'

/** Bounds of one figure of the run. */
export interface ThresholdRange {
  readonly min?: number
  readonly max?: number
  /** Which figure of the metric is compared. @defaultValue the run's `aggregate` */
  readonly aggregate?: Aggregate
}

/** Figures every run has beside its scores. A plain number is their highest allowed value. */
export const RUN_FIGURES = ['errorRate', 'latencyMs', 'cost', 'totalTokens'] as const
/** A figure every run has beside its scores. */
export type RunFigure = (typeof RUN_FIGURES)[number]

/**
 * Bounds by name. A plain number is the lowest allowed value of a score, and the highest of one of which less is better and
 * of the figures of the run (`errorRate`, `latencyMs`, `cost`, `totalTokens`).
 */
export type ThresholdMap<Names extends string = string> = { readonly [Name in Names | RunFigure]?: number | ThresholdRange }

/** Outcome of one bound. */
export interface ThresholdOutcome {
  readonly name: string
  readonly aggregate: Aggregate
  /** `null` when the run has no such figure, which never passes but in a shard without rows, whose bounds are judged over the whole. */
  readonly actual: number | null
  readonly min?: number
  readonly max?: number
  readonly passed: boolean
}

/** The figures that bounds are checked over. */
export interface BoundFigures {
  readonly figures: Readonly<Record<string, MetricSummary>>
  /** Where rows failed: the figures with these as the worst of the other direction, see `MetricCollector.opposite`. */
  readonly opposites: Readonly<Record<string, MetricSummary>>
  /** Which scores are the better the less they are: of a shard without rows there is no figure that says so. */
  readonly evaluators: readonly MetricRule[]
}

/** Compares the figures of a run with their bounds, in the order the bounds were given. */
export function checkThresholds(
  thresholds: ThresholdMap | undefined,
  figures: BoundFigures,
  aggregate: Aggregate,
): readonly ThresholdOutcome[] {
  return Object.entries(thresholds ?? {}).flatMap(([name, bound]) => {
    return bound === undefined ? [] : [checkOne(name, toRange(name, bound, figures.evaluators), figures, aggregate)]
  })
}

/** Checks bounds again over other figures, e.g. those of the parts over the whole. */
export function recheckThresholds(outcomes: readonly ThresholdOutcome[], figures: BoundFigures): readonly ThresholdOutcome[] {
  const distinct = new Map(
    outcomes.map((outcome) => [JSON.stringify([outcome.name, outcome.aggregate, outcome.min, outcome.max]), outcome]),
  )
  return [...distinct.values()].map((outcome) => checkOne(outcome.name, outcome, figures, outcome.aggregate))
}

function checkOne(name: string, range: ThresholdRange, { figures, opposites }: BoundFigures, fallback: Aggregate): ThresholdOutcome {
  const aggregate = range.aggregate ?? (isRunFigure(name) ? 'average' : fallback)
  const { min, max } = range
  const figure = entryOf(figures, name)
  const opposite = entryOf(opposites, name) ?? figure
  // A row that failed is the worst for a bound of either direction.
  const isLess = figure?.lowerIsBetter === true
  const actualOf = (of: MetricSummary | undefined): number | null => (isUnjudged(name, of) ? null : (of?.[aggregate] ?? null))
  const least = actualOf(isLess ? opposite : figure)
  const most = actualOf(isLess ? figure : opposite)
  const isMet = { min: least !== null && isAtLeast(least, min), max: most !== null && isAtLeast(max, most) }
  const actual = min === undefined || (max !== undefined && isMet.min && !isMet.max) ? most : least
  return {
    name,
    aggregate,
    actual,
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    passed: isMet.min && isMet.max,
  }
}

/** Share of rows that may fail without failing the run: none unless a bound says so. */
export function allowedErrorRate(thresholds: ThresholdMap | undefined): number {
  const bound = thresholds?.errorRate
  return typeof bound === 'number' ? bound : (bound?.max ?? 0)
}

// The average of three times 0.1 is not 0.1 in binary; that is no miss.
function isAtLeast(value: number | undefined, bound: number | undefined): boolean {
  return value === undefined || bound === undefined || value >= bound - 1e-12 * Math.max(Math.abs(bound), Math.abs(value))
}

// Nothing was reported when the sum is 0, and nothing scored when every row failed: such a bound would be met without having judged.
function isUnjudged(name: string, figure: MetricSummary | undefined): boolean {
  if (name === 'cost' || name === 'totalTokens') return figure?.sum === 0
  return figure !== undefined && figure.failedRows > 0 && figure.failedRows === figure.count
}

function toRange(name: string, bound: number | ThresholdRange, evaluators: readonly MetricRule[]): ThresholdRange {
  if (typeof bound !== 'number') return bound
  const isLess = evaluators.some((evaluator) => evaluator.name === name && evaluator.lowerIsBetter === true)
  return isLess || isRunFigure(name) ? { max: bound } : { min: bound }
}

function isRunFigure(name: string): name is RunFigure {
  return (RUN_FIGURES as readonly string[]).includes(name)
}
