import { writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { HoneyHiveError } from '../../errors.js'
import { makeFolder } from '../../folders.js'
import { writeText } from '../../output.js'
import { takeSnapshot } from '../../values/snapshot.js'
import type { ExperimentResult } from '../result.js'
import type { ExperimentData } from '../result-data.js'
import { describeError } from '../score.js'
import type { Reporter, ReportFormat } from './forms.js'

/** Where reports go. */
export interface WriteOptions {
  readonly reporters: readonly Reporter[]
  /** @defaultValue the working directory */
  readonly directory?: string
  /** Where reports without a file go. @defaultValue standard output */
  readonly write?: (text: string) => void
}

/**
 * Writes a result in every form that was asked for.
 *
 * @throws HoneyHiveError `EXPERIMENT` that names the reports that could not be written, once all others are
 */
export async function writeReports(result: ExperimentResult, { reporters, ...where }: WriteOptions): Promise<void> {
  const problems: string[] = []
  for (const reporter of reporters) {
    const { format, file } = typeof reporter === 'string' ? { format: reporter, file: undefined } : reporter
    try {
      await writeReport(result, format, file, where)
    } catch (error) {
      const target = file === undefined ? '' : ` to "${fillName(file, result.name)}"`
      problems.push(`The ${format} report of "${result.name}" could not be written${target}: ${describeError(error)}`)
    }
  }
  if (problems.length > 0) throw new HoneyHiveError('EXPERIMENT', problems.join('\n'))
}

async function writeReport(
  result: ExperimentResult,
  format: ReportFormat,
  file: string | undefined,
  { directory = process.cwd(), write = (text) => writeText('stdout', text) }: Omit<WriteOptions, 'reporters'>,
): Promise<void> {
  const text = render(result, format)
  if (file === undefined) {
    write(`${text}\n`)
    return
  }
  const path = resolve(directory, fillName(file, result.name))
  makeFolder(dirname(path))
  await writeFile(path, `${text}\n`)
}

/** A path in which `{name}` stands for the name of a run. */
export function fillName(path: string, name: string): string {
  return path.replaceAll('{name}', name.replace(/[^\p{L}\p{N}._-]+/gu, '-'))
}

/** A result in one form. */
export function render(result: ExperimentResult, format: ReportFormat): string {
  if (format === 'json') return toJsonReport(result.toJSON())
  if (format === 'markdown') return result.toMarkdown()
  if (format === 'junit') return result.toJUnit()
  return format === 'html' ? result.toHTML() : result.toTable()
}

/** Most of one value that JSON cannot write, as much as a span may hold. */
const MAX_BYTES = 10_485_760

/** Values that JSON cannot write, such as cycles, stand there as a span would show them; all others as JSON has them. */
function toJsonReport(data: ExperimentData): string {
  try {
    return toText(data)
  } catch {
    const { rows, ...rest } = data
    return toText({ ...withWritable(rest), rows: rows.map(withWritable) })
  }
}

function withWritable(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, isWritable(value) ? value : takeSnapshot(value, MAX_BYTES).value]),
  )
}

function isWritable(value: unknown): boolean {
  try {
    toText(value)
    return true
  } catch {
    return false
  }
}

function toText(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? item.toString() : item), 2)
}
