import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { writeText } from '../../output.js'
import type { ExperimentResult } from '../result.js'
import type { Reporter, ReportFormat } from './forms.js'

/** Where reports go. */
export interface WriteOptions {
  readonly reporters: readonly Reporter[]
  /** @defaultValue the working directory */
  readonly directory?: string
  /** Where reports without a file go. @defaultValue standard output */
  readonly write?: (text: string) => void
}

/** Writes a result in every form that was asked for. */
export async function writeReports(
  result: ExperimentResult,
  { reporters, directory = process.cwd(), write = (text) => writeText('stdout', text) }: WriteOptions,
): Promise<void> {
  for (const reporter of reporters) {
    const { format, file } = typeof reporter === 'string' ? { format: reporter, file: undefined } : reporter
    const text = render(result, format)
    if (file === undefined) {
      write(`${text}\n`)
      continue
    }
    const path = resolve(directory, fillName(file, result.name))
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, `${text}\n`)
  }
}

/** A path in which `{name}` stands for the name of a run. */
export function fillName(path: string, name: string): string {
  return path.replaceAll('{name}', name.replace(/[^\p{L}\p{N}._-]+/gu, '-'))
}

/** A result in one form. */
export function render(result: ExperimentResult, format: ReportFormat): string {
  if (format === 'json') return JSON.stringify(result.toJSON(), bigintAsText, 2)
  if (format === 'markdown') return result.toMarkdown()
  if (format === 'junit') return result.toJUnit()
  return format === 'html' ? result.toHTML() : result.toTable()
}

function bigintAsText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}
