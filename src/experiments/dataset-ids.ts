import { createHash } from 'node:crypto'
import { toPythonJson } from './python-json.js'

const PREFIX = 'EXT-'
const DIGITS = 16
/** Text that is hashed at once. */
const MAX_CHARS = 65_536

/**
 * Id of a local dataset: `EXT-` and the first 16 hexadecimal digits of SHA-256 over its JSON, as the Python SDK computes it.
 *
 * Rows that spell the ground truth `groundTruth` count as if they said `ground_truth`, so the same data have the same id in
 * both languages.
 */
export function externalDatasetId(rows: readonly unknown[]): string {
  const hash = createDatasetHash()
  for (const row of rows) hash.add(row)
  return hash.id()
}

/** Hashes a dataset row by row, for those that do not fit into memory. */
export interface DatasetHash {
  add(row: unknown): void
  /** Id of the rows added so far; the hash cannot be used afterwards. */
  id(): string
}

/** Starts a {@link DatasetHash}. */
export function createDatasetHash(): DatasetHash {
  const hash = createHash('sha256')
  let separator = '['
  // One call for many rows: each costs more than its text.
  let text = ''
  return {
    add(row) {
      text += separator + toPythonJson(toPythonRow(row))
      separator = ', '
      if (text.length < MAX_CHARS) return
      hash.update(text)
      text = ''
    },
    id() {
      hash.update(text + (separator === '[' ? '[]' : ']'))
      return PREFIX + hash.digest('hex').slice(0, DIGITS)
    },
  }
}

/**
 * Id of one local datapoint: the row's own `id` or `datapoint_id` with the prefix `EXT-` (added only if it is missing),
 * otherwise `EXT-` and 16 digits of SHA-256 over the row's JSON followed by its index in decimal.
 */
export function externalDatapointId(row: unknown, index: number): string {
  const own = readOwnId(row)
  if (own !== undefined) return own.startsWith(PREFIX) ? own : PREFIX + own
  return PREFIX + sha256(toPythonJson(toPythonRow(row)) + String(index))
}

/** Whether a row brings an id, which then may be that of another row as well. */
export function hasOwnId(row: unknown): boolean {
  return readOwnId(row) !== undefined
}

/** Id of a dataset that is streamed and so cannot be hashed before the run starts; the same for every run of that name. */
export function streamedDatasetId(name: string): string {
  return PREFIX + sha256(`stream:${name}`)
}

/** True for the ids that only this client knows; the server keeps them in `metadata.offline_dataset_id`. */
export function isExternalId(id: string): boolean {
  return id.startsWith(PREFIX)
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, DIGITS)
}

function readOwnId(row: unknown): string | undefined {
  if (typeof row !== 'object' || row === null) return undefined
  const { id, datapoint_id: datapointId, datapointId: camelId } = row as Record<string, unknown>
  for (const own of [id, datapointId, camelId]) {
    if (typeof own === 'string' && own !== '') return own
    if (typeof own === 'number') return String(own)
  }
  return undefined
}

// A field that is undefined is not written.
function toPythonRow(row: unknown): unknown {
  if (typeof row !== 'object' || row === null || Array.isArray(row) || !('groundTruth' in row)) return row
  const named: Record<string, unknown> = { ground_truth: undefined, ...row }
  const { groundTruth } = named
  if (groundTruth === undefined) return named
  named['ground_truth'] = groundTruth
  named['groundTruth'] = undefined
  return named
}
