import type { MetricRule } from './aggregate.js'
import { worstScore } from '../values/worst-score.js'
import { type Interval, pairedInterval } from '../values/intervals.js'
import { type Pair, pairRows, type RowTrials, type ScoredRow } from './pair-rows.js'
import { holm, minimumDetectableChange, pairedTest, type PairedTest } from './paired-test.js'
import { toNumber } from './score.js'
import { mean, sum } from '../values/statistics.js'
import { findUnjudged, findWarnings, type Gaps } from './comparison-gaps.js'
import { entryOf } from './entry-of.js'
import { hasFailed } from './failures.js'
import { findMissingBaseline, findMissingRows, type RunExtent } from './run-extent.js'
import type { RowStatus, ScoreValue } from './types.js'

export type { ScoredRow } from './pair-rows.js'

/** A run as a comparison sees it. */
export interface ScoredRun extends RunExtent {
  readonly runId: string
  readonly name: string | undefined
  readonly rows: readonly ScoredRow[]
  /** Its metrics; a metric of neither run is not compared. @defaultValue every score of its rows */
  readonly evaluators?: readonly MetricRule[]
}

/** Settings of a comparison. */
export interface CompareOptions {
  /** Metrics of which less is better, beside those whose evaluators say so. @defaultValue none */
  readonly lowerIsBetter?: readonly string[]
  /** Differences of one row up to this size count as unchanged. @defaultValue 1e-9 */
  readonly tolerance?: number
  /** Chance of even one false alarm among all metrics, below which a change is "significant". @defaultValue 0.05 */
  readonly alpha?: number
  /** @defaultValue 1 */
  readonly seed?: number
}

/** What the comparison of an experiment also knows. */
interface ComparisonSettings extends CompareOptions {
  /** A row as reports show it: what the other run was read from may be one. */
  readonly mask?: ((row: ScoredRow) => ScoredRow) | undefined
}

/** What became of a metric. */
export type Verdict = 'improved' | 'worse' | 'unchanged'

/** What became of a row; `incomparable` when one of the runs has no score for it and none of its failures says why. */
export type RowVerdict = Verdict | 'incomparable'

/** One metric in both runs, over the rows that both scored or failed on. */
export interface MetricComparison {
  readonly name: string
  readonly lowerIsBetter: boolean
  readonly oldAverage: number
  readonly newAverage: number
  /** new − old. */
  readonly difference: number
  /** Of the difference. `null` for fewer than two rows. */
  readonly confidence: Interval | null
  readonly pairs: number
  /** Pairs in which the old and the new run have no score because something failed; they count with `failedScore`. */
  readonly failedRows: { readonly old: number; readonly new: number }
  /** What a failure counts as; `null` without any. */
  readonly failedScore: number | null
  /** Rows that only one of the runs scored, without a failure; they are in none of the figures. */
  readonly unscored: number
  /** Of these, rows that only the old run scored. */
  readonly lost: number
  /** With the worst score for each of these the metric would be significantly worse. */
  readonly mayBeWorse: boolean
  readonly improved: readonly string[]
  readonly worse: readonly string[]
  readonly unchanged: number
  /** Sign-flip permutation test on the paired differences. */
  readonly test: PairedTest
  /** The test's p-value after Holm's correction for the number of metrics; this one decides. */
  readonly adjustedPValue: number
  readonly isSignificant: boolean
  /**
   * Smallest change this comparison would have found with 80% probability (paired t test, alpha shared by the metrics); `null`
   * for fewer than two rows or rows that all changed alike.
   */
  readonly minimumDetectableChange: number | null
  /** By direction and significance: a difference that may be chance is `unchanged`. */
  readonly verdict: Verdict
}

/** One row in both runs. `improved` when a score got better and none worse; `worse` when any got worse. */
export interface RowComparison {
  readonly datapointId: string
  readonly verdict: RowVerdict
  /** Scores that differ; `null` stands for a failure. */
  readonly changes: Readonly<Record<string, { readonly old: ScoreValue | null; readonly new: ScoreValue | null }>>
  /** When the row ended otherwise than before. */
  readonly status?: { readonly old: RowStatus; readonly new: RowStatus }
}

