import type { HoneyHiveTracer } from '../tracer/tracer.js'
import type { Backend } from './backend.js'
import { type Backlog, createBacklog } from './backlog.js'
import { createOutputCache } from './cache.js'
import type { AnyEvaluateOptions } from './check-options.js'
import { compareScoredRuns } from './compare-rows.js'
import { type DatasetSource, type SourceRow, takeShard, toDatapoint } from './dataset.js'
import { externalDatapointId } from './dataset-ids.js'
import type { NamedEvaluator } from './evaluator.js'
import { createJournal, type Journal } from './journal.js'
import { asObject, asTexts } from './json-reader.js'
import { keepAlive } from './keep-alive.js'
import { createResult, type ExperimentData, type ExperimentResult, RESULT_FORMAT } from './result.js'
import { type RowPlan, runRow } from './run-row.js'
import { attempt, finishRun, type RunPlan } from './runs.js'
import { fetchRunResult, type RunResult } from './run-result.js'
import { describeError } from './score.js'
import { loadScoredRun } from './scored-run.js'
import { SummaryCollector } from './summary.js'
import { checkThresholds, type ThresholdMap, type ThresholdRange } from './thresholds.js'
import type { ExperimentFunction, ExperimentRow } from './types.js'

/** One run of one experiment while it is open: rows go in one by one, the result comes out at the end. */
export class Experiment {
  readonly #options: AnyEvaluateOptions
  readonly #tracer: HoneyHiveTracer
  readonly #backend: Backend | undefined
  readonly #plan: RunPlan
  readonly #rowPlan: RowPlan
  readonly #source: DatasetSource
  readonly #evaluators: readonly NamedEvaluator[]
  readonly #finished: ReadonlyMap<string, ExperimentRow>
  readonly #journal: Journal | undefined
  readonly #summary: SummaryCollector
  readonly #warnings: string[]
  readonly #startedAtMs = Date.now()
  readonly #startedMs = performance.now()
  readonly #reports: Backlog = createBacklog(MAX_OPEN_REPORTS)
  readonly #taken = new Set<string>()
  #datasetError: string | undefined

  /** Made by `openExperiment`. */
  constructor(parts: ExperimentParts) {
    const { options, tracer, backend, plan, source, evaluators, finished, warnings } = parts
    this.#options = options
    this.#tracer = tracer
    this.#backend = backend
    this.#plan = plan
    this.#source = source
    this.#evaluators = evaluators
    this.#finished = finished
    this.#warnings = warnings
    this.#journal = options.journal === undefined ? undefined : createJournal(options.journal, plan.runId)
    const { seed = 1, maxRows = source.total === undefined ? STREAM_MAX_ROWS : Number.POSITIVE_INFINITY } = options
    this.#summary = new SummaryCollector(evaluators, { maxRows, seed })
    this.#rowPlan = toRowPlan(parts)
  }

  /** Id of the run, as the server knows it. */
  get runId(): string {
    return this.#plan.runId
  }

  /** Name of the run. */
  get name(): string {
    return this.#plan.name
  }

  /** Records the rows; one session for each. */
  get tracer(): HoneyHiveTracer {
    return this.#tracer
  }

  /** Rows of the whole dataset; `undefined` for a stream. */
  get total(): number | undefined {
    return this.#source.total
  }

  /** The rows of the dataset, or of this process's share of it. */
  rows(): Iterable<SourceRow> | AsyncIterable<SourceRow> {
    const rows = this.#source.rows()
    return this.#options.shard === undefined ? rows : takeShard(rows, this.#options.shard)
  }

  /** Rows so far that ended and that failed. */
  get counts(): { readonly done: number; readonly failed: number } {
    const { total, failed } = this.#summary.counts
    return { done: total, failed }
  }

  /** Milliseconds since the experiment was opened. */
  get elapsedMs(): number {
    return performance.now() - this.#startedMs
  }

  /** Runs one row, or takes it over when it succeeded before. Never rejects. */
  async run(source: SourceRow): Promise<ExperimentRow> {
    const earlier = this.#finished.get(source.datapointId)
    const row = earlier === undefined ? await this.#runNow(source) : takeOver(earlier, source, this.#options.parse)
    this.#summary.add(row)
    return row
  }

  /** Runs a row that is not from {@link rows}, e.g. one a queue delivered. */
  runDatapoint(raw: unknown, index: number): Promise<ExperimentRow> {
    return keepAlive(() => this.run({ raw, index, datapointId: externalDatapointId(raw, index) }))
  }

