import { HoneyHiveConfigError } from '../errors.js'
import type { DatasetSource, SourceRow } from './dataset.js'
import type { ExperimentSettings } from './options.js'
import { contentOf, type ScoredRow } from './pair-rows.js'
import { isThenable } from './stop.js'

/** Which rows of a dataset a run is about. */
export type Selection = Pick<ExperimentSettings, 'first' | 'filter' | 'onlyFailedOf' | 'trials' | 'shard'>

/** The rows of a run, and what is known of them. */
export interface SelectedRows {
  /** Rows this process runs, each trial for itself; `undefined` while a stream has not ended. */
  readonly total: number | undefined
  /** Rows of the run over all shards, each counted once; `undefined` while a stream has not ended. */
  readonly selected: () => number | undefined
  /** How the rows were chosen; `undefined` for all of them. */
  readonly described: string | undefined
  rows(): Iterable<SourceRow> | AsyncIterable<SourceRow>
}

/**
 * Narrows a dataset to the rows of a run: the ones that failed, then the filter, then the first ones, then the shard. Each row
 * keeps its index in the dataset; a shard goes by the place among the selected rows.
 */
export function selectRows(source: DatasetSource, selection: Selection): SelectedRows {
  const { first = Number.POSITIVE_INFINITY, trials = 1, shard } = selection
  const isWanted = toFilter(selection)
  const described = describe(selection, source.total)
  if (source.total !== undefined && Symbol.iterator in source.rows()) {
    const chosen = [...(source.rows() as Iterable<SourceRow>)].filter(isWanted).slice(0, first)
    const own = shard === undefined ? chosen : chosen.filter((_, place) => place % shard.count === shard.index)
    const rows = own.flatMap((row) => repeat(row, trials))
    return { total: rows.length, selected: () => chosen.length, described, rows: () => rows }
  }
  let seen = 0
  let hasEnded = false
  async function* read(): AsyncGenerator<SourceRow> {
    if (first > 0) {
      for await (const row of source.rows()) {
        if (!isWanted(row)) continue
        const place = seen
        seen += 1
        if (shard === undefined || place % shard.count === shard.index) yield* repeat(row, trials)
        if (seen >= first) break
      }
    }
    hasEnded = true
  }
  const isWhole = described === undefined && shard === undefined
  const total = isWhole && source.total !== undefined ? source.total * trials : undefined
  return { total, selected: () => (hasEnded ? seen : undefined), described, rows: read }
}

function repeat(row: SourceRow, trials: number): readonly SourceRow[] {
  return trials === 1 ? [row] : Array.from({ length: trials }, (_, i) => ({ ...row, trial: i + 1 }))
}

function toFilter({ filter, onlyFailedOf }: Selection): (row: SourceRow) => boolean {
  const isChosen = (row: SourceRow): boolean => filter === undefined || ask(filter, row)
  if (onlyFailedOf === undefined) return isChosen
  const failed = onlyFailedOf.rows.filter(hasNotPassed)
  const ids = new Set(failed.map(({ datapointId }) => datapointId))
  const known = new Set(onlyFailedOf.rows.map(({ datapointId }) => datapointId))
  const contents = new Set(failed.map(contentOf))
  return (row) => {
    // Ids hold the position; a row that moved is recognised by what it is.
    const isFailed = known.has(row.datapointId) ? ids.has(row.datapointId) : contents.has(contentOf(toScoredRow(row)))
    return isFailed && isChosen(row)
  }
}

// A promise would let every row through.
function ask(filter: NonNullable<Selection['filter']>, { raw, index }: SourceRow): boolean {
  const isWanted: unknown = filter(raw, index)
  if (!isThenable(isWanted)) return Boolean(isWanted)
  Promise.resolve(isWanted).catch(() => undefined)
  const message = `"filter" gave a promise for row ${index}. Give true or false; what has to be awaited belongs into the dataset.`
  throw new HoneyHiveConfigError([{ option: 'filter', message }], 'evaluate')
}

function hasNotPassed(row: ScoredRow & { readonly passed?: boolean }): boolean {
  return (row.status ?? 'success') !== 'success' || row.passed === false || Object.keys(row.evaluatorErrors ?? {}).length > 0
}

function toScoredRow({ raw, datapointId }: SourceRow): ScoredRow {
  const { inputs, groundTruth, ground_truth: label } = Object(raw) as { inputs?: unknown; groundTruth?: unknown; ground_truth?: unknown }
  return { datapointId, scores: {}, inputs, groundTruth: groundTruth ?? label }
}

function describe({ first, filter, onlyFailedOf }: Selection, total: number | undefined): string | undefined {
  const parts = [
    ...(onlyFailedOf === undefined ? [] : ['those that did not pass in an earlier run']),
    ...(filter === undefined ? [] : ['those that "filter" chose']),
    ...(first === undefined ? [] : [`the first ${first}`]),
  ]
  return parts.length === 0 ? undefined : `Only a part of the ${total ?? ''} rows was run: ${parts.join(', of these ')}.`.replace('  ', ' ')
}
