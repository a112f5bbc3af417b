/** Records as files: JSON, JSON lines and CSV. */
import type { JsonObject } from '../../otlp/json.js'

/** What can be exported as which file; `otlp` is what `import` reads. */
export const EXPORT_FORMS = {
  otlp: 'application/x-ndjson',
  json: 'application/json',
  jsonl: 'application/x-ndjson',
  csv: 'text/csv',
} as const
/** One of {@link EXPORT_FORMS}. */
export type ExportForm = keyof typeof EXPORT_FORMS

/** Pieces of a file with `records`, read as they are asked for; `columns` are those of a CSV file. */
export function* toFile(form: Exclude<ExportForm, 'otlp'>, records: Iterable<JsonObject>, columns: readonly string[]): Generator<string> {
  if (form === 'csv') yield `${columns.map(toCell).join()}\r\n`
  let between = '['
  for (const record of records) {
    if (form === 'csv') yield `${columns.map((column) => toCell(record[column])).join()}\r\n`
    else if (form === 'jsonl') yield `${JSON.stringify(record)}\n`
    else yield `${between}\n${JSON.stringify(record)}`
    between = ','
  }
  if (form === 'json') yield between === '[' ? '[]\n' : '\n]\n'
}

/** A value in a cell of CSV: text as it is, anything else as JSON. What a spreadsheet would take for a formula is text. */
function toCell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