  /** Counts a row that another process ran, e.g. a worker of a queue; a datapoint that is there already counts once. */
  take(row: ExperimentRow): void {
    if (this.#taken.has(row.datapointId)) return
    this.#taken.add(row.datapointId)
    this.#summary.add(row)
  }

  /**
   * Waits until everything the rows so far recorded is with the server.
   *
   * @returns false when something was lost or the server did not answer in time
   */
  async flush(): Promise<boolean> {
    return keepAlive(async () => {
      await this.#reports.empty()
      return (await this.#tracer.forceFlush()) && this.#reports.lost === 0
    })
  }

  async #runNow(source: SourceRow): Promise<ExperimentRow> {
    const { row, reported } = await runRow(this.#rowPlan, source)
    this.#reports.add(reported)
    await this.#journal?.append(row).catch((error: unknown) => this.warn(`The journal could not be written: ${describeError(error)}`))
    await this.#waitForDelivery()
    return row
  }

  // Rows may be faster than the server. Waiting here keeps the queues from growing until they have to drop.
  async #waitForDelivery(): Promise<void> {
    await this.#reports.room()
    const isDue = this.#summary.counts.total % CHECK_EVERY_ROWS === 0
    if (isDue && this.#tracer.stats().pending > MAX_PENDING_SPANS) await this.#tracer.forceFlush()
  }

  /** Adds a warning to the result, once. */
  warn(message: string): void {
    if (!this.#warnings.includes(message)) this.#warnings.push(message)
  }

  /** Says that the dataset ended early; the run counts as failed. */
  failDataset(error: unknown): void {
    this.#datasetError = `The dataset could not be read to its end: ${describeError(error)}`
    this.warn(this.#datasetError)
  }

  /** Delivers what is pending, closes the run at the server and gives the result. Never rejects. */
  finish(): Promise<ExperimentResult> {
    return keepAlive(() => this.#finish())
  }

  async #finish(): Promise<ExperimentResult> {
    await this.#reports.empty()
    await this.#deliver()
    this.#warnOfLosses()
    const data = this.#toData()
    const server = await this.#closeRun(data)
    const comparison = await this.#compareWithBaseline(data)
    await this.#tracer.shutdown()
    for (const instrumentation of this.#options.instrumentations ?? []) instrumentation.disable?.()
    await this.#backend?.close()
    return createResult({ ...data, ...(comparison === undefined ? {} : { comparison }), warnings: this.#warnings }, server)
  }

  // A slow server gets as long as it makes progress.
  async #deliver(): Promise<void> {
    for (let left = Number.POSITIVE_INFINITY; ; left = this.#tracer.stats().pending) {
      const hasArrived = await this.#tracer.forceFlush()
      const { pending } = this.#tracer.stats()
      if (hasArrived || pending === 0 || pending >= left) return
    }
  }

  #warnOfLosses(): void {
    const { missing } = this.#source
    if (missing.length > 0) this.warn(`${missing.length} datapoints of the dataset could not be fetched: ${missing.slice(0, 5).join(', ')}`)
    if (this.#backend === undefined) return
    const { lost } = this.#reports
    if (lost > 0) this.warn(`Outputs and ground truth of ${lost} rows did not reach the server; the rows here are complete.`)
    const dropped = Object.entries(this.#tracer.stats().dropped).filter(
      ([reason, count]) => count > 0 && reason !== 'filtered' && reason !== 'unsampled',
    )
    if (dropped.length > 0)
      this.warn(`Spans did not reach the server: ${dropped.map(([reason, count]) => `${count} ${reason}`).join(', ')}.`)
  }

  #toData(): ExperimentData {
    const { aggregate = 'average', seed = 1 } = this.#options
    const { counts, metrics, figures, weightedAverage, rows, omittedRows, cost, tokens } = this.#summary.summary(aggregate)
    // Checked by type where the options were given; names that do not exist fail below.
    const thresholds = checkThresholds(this.#options.thresholds as ThresholdMap | undefined, { ...metrics, ...figures }, aggregate)
    const names = new Set(this.#evaluators.map(({ name }) => name))
    const errorRate = figures['errorRate']?.average ?? 0
    const status = this.#status(errorRate)
    if (counts.total === 0) this.warn('The dataset is empty: nothing was evaluated.')
    const { latencyMs } = figures
    if (latencyMs === undefined) throw new TypeError('the summary lacks latencyMs')
    return {
      format: RESULT_FORMAT,
      runId: this.#plan.runId,
      name: this.#plan.name,
      datasetId: this.#plan.datasetId,
      status,
      passed: status === 'completed' && counts.total > 0 && counts.evaluatorErrors === 0 && thresholds.every((outcome) => outcome.passed),
      aggregate,
      functionName: this.#plan.functionName,
      evaluators: this.#evaluators.map(({ name, weight }) => ({ name, weight })),
      startedAtMs: this.#startedAtMs,
      durationMs: this.elapsedMs,
      counts,
      metrics: Object.fromEntries(Object.entries(metrics).filter(([name]) => names.has(name))),
      extras: Object.fromEntries(Object.entries(metrics).filter(([name]) => !names.has(name))),
      weightedAverage,
      latencyMs,
      errorRate,
      cost,
      tokens,
      rows,
      omittedRows,
      thresholds,
      warnings: this.#warnings,
      seed,
    }
  }

  #status(errorRate: number): ExperimentData['status'] {
    if (this.#rowPlan.signal.aborted) return 'cancelled'
    const limit = this.#options.thresholds?.['errorRate'] as number | ThresholdRange | undefined
    const allowed = typeof limit === 'number' ? limit : (limit?.max ?? 0)
    return this.#datasetError !== undefined || errorRate > allowed ? 'failed' : 'completed'
  }

  async #closeRun(data: ExperimentData): Promise<RunResult | undefined> {
    const backend = this.#backend
    if (backend === undefined) return undefined
    const sessionIds = await this.#allSessionIds(backend)
    const metadata = { rows: data.counts.total, failed_rows: data.counts.failed, passed: data.passed }
    await attempt('The run could not be closed at the server', this.#warnings, () =>
      finishRun(backend, this.#plan, { status: data.status, sessionIds, metadata }),
    )
    return attempt("The server's result could not be read", this.#warnings, () => fetchRunResult(backend, data.runId, data.aggregate))
  }

  // Shards and resumed runs share one run, and the server replaces the list.
  async #allSessionIds(backend: Backend): Promise<readonly string[]> {
    const { runId, resume } = this.#options
    const { sessionIds } = this.#summary
    if (runId === undefined && resume === undefined) return sessionIds
    const reply = await backend.get(`/v1/runs/${encodeURIComponent(this.runId)}`).catch(() => undefined)
    return [...new Set([...asTexts(asObject(asObject(reply)['evaluation'])['event_ids']), ...sessionIds])]
  }

  async #compareWithBaseline(data: ExperimentData): Promise<ExperimentData['comparison']> {
    const { baselineRunId, journal, seed = 1 } = this.#options
    if (baselineRunId === undefined) return undefined
    const old = await attempt(`Baseline ${baselineRunId} could not be read`, this.#warnings, () =>
      loadScoredRun(baselineRunId, { backend: this.#backend, journal }),
    )
    return old === undefined ? undefined : compareScoredRuns(data, old, { seed })
  }
}

/** Rows of a stream that are kept unless `maxRows` says otherwise. */
const STREAM_MAX_ROWS = 10_000
/** Session updates under way at the same time. */
const MAX_OPEN_REPORTS = 500
/** A fifth of the span queue's default size. */
const MAX_PENDING_SPANS = 10_000
const CHECK_EVERY_ROWS = 50

/** What an experiment is made of. */
export interface ExperimentParts {
  readonly options: AnyEvaluateOptions
  readonly tracer: HoneyHiveTracer
  readonly backend: Backend | undefined
  readonly plan: RunPlan
  readonly source: DatasetSource
  readonly evaluators: readonly NamedEvaluator[]
  readonly finished: ReadonlyMap<string, ExperimentRow>
  readonly warnings: string[]
  readonly signal: AbortSignal
}

function toRowPlan({ options, tracer, plan, source, evaluators, signal }: ExperimentParts): RowPlan {
  const { cache, timeoutMs, retries = 0, retryDelayMs = 0, parse } = options
  const subject = { functionName: plan.functionName, functionText: Function.prototype.toString.call(options.function) }
  return {
    tracer,
    runId: plan.runId,
    runName: plan.name,
    datasetId: source.datasetId,
    functionName: plan.functionName,
    // The types tied function and dataset together; here a row's values are opaque.
    function: options.function as ExperimentFunction<never, unknown>,
    parse,
    evaluators,
    timeoutMs,
    retries,
    retryDelayMs,
    cache: cache === undefined ? undefined : createOutputCache(cache, subject),
    signal,
  }
}

function takeOver(earlier: ExperimentRow, source: SourceRow, parse: ((raw: unknown) => unknown) | undefined): ExperimentRow {
  const row: ExperimentRow = { ...earlier, index: source.index, origin: 'resumed' }
  try {
    const { inputs, groundTruth } = toDatapoint(source, parse)
    return { ...row, inputs, groundTruth }
  } catch {
    // The row succeeded before; what was kept of it stands.
    return row
  }
}
