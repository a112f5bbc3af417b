import type { MetricSummary } from './aggregate.js'
import type { Aggregate } from './statistics.js'

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

/** Bounds by name: scores (a plain number is their lowest allowed value) and figures of the run (`errorRate`, `latencyMs`, `cost`, `totalTokens`). */
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
  return Object.entries(thresholds ?? {}).flatMap(([name, bound]) =>
    bound === undefined ? [] : [checkOne(name, toRange(name, bound), figures[name], aggregate)],
  )
}

function checkOne(name: string, range: ThresholdRange, figure: MetricSummary | undefined, fallback: Aggregate): ThresholdOutcome {
  const aggregate = range.aggregate ?? (isRunFigure(name) ? 'average' : fallback)
  const actual = figure?.[aggregate] ?? null
  const isInside = actual !== null && actual >= (range.min ?? Number.NEGATIVE_INFINITY) && actual <= (range.max ?? Number.POSITIVE_INFINITY)
  return {
    name,
    aggregate,
    actual,
    ...(range.min === undefined ? {} : { min: range.min }),
    ...(range.max === undefined ? {} : { max: range.max }),
    passed: isInside,
  }
}

function toRange(name: string, bound: number | ThresholdRange): ThresholdRange {
  if (typeof bound !== 'number') return bound
  return isRunFigure(name) ? { max: bound } : { min: bound }
}

function isRunFigure(name: string): name is RunFigure {
  return (RUN_FIGURES as readonly string[]).includes(name)
}
