import type { Span } from '@opentelemetry/api'
import { toSessionId } from '../semantics/session-id.js'
import { pause } from '../time.js'
import type { OwnedSpan } from '../context/instance.js'
import type { HoneyHiveTracer } from '../tracer/tracer.js'
import type { OutputCache } from './cache.js'
import { type SourceRow, toDatapoint } from './dataset.js'
import { withDeadline } from './deadline.js'
import { decide, type NamedEvaluator } from './evaluator.js'
import { createRowTrace } from './row-trace.js'
import { describeError, parseScore, type Score } from './score.js'
import { type KeptSpan, keepSpan, readSpan, sumUsage } from './span-reader.js'
import type { Datapoint, EvaluatorContext, ExperimentFunction, ExperimentRow, RowError, ScoreValue } from './types.js'

/** What every row of an experiment shares. */
export interface RowPlan {
  readonly tracer: HoneyHiveTracer
  readonly runId: string
  readonly runName: string
  readonly datasetId: string
  readonly functionName: string
  readonly function: ExperimentFunction<never, unknown>
  readonly parse: ((raw: unknown) => unknown) | undefined
  readonly evaluators: readonly NamedEvaluator[]
  readonly timeoutMs: number | undefined
  readonly retries: number
  readonly retryDelayMs: number
  readonly cache: OutputCache | undefined
  readonly signal: AbortSignal
}

/** A row and the request that tells the server about it. */
export interface FinishedRow {
  readonly row: ExperimentRow
  /** Settles when the session's outputs and ground truth are with the server or given up; never rejects. */
  readonly reported: Promise<unknown>
}

/**
 * Runs one row in a session of its own: the function inside a chain span, the evaluators inside that span, each in a span
 * of its own. Never rejects: whatever goes wrong is in the row.
 */
export async function runRow(plan: RowPlan, source: SourceRow): Promise<FinishedRow> {
  const { datapoint, problem } = readDatapoint(plan, source)
  const sessionId = rowSessionId(plan.runId, source.datapointId)
  const spans: KeptSpan[] = []
  const session = {
    sessionName: plan.runName,
    sessionId,
    inputs: toFields(datapoint.inputs, 'inputs'),
    evaluation: { runId: plan.runId, datasetId: plan.datasetId, datapointId: source.datapointId },
    onSpanEnd: (span: OwnedSpan) => void spans.push(...keepSpan(span)),
  }
  return plan.tracer.withSession(session, async () => {
    const work = new RowWork(plan, source, datapoint, sessionId, spans)
    const row = await work.run(problem)
    const reported = plan.tracer.enrichSession({
      ...(row.outputs === undefined ? {} : { outputs: row.outputs }),
      ...toFeedback(datapoint.groundTruth),
      ...(row.error === undefined ? {} : { error: `${row.error.name}: ${row.error.message}` }),
      metadata: { experiment_status: row.status, experiment_passed: row.passed },
    })
    return { row, reported }
  })
}

/** The session of a row: the same in every attempt to run it, so that a row repeated after a crash is not there twice. */
export function rowSessionId(runId: string, datapointId: string): string {
  return toSessionId(`${runId}/${datapointId}`)
}

interface ReadRow {
  readonly datapoint: Datapoint
  /** Why the row could not be read, as thrown. */
  readonly problem: { readonly thrown: unknown } | undefined
}

function readDatapoint(plan: RowPlan, source: SourceRow): ReadRow {
  try {
    return { datapoint: toDatapoint(source, plan.parse), problem: undefined }
  } catch (thrown) {
    return { datapoint: { datapointId: source.datapointId, inputs: {}, groundTruth: undefined }, problem: { thrown } }
  }
}

interface Outcome {
  readonly outputs: unknown
  readonly durationMs: number
  readonly attempts: number
  readonly origin: ExperimentRow['origin']
}

