import { monotonicMs, setImmediate, unixMs } from '../builtins.js'
import type { ResolvedConfig } from '../config/resolved.js'
import { processState } from '../context/globals.js'
import { redactorFor } from '../tracer/instance-redactor.js'
import type { HoneyHiveTracer } from '../tracer/tracer.js'
import type { Redactor } from '../values/redact.js'
import { toRule } from './aggregate.js'
import type { Backend } from './backend.js'
import { type Backlog, createBacklog } from './backlog.js'
import { CACHE_GAP, createOutputCache } from './cache.js'
import type { AnyEvaluateOptions } from './check-options.js'
import { compareScoredRuns, type RunComparison, type ScoredRun } from './compare-rows.js'
import { type DatasetSource, rowKey, type SourceRow, toDatapoint } from './dataset.js'
import { externalDatapointId, hasOwnId } from './dataset-ids.js'
import { entryOf } from './entry-of.js'
import { decide, type NamedEvaluator } from './evaluator.js'
import { createJournal, type Journal, type JournalHeader } from './journal.js'
import { asObject, asTexts } from './json-reader.js'
import { keepAlive } from './keep-alive.js'
import type { SharedTurns } from './queues/row-queue.js'
import { LikelyMistakes } from './likely-mistakes.js'
import { createRandom } from './random.js'
import { isSameRow } from './same-row.js'
import { maskRow } from './report/redact.js'
import { createRateLimiter } from './rate-limit.js'
import { createResult, type ExperimentData, type ExperimentResult, RESULT_FORMAT } from './result.js'
import { RowRecording } from './row-recording.js'
import { type RowPlan, runLocalRow, runRow } from './run-row.js'
import { attempt, finishRun, type RunPlan } from './runs.js'
import { fetchRunResult, type RunResult } from './run-result.js'
import { describeError } from './score.js'
import { type SelectedRows, selectRows } from './selection.js'
import type { Stop } from './stop.js'
import { SummaryCollector } from './summary.js'
import { scoreSummary, type SummaryEvaluators, type SummaryScore, toSummaryFigures } from './summary-evaluators.js'
import { allowedErrorRate, checkThresholds, type ThresholdMap } from './thresholds.js'
import type { ExperimentFunction, ExperimentRow, ScoreValue } from './types.js'
import type { ExperimentGate } from './gate.js'
import { findFailures } from './verdict.js'
import { within } from './within.js'

/** One run of one experiment while it is open: rows go in one by one, the result comes out at the end. */
export class Experiment {
  readonly #options: AnyEvaluateOptions
  readonly #tracer: HoneyHiveTracer
  readonly #backend: Backend | undefined
  readonly #plan: RunPlan
  readonly #rowPlan: RowPlan
  readonly #source: DatasetSource
  readonly #selected: SelectedRows
  readonly #evaluators: readonly NamedEvaluator[]
  readonly #finished: ReadonlyMap<string, ExperimentRow>
  readonly #journal: Journal | undefined
  readonly #summary: SummaryCollector
  readonly #warnings: string[]
  readonly #startedAtMs = unixMs()
  readonly #startedMs = monotonicMs()
  readonly #reports: Backlog = createBacklog(MAX_OPEN_REPORTS)
  readonly #taken = new Set<string>()
  /** Rows that were delivered more than once. */
  readonly #repeated = new Set<string>()
  /** Rows of an earlier attempt whose contents are others now. */
  readonly #edited: string[] = []
  readonly #redactor: Redactor
  readonly #mistakes: LikelyMistakes
  readonly #traceUrl: string | undefined
  readonly #baseline: Promise<ScoredRun | undefined>
  /** Spans that other tracers had started when the rows began. */
  readonly #othersBefore: ReadonlyMap<HoneyHiveTracer, number>
  /** Rows that ended since everything recorded was last known to have arrived. */
  #unflushed: string[] = []
  #isServerGone = false
  #datasetError: string | undefined

