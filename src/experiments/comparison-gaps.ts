import { smallestPValue } from './paired-test.js'

/** What is asked of a compared metric here. */
interface ComparedMetric {
  readonly name: string
  readonly lowerIsBetter: boolean
  readonly pairs: number
  readonly difference: number
  /** Rows that only one of the runs scored, and of these those of the old one. */
  readonly unscored: number
  readonly lost: number
  /** With the worst score for the lost ones the metric would be significantly worse. */
  readonly mayBeWorse: boolean
  readonly verdict: 'improved' | 'worse' | 'unchanged'
}

/** What a comparison could not look at. */
export interface Gaps {
  /** Rows without a partner. */
  readonly newOnly: number
  readonly oldOnly: number
  /** Metrics that only one of the runs has, and of these those of the old one. */
  readonly notCompared: readonly string[]
  readonly onlyOld: readonly string[]
  /** Metrics of both runs that have a score on both sides of no pair. */
  readonly unpaired: readonly string[]
  /** Metrics of which less is better in one of the runs only. */
  readonly clashes: readonly string[]
  /** Names in `lowerIsBetter` that neither run has. */
  readonly unknown: readonly string[]
  /** Pairs of one id with other contents. */
  readonly changedContents: number
  /** Why rows of either run are not here to be compared. */
  readonly missing: readonly string[]
  readonly pairs: number
  readonly metrics: readonly ComparedMetric[]
  readonly alpha: number
}

/** Everything a reader of the comparison should know it leaves out. */
export function findWarnings(gaps: Gaps): readonly string[] {
  const { newOnly, oldOnly, notCompared, changedContents, missing, pairs, metrics } = gaps
  const blind = findBlind(gaps)
  return [
    ...missing.map((reason) => `Not all rows were compared: ${reason}.`),
    ...(newOnly + oldOnly === 0
      ? []
      : [`Rows without a partner, in no figure of the comparison: ${newOnly} of the new run, ${oldOnly} of the old one.`]),
    ...(changedContents === 0
      ? []
      : [`${changedContents} of ${pairs} rows have the id of a row of the baseline and other inputs or another ground truth.`]),
    ...(notCompared.length === 0 ? [] : [`Scores that only one of the runs has were not compared: ${notCompared.join(', ')}.`]),
    ...metrics.flatMap(({ name, unscored }) => (unscored === 0 ? [] : [`${name}: ${unscored} rows have a score in one of the runs only.`])),
    ...(blind.length === 0
      ? []
      : [`Too few rows for any change to be significant: ${blind.map(({ name, pairs: rows }) => `${name} (${rows})`).join(', ')}.`]),
    ...describeMetrics(gaps),
  ]
}

/** Why the comparison cannot exclude a regression. */
export function findUnjudged(gaps: Gaps): readonly string[] {
  const { onlyOld, changedContents, missing, pairs, metrics } = gaps
  return [
    ...missing,
    ...(changedContents > 0 && changedContents === pairs
      ? ['every row that has the id of a row of the baseline has other inputs or another ground truth']
      : []),
    ...onlyOld.map((name) => `${name}: the baseline has this score and the run does not`),
    ...describeMetrics(gaps),
    ...findBlind(gaps).flatMap(({ name, pairs: rows, difference, lowerIsBetter }) =>
      difference !== 0 && difference > 0 === lowerIsBetter ? [`${name}: worse over ${rows} rows, too few for it to be significant`] : [],
    ),
    ...metrics.flatMap(({ name, lost, mayBeWorse, verdict }) =>
      mayBeWorse && verdict !== 'worse'
        ? [`${name}: ${lost} rows that had a score have none; with the worst score for them it would be worse`]
        : [],
    ),
  ]
}

function describeMetrics({ unpaired, clashes, unknown }: Gaps): readonly string[] {
  return [
    ...unpaired.map((name) => `${name}: no row has a number or a boolean in both runs`),
    ...clashes.map((name) => `${name}: less is better in one of the runs and more in the other`),
    ...unknown.map((name) => `comparison.lowerIsBetter names "${name}", which neither run has`),
  ]
}

// However much they change, these metrics cannot differ significantly.
function findBlind({ metrics, alpha }: Gaps): readonly ComparedMetric[] {
  return metrics.filter(({ pairs }) => smallestPValue(pairs) * metrics.length >= alpha)
}
