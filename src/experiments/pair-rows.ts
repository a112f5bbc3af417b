import { createHash } from 'node:crypto'
import { toPythonJson } from './python-json.js'
import type { RowStatus, ScoreValue } from './types.js'

/** Scores of one row, however they were obtained. */
export interface ScoredRow {
  readonly datapointId: string
  readonly scores: Readonly<Record<string, ScoreValue | undefined>>
  /** Which of several trials of the row this is, from 1. */
  readonly trial?: number
  /** @defaultValue `'success'` */
  readonly status?: RowStatus
  /** Evaluators that failed on this row. */
  readonly evaluatorErrors?: Readonly<Record<string, string>>
  /** With {@link ScoredRow.groundTruth} what the row is recognised by when its id has changed. */
  readonly inputs?: unknown
  readonly groundTruth?: unknown
}

/** One row of a run with all of its trials. */
export interface RowTrials {
  readonly datapointId: string
  readonly trials: readonly ScoredRow[]
}

/** One row in both runs. */
export interface Pair {
  readonly before: RowTrials
  readonly after: RowTrials
}

/** The rows of two runs beside each other. */
export interface PairedRows {
  readonly pairs: readonly Pair[]
  /** Pairs whose ids differ and whose contents are the same. */
  readonly byContent: number
  /** Pairs whose ids are the same and whose contents differ. */
  readonly changedContents: number
  readonly newOnly: readonly RowTrials[]
  readonly oldOnly: readonly RowTrials[]
}

/**
 * Finds the partner of each row: the row of the same id, else one of the same inputs and ground truth that has no partner
 * yet, in order. Ids made from the contents hold the row's position too, so one inserted row changes all that follow.
 *
 * @param mask makes a row of the new run what it is where secrets are masked, as they may be in the old one
 */
export function pairRows(
  newRun: readonly ScoredRow[],
  oldRun: readonly ScoredRow[],
  mask: (row: ScoredRow) => ScoredRow = (row) => row,
): PairedRows {
  const [newRows, oldRows] = [groupTrials(newRun), groupTrials(oldRun)]
  const old = new Map(oldRows.map((row) => [row.datapointId, row]))
  const partners = new Map<RowTrials, RowTrials>()
  for (const row of newRows) {
    const same = old.get(row.datapointId)
    if (same === undefined) continue
    old.delete(row.datapointId)
    partners.set(row, same)
  }
  const byId = partners.size
  const byContent = groupByContent([...old.values()])
  if (byContent.size > 0) {
    for (const row of newRows) {
      if (partners.has(row)) continue
      const same = byContent.get(contentOfTrials(row) ?? '')?.shift() ?? byContent.get(contentOfTrials(row, mask) ?? '')?.shift()
      if (same !== undefined) partners.set(row, same)
    }
  }
  const found = new Set(partners.values())
  return {
    pairs: newRows.flatMap((after) => {
      const before = partners.get(after)
      return before === undefined ? [] : [{ before, after }]
    }),
    byContent: partners.size - byId,
    changedContents: [...partners].slice(0, byId).filter(([row, same]) => isChanged(row, same, mask)).length,
    newOnly: newRows.filter((row) => !partners.has(row)),
    oldOnly: oldRows.filter((row) => !found.has(row)),
  }
}

function groupTrials(rows: readonly ScoredRow[]): readonly RowTrials[] {
  const groups = new Map<string, ScoredRow[]>()
  for (const row of rows) {
    const group = groups.get(row.datapointId)
    if (group === undefined) groups.set(row.datapointId, [row])
    else group.push(row)
  }
  return [...groups].map(([datapointId, trials]) => ({ datapointId, trials }))
}

function groupByContent(rows: readonly RowTrials[]): Map<string, RowTrials[]> {
  const groups = new Map<string, RowTrials[]>()
  for (const row of rows) {
    const content = contentOfTrials(row)
    if (content === undefined) continue
    const group = groups.get(content) ?? []
    group.push(row)
    groups.set(content, group)
  }
  return groups
}

function contentOfTrials({ trials: [first] }: RowTrials, mask: (row: ScoredRow) => ScoredRow = (row) => row): string | undefined {
  return first === undefined ? undefined : contentOf(mask(first))
}

function isChanged(row: RowTrials, old: RowTrials, mask: (row: ScoredRow) => ScoredRow): boolean {
  const before = contentOfTrials(old)
  const now = contentOfTrials(row)
  return before !== undefined && now !== undefined && before !== now && before !== contentOfTrials(row, mask)
}

/** What a row is, whatever its id: a hash of inputs and ground truth; `undefined` without inputs. */
export function contentOf({ inputs, groundTruth }: ScoredRow): string | undefined {
  if (inputs === undefined || inputs === null) return undefined
  // The server keeps inputs that are no object under this name.
  const fields = typeof inputs === 'object' && !Array.isArray(inputs) ? inputs : { inputs }
  return createHash('sha256')
    .update(toPythonJson([fields, groundTruth ?? null]))
    .digest('hex')
}
