import type { Counter, MeterProvider, SpanContext, UpDownCounter } from '@opentelemetry/api'
import { SamplingDecision } from '@opentelemetry/sdk-trace'
import type { Diagnostics } from '../diagnostics.js'
import { VERSION } from '../version.js'

/** By the semantic conventions for metrics of SDKs, https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/#span-metrics. */
const STARTED = 'otel.sdk.span.started'
const LIVE = 'otel.sdk.span.live'
const PARENT_ORIGIN = 'otel.span.parent.origin'
const SAMPLING_RESULT = 'otel.span.sampling_result'
const RESULT = {
  [SamplingDecision.NOT_RECORD]: 'DROP',
  [SamplingDecision.RECORD]: 'RECORD_ONLY',
  [SamplingDecision.RECORD_AND_SAMPLED]: 'RECORD_AND_SAMPLE',
} as const

/** Counts the spans of one tracer with meters of the user's: what they throw stays here. */
export class SpanMetrics {
  readonly #diagnostics: Diagnostics
  #started: Counter | undefined
  #live: UpDownCounter | undefined

  constructor(meters: MeterProvider, diagnostics: Diagnostics) {
    this.#diagnostics = diagnostics
    this.#guard(() => {
      const meter = meters.getMeter('honeyhive-tracer', VERSION)
      this.#started = meter.createCounter(STARTED, { unit: '{span}', description: 'The number of created spans.' })
      this.#live = meter.createUpDownCounter(LIVE, { unit: '{span}', description: 'The number of currently live spans.' })
    })
  }

  started(parent: SpanContext | undefined, decision: SamplingDecision): void {
    const result = RESULT[decision]
    this.#guard(() => this.#started?.add(1, { [PARENT_ORIGIN]: originOf(parent), [SAMPLING_RESULT]: result }))
    if (decision !== SamplingDecision.NOT_RECORD) this.#guard(() => this.#live?.add(1, { [SAMPLING_RESULT]: result }))
  }

  /** @param isSampled as opposed to recorded only. */
  ended(isSampled: boolean): void {
    const result = RESULT[isSampled ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.RECORD]
    this.#guard(() => this.#live?.add(-1, { [SAMPLING_RESULT]: result }))
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch {
      this.#diagnostics.warn(
        'meterProvider',
        'the configured meter provider threw; spans are recorded, and not counted there. Check the `meterProvider` option.',
      )
    }
  }
}

function originOf(parent: SpanContext | undefined): 'none' | 'remote' | 'local' {
  if (parent === undefined) return 'none'
  return parent.isRemote === true ? 'remote' : 'local'
}
