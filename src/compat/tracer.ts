import type { Tracer as OtelTracer } from '@opentelemetry/api'
import type { TracerOptions } from '../config/options.js'
import { bindTo } from '../tracer/bind.js'
import { flushAll } from '../tracer/process.js'
import { processDiagnostics } from '../tracer/registry.js'
import { HoneyHiveTracer as Tracer } from '../tracer/tracer.js'
import { enrichFor, type EnrichSessionParams, enrichSpan, type EnrichSpanParams, traceAs, type TraceFunctionOptions } from './tracing.js'

// biome-ignore lint/suspicious/noExplicitAny: the declarations of the old package, which programs were compiled against
type AnyRecord = Record<string, any>
// biome-ignore lint/suspicious/noExplicitAny: as above
type AnyFunction = (...args: any[]) => any

/** @deprecated Use `TracerOptions` of `honeyhive-tracer`. */
export interface HoneyHiveTracerProperties {
  readonly apiKey: string | undefined
  readonly project: string | undefined
  readonly sessionId: string | undefined
  readonly serverUrl: string
  readonly sessionName: string
  readonly source: string
  readonly inputs: AnyRecord
  readonly metadata: AnyRecord
  /** @deprecated Not taken: give instances in `instrumentations` of `honeyhive-tracer`'s `HoneyHiveTracer.init`. */
  readonly instrumentModules?: AnyRecord
  readonly verbose: boolean
  readonly isEvaluation: boolean
  readonly disableBatch: boolean
  /** @deprecated HTTP is traced only by an instrumentation of your own. */
  readonly disableHttpTracing: boolean
  readonly runId?: string | undefined
  readonly datasetId?: string | undefined
  readonly datapointId?: string | undefined
}

/**
 * A tracer under its old names. Unlike there, each is its own: key, server and session of one reach no other.
 *
 * @deprecated Use `HoneyHiveTracer` of `honeyhive-tracer`; its `init` is synchronous.
 */
export class HoneyHiveTracer {
  readonly #tracer: Tracer
  readonly #given: Partial<HoneyHiveTracerProperties>

  private constructor(tracer: Tracer, given: Partial<HoneyHiveTracerProperties>) {
    this.#tracer = tracer
    this.#given = given
  }

  /**
   * Makes a tracer and starts its session. Never rejects: with wrong settings the tracer records nothing, and a warning says why.
   *
   * @deprecated Write `HoneyHiveTracer.init({ … })` of `honeyhive-tracer`: it needs no `await`, and throws for wrong settings.
   */
  static async init(params: Partial<HoneyHiveTracerProperties> = {}): Promise<HoneyHiveTracer> {
    const { instrumentModules, disableHttpTracing: _, ...options } = params ?? {}
    if (instrumentModules !== undefined)
      processDiagnostics.warn(
        'compat-instrument',
        'HoneyHiveTracer.init: "instrumentModules" is not taken. Give instances in "instrumentations" of honeyhive-tracer\'s HoneyHiveTracer.init.',
      )
    const tracer = openTracer(options)
    if (tracer.isEnabled) tracer.instance.ensureSession(tracer.instance.ownSession)
    return new HoneyHiveTracer(tracer, params ?? {})
  }

  /** Sends what every tracer has recorded. @deprecated Write `flushAll()` of `honeyhive-tracer`. */
  static async flush(): Promise<void> {
    await flushAll()
  }

  /** Adds to the active span. @deprecated Write `enrichSpan({ … })` of `honeyhive-tracer`. */
  static enrichSpan(params: EnrichSpanParams = {}): void {
    enrichSpan(params)
  }

  /** The tracer behind this one, for parts of a program that have moved already. */
  get tracer(): Tracer {
    return this.#tracer
  }

  /** @deprecated Keep the key where it came from: tracers of `honeyhive-tracer` show it nowhere. */
  get apiKey(): string | undefined {
    return this.#given.apiKey
  }

  /** @deprecated Use `tracer.project`; the key selects the project. */
  get project(): string | undefined {
    return this.#tracer.project
  }

  /** The session; `undefined` for a tracer that records nothing. @deprecated Use `tracer.sessionId`. */
  get sessionId(): string | undefined {
    return this.#tracer.isEnabled ? this.#tracer.sessionId : undefined
  }

  /** @deprecated Use `tracer.serverUrl`. */
  get serverUrl(): string {
    return this.#tracer.serverUrl
  }

  /** @deprecated Use `tracer.sessionName`. */
  get sessionName(): string {
    return this.#tracer.sessionName
  }

