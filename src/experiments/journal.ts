import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../folders.js'
import { readLines } from '../values/lines.js'
import { type MetricRule, readRules } from './aggregate.js'
import { rowKey } from './dataset.js'
import { fromExact, toExact } from './exact.js'
import { asObject } from './json-reader.js'
import type { RunExtent } from './run-extent.js'
import type { ExperimentRow } from './types.js'

/** Append-only record of the rows of one run; what is in it survives a crash. */
export interface Journal {
  /** Appends one line; lines are written in the order of the calls. */
  append(row: ExperimentRow): Promise<void>
  /** Gives the file back. */
  close(): Promise<void>
}

/** What stands at the start of a journal, and again where a run was resumed. */
export interface JournalHeader {
  readonly runId: string
  readonly name: string
  readonly evaluators: readonly MetricRule[]
  /** Which rows the run is about, where that is known before it ends. */
  readonly extent?: JournalExtent
}

/** How many rows make the run whole. */
export type JournalExtent = Pick<RunExtent, 'selectedRows' | 'shard' | 'trials'>

/**
 * Opens the journal of a run; the file is made with the first row.
 *
 * @param mask takes out of each line what may stand in no file, such as the key of the run.
 */
export function createJournal(directory: string, header: JournalHeader, mask: (text: string) => string = (text) => text): Journal {
  let opened: Promise<FileHandle> | undefined
  let last: Promise<void> = Promise.resolve()
  return {
    append(row) {
      opened ??= openFile(directory, header, mask)
      const file = opened
      last = last.catch(() => undefined).then(async () => (await file).appendFile(`${mask(writeRow(row))}\n`))
      return last
    },
    async close() {
      await last.catch(() => undefined)
      await (await opened?.catch(() => undefined))?.close()
    },
  }
}

// A line that a crash cut short is ended first, or the next one would be glued to it and lost with it.
async function openFile(directory: string, header: JournalHeader, mask: (text: string) => string): Promise<FileHandle> {
  makeFolder(directory)
  const file = await open(journalFile(directory, header.runId), 'a+', 0o600)
  const { size } = await file.stat()
  const last = Buffer.alloc(1)
  if (size > 0) await file.read(last, 0, 1, size - 1)
  await file.appendFile(`${size > 0 && last[0] !== 0x0a ? '\n' : ''}${mask(JSON.stringify({ journal: 1, ...header }))}\n`)
  return file
}

/** What a journal holds. */
export interface JournalContents {
  /** The last line of each row and trial, however it ended. */
  readonly rows: ReadonlyMap<string, ExperimentRow>
  /** Of the last attempt; `undefined` without a journal. */
  readonly header: JournalHeader | undefined
}

/** Reads the journal of a run; lines that are no rows, such as one cut short, are passed over. */
export async function readJournal(directory: string, runId: string): Promise<JournalContents> {
  const rows = new Map<string, ExperimentRow>()
  let header: JournalHeader | undefined
  const input = createReadStream(journalFile(directory, runId), 'utf8')
  try {
    for await (const text of readLines(input)) {
      const line = parseLine(text)
      if (line === undefined) continue
      if ('journal' in line) header = toHeader(line, runId)
      else if ('datapointId' in line) addRow(rows, line)
    }
  } catch (error) {
    if (!isMissingFile(error)) throw error
  }
  return { rows, header }
}

function addRow(rows: Map<string, ExperimentRow>, line: object): void {
  const row = toRow(line)
  rows.set(rowKey(row), row)
}

// Lines are written by `writeRow`; one that was cut short does not parse.
function toRow(line: object): ExperimentRow {
  const { exact, ...row } = line as ExperimentRow & { readonly exact?: unknown }
  const outputs = fromExact(exact)
  if (outputs !== undefined) return { ...row, outputs: outputs.value }
  // The outputs could not be written: the row is known, and runs again when the run is resumed.
  return exact === null && row.status === 'success' ? { ...row, status: 'cancelled' } : row
}

/** A row from the text of {@link writeRow}; `undefined` for any other text. */
export function parseRow(text: string): ExperimentRow | undefined {
  const line = parseLine(text)
  return line !== undefined && 'datapointId' in line ? toRow(line) : undefined
}

function toHeader(line: object, runId: string): JournalHeader {
  const { name, evaluators, extent } = asObject(line)
  return { runId, name: String(name), evaluators: readRules(evaluators), ...readExtent(asObject(extent)) }
}

// Journals of earlier versions have none.
function readExtent({ selectedRows, trials, shard }: Readonly<Record<string, unknown>>): { readonly extent?: JournalExtent } {
  const { index, count } = asObject(shard)
  if (typeof selectedRows !== 'number') return {}
  const part = typeof index === 'number' && typeof count === 'number' ? { shard: { index, count } } : {}
  return { extent: { selectedRows, ...part, ...(typeof trials === 'number' ? { trials } : {}) } }
}

function journalFile(directory: string, runId: string): string {
  return join(directory, `${runId}.jsonl`)
}

/** A row as one line of text that gives back its outputs as they were. */
export function writeRow(row: ExperimentRow): string {
  const { outputs, ...rest } = row
  if (row.status !== 'success') return toText(rest, row)
  const exact = toExact(outputs)
  // Plain JSON, which most outputs are, stays readable in place.
  return exact !== undefined && 'json' in exact ? toText(row, row) : toText({ ...rest, exact: exact ?? null }, row)
}

// Inputs that JSON cannot hold cost the line these, never the row.
function toText(line: object, { datapointId }: ExperimentRow): string {
  try {
    return JSON.stringify(line, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))
  } catch {
    return JSON.stringify({ ...line, datapointId, inputs: null, groundTruth: null })
  }
}

function parseLine(text: string): object | undefined {
  try {
    const line: unknown = JSON.parse(text)
    return typeof line === 'object' && line !== null ? line : undefined
  } catch {
    return undefined
  }
}

function isMissingFile(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT'
}