/** Two runs over the same datapoints. */
export interface RunComparison {
  readonly newRunId: string
  readonly oldRunId: string
  readonly newName: string | undefined
  readonly oldName: string | undefined
  readonly metrics: Readonly<Record<string, MetricComparison>>
  /** Rows whose scores or status differ, in the order of the new run; the rest is only counted. */
  readonly rows: readonly RowComparison[]
  readonly commonDatapoints: number
  /** Of these, rows that were recognised by their contents because their ids differ. */
  readonly pairedByContent: number
  /** Rows without a partner in the other run. */
  readonly newOnly: readonly string[]
  readonly oldOnly: readonly string[]
  readonly improvedRows: number
  readonly worseRows: number
  readonly unchangedRows: number
  readonly incomparableRows: number
  /** Metrics of one run that the other does not have. */
  readonly notCompared: readonly string[]
  readonly alpha: number
  /** What the comparison could not look at. */
  readonly warnings: readonly string[]
  /** Why a regression cannot be excluded although none is significant; a gate that asks for that fails. */
  readonly unjudged: readonly string[]
}

/** Compares two runs row by row. Text scores take part as changes of a row, numbers and booleans also as metrics. */
export function compareScoredRuns(newRun: ScoredRun, oldRun: ScoredRun, options: ComparisonSettings = {}): RunComparison {
  const { alpha = 0.05 } = options
  const { pairs, byContent, changedContents, newOnly, oldOnly } = pairRows(newRun.rows, oldRun.rows, options.mask)
  const { rules, notCompared, onlyOld, clashes, unknown } = findRules(newRun, oldRun, pairs, options)
  const figures = rules.flatMap((rule) => compareMetric(rule, pairs, options))
  const adjusted = holm(figures.map(({ test }) => test.pValue))
  const metrics = figures.map((figure, at) => judge(figure, adjusted[at] ?? 1, figures.length, options))
  const rows = pairs.map((pair) => compareRow(pair, rules, options))
  const gaps: Gaps = {
    newOnly: newOnly.length,
    oldOnly: oldOnly.length,
    notCompared,
    onlyOld,
    clashes,
    unknown,
    unpaired: rules.map(({ name }) => name).filter((name) => !metrics.some((metric) => metric.name === name)),
    changedContents,
    missing: [...findMissingRows(newRun), ...findMissingBaseline(oldRun)],
    pairs: pairs.length,
    metrics,
    alpha,
  }
  const count = (verdict: RowVerdict): number => rows.filter((row) => row.verdict === verdict).length
  return {
    newRunId: newRun.runId,
    oldRunId: oldRun.runId,
    newName: newRun.name,
    oldName: oldRun.name,
    metrics: Object.fromEntries(metrics.map((metric) => [metric.name, metric])),
    rows: rows.filter((row) => Object.keys(row.changes).length > 0 || row.status !== undefined),
    commonDatapoints: pairs.length,
    pairedByContent: byContent,
    newOnly: newOnly.map((row) => row.datapointId),
    oldOnly: oldOnly.map((row) => row.datapointId),
    improvedRows: count('improved'),
    worseRows: count('worse'),
    unchangedRows: count('unchanged'),
    incomparableRows: count('incomparable'),
    notCompared,
    alpha,
    warnings: findWarnings(gaps),
    unjudged: findUnjudged(gaps),
  }
}

interface Rules {
  readonly rules: readonly MetricRule[]
  readonly notCompared: readonly string[]
  /** Of these, metrics of the old run that the new one does not have. */
  readonly onlyOld: readonly string[]
  /** Metrics of which less is better in one run and more in the other. */
  readonly clashes: readonly string[]
  /** Names in `lowerIsBetter` that neither run knows. */
  readonly unknown: readonly string[]
}

function findRules(newRun: ScoredRun, oldRun: ScoredRun, pairs: readonly Pair[], { lowerIsBetter = [] }: CompareOptions): Rules {
  const [now, before] = [namesIn(newRun, pairs, 'after'), namesIn(oldRun, pairs, 'before')]
  const all = [...new Set([...now, ...before])]
  const known = new Map([...(oldRun.evaluators ?? []), ...(newRun.evaluators ?? [])].map((rule) => [rule.name, rule]))
  // Without lists of evaluators, everything a row failed on may be any of the other run's scores.
  const isShared = (name: string): boolean =>
    (now.has(name) || (newRun.evaluators === undefined && hasAnyFailure(pairs, 'after', name))) &&
    (before.has(name) || (oldRun.evaluators === undefined && hasAnyFailure(pairs, 'before', name)))
  const own = newRun.evaluators ?? oldRun.evaluators
  const isOwn = (name: string): boolean => own === undefined || known.has(name)
  const rules = all
    .filter(isShared)
    .filter(isOwn)
    .map((name) => {
      const rule = known.get(name) ?? { name }
      return lowerIsBetter.includes(name) ? { ...rule, lowerIsBetter: true } : rule
    })
  const notCompared = all.filter((name) => !isShared(name) && isOwn(name))
  const isLess = (run: ScoredRun, name: string): boolean | undefined => {
    const rule = run.evaluators?.find((candidate) => candidate.name === name)
    return rule === undefined ? undefined : rule.lowerIsBetter === true
  }
  const clashes = rules
    .map(({ name }) => name)
    .filter((name) => !lowerIsBetter.includes(name) && Number(isLess(newRun, name)) + Number(isLess(oldRun, name)) === 1)
  return {
    rules,
    notCompared,
    onlyOld: notCompared.filter((name) => before.has(name) && !now.has(name)),
    clashes,
    unknown: lowerIsBetter.filter((name) => !all.includes(name)),
  }
}

