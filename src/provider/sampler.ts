import { type Attributes, type Context, type Link, ROOT_CONTEXT, type SpanContext, type SpanKind, trace } from '@opentelemetry/api'
import type { Sampler } from '@opentelemetry/sdk-trace-base'
import type { Diagnostics } from '../diagnostics.js'

/** What a sampling decision is made from; everything in it belongs to one instance. */
export interface SampleRequest {
  readonly traceId: string
  readonly name: string
  readonly kind: SpanKind
  readonly attributes: Attributes
  readonly links: Link[]
  /** Parent span of the same instance. */
  readonly parent: SpanContext | undefined
  /** Whether the parent was sampled; `undefined` for roots. */
  readonly parentSampled: boolean | undefined
}

/** Decides whether a span is recorded. Never throws. */
export type SampleSpan = (request: SampleRequest) => boolean

// `SamplingDecision.RECORD_AND_SAMPLED`; the value is part of the OpenTelemetry specification.
const RECORD_AND_SAMPLED = 2
const RATIO_RANGE = 0x1_0000_0000

/**
 * The sampling rule of one instance. With a rate, whole traces are kept or not by their trace id, so that services with
 * the same rate agree. A custom sampler is asked for every span and sees only spans of this instance.
 */
export function createSampling(sampler: Sampler | undefined, sampleRate: number, diagnostics: Diagnostics): SampleSpan {
  if (sampler !== undefined) return (request) => askSampler(sampler, request, diagnostics)
  if (sampleRate >= 1) return ({ parentSampled }) => parentSampled ?? true
  return ({ parentSampled, traceId }) => parentSampled ?? Number.parseInt(traceId.slice(-8), 16) / RATIO_RANGE < sampleRate
}

function askSampler(sampler: Sampler, request: SampleRequest, diagnostics: Diagnostics): boolean {
  const { parent, parentSampled, traceId, name, kind, attributes, links } = request
  const context: Context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent)
  try {
    return sampler.shouldSample(context, traceId, name, kind, attributes, links).decision === RECORD_AND_SAMPLED
  } catch {
    diagnostics.warn('sampler', 'the configured sampler threw; the span is kept. Check the `sampler` option.')
    return parentSampled ?? true
  }
}
