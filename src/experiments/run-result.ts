import type { Backend } from './backend.js'
import { asList, asNumber, asObject, asText, asTexts } from './json-reader.js'
import { toScoreValue } from './score.js'
import type { Aggregate } from '../values/statistics.js'
import type { ScoreValue } from './types.js'

/** One metric as the server aggregated it. */
export interface ServerMetric {
  readonly name: string
  /** `CLIENT_SIDE` for scores sent with the spans. */
  readonly type: string | undefined
  readonly eventName: string | undefined
  readonly eventType: string | undefined
  readonly aggregate: number | undefined
  readonly values: readonly ScoreValue[]
  readonly passed: readonly string[]
  readonly failed: readonly string[]
}

/** One datapoint as the server sees it. */
export interface ServerDatapoint {
  readonly datapointId: string | undefined
  readonly sessionId: string | undefined
  readonly passed: boolean | undefined
  readonly scores: Readonly<Record<string, ScoreValue>>
}

/** Result of a run as the server computed it. Whatever the server left out is empty or `undefined`. */
export interface RunResult {
  readonly runId: string
  readonly name: string | undefined
  readonly status: string | undefined
  readonly success: boolean | undefined
  /** Ids of the datapoints that passed and failed. */
  readonly passed: readonly string[]
  readonly failed: readonly string[]
  readonly aggregate: string | undefined
  readonly metrics: readonly ServerMetric[]
  readonly datapoints: readonly ServerDatapoint[]
  /** Stored with the run. */
  readonly metadata: Readonly<Record<string, unknown>>
  /** Addressed by name. */
  metric(name: string): ServerMetric | undefined
}

/** Asks for the result of a run and reads it with tolerance. */
export async function fetchRunResult(backend: Backend, runId: string, aggregate: Aggregate): Promise<RunResult> {
  const path = `/v1/runs/${encodeURIComponent(runId)}/result`
  return parseRunResult(runId, await backend.get(path, { aggregate_function: aggregate }))
}

/** Reads the reply of the result route, of newer and older servers. */
export function parseRunResult(runId: string, reply: unknown): RunResult {
  const fields = asObject(reply)
  const run = asObject(fields['run_object'])
  const metrics = readMetrics(asObject(fields['metrics']))
  return {
    runId: asText(run['run_id']) ?? runId,
    name: asText(run['name']),
    status: asText(fields['status']) ?? asText(run['status']),
    success: typeof fields['success'] === 'boolean' ? fields['success'] : undefined,
    passed: asTexts(fields['passed']),
    failed: asTexts(fields['failed']),
    aggregate: asText(asObject(fields['metrics'])['aggregation_function']),
    metrics,
    datapoints: asList(fields['datapoints']).map(readDatapoint),
    metadata: asObject(run['metadata']),
    metric: (name) => metrics.find((metric) => metric.name === name),
  }
}

// Newer servers list the metrics under `details`, older ones have one entry for each name.
function readMetrics(metrics: Readonly<Record<string, unknown>>): readonly ServerMetric[] {
  if (Array.isArray(metrics['details'])) return metrics['details'].map((entry) => readMetric(asObject(entry)))
  return Object.entries(metrics)
    .filter(([name, entry]) => name !== 'aggregation_function' && typeof entry === 'object' && entry !== null)
    .map(([name, entry]) => readMetric({ metric_name: name, ...asObject(entry) }))
}

function readMetric(entry: Readonly<Record<string, unknown>>): ServerMetric {
  const datapoints = asObject(entry['datapoints'])
  return {
    name: asText(entry['metric_name']) ?? asText(entry['name']) ?? '',
    type: asText(entry['metric_type']),
    eventName: asText(entry['event_name']),
    eventType: asText(entry['event_type']),
    aggregate: asNumber(entry['aggregate']),
    values: asList(entry['values'])
      .map(toScoreValue)
      .filter((value) => value !== undefined),
    passed: asTexts(datapoints['passed']),
    failed: asTexts(datapoints['failed']),
  }
}

function readDatapoint(value: unknown): ServerDatapoint {
  const fields = asObject(value)
  return {
    datapointId: asText(fields['datapoint_id']),
    sessionId: asText(fields['session_id']),
    passed: typeof fields['passed'] === 'boolean' ? fields['passed'] : undefined,
    scores: readScores(fields['metrics']),
  }
}

// A list of `{ name, value }`, or one entry for each name.
function readScores(metrics: unknown): Readonly<Record<string, ScoreValue>> {
  const pairs = Array.isArray(metrics)
    ? metrics.map((entry) => [asText(asObject(entry)['name']), asObject(entry)['value']] as const)
    : Object.entries(asObject(metrics))
  const scores: Record<string, ScoreValue> = {}
  for (const [name, raw] of pairs) {
    const value = toScoreValue(raw)
    if (name !== undefined && value !== undefined) scores[name] = value
  }
  return scores
}

/** Scores of each session of a run, by session id, from the route that lists them. */
export async function fetchRunScores(backend: Backend, runId: string): Promise<readonly ServerDatapoint[]> {
  const reply = asObject(await backend.get(`/v1/runs/${encodeURIComponent(runId)}/metrics`))
  const bySession = new Map<string, ServerDatapoint>()
  for (const entry of asList(reply['events'])) {
    const event = asObject(entry)
    const sessionId = asText(event['session_id'])
    if (sessionId === undefined) continue
    const known = bySession.get(sessionId)
    const datapointId = asText(asObject(event['metadata'])['datapoint_id']) ?? known?.datapointId
    bySession.set(sessionId, { sessionId, datapointId, passed: undefined, scores: { ...known?.scores, ...readScores(event['metrics']) } })
  }
  return [...bySession.values()]
}
