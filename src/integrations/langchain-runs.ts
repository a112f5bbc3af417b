import type { OwnedSpan } from '../context/instance.js'
import { isMapLike } from '../options/spec.js'
import type { GuardedSpan } from '../provider/guarded-span.js'
import { readSurroundings, type Surroundings } from '../provider/owner.js'
import type { Current } from '../provider/tracer-provider.js'
import type { EventType } from '../semantics/attributes.js'
import { type Enrichment, enrichSpan } from '../tracer/enrich.js'
import type { TracerInstance } from '../tracer/instance.js'
import { VERSION } from '../version.js'
import { isInterrupt } from './langchain-values.js'

/** Where the runs without a parent belong. */
export interface Place {
  readonly instance: TracerInstance
  readonly at: Surroundings
  readonly current: Current
}

/** The place of the caller, for runs that may start in any context. */
export function readPlace(instance: TracerInstance): Place {
  const at = readSurroundings()
  return { instance, at, current: instance.current(at) }
}

/** What a run starts with. */
export interface RunStart {
  readonly name: string
  readonly eventType: EventType
  readonly tags: unknown
  readonly metadata: unknown
  readonly read: () => Enrichment
}

/** What is recorded of runs besides what they are. */
export interface RunOptions {
  readonly inputs?: boolean | undefined
  readonly outputs?: boolean | undefined
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
}

type RunSpan = ReturnType<TracerInstance['start']>

/** A run that has started and not ended. */
interface Run {
  readonly span: RunSpan
  readonly startedMs: number
  hasToken: boolean
}

const LIBRARY = { name: 'honeyhive-tracer/langchain', version: VERSION }
/** Runs that are open at most: a stream that its reader leaves never ends for LangChain. */
const MAX_RUNS = 10_000

/** The runs of one handler as spans of one tracer: parents are found by the ids of the runs, never by what is active. */
export class LangChainRuns {
  readonly #place: Place
  readonly #options: RunOptions
  readonly #runs = new Map<string, Run>()

  constructor(place: Place, options: RunOptions) {
    this.#place = place
    this.#options = options
  }

  start(runId: unknown, parentRunId: unknown, describe: () => RunStart): void {
    this.#attempt(() => {
      // The same handler may be given twice, to the model and to the call.
      if (typeof runId !== 'string' || this.#runs.has(runId)) return
      const start = describe()
      const parent = typeof parentRunId === 'string' ? this.#runs.get(parentRunId) : undefined
      const span = parent === undefined ? this.#startRoot(start) : this.#startBelow(start, parent.span.honeyhiveSpan)
      this.#remember(runId, { span, startedMs: this.#place.instance.clock.monotonicMs(), hasToken: false })
      const own = parent === undefined ? this.#options.metadata : undefined
      this.#write(span, start.read, { ...toFields(start.metadata), ...toTags(start.tags), langchain_run_id: runId, ...own })
    })
  }

  /** Notes that a part of an answer arrived; the first one tells how long it took. */
  noteToken(runId: unknown): void {
    const run = this.#runs.get(String(runId))
    if (run === undefined || run.hasToken) return
    run.hasToken = true
    this.#attempt(() => {
      const ttftMs = this.#place.instance.clock.monotonicMs() - run.startedMs
      this.#write(run.span, () => ({ metrics: { ttft_ms: ttftMs } }))
    })
  }

  end(runId: unknown, read: () => Enrichment): void {
    this.#finish(runId, (span) => this.#write(span, read))
  }

  fail(runId: unknown, error: unknown, read: () => Enrichment = () => ({})): void {
    this.#finish(runId, (span) => {
      this.#write(span, read)
      if (isInterrupt(error)) this.#write(span, () => ({ outputs: { interrupts: error.interrupts ?? error.name } }))
      else if (isOpen(span)) span.fail(error)
    })
  }

  /**
   * Starts a run without a parent that is known here. Where the handler was made outside of any span, the tracer's own active
   * span around the call is the parent, as long as it is of the same session.
   */
  #startRoot(start: RunStart): RunSpan {
    const { instance, at, current } = this.#place
    if (current.span !== undefined) return instance.start(toRequest(start), at, current)
    const around = instance.current()
    if (around.span !== undefined && around.session.id === current.session.id) return this.#startBelow(start, around.span)
    return instance.start(toRequest(start), at, current)
  }

  #startBelow(start: RunStart, parent: OwnedSpan | undefined): RunSpan {
    const { instance, at, current } = this.#place
    return instance.start({ ...toRequest(start), place: { parent, remoteParent: undefined, isChosen: true } }, at, current)
  }

  #remember(runId: string, run: Run): void {
    this.#runs.set(runId, run)
    if (this.#runs.size <= MAX_RUNS) return
    for (const oldest of this.#runs.keys()) {
      this.#runs.delete(oldest)
      return
    }
  }

  #finish(runId: unknown, finish: (span: RunSpan) => void): void {
    const run = this.#runs.get(String(runId))
    if (run === undefined) return
    this.#runs.delete(String(runId))
    this.#attempt(() => finish(run.span))
    this.#attempt(() => run.span.end())
  }

  /** Values that cannot be read leave the rest of the run as it is. */
  #write(span: RunSpan, read: () => Enrichment, metadata: Readonly<Record<string, unknown>> = {}): void {
    if (!isOpen(span)) return
    const { instance } = this.#place
    const { capture } = instance
    const { settings } = capture
    const found = instance.guard<Enrichment>('langchain', {}, read)
    const about = { ...metadata, ...found.metadata }
    const inputs = (this.#options.inputs ?? settings.inputs) ? found.inputs : undefined
    const outputs = (this.#options.outputs ?? settings.outputs) ? found.outputs : undefined
    enrichSpan(span, { ...found, inputs, outputs, metadata: Object.keys(about).length > 0 ? about : undefined }, (value) =>
      capture.take(value),
    )
  }

  /** LangChain reports what a handler throws as trouble of the program. */
  #attempt(work: () => void): void {
    this.#place.instance.guard('langchain', undefined, work)
  }
}

function toRequest({ name, eventType }: RunStart): { name: string; eventType: EventType; library: typeof LIBRARY } {
  return { name, eventType, library: LIBRARY }
}

/** A span of any copy of this package that records. */
function isOpen(span: RunSpan): span is GuardedSpan {
  return 'addToBucket' in span && span.isRecording()
}

function toFields(value: unknown): object {
  return isMapLike(value) ? value : {}
}

function toTags(tags: unknown): object {
  return Array.isArray(tags) && tags.length > 0 ? { tags } : {}
}
