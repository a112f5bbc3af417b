import { createReadStream } from 'node:fs'
import { appendFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ExperimentRow } from './types.js'

/** Append-only record of the rows of one run; what is in it survives a crash. */
export interface Journal {
  /** Appends one line; lines are written in the order of the calls. */
  append(row: ExperimentRow): Promise<void>
}

/** Opens the journal of a run; the file is made with the first row. */
export function createJournal(directory: string, runId: string): Journal {
  const file = journalFile(directory, runId)
  let last: Promise<void> = mkdir(directory, { recursive: true }).then(() => undefined)
  return {
    append(row) {
      last = last.then(() => appendFile(file, `${toLine(row)}\n`, { mode: 0o600 }))
      return last
    },
  }
}

/** Rows of a run that ended well, the last one of each datapoint; none when there is no journal. */
export async function readJournal(directory: string, runId: string): Promise<ReadonlyMap<string, ExperimentRow>> {
  const rows = new Map<string, ExperimentRow>()
  const input = createReadStream(journalFile(directory, runId), 'utf8')
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      const row = parseLine(line)
      if (row?.status === 'success') rows.set(row.datapointId, row)
    }
  } catch (error) {
    if (!isMissingFile(error)) throw error
  }
  return rows
}

function journalFile(directory: string, runId: string): string {
  return join(directory, `${runId}.jsonl`)
}

// A value that JSON cannot hold costs the row its outputs in the journal, never the row itself.
function toLine(row: ExperimentRow): string {
  try {
    return JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))
  } catch {
    return JSON.stringify({ ...row, inputs: null, groundTruth: null, outputs: null })
  }
}

function parseLine(line: string): ExperimentRow | undefined {
  try {
    const row: unknown = JSON.parse(line)
    // Lines are written by `toLine`; one that was cut short does not parse.
    return typeof row === 'object' && row !== null && 'datapointId' in row ? (row as ExperimentRow) : undefined
  } catch {
    return undefined
  }
}

function isMissingFile(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT'
}
