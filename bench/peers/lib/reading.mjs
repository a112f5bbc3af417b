// Numbers and tables of a report.
import { median, summary } from './stats.mjs'

export const f = (x, d = 1) =>
  x == null || Number.isNaN(x)
    ? '-'
    : Math.abs(x) >= 100
      ? x.toFixed(0)
      : Math.abs(x) >= 10
        ? x.toFixed(Math.min(d, 1))
        : x.toFixed(Math.max(d, 1))
export const table = (head, rows) =>
  [`| ${head.join(' | ')} |`, `|${head.map(() => '---').join('|')}|`, ...rows.map((r) => `| ${r.join(' | ')} |`)].join('\n')
export const good = (xs) => (xs ?? []).filter((x) => x && !x.failed)

/** The ratios to raw OpenTelemetry, each taken inside its round. */
export const ratiosTo = (runs, base, read) => (runs ?? []).map((run, round) => read(run) / read(base?.[round] ?? {})).filter((x) => x > 0)
/** The median ratio in bold, and its range. */
export function shownRatio(ratios) {
  if (ratios.length === 0) return '-'
  const { med, min, max } = summary(ratios)
  return ratios.length === 1 ? `**${f(med, 2)}**` : `**${f(med, 2)}** (${f(min, 2)}..${f(max, 2)})`
}
export const medianOf = (runs, read) => (runs.length > 0 ? median(runs.map(read)) : undefined)
