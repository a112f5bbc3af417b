import { monotonicMs } from '../builtins.js'
import { isErrorLike } from '../values/realm.js'
import type { Span } from '@opentelemetry/api'
import type { OwnedSpan } from '../context/instance.js'
import { HoneyHiveError } from '../errors.js'
import { toSessionId } from '../semantics/session-id.js'
import type { HoneyHiveTracer } from '../tracer/tracer.js'
import type { OutputCache } from './cache.js'
import { collectOutput } from './collect.js'
import { type SourceRow, toDatapoint } from './dataset.js'
import { decide, type NamedEvaluator } from './evaluator.js'
import type { RowLimits } from './options.js'
import type { Random } from './random.js'
import { DEFAULT_KEY, type RateLimiter } from './rate-limit.js'
import { withRetries } from './retry.js'
import { createRowTrace } from './row-trace.js'
import { toRecord } from './run-sessions.js'
import { describeError, parseScore, type Score } from './score.js'
import { addUsage, type KeptSpan, keepSpan, NO_USAGE, readSpan, splitUsage } from './span-reader.js'
import { type Stop, withinLimit } from './stop.js'
import type { Datapoint, EvaluatorContext, ExperimentFunction, ExperimentRow, RowContext, RowError, RowUsage, ScoreValue } from './types.js'

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
  readonly random: Random
  readonly limiter: RateLimiter
  readonly limits: RowLimits
  readonly cache: OutputCache | undefined
  readonly stop: Stop
}

/** A row and the request that tells the server about it. */
export interface FinishedRow {
  readonly row: ExperimentRow
  /** Settles when the session's outputs and ground truth are with the server or given up; never rejects. */
  readonly reported: Promise<unknown>
}

/**
 * Runs one row in a session of its own: the function inside a chain span, the evaluators inside that span, each in a span
 * of its own. With `earlier`, its outputs and scores stand and only evaluators it has no score of run. Never rejects:
 * whatever goes wrong is in the row.
 */
export async function runRow(plan: RowPlan, source: SourceRow, earlier?: ExperimentRow): Promise<FinishedRow> {
  const { datapoint, problem } = readDatapoint(plan, source)
  const sessionId = rowSessionId(plan.runId, source)
  const work = new RowWork(plan, source, datapoint, sessionId, earlier)
  const session = {
    sessionName: plan.runName,
    sessionId,
    inputs: toFields(datapoint.inputs, 'inputs'),
    evaluation: { runId: plan.runId, datasetId: plan.datasetId, datapointId: source.datapointId },
    onSpanEnd(span: OwnedSpan) {
      for (const kept of keepSpan(span)) work.addSpan(kept)
    },
  }
  return plan.tracer.withSession(session, async () => {
    const row = await work.run(problem)
    const reported = plan.tracer.enrichSession({
      ...(row.outputs === undefined ? {} : { outputs: row.outputs }),
      ...toFeedback(datapoint.groundTruth),
      ...(row.error === undefined ? {} : { error: `${row.error.name}: ${row.error.message}` }),
      metadata: { ...toRecord(row) },
    })
    return { row, reported }
  })
}

