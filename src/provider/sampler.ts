import type { Attributes, Context, Link, SpanKind } from '@opentelemetry/api'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  type SamplingResult,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace'
import type { Diagnostics } from '../diagnostics.js'
import { toAttributes } from './span-arguments.js'
import { IDENTITY_KEYS } from './span-record.js'

/**
 * The sampler of one instance. With a rate, whole traces are kept or not by their trace id, as OpenTelemetry's own ratio
 * sampler does, so that services with the same rate agree; what a remote caller or another instance decided does not count.
 */
export function createSampler(custom: Sampler | undefined, sampleRate: number, diagnostics: Diagnostics): Sampler {
  if (custom !== undefined) return new GuardedSampler(custom, diagnostics)
  if (sampleRate >= 1) return KEEP_ALL
  // The ratio sampler reads each trace id, which costs more than the rest of a span that nobody records.
  return sampleRate <= 0 ? KEEP_NONE : keepTraces(new TraceIdRatioBasedSampler(sampleRate))
}

function keepTraces(root: Sampler): Sampler {
  return new ParentBasedSampler({
    root,
    remoteParentSampled: root,
    remoteParentNotSampled: root,
    localParentSampled: new AlwaysOnSampler(),
    localParentNotSampled: new AlwaysOffSampler(),
  })
}

const KEEP_ALL = keepTraces(new AlwaysOnSampler())
const KEEP_NONE = keepTraces(new AlwaysOffSampler())

/** A sampler of the user, asked for every span of its instance. When it throws, the span is kept. */
class GuardedSampler implements Sampler {
  readonly #sampler: Sampler
  readonly #diagnostics: Diagnostics

  constructor(sampler: Sampler, diagnostics: Diagnostics) {
    this.#sampler = sampler
    this.#diagnostics = diagnostics
  }

  shouldSample(context: Context, traceId: string, name: string, kind: SpanKind, attributes: Attributes, links: Link[]): SamplingResult {
    try {
      return toResult(this.#sampler.shouldSample(context, traceId, name, kind, attributes, links))
    } catch {
      this.#diagnostics.warn('sampler', 'the configured sampler threw; the span is kept. Check the `sampler` option.')
      return KEPT
    }
  }

  toString(): string {
    return 'GuardedSampler'
  }
}

const KEPT: SamplingResult = { decision: SamplingDecision.RECORD_AND_SAMPLED }

function toResult({ decision, attributes, traceState }: SamplingResult): SamplingResult {
  if (attributes === undefined && traceState === undefined) return { decision }
  const safe = toAttributes(attributes)
  for (const key of IDENTITY_KEYS) delete safe[key]
  return { decision, attributes: safe, ...(traceState === undefined ? {} : { traceState }) }
}