function namesIn(run: ScoredRun, pairs: readonly Pair[], side: keyof Pair): ReadonlySet<string> {
  if (run.evaluators !== undefined) return new Set(run.evaluators.map(({ name }) => name))
  const names = new Set<string>()
  for (const pair of pairs) {
    for (const { scores } of pair[side].trials) for (const name of Object.keys(scores)) if (!name.endsWith('_explanation')) names.add(name)
  }
  return names
}

function hasAnyFailure(pairs: readonly Pair[], side: keyof Pair, name: string): boolean {
  return pairs.some((pair) => pair[side].trials.some((row) => hasFailed(row, name)))
}

type MetricFigures = Omit<MetricComparison, 'adjustedPValue' | 'isSignificant' | 'minimumDetectableChange' | 'verdict'> & {
  readonly differences: readonly number[]
  /** The differences that are larger than the tolerance, 0 for the others. */
  readonly changes: readonly number[]
}

function compareMetric(rule: MetricRule, pairs: readonly Pair[], { seed = 1, tolerance = TOLERANCE }: CompareOptions): MetricFigures[] {
  const { name, lowerIsBetter = false } = rule
  const sides = pairs.map(({ before, after }) => ({ id: after.datapointId, old: readSide(before, name), now: readSide(after, name) }))
  const seen = sides.flatMap(({ old, now }) => [...old.values, ...now.values])
  if (seen.length === 0) return []
  const [min, max] = [seen.reduce((a, b) => Math.min(a, b)), seen.reduce((a, b) => Math.max(a, b))]
  const failedScore = worstScore(rule, min, max)
  const values = sides.flatMap(({ id, old, now }) => {
    if (isUnscored(old) || isUnscored(now)) return []
    const [from, to] = [toMean(old, failedScore), toMean(now, failedScore)]
    return [{ id, from, to, change: toVerdict(to - from, lowerIsBetter, tolerance) }]
  })
  if (values.length === 0) return []
  const differences = values.map(({ from, to }) => to - from)
  const toChange = (difference: number): number => (Math.abs(difference) <= tolerance ? 0 : difference)
  const changes = differences.map(toChange)
  const lost = sides.flatMap(({ old, now }) => (isUnscored(now) && !isUnscored(old) ? [failedScore - toMean(old, failedScore)] : []))
  const isRate = values.every(({ from, to }) => (from === 0 || from === 1) && (to === 0 || to === 1))
  const failed = { old: sides.filter(({ old }) => old.failures > 0).length, new: sides.filter(({ now }) => now.failures > 0).length }
  return [
    {
      name,
      lowerIsBetter,
      differences,
      changes,
      oldAverage: mean(values.map(({ from }) => from)),
      newAverage: mean(values.map(({ to }) => to)),
      difference: mean(differences),
      confidence: pairedInterval(differences, isRate) ?? null,
      pairs: values.length,
      failedRows: failed,
      failedScore: failed.old + failed.new === 0 ? null : failedScore,
      unscored: sides.filter(({ old, now }) => isUnscored(old) !== isUnscored(now)).length,
      lost: lost.length,
      mayBeWorse: lost.length > 0 && isWorse([...changes, ...lost.map(toChange)], lowerIsBetter, seed),
      improved: values.filter(({ change }) => change === 'improved').map(({ id }) => id),
      worse: values.filter(({ change }) => change === 'worse').map(({ id }) => id),
      unchanged: values.filter(({ change }) => change === 'unchanged').length,
      test: pairedTest(changes, seed),
    },
  ]
}

// Without a correction for several metrics: this asks what may be, not what is.
function isWorse(changes: readonly number[], lowerIsBetter: boolean, seed: number): boolean {
  return toVerdict(sum(changes), lowerIsBetter) === 'worse' && pairedTest(changes, seed).pValue < 0.05
}

