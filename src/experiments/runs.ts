import { isHoneyHiveError } from '../errors.js'
import type { Backend } from './backend.js'
import { isExternalId } from './dataset-ids.js'
import { asObject, asText } from './json-reader.js'
import { describeError } from './score.js'
import type { Aggregate } from '../values/statistics.js'

/** What the server may say of a run. */
export type RunStatus = 'pending' | 'running' | 'completed' | 'failed' | 'cancelled'

/** What is known of a run before its first row. */
export interface RunPlan {
  readonly runId: string
  readonly name: string
  readonly description: string | undefined
  readonly datasetId: string
  readonly datapointIds: readonly string[]
  readonly functionName: string
  readonly evaluatorNames: readonly string[]
  readonly maxConcurrency: number
  readonly aggregate: Aggregate
  readonly metadata: Readonly<Record<string, unknown>>
}

/** What is known of a run after its last row. */
export interface RunEnd {
  readonly status: RunStatus
  readonly sessionIds: readonly string[]
  /** Added to what `createRun` stored. */
  readonly metadata: Readonly<Record<string, unknown>>
}

/**
 * Registers a run.
 *
 * @returns the id the server uses, which is the plan's unless the server made its own
 * @throws HoneyHiveError as the request does
 */
export async function createRun(backend: Backend, plan: RunPlan): Promise<string> {
  const isLocal = isExternalId(plan.datasetId)
  const reply = asObject(
    await backend.post('/v1/runs', {
      run_id: plan.runId,
      name: plan.name,
      ...(plan.description === undefined ? {} : { description: plan.description }),
      status: 'pending',
      metadata: runMetadata(plan),
      event_ids: [],
      datapoint_ids: plan.datapointIds,
      configuration: {
        function: plan.functionName,
        evaluators: plan.evaluatorNames,
        max_workers: plan.maxConcurrency,
        aggregate_function: plan.aggregate,
      },
      // A local dataset has no row in the server's table; its id travels in the metadata instead.
      ...(isLocal ? {} : { dataset_id: plan.datasetId }),
    }),
  )
  return asText(reply['run_id']) ?? asText(asObject(reply['evaluation'])['run_id']) ?? plan.runId
}

/** Tells the server how a run ended. */
export async function finishRun(backend: Backend, plan: RunPlan, end: RunEnd): Promise<void> {
  await backend.put(`/v1/runs/${encodeURIComponent(plan.runId)}`, {
    name: plan.name,
    status: end.status,
    event_ids: end.sessionIds,
    metadata: { ...runMetadata(plan), ...end.metadata },
  })
}

function runMetadata({ metadata, datasetId }: RunPlan): Readonly<Record<string, unknown>> {
  return isExternalId(datasetId) ? { ...metadata, offline_dataset_id: datasetId } : metadata
}

/** True for a refused key, with which none of the work would be recorded. */
export function isKeyRefused(error: unknown): boolean {
  return isHoneyHiveError(error) && error.code === 'HTTP_STATUS' && /HTTP 40[13]\b/.test(error.message)
}

/** A request whose failure costs the local result nothing: it becomes a warning. */
export async function attempt<T>(what: string, warnings: string[], request: () => Promise<T>): Promise<T | undefined> {
  try {
    return await request()
  } catch (error) {
    warnings.push(`${what}: ${describeError(error)}`)
    return undefined
  }
}
