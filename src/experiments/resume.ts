import type { Backend } from './backend.js'
import { readJournal } from './journal.js'
import { asList, asObject, asText } from './json-reader.js'
import type { NamedEvaluator } from './evaluator.js'
import { fetchRunScores, type ServerDatapoint } from './run-result.js'
import { NO_USAGE } from './span-reader.js'
import type { ExperimentRow, ScoreValue } from './types.js'

/** Where finished rows of an earlier attempt may be found. */
export interface ResumeSources {
  readonly runId: string
  readonly backend: Backend | undefined
  readonly journal: string | undefined
  readonly evaluators: readonly NamedEvaluator[]
}

const PAGE_SIZE = 1_000

/**
 * Rows of a run that succeeded before, by datapoint id. The journal knows them completely; what only the server has comes
 * without extras of the row such as attempts and time.
 *
 * @throws HoneyHiveError as the requests do, when there is no journal to go by
 */
export async function readFinishedRows(sources: ResumeSources): Promise<ReadonlyMap<string, ExperimentRow>> {
  const local = sources.journal === undefined ? new Map<string, ExperimentRow>() : await readJournal(sources.journal, sources.runId)
  const remote =
    sources.backend === undefined || local.size > 0 ? new Map<string, ExperimentRow>() : await fetchFinishedRows(sources.backend, sources)
  return new Map([...remote, ...local])
}

async function fetchFinishedRows(backend: Backend, { runId, evaluators }: ResumeSources): Promise<ReadonlyMap<string, ExperimentRow>> {
  const scores = new Map((await fetchRunScores(backend, runId)).map((entry) => [entry.sessionId, entry]))
  const rows = new Map<string, ExperimentRow>()
  for (let page = 1; ; page += 1) {
    const sessions = await fetchSessions(backend, runId, page)
    for (const session of sessions) {
      const row = toRow(asObject(session), scores, evaluators)
      if (row !== undefined) rows.set(row.datapointId, row)
    }
    if (sessions.length < PAGE_SIZE) return rows
  }
}

async function fetchSessions(backend: Backend, runId: string, page: number): Promise<readonly unknown[]> {
  const filters = [
    { field: 'event_type', operator: 'is', value: 'session', type: 'string' },
    { field: 'metadata.run_id', operator: 'is', value: runId, type: 'string' },
  ]
  const reply = await backend.post('/v1/events/export', { filters, evaluation_id: runId, limit: PAGE_SIZE, page })
  return asList(asObject(reply)['events'])
}

function toRow(
  session: Readonly<Record<string, unknown>>,
  scored: ReadonlyMap<string | undefined, ServerDatapoint>,
  evaluators: readonly NamedEvaluator[],
): ExperimentRow | undefined {
  const metadata = asObject(session['metadata'])
  const datapointId = asText(metadata['datapoint_id'])
  const sessionId = asText(session['session_id']) ?? asText(session['event_id'])
  if (datapointId === undefined || sessionId === undefined || metadata['experiment_status'] !== 'success') return undefined
  const metrics = scored.get(sessionId)?.scores ?? {}
  const scores: Record<string, ScoreValue> = {}
  for (const { name } of evaluators) if (metrics[name] !== undefined) scores[name] = metrics[name]
  // A row that was cut off between its outputs and its scores runs again.
  if (Object.keys(scores).length === 0 && evaluators.length > 0) return undefined
  return {
    index: 0,
    datapointId,
    sessionId,
    inputs: asObject(session['inputs']),
    groundTruth: asObject(session['feedback'])['ground_truth'] as undefined,
    outputs: session['outputs'],
    status: 'success',
    scores,
    metrics,
    decisions: {},
    evaluatorErrors: {},
    passed: metadata['experiment_passed'] !== false,
    durationMs: 0,
    attempts: 0,
    ...NO_USAGE,
    origin: 'resumed',
  }
}
