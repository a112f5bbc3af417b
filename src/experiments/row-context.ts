import type { HoneyHiveTracer } from '../tracer/tracer.js'
import type { SourceRow } from './dataset.js'
import { DEFAULT_KEY, type RateLimiter } from './rate-limit.js'
import type { RowRecording } from './row-recording.js'
import type { RowTrace } from './row-trace.js'
import type { Stop } from './stop.js'
import type { EvaluatorContext, RowContext } from './types.js'

/** What the contexts of all rows share. */
interface ContextPlan {
  readonly tracer: HoneyHiveTracer
  readonly runId: string
  readonly limiter: RateLimiter
  readonly recording: RowRecording
}

class Context {
  readonly index: number
  readonly #plan: ContextPlan
  readonly #stop: Stop

  constructor(plan: ContextPlan, { index }: SourceRow, stop: Stop) {
    this.#plan = plan
    this.#stop = stop
    this.index = index
  }

  get tracer(): HoneyHiveTracer {
    this.#plan.recording.note(true)
    return this.#plan.tracer
  }

  get signal(): AbortSignal {
    return this.#stop.signal
  }

  get takeTurn(): RowContext['takeTurn'] {
    return async (key = DEFAULT_KEY) => this.#plan.limiter.take(key, this.#stop)
  }
}

/** What the function of a row receives; made anew for each attempt. */
export class FunctionContext extends Context implements RowContext {
  readonly trial: number
  readonly attempt: number

  constructor(plan: ContextPlan, source: SourceRow, attempt: number, stop: Stop) {
    super(plan, source, stop)
    this.trial = source.trial ?? 1
    this.attempt = attempt
  }
}

/** What an evaluator of a row receives. */
export class JudgeContext extends Context implements EvaluatorContext {
  readonly datapointId: string
  readonly runId: string
  readonly #readTrace: () => RowTrace

  constructor(plan: ContextPlan, source: SourceRow, readTrace: () => RowTrace, stop: Stop) {
    super(plan, source, stop)
    this.datapointId = source.datapointId
    this.runId = plan.runId
    this.#readTrace = readTrace
  }

  get trace(): RowTrace {
    return this.#readTrace()
  }
}
