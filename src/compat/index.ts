export { evaluate, evaluator } from './evaluate.js'
export type { CompatEvaluatorOptions, EvaluationConfig, EvaluationResult } from './evaluate.js'
export { HoneyHiveLangChainTracer } from './langchain.js'
export type { CompatLangChainHandler, HoneyHiveTracerInput } from './langchain.js'
export { files, getGitInfo, SDK_METADATA } from './package-facts.js'
export type { GitInfo } from './package-facts.js'
export { HoneyHive, ServerList, serverURLFromOptions } from './rest.js'
export type {
  CompatRequestOptions,
  Configurations,
  Datapoints,
  Datasets,
  Events,
  Experiments,
  Metrics,
  Projects,
  SDKOptions,
  Session,
  Tools,
} from './rest.js'
export { HoneyHiveTracer } from './tracer.js'
export type { HoneyHiveTracerProperties } from './tracer.js'
export { enrichSession, enrichSpan, flush, logModel, traceChain, traceFunction, traceModel, traceTool } from './tracing.js'
export type { EnrichSessionParams, EnrichSpanParams, TraceFunctionOptions } from './tracing.js'
