import { isFilledText } from '../../options/spec.js'

/** Forms a result can be written in. */
export const REPORT_FORMATS = ['table', 'json', 'markdown', 'junit', 'html'] as const
/** One of {@link REPORT_FORMATS}. */
export type ReportFormat = (typeof REPORT_FORMATS)[number]

/** Where the results go: a form, alone for standard output or with a file. `{name}` in the file stands for the run's name. */
export type Reporter = ReportFormat | { readonly format: ReportFormat; readonly file?: string }

/** Whether a value names a form that exists, and nothing that is not known of where it goes. */
export function isReporter(value: unknown): value is Reporter {
  if (typeof value !== 'object' || value === null) return isFormat(value)
  const { format, file, ...unknown } = value as Readonly<Record<string, unknown>>
  return isFormat(format) && (file === undefined || isFilledText(file)) && Object.keys(unknown).length === 0
}

function isFormat(value: unknown): value is ReportFormat {
  return (REPORT_FORMATS as readonly unknown[]).includes(value)
}
