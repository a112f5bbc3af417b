import type { Backend } from './backend.js'
import { asList, asNumber, asObject, asText } from './json-reader.js'
import { toScoreValue } from './score.js'
import { NO_USAGE } from './span-reader.js'
import type { ExperimentRow, RowStatus, RowUsage, ScoreValue } from './types.js'

/** What the session of a row says of it beside its inputs and outputs; written when the row has ended. */
export interface RowRecord {
  readonly experiment_status: RowStatus
  readonly experiment_passed: boolean
  /** The outputs are no object; the server keeps them under `result`. */
  readonly experiment_outputs_wrapped?: boolean
  readonly experiment_scores: Readonly<Record<string, ScoreValue>>
  readonly experiment_decisions: Readonly<Record<string, boolean>>
  readonly experiment_evaluator_errors?: Readonly<Record<string, string>>
  readonly experiment_duration_ms: number
  readonly experiment_attempts: number
  readonly experiment_usage?: RowUsage
  readonly experiment_judges?: RowUsage
  readonly experiment_trial?: number
}

/** The record of a row, for the metadata of its session. */
export function toRecord(row: ExperimentRow): RowRecord {
  const { tokens, cost } = row
  return {
    experiment_status: row.status,
    experiment_passed: row.passed,
    ...(isWrapped(row.outputs) ? { experiment_outputs_wrapped: true } : {}),
    experiment_scores: row.scores as Readonly<Record<string, ScoreValue>>,
    experiment_decisions: row.decisions,
    ...(Object.keys(row.evaluatorErrors).length === 0 ? {} : { experiment_evaluator_errors: row.evaluatorErrors }),
    experiment_duration_ms: row.durationMs,
    experiment_attempts: row.attempts,
    ...(isNothing({ tokens, cost }) ? {} : { experiment_usage: { tokens, cost } }),
    ...(isNothing(row.judges) ? {} : { experiment_judges: row.judges }),
    ...(row.trial === undefined ? {} : { experiment_trial: row.trial }),
  }
}

function isNothing({ tokens, cost }: RowUsage): boolean {
  return tokens.total === 0 && cost === 0
}

function isWrapped(outputs: unknown): boolean {
  return outputs !== undefined && (typeof outputs !== 'object' || outputs === null || Array.isArray(outputs))
}

const PAGE_SIZE = 1_000

/** The rows of a run as their sessions at the server tell them; sessions without a datapoint, or that have not ended, are left out. */
export async function fetchRunRows(backend: Backend, runId: string): Promise<readonly ExperimentRow[]> {
  const rows: ExperimentRow[] = []
  for (let page = 1; ; page += 1) {
    const sessions = await fetchPage(backend, runId, page)
    for (const session of sessions) {
      const row = toRow(asObject(session))
      if (row !== undefined) rows.push(row)
    }
    if (sessions.length < PAGE_SIZE) return rows
  }
}

async function fetchPage(backend: Backend, runId: string, page: number): Promise<readonly unknown[]> {
  const filters = [
    { field: 'event_type', operator: 'is', value: 'session', type: 'string' },
    { field: 'metadata.run_id', operator: 'is', value: runId, type: 'string' },
  ]
  const reply = await backend.post('/v1/events/export', { filters, evaluation_id: runId, limit: PAGE_SIZE, page })
  return asList(asObject(reply)['events'])
}

function toRow(session: Readonly<Record<string, unknown>>): ExperimentRow | undefined {
  const metadata = asObject(session['metadata'])
  const datapointId = asText(metadata['datapoint_id'])
  const sessionId = asText(session['session_id']) ?? asText(session['event_id'])
  const status = metadata['experiment_status']
  if (datapointId === undefined || sessionId === undefined || !isStatus(status)) return undefined
  const trial = asNumber(metadata['experiment_trial'])
  const scores = readScores(metadata['experiment_scores'])
  return {
    index: 0,
    datapointId,
    sessionId,
    inputs: asObject(session['inputs']),
    groundTruth: asObject(session['feedback'])['ground_truth'] as undefined,
    outputs: readOutputs(session['outputs'], metadata['experiment_outputs_wrapped'] === true),
    status,
    scores,
    metrics: scores,
    decisions: asFlags(metadata['experiment_decisions']),
    evaluatorErrors: asTextMap(metadata['experiment_evaluator_errors']),
    passed: metadata['experiment_passed'] !== false,
    durationMs: asNumber(metadata['experiment_duration_ms']) ?? 0,
    attempts: asNumber(metadata['experiment_attempts']) ?? 0,
    ...readUsage(asObject(metadata['experiment_usage'])),
    judges: readUsage(asObject(metadata['experiment_judges'])),
    ...(trial === undefined ? {} : { trial }),
    origin: 'resumed',
  }
}

function isStatus(value: unknown): value is RowStatus {
  return value === 'success' || value === 'failed' || value === 'cancelled'
}

function readOutputs(outputs: unknown, isWrappedInResult: boolean): unknown {
  // An empty value is not kept, and stands for the one thing that is wrapped and empty.
  return isWrappedInResult ? (asObject(outputs)['result'] ?? null) : outputs
}

function readScores(value: unknown): Readonly<Record<string, ScoreValue>> {
  return Object.fromEntries(
    Object.entries(asObject(value)).flatMap(([name, raw]) => {
      const score = toScoreValue(raw)
      return score === undefined ? [] : [[name, score]]
    }),
  )
}

function asFlags(value: unknown): Readonly<Record<string, boolean>> {
  return Object.fromEntries(Object.entries(asObject(value)).filter((entry): entry is [string, boolean] => typeof entry[1] === 'boolean'))
}

function asTextMap(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(asObject(value)).map(([name, text]) => [name, String(text)]))
}

function readUsage({ tokens, cost }: Readonly<Record<string, unknown>>): RowUsage {
  const { prompt, completion, total } = asObject(tokens)
  return {
    tokens: { prompt: asNumber(prompt) ?? 0, completion: asNumber(completion) ?? 0, total: asNumber(total) ?? 0 },
    cost: asNumber(cost) ?? NO_USAGE.cost,
  }
}
