/** The words a session is shown by in lists: its own, else those of the work it began with, else what its models were asked. */
import { type Preview, toPreviews } from '../../semantics/preview.js'
import { isObject, toFiniteNumber, toNonEmptyText } from '../../otlp/json.js'
import type { EventRecord } from './event-record.js'
import type { SqlValue } from './database.js'

/** A line, and how well it speaks for the session. */
interface Line {
  readonly text: string
  readonly rank: number
  readonly atMs: number
}

/** The line of what was asked first, and that of what was answered last. */
export interface SessionPreview {
  readonly input: Line | null
  readonly output: Line | null
}

/** Before any event has said a word. */
export const NO_PREVIEW: SessionPreview = { input: null, output: null }

/** The preview with the words of one more event. */
export function addToPreview(preview: SessionPreview, record: EventRecord): SessionPreview {
  const rank = rankOf(record)
  if (rank === 0) return preview
  const { input, output } = toPreviews({ type: record.type, ...record.body })
  return {
    input: better(preview.input, toLine(input, rank, record.startMs), (old, atMs) => atMs <= old),
    output: better(preview.output, toLine(output, rank, record.startMs), (old, atMs) => atMs >= old),
  }
}

/** Words speak better than the JSON of a value, wherever they stand. */
function toLine(preview: Preview | null, rank: number, atMs: number): Line | null {
  return preview === null ? null : { text: preview.text, rank: preview.isWords ? rank : rank / 10, atMs }
}

function rankOf({ type, parentId, sessionId }: EventRecord): number {
  if (type === 'session') return 3
  if (parentId === sessionId || parentId === null) return 2
  return type === 'model' ? 1 : 0
}

function better(present: Line | null, line: Line | null, isNearer: (presentMs: number, lineMs: number) => boolean): Line | null {
  if (present === null || line === null) return line ?? present
  return line.rank > present.rank || (line.rank === present.rank && isNearer(present.atMs, line.atMs)) ? line : present
}

/** Reads the column of `sessions`. */
export function parsePreview(column: SqlValue | undefined): SessionPreview {
  const stored: unknown = typeof column === 'string' ? JSON.parse(column) : undefined
  if (!isObject(stored)) return NO_PREVIEW
  return { input: toStoredLine(stored.input), output: toStoredLine(stored.output) }
}

function toStoredLine(stored: unknown): Line | null {
  if (!isObject(stored)) return null
  const text = toNonEmptyText(stored.text)
  return text === undefined ? null : { text, rank: toFiniteNumber(stored.rank) ?? 0, atMs: toFiniteNumber(stored.atMs) ?? 0 }
}