  /** @deprecated Use `tracer.source`. */
  get source(): string {
    return this.#tracer.source
  }

  /** @deprecated Keep what you gave. */
  get inputs(): AnyRecord {
    return this.#given.inputs ?? {}
  }

  /** @deprecated Keep what you gave. */
  get metadata(): AnyRecord {
    return this.#given.metadata ?? {}
  }

  /** @deprecated Keep what you gave. */
  get disableBatch(): boolean {
    return this.#given.disableBatch ?? false
  }

  /** @deprecated Keep what you gave. */
  get isEvaluation(): boolean {
    return this.#given.isEvaluation ?? false
  }

  /** @deprecated Keep what you gave. */
  get runId(): string | undefined {
    return this.#given.runId
  }

  /** @deprecated Keep what you gave. */
  get datasetId(): string | undefined {
    return this.#given.datasetId
  }

  /** @deprecated Keep what you gave. */
  get datapointId(): string | undefined {
    return this.#given.datapointId
  }

  /** @deprecated Keep what you gave. */
  get verbose(): boolean {
    return this.#given.verbose ?? false
  }

  /** @deprecated HTTP is traced only by an instrumentation of your own. */
  get disableHttpTracing(): boolean {
    return this.#given.disableHttpTracing ?? false
  }

  /** The session, which `init` has started. @deprecated Write `tracer.createSession({ … })` for another one. */
  async startSession(): Promise<string | null> {
    return this.sessionId ?? null
  }

  /** Adds to the session. @deprecated Write `tracer.enrichSession({ … })`. */
  async enrichSession(params: EnrichSessionParams = {}): Promise<void> {
    await this.#tracer.enrichSession({ ...params })
  }

  /** For the AI SDK and others that take a tracer of OpenTelemetry. @deprecated Use `tracer.otelTracer`. */
  getTracer(): OtelTracer {
    return this.#tracer.otelTracer
  }

  /** Records calls of a function. @deprecated Write `traceFn(tracer, func, { eventType, argNames })`. */
  traceFunction(options: TraceFunctionOptions = {}): <F extends AnyFunction>(func: F) => F {
    return (func) => traceAs(this.#tracer, func, options)
  }

  /** @deprecated Write `traceFn(tracer, func, { eventType: 'model', argNames })`. */
  traceModel<F extends AnyFunction>(func: F, options: Omit<TraceFunctionOptions, 'eventType'> = {}): F {
    return traceAs(this.#tracer, func, { ...options, eventType: 'model' })
  }

  /** @deprecated Write `traceFn(tracer, func, { eventType: 'tool', argNames })`. */
  traceTool<F extends AnyFunction>(func: F, options: Omit<TraceFunctionOptions, 'eventType'> = {}): F {
    return traceAs(this.#tracer, func, { ...options, eventType: 'tool' })
  }

  /** @deprecated Write `traceFn(tracer, func, { eventType: 'chain', argNames })`. */
  traceChain<F extends AnyFunction>(func: F, options: Omit<TraceFunctionOptions, 'eventType'> = {}): F {
    return traceAs(this.#tracer, func, { ...options, eventType: 'chain' })
  }

  /** Records a call of a model from what is known of it. @deprecated Write `tracer.startSpan(name, { eventType: 'model', … })` and `span.end()`. */
  logModel(params: EnrichSpanParams = {}): void {
    this.traceModel(() => enrichFor(this.#tracer, params), { eventName: params.eventName ?? 'model event' })()
  }

  /** Runs `fn` with this tracer as the active one; records nothing of `fn` itself. @deprecated Write `tracer.bind(fn)(…)`, or `tracer.withSession({ … }, fn)`. */
  trace<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
    return bindTo(this.#tracer.instance, fn)(...args)
  }

  /** Adds to the active span of this tracer. @deprecated Write `tracer.enrichSpan({ … })`. */
  enrichSpan(params: EnrichSpanParams = {}): void {
    enrichFor(this.#tracer, params)
  }

  /** Sends what this tracer has recorded. @deprecated Write `tracer.forceFlush()`. */
  async flush(): Promise<void> {
    await this.#tracer.forceFlush()
  }
}

/** The old package never threw; settings that are wrong make a tracer that records nothing. */
function openTracer(options: TracerOptions): Tracer {
  try {
    return Tracer.init(options)
  } catch (error) {
    processDiagnostics.warn(
      'compat-init',
      `this tracer records nothing: ${error instanceof Error ? error.message : 'its settings cannot be read'}`,
    )
    return Tracer.init({ disabled: true })
  }
}
