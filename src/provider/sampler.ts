import { type Attributes, type Context, type Link, type SpanKind, TraceFlags, trace } from '@opentelemetry/api'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
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
  return sampleRate <= 0 ? KEEP_NONE : new TraceSampler(new TraceIdRatioBasedSampler(sampleRate))
}

const KEPT: SamplingResult = { decision: SamplingDecision.RECORD_AND_SAMPLED }
const LEFT_OUT: SamplingResult = { decision: SamplingDecision.NOT_RECORD }

/**
 * Decides at the top of what this process records of a trace, and below it as there: the rule of OpenTelemetry's `ParentBased`, whose
 * check of the parent's ids by two expressions costs more than all the rest of the decision. Ours are ids that the provider made.
 */
class TraceSampler implements Sampler {
  readonly #root: Sampler

  constructor(root: Sampler) {
    this.#root = root
  }

  shouldSample(context: Context, traceId: string, name: string, kind: SpanKind, attributes: Attributes, links: Link[]): SamplingResult {
    const parent = trace.getSpanContext(context)
    // A parent that is none goes on with no trace.
    const isTop = parent === undefined || parent.isRemote === true || parent.traceId !== traceId
    if (isTop) return this.#root.shouldSample(context, traceId, name, kind, attributes, links)
    return (parent.traceFlags & TraceFlags.SAMPLED) === 0 ? LEFT_OUT : KEPT
  }

  toString(): string {
    return `TraceSampler{${this.#root.toString()}}`
  }
}

const KEEP_ALL = new TraceSampler(new AlwaysOnSampler())
const KEEP_NONE = new TraceSampler(new AlwaysOffSampler())

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

function toResult({ decision, attributes, traceState }: SamplingResult): SamplingResult {
  if (attributes === undefined && traceState === undefined) return { decision }
  const safe = toAttributes(attributes)
  for (const key of IDENTITY_KEYS) delete safe[key]
  return { decision, attributes: safe, ...(traceState === undefined ? {} : { traceState }) }
}
