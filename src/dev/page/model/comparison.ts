import type { ComparedMetric, ComparedRow, Comparison, RunRow } from '../../page-api/contract.js'
import { readSetting, writeSetting } from './settings.js'

/** What became of a datapoint; `missing` where one of the two runs has no score for it. */
export const VERDICTS = ['worse', 'improved', 'same', 'missing'] as const
/** One of {@link VERDICTS}. */
export type Verdict = (typeof VERDICTS)[number]

/** A datapoint with its score in each run, and what became of it from the last run to the chosen one. */
export interface JudgedRow extends ComparedRow {
  readonly scores: readonly (number | null)[]
  readonly verdict: Verdict
}

/** A score as a number; true counts as 1. */
export function toNumber(value: number | boolean | string | undefined): number | null {
  if (typeof value === 'boolean') return value ? 1 : 0
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

/** What a difference means; `sign` is -1 where less is better. */
export function toVerdict(difference: number, sign: 1 | -1 = 1): 'improved' | 'worse' | 'same' {
  if (Math.abs(difference) < 1e-9) return 'same'
  return difference * sign > 0 ? 'improved' : 'worse'
}

/** Whether a change is more than chance: its interval does not hold zero. */
export function isCertain(interval: { readonly low: number; readonly high: number } | null): boolean {
  return interval !== null && (interval.low > 0 || interval.high < 0)
}

/** Whether more of a metric is better, as its reader said, else as its run or its name says. */
export function toSign({ name, lowerIsBetter }: Pick<ComparedMetric, 'name' | 'lowerIsBetter'>): 1 | -1 {
  const chosen = readSetting(`less.${name}`)
  return (chosen === null ? lowerIsBetter === true : chosen === '1') ? -1 : 1
}

/** Remembers whether less of a metric is better. */
export function chooseSign(name: string, sign: 1 | -1): void {
  writeSetting(`less.${name}`, sign === -1 ? '1' : '0')
}

/** The datapoints by one metric, those that lost most first and those without a score last. */
export function toJudged({ rows, runs }: Comparison, metric: ComparedMetric | null, focus: number, sign: 1 | -1): readonly JudgedRow[] {
  const last = runs.length - 1
  const changeOf = (scores: JudgedRow['scores']): number | null => {
    const [own, base] = [scores[focus], scores[last]]
    return own === null || own === undefined || base === null || base === undefined ? null : (own - base) * sign
  }
  return rows
    .map((row) => {
      const scores = row.rows.map((one, at) => (one === null || !metric?.figures[at] ? null : toRowScore(one, metric)))
      const change = changeOf(scores)
      return { judged: { ...row, scores, verdict: change === null ? ('missing' as const) : toVerdict(change) }, change }
    })
    .sort((a, b) => (a.change === null ? 1 : b.change === null ? -1 : a.change - b.change))
    .map(({ judged }) => judged)
}

/** A row that failed before it had a score counts as what failures count. */
function toRowScore({ metrics, error }: RunRow, { name, failedScore }: ComparedMetric): number | null {
  return toNumber(metrics[name]) ?? (error === null ? null : failedScore)
}