  /** Made by `openExperiment`. */
  constructor(parts: ExperimentParts) {
    const { options, tracer, backend, plan, source, evaluators, finished, baseline, warnings } = parts
    this.#options = options
    this.#tracer = tracer
    this.#backend = backend
    this.#plan = plan
    this.#source = source
    this.#evaluators = evaluators
    this.#mistakes = new LikelyMistakes(evaluators, options.parse === undefined)
    this.#finished = finished
    this.#warnings = warnings
    this.#baseline = baseline
    this.#redactor = redactorFor(parts.config)
    this.#traceUrl = backend === undefined ? undefined : (options.traceUrl ?? localTraceUrl(parts.config.serverUrl))
    this.#selected = selectRows(source, options)
    this.#journal = options.journal === undefined ? undefined : createJournal(options.journal, this.#toHeader(), this.#redactor.label)
    const { maxRows = source.total === undefined ? STREAM_MAX_ROWS : Number.POSITIVE_INFINITY } = options
    this.#summary = new SummaryCollector(evaluators, { maxRows })
    this.#rowPlan = toRowPlan(parts)
    this.#othersBefore = countStarted(tracer)
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

  /** Rows this process runs, each trial for itself; `undefined` for a stream. */
  get total(): number | undefined {
    return this.#selected.total
  }

  /** The rows of the dataset that were selected, or this process's share of them. */
  rows(): Iterable<SourceRow> | AsyncIterable<SourceRow> {
    return this.#selected.rows()
  }

  /** Whether rows are recorded at a server. */
  get isRecorded(): boolean {
    return this.#backend !== undefined
  }

  /** Rows so far that ended and that failed. */
  get counts(): { readonly done: number; readonly failed: number } {
    const { total, failed } = this.#summary.counts
    return { done: total, failed }
  }

  /** Milliseconds since the experiment was opened. */
  get elapsedMs(): number {
    return monotonicMs() - this.#startedMs
  }

  /**
   * Runs one row, or takes it over when it succeeded before; evaluators it has no score of still run. Never rejects.
   *
   * @param isCounted whether the row is part of the result
   */
  async run(source: SourceRow, isCounted = true): Promise<ExperimentRow> {
    const known = this.#finished.get(rowKey(source))
    const earlier = known === undefined || this.isEdited(known, source) ? undefined : withDecisions(known, this.#evaluators)
    const isComplete = earlier !== undefined && this.#evaluators.every(({ name }) => entryOf(earlier.scores, name) !== undefined)
    const row = isComplete
      ? takeOver(earlier, source, this.#options.parse)
      : this.#backend === undefined
        ? await runLocalRow(this.#rowPlan, source, earlier)
        : await this.#runAndReport(source, earlier)
    if (!isComplete && isCounted && this.#journal !== undefined) {
      await this.#journal.append(row).catch((error: unknown) => this.warn(`The journal could not be written: ${this.describe(error)}`))
    }
    this.#mistakes.look(source.raw, row)
    if (isCounted) this.#summary.add(row)
    if (this.#backend !== undefined) await this.#waitForDelivery()
    else if (this.#summary.counts.total % CHECK_EVERY_ROWS === 0) await this.#makeRoom()
    return row
  }

  /** Runs a row that is not from {@link rows}, e.g. one a queue delivered; one that is delivered again runs again and counts once. */
  runDatapoint(raw: unknown, index: number): Promise<ExperimentRow> {
    const source = this.#findTrial({ raw, index, datapointId: this.#listedId(raw, index) })
    const key = rowKey(source)
    const isNew = !this.#taken.has(key)
    this.#taken.add(key)
    if (!isNew) this.#repeated.add(key)
    return keepAlive(() => this.run(source, isNew))
  }

  /** The id of a row, or of the second of two that bring the same one, as the list of the dataset has it. */
  #listedId(raw: unknown, index: number): string {
    const own = externalDatapointId(raw, index)
    const listed = this.#source.datapointIds?.[index]
    return hasOwnId(raw) && listed?.startsWith(`${own}#`) === true ? listed : own
  }

  /** The first trial of a row that has not run yet, or the last one. */
  #findTrial(row: SourceRow): SourceRow {
    const { trials = 1 } = this.#options
    if (trials === 1) return row
    let trial = 1
    while (trial < trials && this.#taken.has(rowKey({ ...row, trial }))) trial += 1
    return { ...row, trial }
  }

  /** Whether a row has other inputs, or another ground truth, than when it ran; noted for a warning. */
  isEdited(earlier: ExperimentRow, source: SourceRow): boolean {
    const isSame = isSameRow(earlier, source, this.#options.parse, this.#redactor)
    if (!isSame) this.#edited.push(rowKey(source))
    return !isSame
  }

  /** Counts a row that another process ran, e.g. a worker of a queue; a row that is there already counts once. */
  take(row: ExperimentRow): boolean {
    const key = rowKey(row)
    if (this.#taken.has(key)) return false
    this.#taken.add(key)
    this.#summary.add(row)
    return true
  }

  /** Counts a row like {@link take}, once it is in the journal. */
  async record(row: ExperimentRow): Promise<void> {
    if (this.#taken.has(rowKey(row))) return
    await this.#journal?.append(row)
    this.take(row)
  }

  /** Gives everything back without closing the run, for processes that run only rows. */
  async release(): Promise<void> {
    await this.#tracer.shutdown()
    await this.#backend?.close()
  }

  /**
   * Waits until everything the rows so far recorded is with the server.
   *
   * @returns false when something was lost or the server did not answer in time
   */
  async flush(): Promise<boolean> {
    return keepAlive(async () => {
      await this.#reports.empty(FLUSH_LIMIT_MS)
      return (await this.#tracer.forceFlush()) && this.#reports.unsettled.length === 0
    })
  }

  async #runAndReport(source: SourceRow, earlier: ExperimentRow | undefined): Promise<ExperimentRow> {
    const { row, reported } = await runRow(this.#rowPlan, source, earlier)
    const key = rowKey(row)
    this.#unflushed.push(key)
    this.#reports.add(key, reported)
    return row
  }

  // Rows may be faster than the server. Waiting here keeps the queues from growing until they have to drop; for a server that
  // is gone nobody waits, as what it does not get is listed at the end.
  async #waitForDelivery(): Promise<void> {
    const before = this.#reports.arrived
    if (!this.#isServerGone && !(await this.#reports.room(STALL_MS))) this.#isServerGone = this.#reports.arrived === before
    if (this.#summary.counts.total % CHECK_EVERY_ROWS !== 0) return
    const { pending } = this.#tracer.stats()
    if (pending === 0) this.#unflushed = []
    if (pending <= MAX_PENDING_SPANS || this.#isServerGone) return
    this.#isServerGone = !(await this.#tracer.forceFlush(STALL_MS)) && this.#reports.arrived === before
  }

  // What is recorded goes nowhere, and must not fill the queue on its way. Rows that wait for nothing leave no turn to timers and signals.
  async #makeRoom(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve))
    if (this.#tracer.stats().pending > MAX_PENDING_SPANS) await this.#tracer.forceFlush(STALL_MS)
  }

  /** Adds a warning to the result, once. */
  warn(message: string): void {
    if (!this.#warnings.includes(message)) this.#warnings.push(message)
  }

  /** What was thrown, as a line may show it. */
  describe(error: unknown): string {
    return this.#redactor.text('error', describeError(error))
  }

  /** Says that the dataset ended early; the run counts as failed. */
  failDataset(error: unknown): void {
    this.#datasetError = `The dataset could not be read to its end: ${this.describe(error)}`
    this.warn(this.#datasetError)
  }

  /**
   * Delivers what is pending, closes the run at the server and gives the result; `whole` is what the server is told of the
   * run when the rows here are only a part of it. Never rejects.
   */
  finish(whole?: ExperimentData): Promise<ExperimentResult> {
    return keepAlive(() => this.#finish(whole))
  }

  async #finish(whole: ExperimentData | undefined): Promise<ExperimentResult> {
    const { reportTimeoutMs = REPORT_TIMEOUT_MS } = this.#options
    const endMs = monotonicMs() + reportTimeoutMs
    const left = (share: number): number => Math.max(endMs - monotonicMs() - reportTimeoutMs * (1 - share), 0)
    // Half of the time is for what the rows recorded; the rest is for closing the run and letting go.
    const hasArrived = await this.#deliver(() => left(0.5))
    const unreported = this.#findUnreported(hasArrived)
    const [comparison, summaryScores] = await Promise.all([this.#compareWithBaseline(left(0.7)), this.#scoreSummary()])
    const data = this.#toData(comparison, summaryScores, unreported)
    const server = await within(left(0.9), this.#closeRun(whole ?? data), () => this.warn('The run was not closed at the server in time.'))
    // What is given up from here on has been told.
    const warnings = [...this.#warnings]
    await within(left(1) + LET_GO_MS, this.#tracer.shutdown(left(1)))
    await within(LET_GO_MS, Promise.all([this.#backend?.close(), this.#journal?.close()]))
    return createResult({ ...data, warnings }, server, this.#redactor)
  }

  async #deliver(leftMs: () => number): Promise<boolean> {
    if (this.#backend === undefined) {
      await this.#tracer.forceFlush(leftMs())
      return true
    }
    const areReported = await this.#reports.empty(leftMs())
    for (let left = Number.POSITIVE_INFINITY; leftMs() > 0; ) {
      const isFlushed = await this.#tracer.forceFlush(leftMs())
      const { pending } = this.#tracer.stats()
      if (isFlushed || pending === 0) return areReported
      if (pending >= left) return false
      left = pending
    }
    return areReported && this.#tracer.stats().pending === 0
  }

  /** Rows the server does not have whole, with a warning that says so. */
  #findUnreported(hasArrived: boolean): readonly string[] {
    const { missing } = this.#source
    if (missing.length > 0) this.warn(`${missing.length} datapoints of the dataset could not be fetched: ${missing.slice(0, 5).join(', ')}`)
    if (this.#backend === undefined) return []
    const dropped = Object.entries(this.#tracer.stats().dropped).filter(
      ([reason, count]) => count > 0 && reason !== 'filtered' && reason !== 'unsampled',
    )
    if (dropped.length > 0)
      this.warn(`Spans did not reach the server: ${dropped.map(([reason, count]) => `${count} ${reason}`).join(', ')}.`)
    const areSpansLost = !hasArrived || dropped.length > 0
    const unreported = [...new Set([...this.#reports.unsettled, ...(areSpansLost ? this.#unflushed : [])])]
    if (unreported.length > 0) {
      this.warn(
        `${unreported.length} rows were not reported to the server; they are complete here and listed in "unreported". Send them later with reportResult or "honeyhive-tracer eval report FILE".`,
      )
    }
    return unreported
  }

  #scoreSummary(): Promise<readonly SummaryScore[]> {
    const { summaryEvaluators = {}, aggregate = 'average', timeoutMs } = this.#options
    if (Object.keys(summaryEvaluators).length === 0) return Promise.resolve([])
    const { rows, omittedRows } = this.#summary.summary(aggregate)
    return scoreSummary(summaryEvaluators as SummaryEvaluators, rows, { omittedRows, stop: this.#rowPlan.stop, timeoutMs })
  }

  #toData(comparison: RunComparison | undefined, summaryScores: readonly SummaryScore[], unreported: readonly string[]): ExperimentData {
    const { aggregate = 'average', seed = 1, shard, trials = 1 } = this.#options
    const { counts, metrics, figures, opposites, unscored, weightedAverage, rows, omittedRows, cost, tokens, judges, refusals } =
      this.#summary.summary(aggregate)
    // Checked by type where the options were given; names that do not exist fail below.
    const bounds = this.#options.thresholds as ThresholdMap | undefined
    const all = { ...metrics, ...figures, ...toSummaryFigures(summaryScores) }
    const names = new Set(this.#evaluators.map(({ name }) => name))
    const errorRate = figures['errorRate']?.average ?? 0
    const status = this.#status(errorRate)
    this.#warnOfGaps(counts, unscored)
    this.#warnOfOthers()
    for (const warning of comparison?.warnings ?? []) this.warn(`Comparison: ${warning}`)
    const { latencyMs } = figures
    if (latencyMs === undefined) throw new TypeError('the summary lacks latencyMs')
    const gate = this.#gate()
    const expectedRows = this.#expectedRows()
    const isEmptyShard = counts.total === 0 && expectedRows === 0 && (this.#selected.selected() ?? 0) > 0
    const outcomes = checkThresholds(bounds, { figures: all, opposites, evaluators: this.#evaluators }, aggregate)
    // Nothing of the data set is here to be judged; whoever merges checks the bounds over the whole.
    const thresholds = isEmptyShard ? outcomes.map((outcome) => ({ ...outcome, passed: true })) : outcomes
    const failures = findFailures({
      status,
      counts,
      thresholds,
      refusals,
      gate,
      comparison,
      summaryScores,
      expectedRows,
      isEmptyShard,
    })
    return {
      format: RESULT_FORMAT,
      runId: this.#plan.runId,
      name: this.#plan.name,
      datasetId: this.#plan.datasetId,
      status,
      passed: failures.length === 0,
      failures,
      aggregate,
      functionName: this.#plan.functionName,
      evaluators: this.#evaluators.map(({ weight, ...rule }) => ({ ...toRule(rule), weight })),
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
      judges,
      rows,
      omittedRows,
      ...(omittedRows === 0 ? {} : { summaryState: this.#summary.state() }),
      thresholds,
      summaryScores,
      gate,
      ...(shard === undefined ? {} : { shard }),
      selectedRows: this.#selected.selected() ?? null,
      trials,
      ...(this.#traceUrl === undefined ? {} : { traceUrl: this.#traceUrl }),
      isRecorded: this.#backend !== undefined,
      unreported,
      ...(comparison === undefined ? {} : { comparison }),
      warnings: this.#warnings,
      seed,
    }
  }

  #toHeader(): JournalHeader {
    const { shard, trials = 1 } = this.#options
    const { runId, name } = this.#plan
    const selectedRows = this.#selected.selected()
    const extent = selectedRows === undefined ? {} : { extent: { selectedRows, trials, ...(shard === undefined ? {} : { shard }) } }
    return { runId, name, evaluators: this.#evaluators.map(toRule), ...extent }
  }

  /** Rows this process should have run, each trial for itself; `undefined` when a stream was not read to its end. */
  #expectedRows(): number | undefined {
    const { shard = { index: 0, count: 1 }, trials = 1 } = this.#options
    const selected = this.#selected.selected()
    const own = selected === undefined ? undefined : Math.ceil((selected - shard.index) / shard.count) * trials
    return this.#selected.total ?? own
  }

  #warnOfGaps(counts: { readonly total: number; readonly cached: number }, unscored: Readonly<Record<string, number>>): void {
    const { cache, thresholds = {} } = this.#options
    if (counts.total === 0 && !this.#rowPlan.stop.isStopped) this.warn('The dataset is empty: nothing was evaluated.')
    for (const line of this.#mistakes.describe()) this.warn(line)
    for (const [name, rows] of Object.entries(unscored)) {
      this.warn(`${name} gave no score for ${rows} of ${counts.total} rows; they are in none of its figures.`)
    }
    this.#warnOfRows(this.#edited, 'have other inputs or another ground truth than when they ran, and ran again')
    this.#warnOfRows([...this.#repeated], 'were delivered again; each counts once, with its first result')
    const unbound = Object.keys(thresholds).filter((name) => thresholds[name] === undefined)
    if (unbound.length > 0) this.warn(`Bounds that are undefined were not checked: ${unbound.join(', ')}.`)
    if (this.#selected.described !== undefined) this.warn(this.#selected.described)
    if (counts.cached > 0 && (typeof cache !== 'object' || cache.version === undefined)) this.warn(CACHE_GAP)
  }

  #warnOfRows(keys: readonly string[], what: string): void {
    if (keys.length === 0) return
    const shown = keys.slice(0, 5).join(', ')
    this.warn(`${keys.length} rows ${what}: ${shown}${keys.length > 5 ? ' and others' : ''}.`)
  }

  /** A function that names a tracer of its own is found under none of the rows. */
  #warnOfOthers(): void {
    if (this.#rowPlan.recording.hasSpans) return
    for (const [tracer, started] of countStarted(this.#tracer)) {
      const count = started - (this.#othersBefore.get(tracer) ?? 0)
      if (count === 0) continue
      this.warn(
        `The rows recorded no spans of their own, and ${tracer.toString()} started ${count} meanwhile. If they are the function's, leave its tracer out: trace()(fn), traceFn(undefined, fn), or the tracer in the second argument of "function".`,
      )
    }
  }

  #gate(): ExperimentGate {
    const { failOnRegression = false, baselineRunId, baseline } = this.#options
    const runId = baselineRunId ?? baseline?.runId
    return { failOnRegression, ...(runId === undefined ? {} : { baselineRunId: runId }) }
  }

  #status(errorRate: number): ExperimentData['status'] {
    if (this.#rowPlan.stop.isStopped) return 'cancelled'
    const allowed = allowedErrorRate(this.#options.thresholds as ThresholdMap | undefined)
    return this.#datasetError !== undefined || this.#source.missing.length > 0 || errorRate > allowed ? 'failed' : 'completed'
  }

  async #closeRun(data: ExperimentData): Promise<RunResult | undefined> {
    const backend = this.#backend
    if (backend === undefined) return undefined
    const sessionIds = await this.#allSessionIds(backend)
    const summary = Object.fromEntries(data.summaryScores.map(({ name, score }) => [name, score]))
    const metadata = {
      rows: data.counts.total,
      failed_rows: data.counts.failed,
      passed: data.passed,
      evaluator_rules: data.evaluators.map(toRule),
      ...(data.summaryScores.length === 0 ? {} : { summary_scores: summary }),
    }
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

  async #compareWithBaseline(limitMs: number): Promise<RunComparison | undefined> {
    const { seed = 1, comparison = {}, aggregate = 'average' } = this.#options
    const old = await within(limitMs, this.#baseline, () => this.warn('The baseline could not be read in time.'))
    if (old === undefined) return undefined
    const { rows, omittedRows } = this.#summary.summary(aggregate)
    const now = { runId: this.#plan.runId, name: this.#plan.name, rows, evaluators: this.#evaluators, omittedRows }
    return compareScoredRuns(now, old, { ...comparison, seed, mask: (row) => maskRow(row, this.#redactor) })
  }
}

/** Longest time the server is waited for before the first row, and after the last one. */
export const REPORT_TIMEOUT_MS = 20_000
/** Rows of a stream that are kept unless `maxRows` says otherwise. */
const STREAM_MAX_ROWS = 10_000
/** Session updates under way at the same time. */
const MAX_OPEN_REPORTS = 500
/** A fifth of the span queue's default size. */
const MAX_PENDING_SPANS = 10_000
const CHECK_EVERY_ROWS = 50
/** How long rows wait for a server that takes nothing before it counts as gone. */
const STALL_MS = 5_000
const FLUSH_LIMIT_MS = 60_000
/** For sockets and files to be given back, after the time of the server is over. */
const LET_GO_MS = 500

/** Spans that all tracers but `own` have started. */
function countStarted(own: HoneyHiveTracer): Map<HoneyHiveTracer, number> {
  const others = [...processState.instances].map(({ tracer }) => tracer as HoneyHiveTracer).filter((tracer) => tracer !== own)
  return new Map(others.map((tracer) => [tracer, tracer.stats().started]))
}

/** What an experiment is made of. */
export interface ExperimentParts {
  readonly options: AnyEvaluateOptions
  readonly config: ResolvedConfig
  readonly tracer: HoneyHiveTracer
  readonly backend: Backend | undefined
  readonly plan: RunPlan
  readonly source: DatasetSource
  readonly evaluators: readonly NamedEvaluator[]
  /** Rows of an earlier attempt, by `rowKey`. */
  readonly finished: ReadonlyMap<string, ExperimentRow>
  /** The run to compare with; never rejects. */
  readonly baseline: Promise<ScoredRun | undefined>
  readonly warnings: string[]
  readonly stop: Stop
  readonly turns: SharedTurns | undefined
}

/** The local server shows a session under the id of its first event. */
function localTraceUrl(serverUrl: string): string | undefined {
  const isLocal = URL.canParse(serverUrl) && /^(localhost|127\..+|\[::1\])$/.test(new URL(serverUrl).hostname)
  return isLocal ? `${serverUrl.replace(/\/$/, '')}/#/events/{sessionId}` : undefined
}

function toRowPlan({ options, tracer, backend, plan, source, evaluators, stop, turns }: ExperimentParts): RowPlan {
  const { cache, timeoutMs, retries = 0, retryDelayMs = 100, parse, seed = 1, rateLimit = {}, rowLimits = {} } = options
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
    random: createRandom(seed),
    limiter: createRateLimiter(rateLimit, { shared: turns }),
    limits: rowLimits,
    cache: cache === undefined ? undefined : createOutputCache(cache, subject),
    stop,
    recording: new RowRecording(backend === undefined && (options.tracerOptions?.spanProcessors ?? []).length === 0),
  }
}

// Scores stand; what they decide is for the evaluators of now, and those that are gone decide nothing.
function withDecisions(row: ExperimentRow, evaluators: readonly NamedEvaluator[]): ExperimentRow {
  const scores: Record<string, ScoreValue> = {}
  const decisions: Record<string, boolean> = {}
  const metrics: Record<string, ScoreValue> = { ...row.metrics }
  for (const name of Object.keys(row.scores)) if (!evaluators.some((evaluator) => evaluator.name === name)) delete metrics[name]
  for (const evaluator of evaluators) {
    const score = entryOf(row.scores, evaluator.name)
    if (score === undefined) continue
    const decision = decideAgain(evaluator, score, row.groundTruth)
    // Its threshold failed: the evaluator runs again and says so.
    if (decision.failed) continue
    scores[evaluator.name] = score
    if (decision.isPassing !== undefined) decisions[evaluator.name] = decision.isPassing
  }
  return { ...row, scores, metrics, decisions, evaluatorErrors: {}, passed: !Object.values(decisions).includes(false) }
}

function decideAgain(
  evaluator: NamedEvaluator,
  score: ScoreValue,
  groundTruth: unknown,
): { readonly failed: boolean; readonly isPassing?: boolean | undefined } {
  try {
    return { failed: false, isPassing: decide(evaluator, score, groundTruth) }
  } catch {
    return { failed: true }
  }
}

function takeOver(
  { trial: _, ...earlier }: ExperimentRow,
  source: SourceRow,
  parse: ((raw: unknown) => unknown) | undefined,
): ExperimentRow {
  // The trials of a row are told by the run of now: one that ran alone is the first of several.
  const trial = source.trial === undefined ? {} : { trial: source.trial }
  const row: ExperimentRow = { ...earlier, ...trial, index: source.index, origin: 'resumed' }
  try {
    const { inputs, groundTruth } = toDatapoint(source, parse)
    return { ...row, inputs, groundTruth }
  } catch {
    // The row succeeded before; what was kept of it stands.
    return row
  }
}