class RowWork {
  readonly #plan: RowPlan
  readonly #source: SourceRow
  readonly #datapoint: Datapoint
  readonly #sessionId: string
  readonly #spans: readonly KeptSpan[]
  readonly #metrics: Record<string, ScoreValue> = {}
  readonly #scores: Record<string, ScoreValue> = {}
  readonly #decisions: Record<string, boolean> = {}
  readonly #evaluatorErrors: Record<string, string> = {}
  #attempts = 0
  #durationMs = 0
  #outcome: Outcome | undefined

  constructor(plan: RowPlan, source: SourceRow, datapoint: Datapoint, sessionId: string, spans: readonly KeptSpan[]) {
    this.#plan = plan
    this.#source = source
    this.#datapoint = datapoint
    this.#sessionId = sessionId
    this.#spans = spans
  }

  async run(problem: ReadRow['problem']): Promise<ExperimentRow> {
    try {
      await this.#plan.tracer.startActiveSpan(
        this.#plan.functionName,
        { eventType: 'chain', inputs: toFields(this.#datapoint.inputs, 'inputs') },
        (span) => this.#insideChain(span, problem),
      )
      return this.#toRow(undefined)
    } catch (thrown) {
      return this.#toRow({ thrown })
    }
  }

  async #insideChain(span: Span, problem: ReadRow['problem']): Promise<unknown> {
    const { tracer, evaluators, signal } = this.#plan
    tracer.enrichSpan(toFeedback(this.#datapoint.groundTruth))
    if (problem !== undefined) throw problem.thrown
    const outcome = await this.#produce()
    this.#outcome = outcome
    const context = this.#evaluatorContext(span)
    await Promise.all(evaluators.map((evaluator) => this.#evaluate(evaluator, outcome.outputs, context)))
    tracer.enrichSpan({ metrics: this.#metrics, metadata: { origin: outcome.origin, attempts: outcome.attempts } })
    signal.throwIfAborted()
    return outcome.outputs
  }

  async #produce(): Promise<Outcome> {
    const { cache } = this.#plan
    const kept = await cache?.read(this.#datapoint.inputs)
    if (kept !== undefined) return { outputs: kept.outputs, durationMs: 0, attempts: 0, origin: 'cache' }
    const outputs = await this.#callWithRetries()
    await cache?.write(this.#datapoint.inputs, outputs).catch(() => false)
    return { outputs, durationMs: this.#durationMs, attempts: this.#attempts, origin: 'run' }
  }

  async #callWithRetries(): Promise<unknown> {
    const { retries, retryDelayMs, signal } = this.#plan
    for (;;) {
      try {
        return await this.#call()
      } catch (error) {
        if (signal.aborted || this.#attempts > retries) throw error
        await pause(Math.min(retryDelayMs * 2 ** (this.#attempts - 1), MAX_RETRY_DELAY_MS), { signal })
      }
    }
  }

  async #call(): Promise<unknown> {
    const { tracer, timeoutMs, signal: outer, functionName } = this.#plan
    this.#attempts += 1
    const startedMs = performance.now()
    try {
      return await withDeadline(
        // The datapoint has the row type the function was given with; it came from that dataset.
        (signal) => this.#plan.function(this.#datapoint as never, { tracer, signal, index: this.#source.index, attempt: this.#attempts }),
        { timeoutMs, outer, what: `"${functionName}" on row ${this.#source.index}` },
      )
    } finally {
      this.#durationMs = performance.now() - startedMs
    }
  }

  #evaluatorContext(chain: Span): Omit<EvaluatorContext, 'signal'> {
    const spans = this.#spans.slice()
    let trace: EvaluatorContext['trace'] | undefined
    return {
      // Read only when an evaluator asks: most do not.
      get trace() {
        trace ??= createRowTrace(spans.map(readSpan).filter((span) => span.spanId !== chain.spanContext().spanId))
        return trace
      },
      tracer: this.#plan.tracer,
      index: this.#source.index,
      datapointId: this.#source.datapointId,
      runId: this.#plan.runId,
    }
  }

  async #evaluate(evaluator: NamedEvaluator, outputs: unknown, context: Omit<EvaluatorContext, 'signal'>): Promise<void> {
    const { tracer, timeoutMs, signal: outer } = this.#plan
    try {
      const score = await tracer.startActiveSpan(evaluator.name, { eventType: 'tool', metadata: { evaluator: evaluator.name } }, () =>
        withDeadline((signal) => this.#score(evaluator, outputs, withSignal(context, signal)), {
          timeoutMs,
          outer,
          what: `Evaluator "${evaluator.name}" on row ${this.#source.index}`,
        }),
      )
      if (score !== undefined) this.#keep(evaluator, score)
    } catch (error) {
      this.#evaluatorErrors[evaluator.name] = describeError(error)
    }
  }

  async #score(evaluator: NamedEvaluator, outputs: unknown, context: EvaluatorContext): Promise<Score | undefined> {
    const parsed = parseScore(await evaluator.evaluate(outputs, this.#datapoint.inputs, this.#datapoint.groundTruth, context))
    if (parsed.kind === 'invalid') throw new TypeError(`evaluator "${evaluator.name}" ${parsed.reason}`)
    return parsed.kind === 'score' ? parsed.score : undefined
  }

  #keep(evaluator: NamedEvaluator, { value, explanation, extras }: Score): void {
    const isPassing = decide(evaluator, value, this.#datapoint.groundTruth)
    this.#scores[evaluator.name] = value
    this.#metrics[evaluator.name] = value
    if (explanation !== undefined) this.#metrics[`${evaluator.name}_explanation`] = explanation
    for (const [name, extra] of Object.entries(extras)) this.#metrics[`${evaluator.name}_${name}`] = extra
    if (isPassing !== undefined) this.#decisions[evaluator.name] = isPassing
  }

  #toRow(failure: { readonly thrown: unknown } | undefined): ExperimentRow {
    const status = failure === undefined ? 'success' : this.#plan.signal.aborted ? 'cancelled' : 'failed'
    const hasEvaluatorErrors = Object.keys(this.#evaluatorErrors).length > 0
    return {
      index: this.#source.index,
      datapointId: this.#source.datapointId,
      sessionId: this.#sessionId,
      inputs: this.#datapoint.inputs,
      groundTruth: this.#datapoint.groundTruth,
      outputs: failure === undefined ? this.#outcome?.outputs : undefined,
      status,
      ...(failure === undefined ? {} : { error: toRowError(failure.thrown) }),
      scores: this.#scores,
      metrics: this.#metrics,
      decisions: this.#decisions,
      evaluatorErrors: this.#evaluatorErrors,
      passed: status === 'success' && !hasEvaluatorErrors && !Object.values(this.#decisions).includes(false),
      durationMs: this.#outcome?.durationMs ?? this.#durationMs,
      attempts: this.#outcome?.attempts ?? this.#attempts,
      ...sumUsage(this.#spans),
      origin: this.#outcome?.origin ?? 'run',
    }
  }
}

const MAX_RETRY_DELAY_MS = 30_000

// Keeps the lazy getter, which a spread would read.
function withSignal(context: Omit<EvaluatorContext, 'signal'>, signal: AbortSignal): EvaluatorContext {
  return Object.create(context, { signal: { value: signal, enumerable: true } }) as EvaluatorContext
}

function toFeedback(groundTruth: unknown): { readonly feedback?: Readonly<Record<string, unknown>> } {
  return groundTruth === undefined || groundTruth === null ? {} : { feedback: { ground_truth: groundTruth } }
}

function toFields(value: unknown, name: string): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : { [name]: value }
}

function toRowError(thrown: unknown): RowError {
  if (!(thrown instanceof Error)) return { name: 'Error', message: describeError(thrown) }
  return { name: thrown.name, message: thrown.message, ...(thrown.stack === undefined ? {} : { stack: thrown.stack }) }
}
