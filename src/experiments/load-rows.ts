import { createReadStream } from 'node:fs'
import { pipeline, type Readable } from 'node:stream'
import { HoneyHiveError } from '../errors.js'
import { checkOptions } from '../options/check.js'
import { createAdviser } from '../options/nearest.js'
import { functionSpec, isText, type OptionSpec } from '../options/spec.js'
import { decodeText, withoutMark } from '../values/decode-text.js'
import { readLines } from '../values/lines.js'
import { importAgain } from './import-again.js'
import { describeError } from './score.js'
import type { DatapointInput } from './types.js'

/** A row as {@link fromCsv} gives it without `toRow`. */
export type CsvRow = DatapointInput & { readonly inputs: Readonly<Record<string, string>>; readonly groundTruth?: string }

/** Settings of {@link fromCsv}. */
export interface CsvOptions<Row> {
  /** Makes a row of a line; `index` counts from 0. @defaultValue see {@link fromCsv} */
  readonly toRow?: (columns: Readonly<Record<string, string>>, index: number) => Row
  /** @defaultValue `','` */
  readonly delimiter?: string
}

const CSV_OPTIONS: Readonly<Record<keyof CsvOptions<unknown>, OptionSpec>> = {
  toRow: functionSpec('Give (columns, index) => the row.'),
  delimiter: { accepts: (value) => isText(value) && value !== '', expected: 'a text that is not empty', remedy: "Give e.g. ';'." },
}

/** What other readers of CSV call these options. */
const adviseOption = createAdviser({
  separator: 'Use "delimiter".',
  sep: 'Use "delimiter".',
  transform: 'Use "toRow".',
  map: 'Use "toRow".',
})

/**
 * Rows of a CSV file with a header line, read as they are needed, so that a file may be larger than memory. Quotes, line breaks in
 * fields, either line ending and a byte order mark are read as RFC 4180 and spreadsheets write them.
 *
 * The columns `id`, `groundTruth` (or `ground_truth`, `expected`, `answer`) become those fields of the row, all others `inputs`.
 *
 * @throws HoneyHiveConfigError at once for options that do not exist
 * @throws HoneyHiveError `EXPERIMENT` that names the line, while rows are read, for a file that is not well-formed, is not UTF-8 or has two
 * columns of one name
 */
export function fromCsv(source: string | URL | Readable, options?: CsvOptions<CsvRow>): AsyncIterable<CsvRow>
export function fromCsv<Row>(
  source: string | URL | Readable,
  options: CsvOptions<Row> & Required<Pick<CsvOptions<Row>, 'toRow'>>,
): AsyncIterable<Row>
export function fromCsv(source: string | URL | Readable, options: CsvOptions<unknown> = {}): AsyncIterable<never> {
  checkOptions(options, CSV_OPTIONS, 'fromCsv', adviseOption)
  // The overloads say what the rows are.
  return readCsv(source, options) as AsyncIterable<never>
}

async function* readCsv(source: string | URL | Readable, options: CsvOptions<unknown>): AsyncGenerator<unknown> {
  const { toRow = toCsvRow, delimiter = ',' } = options
  // Loaded by those who read CSV.
  const { parse } = await importAgain(() => import('csv-parse'), 'parse')
  const input = openSource(source)
  // Grouped, columns of one name come as a list, and none replaces another.
  const parser = parse({ columns: refuseTwins, group_columns_by_name: true, bom: true, delimiter, skip_empty_lines: true })
  // A failure of either ends the other; it is thrown where the rows are read.
  pipeline(readText(input, source), parser, () => undefined)
  let index = 0
  try {
    for await (const columns of parser) {
      yield toRow(withoutBlanks(columns as Readonly<Record<string, string | readonly string[]>>, index), index)
      index += 1
    }
  } catch (cause) {
    if (cause instanceof HoneyHiveError) throw cause
    throw new HoneyHiveError('EXPERIMENT', `${nameOf(source)} cannot be read as CSV: ${describeError(cause)}`, { cause })
  } finally {
    input.destroy()
  }
}

function refuseTwins(names: string[]): string[] {
  const twin = names.find((name, at) => name !== '' && names.indexOf(name) !== at)
  if (twin === undefined) return names
  const places = names.flatMap((name, at) => (name === twin ? [at + 1] : []))
  throw new Error(`columns ${places.join(' and ')} are both named "${twin}". Give each column a name of its own.`)
}

/** Spreadsheets write commas after the last column: columns without a name, in which nothing may stand. */
function withoutBlanks(columns: Readonly<Record<string, string | readonly string[]>>, index: number): Readonly<Record<string, string>> {
  const { '': nameless } = columns
  // Names are not given twice, which is checked where they are read.
  if (!Array.isArray(nameless)) return columns as Readonly<Record<string, string>>
  if (nameless.some((text) => text !== ''))
    throw new Error(`row ${index + 1} has a value in a column without a name. Give each column a name.`)
  return { ...columns, '': '' } as Readonly<Record<string, string>>
}

const LABELS = ['groundTruth', 'ground_truth', 'expected', 'answer']

function toCsvRow({ id, ...columns }: Readonly<Record<string, string>>): CsvRow {
  const label = LABELS.find((name) => Object.hasOwn(columns, name))
  const inputs = Object.fromEntries(Object.entries(columns).filter(([name]) => name !== label))
  const groundTruth = label === undefined ? undefined : columns[label]
  return { ...(id === undefined || id === '' ? {} : { id }), inputs, ...(groundTruth === undefined ? {} : { groundTruth }) }
}

/**
 * Rows of a file with one JSON value on each line, read as they are needed. Empty lines are passed over.
 *
 * @throws HoneyHiveError `EXPERIMENT` that names the line, while rows are read, for one that is no JSON or not UTF-8
 */
export async function* fromJsonl<Row extends DatapointInput = DatapointInput>(source: string | URL | Readable): AsyncGenerator<Row> {
  const input = openSource(source)
  let line = 0
  try {
    for await (const text of readLines(readText(input, source))) {
      line += 1
      const json = line === 1 ? withoutMark(text) : text
      if (json.trim() !== '') yield parseLine(json, source, line) as Row
    }
  } finally {
    input.destroy()
  }
}

function parseLine(text: string, source: string | URL | Readable, line: number): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new HoneyHiveError('EXPERIMENT', `${nameOf(source)}, line ${line} is no JSON: ${describeError(cause)}`, { cause })
  }
}

function openSource(source: string | URL | Readable): Readable {
  return typeof source === 'string' || source instanceof URL ? createReadStream(source) : source
}

/** The text of a source. That it cannot be read, or was closed before its end, is told of the source and not of its stream. */
async function* readText(input: Readable, source: string | URL | Readable): AsyncGenerator<string> {
  const toError = (problem: string): HoneyHiveError => new HoneyHiveError('EXPERIMENT', `${nameOf(source)}, ${problem}`)
  try {
    yield* decodeText(input, toError)
  } catch (cause) {
    if (cause instanceof HoneyHiveError) throw cause
    throw new HoneyHiveError('EXPERIMENT', `${nameOf(source)} cannot be read: ${describeFailure(cause)}`, { cause })
  }
}

function describeFailure(cause: unknown): string {
  const isClosed = typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'ERR_STREAM_PREMATURE_CLOSE'
  return isClosed ? 'it was closed before its end.' : describeError(cause)
}

function nameOf(source: string | URL | Readable): string {
  return typeof source === 'string' || source instanceof URL ? String(source) : 'The stream'
}
