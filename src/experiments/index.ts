export { fromInputs } from './adapters.js'
export type { MetricSummary } from './aggregate.js'
export type { CompareRunsOptions, RunReference, ServerOptions } from './compare.js'
export { compareRuns, getRunResult } from './compare.js'
export type { CompareOptions, MetricComparison, RowComparison, RunComparison, ScoredRow, ScoredRun, Verdict } from './compare-rows.js'
export { externalDatapointId, externalDatasetId } from './dataset-ids.js'
export type { SourceRow } from './dataset.js'
export type { ExperimentDefinition } from './define.js'
export { createExperiment, defineExperiment, isExperimentDefinition } from './define.js'
export { evaluate } from './evaluate.js'
export type { EvaluatorOptions } from './evaluator.js'
export { evaluator } from './evaluator.js'
export type { JsonSchema } from './evaluators/json-schema.js'
export type { JudgeOptions, JudgeQuestion } from './evaluators/model.js'
export { embeddingCosine, llmJudge } from './evaluators/model.js'
export type { StandardSchema } from './evaluators/structure.js'
export { jsonEquals, jsonSchema, numericTolerance } from './evaluators/structure.js'
export type { TextOptions } from './evaluators/text.js'
export { bleu, exactMatch, includes, levenshtein, regex, rougeL, tokenF1 } from './evaluators/text.js'
export type { BleuOptions } from './evaluators/text-metrics.js'
export type { Experiment } from './experiment.js'
export type { MergeOptions } from './merge.js'
export { mergeResults } from './merge.js'
export type { CacheOptions, EvaluateOptions, ExperimentProgress, ExperimentSettings, Shard } from './options.js'
export type { TableOptions } from './report-table.js'
export type { ExperimentData, ExperimentResult, ExperimentStatus } from './result.js'
export type { RowSpan, RowTrace, SpanQuery } from './row-trace.js'
export type { RunResult, ServerDatapoint, ServerMetric } from './run-result.js'
export type { EvalFailure, EvalFileOptions, EvalRun, EvalSummary } from './runner.js'
export type { Reporter } from './report-forms.js'
export { runEvalFiles } from './runner.js'
export type { Aggregate, Interval, PairedTest } from './statistics.js'
export type { RowCounts } from './summary.js'
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
  ScoreDetails,
  ScoreResult,
  ScoreValue,
  TokenUsage,
} from './types.js'
export type { TestApi } from './vitest.js'
export { defineExperimentTests } from './vitest.js'