function judge(
  { differences, changes, ...figures }: MetricFigures,
  adjustedPValue: number,
  metrics: number,
  options: CompareOptions,
): MetricComparison {
  const { alpha = 0.05 } = options
  const isSignificant = adjustedPValue < alpha
  return {
    ...figures,
    adjustedPValue,
    isSignificant,
    minimumDetectableChange: minimumDetectableChange(differences, { alpha: alpha / metrics }) ?? null,
    verdict: isSignificant ? toVerdict(sum(changes), figures.lowerIsBetter) : 'unchanged',
  }
}

/** The scores of one row over its trials. */
interface Side {
  readonly values: readonly number[]
  readonly failures: number
}

function readSide({ trials }: RowTrials, name: string): Side {
  const values = trials.flatMap(({ scores }) => {
    const score = entryOf(scores, name)
    return score === undefined ? [] : (toNumber(score) ?? [])
  })
  return { values, failures: trials.filter((row) => entryOf(row.scores, name) === undefined && hasFailed(row, name)).length }
}

function isUnscored({ values, failures }: Side): boolean {
  return values.length + failures === 0
}

function toMean({ values, failures }: Side, failedScore: number): number {
  return (sum(values) + failures * failedScore) / (values.length + failures)
}

function compareRow({ before, after }: Pair, rules: readonly MetricRule[], { tolerance }: CompareOptions): RowComparison {
  const [old, now] = [statusOf(before), statusOf(after)]
  const changes: Record<string, { old: ScoreValue | null; new: ScoreValue | null }> = {}
  const verdicts = new Set<RowVerdict>([compareStatus(old, now)])
  for (const { name, lowerIsBetter = false } of rules) {
    const change = compareScore(before, after, name, lowerIsBetter, tolerance)
    if (change === undefined) continue
    verdicts.add(change.verdict)
    if (change.scores !== undefined) changes[name] = change.scores
  }
  const verdict = (['worse', 'incomparable', 'improved'] as const).find((candidate) => verdicts.has(candidate)) ?? 'unchanged'
  return { datapointId: after.datapointId, verdict, changes, ...(old === now ? {} : { status: { old, new: now } }) }
}

function statusOf({ trials }: RowTrials): RowStatus {
  return (['cancelled', 'failed'] as const).find((status) => trials.some((row) => row.status === status)) ?? 'success'
}

function compareStatus(old: RowStatus, now: RowStatus): RowVerdict {
  if (old === 'cancelled' || now === 'cancelled') return 'incomparable'
  if (old === now) return 'unchanged'
  return now === 'failed' ? 'worse' : 'improved'
}

interface ScoreChange {
  readonly verdict: RowVerdict
  readonly scores?: { readonly old: ScoreValue | null; readonly new: ScoreValue | null }
}

function compareScore(
  before: RowTrials,
  after: RowTrials,
  name: string,
  lowerIsBetter: boolean,
  tolerance: number | undefined,
): ScoreChange | undefined {
  const [old, now] = [scoreOf(before, name), scoreOf(after, name)]
  if (old === now) return undefined
  const scores = { old, new: now }
  if (now === null) return { verdict: isFailure(after, name) ? 'worse' : 'incomparable', scores }
  if (old === null) return { verdict: isFailure(before, name) ? 'improved' : 'incomparable', scores }
  const [oldNumber, newNumber] = [toNumber(old), toNumber(now)]
  if (oldNumber === undefined || newNumber === undefined) return { verdict: 'unchanged', scores }
  const verdict = toVerdict(newNumber - oldNumber, lowerIsBetter, tolerance)
  return verdict === 'unchanged' && typeof now === 'number' ? undefined : { verdict, scores }
}

function scoreOf({ trials }: RowTrials, name: string): ScoreValue | null {
  const values = trials.flatMap(({ scores }) => entryOf(scores, name) ?? [])
  const numbers = values.flatMap((value) => toNumber(value) ?? [])
  return numbers.length > 1 && numbers.length === values.length ? mean(numbers) : (values[0] ?? null)
}

function isFailure({ trials }: RowTrials, name: string): boolean {
  return trials.some((row) => hasFailed(row, name))
}

const TOLERANCE = 1e-9

function toVerdict(difference: number, lowerIsBetter: boolean, tolerance: number = TOLERANCE): Verdict {
  if (Math.abs(difference) <= tolerance) return 'unchanged'
  return difference > 0 !== lowerIsBetter ? 'improved' : 'worse'
}
