import { monotonicMs } from '../builtins.js'
import { toOwnCopy } from '../values/own-copy.js'
import { setField } from '../values/plain.js'
import { isErrorLike } from '../values/realm.js'
import { describeThrown, readField } from '../values/thrown.js'
import type { Span } from '@opentelemetry/api'
import { HoneyHiveError } from '../errors.js'
import { toSessionId } from '../semantics/session-id.js'
import type { HoneyHiveTracer, WithSessionOptions } from '../tracer/tracer.js'
import type { OutputCache } from './cache.js'
import { collectOutput } from './collect.js'
import { rowKey, type SourceRow, toDatapoint } from './dataset.js'
import { entryOf } from './entry-of.js'
import { decide, type NamedEvaluator } from './evaluator.js'
import type { RowLimits } from './options.js'
import type { Random } from './random.js'
import { DEFAULT_KEY, type RateLimiter } from './rate-limit.js'
import { withRetries } from './retry.js'
import { FunctionContext, JudgeContext } from './row-context.js'
import type { RowRecording } from './row-recording.js'
import { createRowTrace, type RowTrace } from './row-trace.js'
import { toRecord } from './run-sessions.js'
import { describeError, parseScore, type Score } from './score.js'
import { addUsage, type KeptSpan, keepSpan, NO_USAGE, readSpan, splitUsage } from './span-reader.js'
import { isThenable, type Stop, withinLimit } from './stop.js'
import type { Datapoint, EvaluatorContext, ExperimentFunction, ExperimentRow, RowError, RowUsage, ScoreValue } from './types.js'

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
  readonly recording: RowRecording
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
export function runRow(plan: RowPlan, source: SourceRow, earlier?: ExperimentRow): Promise<FinishedRow> {
  const { datapoint, problem } = readDatapoint(plan, source)
  const work = new RowWork(plan, source, datapoint, earlier)
  return plan.tracer.withSession({ ...toSession(plan, work), inputs: toFields(datapoint.inputs, 'inputs') }, async () => {
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

/** The same for a row of which nobody is told. */
export function runLocalRow(plan: RowPlan, source: SourceRow, earlier?: ExperimentRow): Promise<ExperimentRow> {
  const { datapoint, problem } = readDatapoint(plan, source)
  const work = new RowWork(plan, source, datapoint, earlier)
  return plan.tracer.withSession({ ...toSession(plan, work), skipSessionCreation: true }, () => work.run(problem))
}

function toSession({ runName, runId, datasetId }: RowPlan, work: RowWork): WithSessionOptions {
  const { datapointId } = work.source
  return {
    sessionName: runName,
    sessionId: work.sessionId,
    evaluation: { runId, datasetId, datapointId },
    onSpanEnd(span) {
      for (const kept of keepSpan(span)) work.addSpan(kept)
    },
  }
}

// Shared by the rows that have none, which most are.
const NONE: Readonly<Record<string, never>> = Object.freeze({})
const NOTHING_SPENT = { own: NO_USAGE, judges: NO_USAGE }

/** The session of a row: the same in every attempt to run it, so that a row repeated after a crash is not there twice. */
export function rowSessionId(runId: string, row: Pick<SourceRow, 'datapointId' | 'trial'>): string {
  return toSessionId(`${runId}/${rowKey(row)}`)
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
  readonly source: SourceRow
  readonly #datapoint: Datapoint
  readonly sessionId: string
  readonly #earlier: ExperimentRow | undefined
  readonly #spans: KeptSpan[] = []
  readonly #judgeSpans = new Set<string>()
  readonly #metrics: Record<string, ScoreValue>
  readonly #scores: Record<string, ScoreValue>
  #decisions: Readonly<Record<string, boolean>>
  #evaluatorErrors: Readonly<Record<string, string>> = NONE
  #attempts = 0
  #durationMs = 0
  #outcome: Outcome | undefined
  #stop: Stop
  #spent: RowUsage = NO_USAGE
  #chain: Span | undefined
  #functionSpans = 0
  #trace: RowTrace | undefined

  constructor(plan: RowPlan, source: SourceRow, datapoint: Datapoint, earlier: ExperimentRow | undefined) {
    this.#plan = plan
    this.source = source
    this.#datapoint = datapoint
    this.sessionId = rowSessionId(plan.runId, source)
    this.#earlier = earlier
    this.#stop = plan.stop
    this.#metrics = { ...earlier?.metrics }
    this.#scores = { ...(earlier?.scores as Readonly<Record<string, ScoreValue>> | undefined) }
    this.#decisions = earlier?.decisions ?? NONE
  }

  /** Notes a span of the row that has ended, and stops the row when it has spent too much. */
  addSpan(span: KeptSpan): void {
    this.#spans.push(span)
    if (this.#chain === undefined) {
      this.#plan.recording.note(true)
      this.#plan.recording.noteSpans()
    }
    // Without a span for each judge, what ends after the function is theirs.
    if (this.#chain === undefined && this.#outcome !== undefined) this.#judgeSpans.add(span.context.spanId)
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
    const { limits, stop: outer } = this.#plan
    const inChain = this.#plan.recording.start() ? () => this.#inChain(problem) : () => this.#inside(problem)
    try {
      if (limits.durationMs === undefined && limits.tokens === undefined && limits.cost === undefined) await inChain()
      else {
        await withinLimit(
          (stop) => {
            this.#stop = stop
            return inChain()
          },
          { timeoutMs: limits.durationMs, outer, what: () => `Row ${this.source.index}`, option: 'rowLimits.durationMs' },
        )
      }
      return this.#toRow(undefined)
    } catch (thrown) {
      return this.#toRow({ thrown })
    }
  }

  async #inChain(problem: ReadRow['problem']): Promise<void> {
    const { tracer, functionName, recording } = this.#plan
    const captured = recording.isLocal ? { outputs: false } : { inputs: toFields(this.#datapoint.inputs, 'inputs') }
    await tracer.startActiveSpan(functionName, { eventType: 'chain', ...captured }, async (span) => {
      this.#chain = span
      if (!recording.isLocal) tracer.enrichSpan(toFeedback(this.#datapoint.groundTruth))
      await this.#inside(problem)
      if (recording.isLocal) return undefined
      const { origin, attempts } = this.#outcome ?? { origin: 'run', attempts: this.#attempts }
      tracer.enrichSpan({ metrics: this.#metrics, metadata: { origin, attempts } })
      return this.#outcome?.outputs
    })
    if (!recording.hasSpans && this.#spans.some((span) => this.#isForeign(span))) recording.noteSpans()
    if (recording.isLocal) recording.note(this.#hasForeignSpans())
  }

  // Spans of the program, or what it said of those that are ours.
  #hasForeignSpans(): boolean {
    return this.#spans.some((span) => this.#isForeign(span) || Object.values(span.buckets ?? {}).some((bucket) => !isEmpty(bucket)))
  }

  #isForeign({ context: { spanId } }: KeptSpan): boolean {
    return spanId !== this.#chain?.spanContext().spanId && !this.#judgeSpans.has(spanId)
  }

  async #inside(problem: ReadRow['problem']): Promise<void> {
    const { evaluators } = this.#plan
    if (problem !== undefined) throw problem.thrown
    const outcome = this.#earlier ?? (this.#plan.cache === undefined ? await this.#run() : await this.#produce(this.#plan.cache))
    this.#outcome = outcome
    this.#functionSpans = this.#spans.length
    const missing = evaluators.filter(({ name }) => entryOf(this.#scores, name) === undefined)
    const [first] = missing
    if (first !== undefined && missing.length === 1) await this.#evaluate(first, outcome.outputs)
    else if (first !== undefined) await Promise.all(missing.map((evaluator) => this.#evaluate(evaluator, outcome.outputs)))
    this.#stop.throwIfStopped()
  }

  async #produce(cache: OutputCache): Promise<Outcome> {
    const key = cache.keyFor(this.#datapoint, this.source.trial ?? 1)
    const kept = key === undefined ? undefined : await cache.read(key)
    if (kept !== undefined) return { outputs: kept.outputs, durationMs: 0, attempts: 0, origin: 'cache' }
    const outcome = await this.#run()
    if (key !== undefined) await cache.write(key, outcome.outputs).catch(() => false)
    return outcome
  }

  #run(): Promise<Outcome> {
    return this.#callWithRetries().then((outputs) => ({
      outputs,
      durationMs: this.#durationMs,
      attempts: this.#attempts,
      origin: 'run',
    }))
  }

  #callWithRetries(): Promise<unknown> {
    const { retries, retryDelayMs: delayMs, random, limiter } = this.#plan
    const hold = (waitMs: number): void => limiter.hold(DEFAULT_KEY, waitMs)
    return withRetries((attempt) => this.#call(attempt), { retries, delayMs, random }, this.#stop, hold)
  }

  #call(attempt: number): Promise<unknown> {
    this.#attempts = attempt
    const turn = this.#plan.limiter.take(DEFAULT_KEY, this.#stop)
    return turn === undefined ? this.#callNow(attempt) : turn.then(() => this.#callNow(attempt))
  }

  #callNow(attempt: number): Promise<unknown> {
    const { timeoutMs, functionName } = this.#plan
    const { index } = this.source
    const startedMs = monotonicMs()
    const call = (stop: Stop): unknown => {
      const collect = (outputs: unknown): unknown => collectOutput(outputs, (cancel) => stop.onStop(cancel))
      // The datapoint has the row type the function was given with; it came from that dataset.
      // A copy: what one attempt or trial adds to its inputs is no input of the next.
      const given = this.#plan.function(toOwnCopy(this.#datapoint) as never, new FunctionContext(this.#plan, this.source, attempt, stop))
      return isThenable(given) ? Promise.resolve(given).then(collect) : collect(given)
    }
    return withinLimit(call, {
      timeoutMs,
      outer: this.#stop,
      what: () => `"${functionName}" on row ${index}`,
      onEnd: () => {
        this.#durationMs = monotonicMs() - startedMs
      },
    })
  }

  /** What the function has recorded, read when the first evaluator asks: most do not. */
  #readTrace(): RowTrace {
    const { spanId } = this.#chain?.spanContext() ?? {}
    this.#trace ??= createRowTrace(
      this.#spans
        .slice(0, this.#functionSpans)
        .map(readSpan)
        .filter((span) => span.spanId !== spanId),
    )
    return this.#trace
  }

  async #evaluate(evaluator: NamedEvaluator, outputs: unknown): Promise<void> {
    try {
      const score = await (this.#chain === undefined ? this.#scoreWithRetries(evaluator, outputs) : this.#scoreInSpan(evaluator, outputs))
      if (score !== undefined) this.#keep(evaluator, score)
    } catch (error) {
      // Stopped with the run, it has not failed; the row is cancelled.
      if (this.#plan.stop.isStopped) return
      this.#evaluatorErrors = { ...this.#evaluatorErrors, [evaluator.name]: describeError(error) }
    }
  }

  #scoreInSpan(evaluator: NamedEvaluator, outputs: unknown): Promise<Score | undefined> {
    const { tracer, recording } = this.#plan
    const settings = recording.isLocal ? { outputs: false } : { metadata: { evaluator: evaluator.name } }
    return tracer.startActiveSpan(evaluator.name, { eventType: 'tool', ...settings }, (span: Span) => {
      this.#judgeSpans.add(span.spanContext().spanId)
      return this.#scoreWithRetries(evaluator, outputs)
    })
  }

  #scoreWithRetries(evaluator: NamedEvaluator, outputs: unknown): Promise<Score | undefined> {
    const { timeoutMs, retries, retryDelayMs: delayMs, random, limiter } = this.#plan
    const { name, rateLimit, retries: own = retries } = evaluator
    const trace = (): RowTrace => this.#readTrace()
    const once = (): Promise<Score | undefined> =>
      withinLimit((stop) => this.#score(evaluator, outputs, new JudgeContext(this.#plan, this.source, trace, stop)), {
        timeoutMs: evaluator.timeoutMs ?? timeoutMs,
        outer: this.#stop,
        what: () => `Evaluator "${name}" on row ${this.source.index}`,
      })
    const attempt = (): Promise<Score | undefined> => {
      const turn = rateLimit === undefined ? undefined : limiter.take(rateLimit, this.#stop)
      return turn === undefined ? once() : turn.then(once)
    }
    const hold = (waitMs: number): void => limiter.hold(rateLimit ?? DEFAULT_KEY, waitMs)
    return withRetries(attempt, { retries: own, delayMs, random }, this.#stop, hold)
  }

  #score(evaluator: NamedEvaluator, outputs: unknown, context: EvaluatorContext): Score | undefined | Promise<Score | undefined> {
    const read = (raw: unknown): Score | undefined => {
      const parsed = parseScore(raw)
      if (parsed.kind === 'invalid') throw new TypeError(`evaluator "${evaluator.name}" ${parsed.reason}`)
      return parsed.kind === 'score' ? parsed.score : undefined
    }
    const { inputs, groundTruth } = this.#datapoint
    // Copies: one that sorts or shortens what it was given does so for itself.
    const given = evaluator.evaluate(toOwnCopy(outputs), toOwnCopy(inputs), toOwnCopy(groundTruth), context)
    return isThenable(given) ? Promise.resolve(given).then(read) : read(given)
  }

  #keep(evaluator: NamedEvaluator, { value, explanation, extras }: Score): void {
    const isPassing = decide(evaluator, value, this.#datapoint.groundTruth)
    setField(this.#scores, evaluator.name, value)
    setField(this.#metrics, evaluator.name, value)
    if (explanation !== undefined) this.#addMetric(`${evaluator.name}_explanation`, explanation)
    for (const [name, extra] of Object.entries(extras)) this.#addMetric(`${evaluator.name}_${name}`, extra)
    if (isPassing !== undefined) this.#decisions = { ...this.#decisions, [evaluator.name]: isPassing }
  }

  // The score of an evaluator whose name is that of another one's extra is not overwritten.
  #addMetric(name: string, value: ScoreValue): void {
    if (!this.#plan.evaluators.some((evaluator) => evaluator.name === name)) setField(this.#metrics, name, value)
  }

  #toRow(failure: { readonly thrown: unknown } | undefined): ExperimentRow {
    const status = failure === undefined ? 'success' : this.#plan.stop.isStopped ? 'cancelled' : 'failed'
    const { own, judges } = this.#spans.length === 0 ? NOTHING_SPENT : splitUsage(this.#spans, this.#judgeSpans)
    const earlier = this.#earlier
    const total = earlier === undefined ? own : addUsage(own, earlier)
    const { trial } = this.source
    // What most rows do not have comes last: a literal that spreads on its way costs several times as much.
    const row: ExperimentRow = {
      index: this.source.index,
      datapointId: this.source.datapointId,
      sessionId: this.sessionId,
      inputs: this.#datapoint.inputs,
      groundTruth: this.#datapoint.groundTruth,
      outputs: failure === undefined ? this.#outcome?.outputs : undefined,
      status,
      scores: this.#scores,
      metrics: this.#metrics,
      decisions: this.#decisions,
      evaluatorErrors: this.#evaluatorErrors,
      passed: status === 'success' && this.#evaluatorErrors === NONE && !Object.values(this.#decisions).includes(false),
      durationMs: this.#outcome?.durationMs ?? this.#durationMs,
      attempts: this.#outcome?.attempts ?? this.#attempts,
      tokens: total.tokens,
      cost: total.cost,
      judges: earlier?.judges === undefined ? judges : addUsage(judges, earlier.judges),
      origin: earlier === undefined ? (this.#outcome?.origin ?? 'run') : 'resumed',
    }
    if (failure === undefined && trial === undefined) return row
    return { ...row, ...(trial === undefined ? {} : { trial }), ...(failure === undefined ? {} : { error: toRowError(failure.thrown) }) }
  }
}

function isEmpty(bucket: unknown): boolean {
  return bucket === undefined || (typeof bucket === 'object' && bucket !== null && Object.keys(bucket).length === 0)
}

function toFeedback(groundTruth: unknown): { readonly feedback?: Readonly<Record<string, unknown>> } {
  return groundTruth === undefined || groundTruth === null ? {} : { feedback: { ground_truth: groundTruth } }
}

function toFields(value: unknown, name: string): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : { [name]: value }
}

// What is thrown is the user's: its fields may be anything, and may throw themselves.
function toRowError(thrown: unknown): RowError {
  if (!isReadableError(thrown)) return { name: 'Error', message: describeError(thrown) }
  const [name, message, stack] = ['name', 'message', 'stack'].map((field) => readField(thrown, field))
  return {
    name: typeof name === 'string' ? name : 'Error',
    message: typeof message === 'string' ? message : describeThrown(thrown).message,
    ...(typeof stack === 'string' ? { stack } : {}),
  }
}

function isReadableError(thrown: unknown): thrown is Error {
  try {
    return typeof thrown === 'object' && thrown !== null && isErrorLike(thrown)
  } catch {
    return false
  }
}
