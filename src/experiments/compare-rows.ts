import { toNumber } from './score.js'
import { confidenceInterval, type Interval, mean, minimumDetectableChange, pairedTest, type PairedTest } from './statistics.js'
import type { ScoreValue } from './types.js'

/** Scores of one row, however they were obtained. */
export interface ScoredRow {
  readonly datapointId: string
  readonly scores: Readonly<Record<string, ScoreValue | undefined>>
}

/** A run as a comparison sees it. */
export interface ScoredRun {
  readonly runId: string
  readonly name: string | undefined
  readonly rows: readonly ScoredRow[]
}

/** Settings of a comparison. */
export interface CompareOptions {
  /** Metrics of which less is better. @defaultValue none */
  readonly lowerIsBetter?: readonly string[]
  /** Differences of one row up to this size count as unchanged. @defaultValue 1e-9 */
  readonly tolerance?: number
  /** Error level of "significant". @defaultValue 0.05 */
  readonly alpha?: number
  /** @defaultValue 1 */
  readonly seed?: number
}

/** What became of a row or a metric. */
export type Verdict = 'improved' | 'worse' | 'unchanged'

/** One metric in both runs, over the rows that both scored. */
export interface MetricComparison {
  readonly name: string
  readonly oldAverage: number
  readonly newAverage: number
  /** new − old. */
  readonly difference: number
  /** Of the difference. `null` for fewer than two rows. */
  readonly confidence: Interval | null
  readonly pairs: number
  readonly improved: readonly string[]
  readonly worse: readonly string[]
  readonly unchanged: number
  /** Sign-flip permutation test on the paired differences. */
  readonly test: PairedTest
  readonly isSignificant: boolean
  /** Smallest change this comparison would have found with 80% probability; `null` for fewer than two rows. */
  readonly minimumDetectableChange: number | null
  /** By direction and significance: a difference that may be chance is `unchanged`. */
  readonly verdict: Verdict
}

/** One row in both runs. `improved` when a score got better and none worse; `worse` when any got worse. */
export interface RowComparison {
  readonly datapointId: string
  readonly verdict: Verdict
  readonly changes: Readonly<Record<string, { readonly old: ScoreValue; readonly new: ScoreValue }>>
}

/** Two runs over the same datapoints. */
export interface RunComparison {
  readonly newRunId: string
  readonly oldRunId: string
  readonly newName: string | undefined
  readonly oldName: string | undefined
  readonly metrics: Readonly<Record<string, MetricComparison>>
  /** Rows whose scores differ, in the order of the new run; the rest is only counted. */
  readonly rows: readonly RowComparison[]
  readonly commonDatapoints: number
  readonly newOnly: readonly string[]
  readonly oldOnly: readonly string[]
  readonly improvedRows: number
  readonly worseRows: number
  readonly unchangedRows: number
}

/** Compares two runs row by row. Text scores take part as changes of a row, numbers and booleans also as metrics. */
export function compareScoredRuns(newRun: ScoredRun, oldRun: ScoredRun, options: CompareOptions = {}): RunComparison {
  const old = new Map(oldRun.rows.map((row) => [row.datapointId, row]))
  const known = new Set(newRun.rows.map((row) => row.datapointId))
  const pairs = newRun.rows.flatMap((row) => {
    const before = old.get(row.datapointId)
    return before === undefined ? [] : [{ before, after: row }]
  })
  const names = new Set(pairs.flatMap(({ after }) => Object.keys(after.scores)))
  const metrics = [...names].flatMap((name) => compareMetric(name, pairs, options))
  const rows = pairs.map((pair) => compareRow(pair, options))
  const count = (verdict: Verdict): number => rows.filter((row) => row.verdict === verdict).length
  return {
    newRunId: newRun.runId,
    oldRunId: oldRun.runId,
    newName: newRun.name,
    oldName: oldRun.name,
    metrics: Object.fromEntries(metrics.map((metric) => [metric.name, metric])),
    rows: rows.filter((row) => Object.keys(row.changes).length > 0),
    commonDatapoints: pairs.length,
    newOnly: newRun.rows.filter((row) => !old.has(row.datapointId)).map((row) => row.datapointId),
    oldOnly: oldRun.rows.filter((row) => !known.has(row.datapointId)).map((row) => row.datapointId),
    improvedRows: count('improved'),
    worseRows: count('worse'),
    unchangedRows: count('unchanged'),
  }
}

interface Pair {
  readonly before: ScoredRow
  readonly after: ScoredRow
}

function compareMetric(name: string, pairs: readonly Pair[], options: CompareOptions): MetricComparison[] {
  const { alpha = 0.05, seed = 1 } = options
  const values = pairs.flatMap(({ before, after }) => {
    const [old, now] = [numberAt(before, name), numberAt(after, name)]
    return old === undefined || now === undefined ? [] : [{ id: after.datapointId, old, now, change: direction(name, now - old, options) }]
  })
  if (values.length === 0) return []
  const differences = values.map(({ old, now }) => now - old)
  const test = pairedTest(differences, seed)
  const difference = mean(differences)
  const isSignificant = test.pValue < alpha
  return [
    {
      name,
      oldAverage: mean(values.map(({ old }) => old)),
      newAverage: mean(values.map(({ now }) => now)),
      difference,
      confidence: confidenceInterval(differences, { seed }) ?? null,
      pairs: values.length,
      improved: values.filter(({ change }) => change === 'improved').map(({ id }) => id),
      worse: values.filter(({ change }) => change === 'worse').map(({ id }) => id),
      unchanged: values.filter(({ change }) => change === 'unchanged').length,
      test,
      isSignificant,
      minimumDetectableChange: minimumDetectableChange(differences, { alpha }) ?? null,
      verdict: isSignificant ? direction(name, difference, options) : 'unchanged',
    },
  ]
}

function compareRow({ before, after }: Pair, options: CompareOptions): RowComparison {
  const changes: Record<string, { old: ScoreValue; new: ScoreValue }> = {}
  const verdicts = new Set<Verdict>()
  for (const [name, now] of Object.entries(after.scores)) {
    const old = before.scores[name]
    if (now === undefined || old === undefined || old === now) continue
    const [oldNumber, newNumber] = [toNumber(old), toNumber(now)]
    const verdict = oldNumber === undefined || newNumber === undefined ? 'unchanged' : direction(name, newNumber - oldNumber, options)
    if (verdict === 'unchanged' && typeof now === 'number') continue
    changes[name] = { old, new: now }
    verdicts.add(verdict)
  }
  const verdict = verdicts.has('worse') ? 'worse' : verdicts.has('improved') ? 'improved' : 'unchanged'
  return { datapointId: after.datapointId, verdict, changes }
}

function numberAt(row: ScoredRow, name: string): number | undefined {
  const value = row.scores[name]
  return value === undefined ? undefined : toNumber(value)
}

function direction(name: string, difference: number, { lowerIsBetter = [], tolerance = 1e-9 }: CompareOptions): Verdict {
  if (Math.abs(difference) <= tolerance) return 'unchanged'
  return difference > 0 !== lowerIsBetter.includes(name) ? 'improved' : 'worse'
}