/** The session of a row: the same in every attempt to run it, so that a row repeated after a crash is not there twice. */
export function rowSessionId(runId: string, { datapointId, trial = 1 }: Pick<SourceRow, 'datapointId' | 'trial'>): string {
  return toSessionId(`${runId}/${datapointId}${trial === 1 ? '' : `/${trial}`}`)
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

type Outcome = Pick<ExperimentRow, 'outputs' | 'durationMs' | 'attempts' | 'origin'>

class RowWork {
  readonly #plan: RowPlan
  readonly #source: SourceRow
  readonly #datapoint: Datapoint
  readonly #sessionId: string
  readonly #earlier: ExperimentRow | undefined
  readonly #spans: KeptSpan[] = []
  readonly #judgeSpans = new Set<string>()
  readonly #metrics: Record<string, ScoreValue>
  readonly #scores: Record<string, ScoreValue>
  readonly #decisions: Record<string, boolean>
  readonly #evaluatorErrors: Record<string, string> = {}
  #attempts = 0
  #durationMs = 0
  #outcome: Outcome | undefined
  #stop: Stop
  #spent: RowUsage = NO_USAGE

  constructor(plan: RowPlan, source: SourceRow, datapoint: Datapoint, sessionId: string, earlier: ExperimentRow | undefined) {
    this.#plan = plan
    this.#source = source
    this.#datapoint = datapoint
    this.#sessionId = sessionId
    this.#earlier = earlier
    this.#stop = plan.stop
    this.#metrics = { ...earlier?.metrics }
    this.#scores = { ...(earlier?.scores as Readonly<Record<string, ScoreValue>> | undefined) }
    this.#decisions = { ...earlier?.decisions }
  }

  /** Notes a span of the row that has ended, and stops the row when it has spent too much. */
  addSpan(span: KeptSpan): void {
    this.#spans.push(span)
    const { tokens, cost } = this.#plan.limits
    // Once the function has ended, what is spent is the evaluators'.
    if ((tokens === undefined && cost === undefined) || this.#outcome !== undefined) return
    this.#spent = splitUsage(this.#spans, this.#judgeSpans).own
    if (this.#spent.tokens.total > (tokens ?? Number.POSITIVE_INFINITY)) {
      this.#stop.stop(
        new HoneyHiveError('EXPERIMENT', `The row used ${this.#spent.tokens.total} tokens, more than rowLimits.tokens (${tokens}).`),
      )
    }
    if (this.#spent.cost > (cost ?? Number.POSITIVE_INFINITY)) {
      this.#stop.stop(new HoneyHiveError('EXPERIMENT', `The row cost ${this.#spent.cost} dollars, more than rowLimits.cost (${cost}).`))
    }
  }

  async run(problem: ReadRow['problem']): Promise<ExperimentRow> {
    const { tracer, functionName, limits, stop: outer } = this.#plan
    const inChain = (): Promise<unknown> =>
      tracer.startActiveSpan(functionName, { eventType: 'chain', inputs: toFields(this.#datapoint.inputs, 'inputs') }, (span) =>
        this.#insideChain(span, problem),
      )
    try {
      if (limits.durationMs === undefined && limits.tokens === undefined && limits.cost === undefined) await inChain()
      else {
        await withinLimit(
          (stop) => {
            this.#stop = stop
            return inChain()
          },
          { timeoutMs: limits.durationMs, outer, what: `Row ${this.#source.index}`, option: 'rowLimits.durationMs' },
        )
      }
      return this.#toRow(undefined)
    } catch (thrown) {
      return this.#toRow({ thrown })
    }
  }

  async #insideChain(span: Span, problem: ReadRow['problem']): Promise<unknown> {
    const { tracer, evaluators } = this.#plan
    tracer.enrichSpan(toFeedback(this.#datapoint.groundTruth))
    if (problem !== undefined) throw problem.thrown
    const outcome = this.#earlier ?? (await this.#produce())
    this.#outcome = outcome
    const context = this.#evaluatorContext(span)
    const missing = evaluators.filter(({ name }) => this.#scores[name] === undefined)
    await Promise.all(missing.map((evaluator) => this.#evaluate(evaluator, outcome.outputs, context)))
    tracer.enrichSpan({ metrics: this.#metrics, metadata: { origin: outcome.origin, attempts: outcome.attempts } })
    this.#stop.throwIfStopped()
    return outcome.outputs
  }

  async #produce(): Promise<Outcome> {
    const { cache } = this.#plan
    const key = cache?.keyFor(this.#datapoint, this.#source.trial ?? 1)
    const kept = key === undefined ? undefined : await cache?.read(key)
    if (kept !== undefined) return { outputs: kept.outputs, durationMs: 0, attempts: 0, origin: 'cache' }
    const outputs = await this.#callWithRetries()
    if (key !== undefined) await cache?.write(key, outputs).catch(() => false)
    return { outputs, durationMs: this.#durationMs, attempts: this.#attempts, origin: 'run' }
  }

  #callWithRetries(): Promise<unknown> {
    const { retries, retryDelayMs: delayMs, random, limiter } = this.#plan
    const hold = (waitMs: number): void => limiter.hold(DEFAULT_KEY, waitMs)
    return withRetries((attempt) => this.#call(attempt), { retries, delayMs, random }, this.#stop, hold)
  }

  async #call(attempt: number): Promise<unknown> {
    const { tracer, timeoutMs, functionName, limiter } = this.#plan
    this.#attempts = attempt
    await limiter.take(DEFAULT_KEY, this.#stop)
    const startedMs = monotonicMs()
    const { index, trial = 1 } = this.#source
    try {
      return await withinLimit(
        async (stop) => {
          const context: RowContext = {
            tracer,
            get signal() {
              return stop.signal
            },
            index,
            trial,
            attempt,
            takeTurn: (key = DEFAULT_KEY) => limiter.take(key, stop),
          }
          // The datapoint has the row type the function was given with; it came from that dataset.
          const outputs = await this.#plan.function(this.#datapoint as never, context)
          return collectOutput(outputs, (cancel) => stop.onStop(cancel))
        },
        { timeoutMs, outer: this.#stop, what: `"${functionName}" on row ${index}` },
      )
    } finally {
      this.#durationMs = monotonicMs() - startedMs
    }
  }

  #evaluatorContext(chain: Span): Omit<EvaluatorContext, 'signal' | 'takeTurn'> {
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

  async #evaluate(evaluator: NamedEvaluator, outputs: unknown, context: Omit<EvaluatorContext, 'signal' | 'takeTurn'>): Promise<void> {
    const { tracer } = this.#plan
    try {
      const score = await tracer.startActiveSpan(
        evaluator.name,
        { eventType: 'tool', metadata: { evaluator: evaluator.name } },
        (span: Span) => {
          this.#judgeSpans.add(span.spanContext().spanId)
          return this.#scoreWithRetries(evaluator, outputs, context)
        },
      )
      if (score !== undefined) this.#keep(evaluator, score)
    } catch (error) {
      this.#evaluatorErrors[evaluator.name] = describeError(error)
    }
  }

  #scoreWithRetries(
    evaluator: NamedEvaluator,
    outputs: unknown,
    context: Omit<EvaluatorContext, 'signal' | 'takeTurn'>,
  ): Promise<Score | undefined> {
    const { timeoutMs, retries, retryDelayMs: delayMs, random, limiter } = this.#plan
    const { name, rateLimit, retries: own = retries } = evaluator
    const attempt = async (): Promise<Score | undefined> => {
      if (rateLimit !== undefined) await limiter.take(rateLimit, this.#stop)
      return withinLimit((stop) => this.#score(evaluator, outputs, withStop(context, stop, limiter)), {
        timeoutMs: evaluator.timeoutMs ?? timeoutMs,
        outer: this.#stop,
        what: `Evaluator "${name}" on row ${this.#source.index}`,
      })
    }
    const hold = (waitMs: number): void => limiter.hold(rateLimit ?? DEFAULT_KEY, waitMs)
    return withRetries(attempt, { retries: own, delayMs, random }, this.#stop, hold)
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
    if (explanation !== undefined) this.#addMetric(`${evaluator.name}_explanation`, explanation)
    for (const [name, extra] of Object.entries(extras)) this.#addMetric(`${evaluator.name}_${name}`, extra)
    if (isPassing !== undefined) this.#decisions[evaluator.name] = isPassing
  }

  // The score of an evaluator whose name is that of another one's extra is not overwritten.
  #addMetric(name: string, value: ScoreValue): void {
    if (!this.#plan.evaluators.some((evaluator) => evaluator.name === name)) this.#metrics[name] = value
  }

  #toRow(failure: { readonly thrown: unknown } | undefined): ExperimentRow {
    const status = failure === undefined ? 'success' : this.#plan.stop.isStopped ? 'cancelled' : 'failed'
    const { own, judges } = splitUsage(this.#spans, this.#judgeSpans)
    const earlier = this.#earlier
    const total = addUsage(own, earlier ?? NO_USAGE)
    const { trial } = this.#source
    return {
      index: this.#source.index,
      datapointId: this.#source.datapointId,
      ...(trial === undefined ? {} : { trial }),
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
      passed: status === 'success' && Object.keys(this.#evaluatorErrors).length === 0 && !Object.values(this.#decisions).includes(false),
      durationMs: this.#outcome?.durationMs ?? this.#durationMs,
      attempts: this.#outcome?.attempts ?? this.#attempts,
      tokens: total.tokens,
      cost: total.cost,
      judges: addUsage(judges, earlier?.judges ?? NO_USAGE),
      origin: earlier === undefined ? (this.#outcome?.origin ?? 'run') : 'resumed',
    }
  }
}

// Keeps the lazy getter, which a spread would read.
function withStop(context: Omit<EvaluatorContext, 'signal' | 'takeTurn'>, stop: Stop, limiter: RateLimiter): EvaluatorContext {
  return Object.create(context, {
    signal: { get: () => stop.signal, enumerable: true },
    takeTurn: { value: (key: string = DEFAULT_KEY) => limiter.take(key, stop), enumerable: true },
  }) as EvaluatorContext
}

function toFeedback(groundTruth: unknown): { readonly feedback?: Readonly<Record<string, unknown>> } {
  return groundTruth === undefined || groundTruth === null ? {} : { feedback: { ground_truth: groundTruth } }
}

function toFields(value: unknown, name: string): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : { [name]: value }
}

function toRowError(thrown: unknown): RowError {
  if (typeof thrown !== 'object' || thrown === null || !isErrorLike(thrown)) return { name: 'Error', message: describeError(thrown) }
  return { name: thrown.name, message: thrown.message, ...(thrown.stack === undefined ? {} : { stack: thrown.stack }) }
}
