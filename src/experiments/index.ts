export { fromInputs } from './adapters.js'
export type { AutoevalsOptions, AutoevalsScore, AutoevalsScorer } from './autoevals.js'
export { fromAutoevals } from './autoevals.js'
export type { CsvOptions, CsvRow } from './load-rows.js'
export { fromCsv, fromJsonl } from './load-rows.js'
export type { MetricRule, MetricSummary } from './aggregate.js'
export type { CompareRunsOptions, RunReference, ServerOptions } from './compare.js'
export { compareRuns, getRunResult } from './compare.js'
export type {
  CompareOptions,
  MetricComparison,
  RowComparison,
  RowVerdict,
  RunComparison,
  ScoredRow,
  ScoredRun,
  Verdict,
} from './compare-rows.js'
export { externalDatapointId, externalDatasetId } from './dataset-ids.js'
export type { SourceRow } from './dataset.js'
export type { JudgedPair, JudgePairsOptions, PairChoice, PairQuestion, PairwiseResult } from './judge-pairs.js'
export { judgePairs } from './judge-pairs.js'
export type { ReportLaterOptions, ReportLaterOutcome } from './report-later.js'
export { reportResult } from './report-later.js'
export type { ScoreRunOptions } from './score-run.js'
export { scoreRun } from './score-run.js'
export type { ExperimentDefinition } from './define.js'
export { createExperiment, defineExperiment, isExperimentDefinition } from './define.js'
export { evaluate } from './evaluate.js'
export type { EvaluatorOptions } from './evaluator.js'
export { evaluator } from './evaluator.js'
export type { JudgeOptions, JudgeQuestion } from './evaluators/model.js'
export { embeddingCosine, llmJudge } from './evaluators/model.js'
export type { JsonSchema } from './evaluators/schema.js'
export type { JsonSchemaOptions, StandardSchema } from './evaluators/structure.js'
export { jsonEquals, jsonSchema, numericTolerance } from './evaluators/structure.js'
export type { RougeOptions, TextOptions } from './evaluators/text.js'
export { bleu, exactMatch, includes, levenshtein, regex, rougeL, rougeN, tokenF1 } from './evaluators/text.js'
export type { BleuOptions } from './evaluators/text-metrics.js'
export type { Experiment } from './experiment.js'
export type { MergeFault, MergeOptions } from './merge.js'
export { mergeResults } from './merge.js'
export type { CacheOptions, EvaluateOptions, ExperimentProgress, ExperimentSettings, RowLimits, Shard } from './options.js'
export type { TableOptions } from './report/terminal.js'
export type { ExperimentData, ExperimentResult, ExperimentStatus } from './result.js'
export type { RowSpan, RowTrace, SpanQuery } from './row-trace.js'
export type { RunResult, ServerDatapoint, ServerMetric } from './run-result.js'
export type { EvalFailure, EvalFileOptions, EvalRun, EvalSummary, EvalWorkerOptions } from './runner.js'
export type { Reporter } from './report/forms.js'
export { runEvalFiles, runEvalWorker } from './runner.js'
export type { Interval, IntervalMethod } from '../values/intervals.js'
export type { PairedTest } from './paired-test.js'
export type { Aggregate } from '../values/statistics.js'
export type { SummaryEvaluator, SummaryEvaluators, SummaryScore } from './summary-evaluators.js'
export type { ExperimentGate } from './gate.js'
export type { RateLimit, RateLimits } from './rate-limit.js'
export type { RowCounts, SummarizedEvaluator } from './summary.js'
export type { ThresholdMap, ThresholdOutcome, ThresholdRange } from './thresholds.js'
export type {
  AnyEvaluator,
  Datapoint,
  DatapointInput,
  Evaluator,
  EvaluatorContext,
  EvaluatorFunction,
  EvaluatorObject,
  EvaluatorSet,
  Evaluators,
  ExperimentFunction,
  ExperimentRow,
  RowContext,
  RowError,
  RowStatus,
  RowUsage,
  ScoreDetails,
  ScoreResult,
  ScoreValue,
  TokenUsage,
} from './types.js'
export type { TestApi } from './vitest.js'
export { defineExperimentTests } from './vitest.js'
export type { BullmqOptions } from './queues/bullmq.js'
export { openBullmqQueue } from './queues/bullmq.js'
export type { PgBossOptions } from './queues/pg-boss.js'
export { openPgBossQueue } from './queues/pg-boss.js'
export type { ConsumeOptions, QueueChannel, QueueMessage, RowQueue, SharedTurns } from './queues/row-queue.js'
export type { SpreadOptions, WorkerOptions } from './queues/spread.js'
export { coordinateRows, runRowWorker } from './queues/spread.js'
