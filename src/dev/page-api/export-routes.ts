/** Sessions, runs and data sets as files. */
import { type JsonObject, toObject } from '../../otlp/json.js'
import type { App, Call } from '../http/call.js'
import { badRequest, notFound } from '../http/http-error.js'
import { toStream } from '../http/reply.js'
import { toRestEvent } from '../rest/rest-event.js'
import type { Reader } from '../store/database.js'
import { both, eachEventPage, inProjects } from '../store/events.js'
import { listProjectIds } from '../store/projects.js'
import type { DatasetPoint, RunRow } from './contract.js'
import { readDataset } from './datasets.js'
import { eachExportLine, type ExportFilter } from './export.js'
import { EXPORT_FORMS, type ExportForm, toFile } from './export-forms.js'
import type { RunPages } from './runs.js'

/** What these routes read from. */
export interface ExportSources {
  readonly reader: Reader
  readonly runs: RunPages
  projectOf(c: Call): number | undefined
}

/** Columns of a CSV file of events: what a table can show first, then the rest as JSON. */
const EVENT_COLUMNS = [
  'event_id',
  'session_id',
  'parent_id',
  'event_type',
  'event_name',
  'source',
  'start_time',
  'end_time',
  'duration',
  'error',
  'inputs',
  'outputs',
  'config',
  'metadata',
  'metrics',
  'feedback',
  'user_properties',
]

/** Adds the routes that give files. */
export function addExportRoutes(app: App, { reader, runs, projectOf }: ExportSources): void {
  app.get('/export', (c) => {
    const filter = { projectId: projectOf(c), sessionId: c.req.query('session') }
    const form = readForm(c, 'otlp')
    const name = filter.sessionId === undefined ? 'sessions' : `session-${filter.sessionId.slice(0, 8)}`
    return sendFile(
      c,
      form,
      name,
      form === 'otlp' ? eachExportLine(reader, filter) : toFile(form, eachRestEvent(reader, filter), EVENT_COLUMNS),
    )
  })
  app.get('/runs/:id/export', async (c) => {
    const { run, rows } = await runs.detail(c.req.param('id'))
    return sendRows(c, `run-${run.id.slice(0, 8)}`, rows.map(toRunRecord), 'metrics')
  })
  app.get('/datasets/:id/export', (c) => {
    const found = readDataset(reader, listProjectIds(reader, projectOf(c)), c.req.param('id'))
    if (found === undefined) throw notFound('Dataset')
    return sendRows(c, `dataset-${found.dataset.id.slice(0, 8)}`, [...found.points].map(toPointRecord), 'inputs')
  })
}

/** Rows for which there is a form of each kind but OTLP; in CSV each value of the object `spread` has its own column. */
function sendRows(c: Call, name: string, records: readonly JsonObject[], spread: string): Response {
  const form = readForm(c, 'jsonl')
  if (form === 'otlp') throw badRequest('format must be json, jsonl or csv')
  if (form !== 'csv') return sendFile(c, form, name, toFile(form, records, []))
  const flat = records.map((record) => toFlat(record, spread))
  return sendFile(c, form, name, toFile(form, flat, [...new Set(flat.flatMap(Object.keys))]))
}

function toFlat(record: JsonObject, spread: string): JsonObject {
  const names = Object.keys(record)
  return Object.fromEntries(
    names.flatMap((name): [string, unknown][] => {
      if (name !== spread) return [[name, record[name]]]
      return Object.entries(toObject(record[name])).map(([key, value]) => [names.includes(key) ? `${spread}.${key}` : key, value])
    }),
  )
}

function readForm(c: Call, otherwise: ExportForm): ExportForm {
  const form = c.req.query('format') ?? otherwise
  if (!Object.hasOwn(EXPORT_FORMS, form)) throw badRequest(`format must be one of ${Object.keys(EXPORT_FORMS).join(', ')}`)
  return form as ExportForm
}

function sendFile(c: Call, form: ExportForm, name: string, pieces: Iterator<string>): Response {
  c.header('content-type', `${EXPORT_FORMS[form]}; charset=utf-8`)
  c.header('content-disposition', `attachment; filename="${name.replace(/[^\w-]/g, '_')}.${form === 'otlp' ? 'otlp.jsonl' : form}"`)
  return c.body(toStream(pieces))
}

/** Events in order of start, as REST gives them. */
function* eachRestEvent(reader: Reader, { projectId, sessionId }: ExportFilter): Generator<JsonObject> {
  const inProject = inProjects(listProjectIds(reader, projectId))
  const condition = sessionId === undefined ? inProject : both(inProject, { sql: 'e.session_id = ?', values: [sessionId] })
  for (const rows of eachEventPage(reader, condition)) for (const row of rows) yield toRestEvent(reader, row)
}

function toRunRecord(row: RunRow): JsonObject {
  return {
    datapoint_id: row.datapointId,
    session_id: row.sessionId,
    inputs: row.inputs,
    outputs: row.outputs,
    ground_truth: row.groundTruth,
    error: row.error,
    metrics: row.metrics,
    duration: row.durationMs,
    cost: row.cost,
    total_tokens: row.totalTokens,
  }
}

/** As `fromJsonl` and `fromCsv` of experiments read rows. */
function toPointRecord({ id, inputs, groundTruth }: DatasetPoint): JsonObject {
  return { id, inputs, groundTruth }
}
