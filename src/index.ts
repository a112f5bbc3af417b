export { EventType } from './semantics/attributes.js'
export type { Bucket, DropReason } from './semantics/attributes.js'
export type { BatchOptions, CaptureOptions, LimitsOptions, TracerOptions } from './config/options.js'
export type { DropReport, SpanFilter } from './config/resolved.js'
export type { RedactFunction, RedactRules } from './semantics/redaction.js'
export { toSessionId } from './semantics/session-id.js'
export type { HeaderCarrier } from './context/propagation.js'
export type { EvaluationIdentity, SessionOptions } from './context/session.js'
export type { Logger } from './diagnostics.js'
export { HoneyHiveConfigError, HoneyHiveError, isHoneyHiveError } from './errors.js'
export type { ConfigProblem, ErrorCode } from './errors.js'
export type { LoadOptions, TracerDefinitions } from './config/file.js'
export { flushOnSignals } from './export/exit.js'
export type { SignalOptions } from './export/exit.js'
export type { TracerStats } from './export/stats.js'
export type { Class, TraceClassDecorator, TraceClassOptions, TraceDecorator } from './wrap/decorate.js'
export type { Enrichment, SessionEnrichment, SpanEnrichment } from './tracer/enrich.js'
export { bindScope } from './tracer/bind.js'
export { createTracerPool } from './tracer/pool.js'
export type { TracerLease, TracerPool, TracerPoolOptions, TracerPoolStats } from './tracer/pool.js'
export type { FlushableTracerProvider, FlushOptions } from './provider/routing-provider.js'
export {
  createRoutingPropagator,
  createRoutingProvider,
  enrichSession,
  enrichSpan,
  flushAll,
  getActiveTracer,
  getDefaultTracer,
  setDefaultTracer,
  shutdownAll,
} from './tracer/process.js'
export type { TracerRef, TraceOptions, TraceTarget } from './wrap/trace-options.js'
export { trace, traceClass, traceFn } from './tracer/tracing.js'
export { HoneyHiveTracer } from './tracer/tracer.js'
export type { ActiveSpanOptions, EventOptions, SessionHandle, SpanSettings, WithSessionOptions } from './tracer/tracer.js'
export { defineTracers, loadTracers } from './tracer/tracers.js'
export type { Tracers } from './tracer/tracers.js'
export { VERSION } from './version.js'
