import { type Attributes, type Context, type Link, type SpanContext, type SpanKind, TraceFlags, type TraceState } from '@opentelemetry/api'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  type Sampler,
  SamplingDecision,
  type SamplingResult,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace'
import type { Diagnostics } from '../diagnostics.js'
import { silencePromise } from '../promises.js'
import { isTraceState, toAttributes } from './span-arguments.js'
import { IDENTITY_KEYS } from './span-record.js'

/** A span that is about to start. */
export interface SpanDraft {
  readonly name: string
  readonly kind: SpanKind
  readonly attributes: Attributes
  readonly links: Link[]
  readonly parent: SpanContext | undefined
  readonly traceId: string
  /** What is around it, for the user's own code. */
  readonly context: Context
}

/** What a sampler says of a span. */
export interface Verdict {
  readonly decision: SamplingDecision
  /** Everything it starts with, where the sampler changed that. */
  readonly attributes?: Attributes
  /** Takes the place of its parent's. */
  readonly traceState?: TraceState
}

/** Decides which spans are recorded. Never throws. */
export interface SpanSampler {
  decide(draft: SpanDraft): Verdict
}

/**
 * The sampler of one instance. With a rate, whole traces are kept or not by their trace id, as OpenTelemetry's own ratio
 * sampler does, so that services with the same rate agree; what a remote caller or another instance decided does not count.
 */
export function createSampler(custom: Sampler | undefined, sampleRate: number, diagnostics: Diagnostics): SpanSampler {
  if (custom !== undefined) return new GuardedSampler(custom, diagnostics)
  if (sampleRate >= 1) return KEEP_ALL
  // The ratio sampler reads each trace id, which costs more than the rest of a span that nobody records.
  return sampleRate <= 0 ? KEEP_NONE : new TraceSampler(new TraceIdRatioBasedSampler(sampleRate))
}

const KEPT: Verdict = { decision: SamplingDecision.RECORD_AND_SAMPLED }
const LEFT_OUT: Verdict = { decision: SamplingDecision.NOT_RECORD }

/** Decides at the top of what this process records of a trace, and below it as there: the rule of OpenTelemetry's `ParentBased`. */
class TraceSampler implements SpanSampler {
  readonly #root: Sampler

  constructor(root: Sampler) {
    this.#root = root
  }

  decide({ parent, context, traceId, name, kind, attributes, links }: SpanDraft): Verdict {
    if (parent !== undefined && parent.isRemote !== true) return (parent.traceFlags & TraceFlags.SAMPLED) === 0 ? LEFT_OUT : KEPT
    return this.#root.shouldSample(context, traceId, name, kind, attributes, links)
  }
}

const KEEP_ALL = new TraceSampler(new AlwaysOnSampler())
const KEEP_NONE = new TraceSampler(new AlwaysOffSampler())

/** A sampler of the user, asked for every span of its instance. When it throws, the span is kept. */
class GuardedSampler implements SpanSampler {
  readonly #sampler: Sampler
  readonly #diagnostics: Diagnostics

  constructor(sampler: Sampler, diagnostics: Diagnostics) {
    this.#sampler = sampler
    this.#diagnostics = diagnostics
  }

  decide({ context, traceId, name, kind, attributes, links }: SpanDraft): Verdict {
    try {
      // It may write to what it is given, now and later.
      const given = { ...attributes }
      const result = this.#sampler.shouldSample(context, traceId, name, kind, given, [...links])
      if (silencePromise(result)) return this.#keep('gave a promise')
      return toVerdict(result, given)
    } catch {
      return this.#keep('threw')
    }
  }

  #keep(why: string): Verdict {
    this.#diagnostics.warn('sampler', `the configured sampler ${why}; the span is kept. Check the \`sampler\` option.`)
    return KEPT
  }
}

function toVerdict({ decision, attributes, traceState }: SamplingResult, given: Attributes): Verdict {
  if (SamplingDecision[decision] === undefined) throw new TypeError('a sampling decision is needed')
  const all = toAttributes({ ...given, ...attributes })
  for (const key of IDENTITY_KEYS) delete all[key]
  return { decision, attributes: all, ...(isTraceState(traceState) ? { traceState } : {}) }
}
