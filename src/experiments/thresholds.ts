import type { MetricSummary } from './aggregate.js'
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
  /** `null` when the run has no such figure, which never passes. */
  readonly actual: number | null
  readonly min?: number
  readonly max?: number
  readonly passed: boolean
}

/** Compares the figures of a run with their bounds, in the order the bounds were given. */
export function checkThresholds(
  thresholds: ThresholdMap | undefined,
  figures: Readonly<Record<string, MetricSummary>>,
  aggregate: Aggregate,
): readonly ThresholdOutcome[] {
  return Object.entries(thresholds ?? {}).flatMap(([name, bound]) => {
    const figure = figures[name]
    return bound === undefined ? [] : [checkOne(name, toRange(name, bound, figure), figure, aggregate)]
  })
}

/** Checks bounds again over other figures, e.g. those of the parts over the whole. */
export function recheckThresholds(
  outcomes: readonly ThresholdOutcome[],
  figures: Readonly<Record<string, MetricSummary>>,
): readonly ThresholdOutcome[] {
  const distinct = new Map(
    outcomes.map((outcome) => [JSON.stringify([outcome.name, outcome.aggregate, outcome.min, outcome.max]), outcome]),
  )
  return [...distinct.values()].map((outcome) => checkOne(outcome.name, outcome, figures[outcome.name], outcome.aggregate))
}

function checkOne(name: string, range: ThresholdRange, figure: MetricSummary | undefined, fallback: Aggregate): ThresholdOutcome {
  const aggregate = range.aggregate ?? (isRunFigure(name) ? 'average' : fallback)
  const actual = isUnreported(name, figure) ? null : (figure?.[aggregate] ?? null)
  const isInside = actual !== null && isAtLeast(actual, range.min) && isAtLeast(range.max, actual)
  return {
    name,
    aggregate,
    actual,
    ...(range.min === undefined ? {} : { min: range.min }),
    ...(range.max === undefined ? {} : { max: range.max }),
    passed: isInside,
  }
}

// The average of three times 0.1 is not 0.1 in binary; that is no miss.
function isAtLeast(value: number | undefined, bound: number | undefined): boolean {
  return value === undefined || bound === undefined || value >= bound - 1e-12 * Math.max(Math.abs(bound), Math.abs(value))
}

// Nothing was reported when the sum is 0: such a bound would be met without having judged.
function isUnreported(name: string, figure: MetricSummary | undefined): boolean {
  return (name === 'cost' || name === 'totalTokens') && figure?.sum === 0
}

function toRange(name: string, bound: number | ThresholdRange, figure: MetricSummary | undefined): ThresholdRange {
  if (typeof bound !== 'number') return bound
  return isRunFigure(name) || figure?.lowerIsBetter === true ? { max: bound } : { min: bound }
}

function isRunFigure(name: string): name is RunFigure {
  return (RUN_FIGURES as readonly string[]).includes(name)
}
