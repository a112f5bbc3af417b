import { MetricCollector, type MetricSummary } from './aggregate.js'
import { describeError, parseScore } from './score.js'
import { withinLimit, type Stop } from './stop.js'
import type { ExperimentRow, ScoreResult, ScoreValue } from './types.js'

/** Scores a data set from all of its rows, failed ones included. */
export type SummaryEvaluator<Row = never, Output = never> = (
  rows: readonly ExperimentRow<Row, Output>[],
) => ScoreResult | PromiseLike<ScoreResult>

/** Summary evaluators by the name of their score. */
export type SummaryEvaluators<Row = never, Output = never> = Readonly<Record<string, SummaryEvaluator<Row, Output>>>

/** One score of the data set as a whole. */
export interface SummaryScore {
  readonly name: string
  /** `null` when there is none, or the evaluator failed. */
  readonly score: ScoreValue | null
  readonly explanation?: string
  /** Why the evaluator failed. */
  readonly error?: string
}

/** Asks every summary evaluator once; what fails is part of the answer. */
export async function scoreSummary(
  evaluators: SummaryEvaluators,
  rows: readonly ExperimentRow[],
  { omittedRows, stop, timeoutMs }: { readonly omittedRows: number; readonly stop: Stop; readonly timeoutMs: number | undefined },
): Promise<readonly SummaryScore[]> {
  return Promise.all(
    Object.entries(evaluators).map(async ([name, evaluate]): Promise<SummaryScore> => {
      if (omittedRows > 0) {
        return { name, score: null, error: `${omittedRows} rows are not in memory. Raise maxRows to score all of them.` }
      }
      try {
        // The rows are those of the data set the evaluators were given with.
        const raw = await withinLimit(() => evaluate(rows as never), { timeoutMs, outer: stop, what: () => `Summary evaluator "${name}"` })
        const parsed = parseScore(raw)
        if (parsed.kind === 'invalid') return { name, score: null, error: parsed.reason }
        if (parsed.kind === 'none') return { name, score: null }
        const { value, explanation } = parsed.score
        return { name, score: value, ...(explanation === undefined ? {} : { explanation }) }
      } catch (error) {
        return { name, score: null, error: describeError(error) }
      }
    }),
  )
}

/** The summary scores as figures that bounds can name. */
export function toSummaryFigures(scores: readonly SummaryScore[]): Readonly<Record<string, MetricSummary>> {
  return Object.fromEntries(
    scores.flatMap(({ name, score }) => {
      if (score === null) return []
      const collector = new MetricCollector(name)
      collector.add(score)
      return [[name, collector.summary()]]
    }),
  )
}
