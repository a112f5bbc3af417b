import { unixMs, NativeMap } from './builtins.js'
import { writeText } from './output.js'
import { silencePromise } from './promises.js'
import { toOneLine } from './terminal-text.js'
import { hasStackRoom } from './stack-used-up.js'

/** Where the SDK writes about itself. `console` fits; each method receives one finished line. */
export interface Logger {
  /** Takes a line about the SDK's own work; only with `verbose`. */
  debug(message: string): void
  /** Takes a line about something the host should look at; nothing of the host has failed. */
  warn(message: string): void
  /** Takes a line about something that failed for good, e.g. a tracer that can record nothing. */
  error(message: string): void
}

/** Speaks for one tracer: throttled, never throws, never shows a secret. */
export interface Diagnostics {
  /** Whether {@link debug} says anything, for whoever would rather not make a function to find out. */
  readonly isVerbose: boolean
  /** Only with `verbose`; the line is built only when it is wanted. */
  debug(build: () => string): void
  /** At most once per `topic` and minute. */
  warn(topic: string, message: string): void
  /** At most once per `topic` for the life of this tracer. */
  warnOnce(topic: string, message: string): void
}

/** Settings of {@link createDiagnostics}. */
export interface DiagnosticsOptions {
  readonly logger?: Logger | undefined
  readonly verbose?: boolean | undefined
  /** Takes out what no line may show, e.g. the tracer's key. @defaultValue none */
  readonly mask?: ((line: string) => string) | undefined
  /** Text put before every line, e.g. the tracer's label. */
  readonly label?: string | undefined
  /** Milliseconds since some epoch; injected by tests. */
  readonly now?: (() => number) | undefined
}

const REPEAT_AFTER_MS = 60_000

/** The default sink: standard error, because standard output belongs to the host. */
const standardErrorLogger: Logger = {
  debug: (message) => writeLine(message),
  warn: (message) => writeLine(message),
  error: (message) => writeLine(message),
}

/** Builds the voice of one tracer. */
export function createDiagnostics(options: DiagnosticsOptions = {}): Diagnostics {
  return new Voice(options)
}

class Voice implements Diagnostics {
  readonly #options: DiagnosticsOptions
  /** When each topic was last spoken of; most tracers have nothing to say. */
  #lastAt: Map<string, number> | undefined
  #isSpeaking = false

  constructor(options: DiagnosticsOptions) {
    this.#options = options
  }

  get isVerbose(): boolean {
    return this.#options.verbose === true
  }

  debug(build: () => string): void {
    if (this.isVerbose) this.#speak('debug', build())
  }

  warn(topic: string, message: string): void {
    if (this.#isDue(topic, REPEAT_AFTER_MS)) this.#speak('warn', message)
  }

  warnOnce(topic: string, message: string): void {
    if (this.#isDue(topic, Number.POSITIVE_INFINITY)) this.#speak('warn', message)
  }

  #speak(level: keyof Logger, said: string): void {
    const { logger = standardErrorLogger } = this.#options
    const line = this.#toLine(said)
    // A logger that is traced itself would be told of its own spans for ever.
    if (this.#isSpeaking) return writeLine(line)
    this.#isSpeaking = true
    try {
      callHook(() => logger[level](line))
    } catch {
      writeLine(this.#toLine(`the configured logger threw; message was: ${said}`))
    } finally {
      this.#isSpeaking = false
    }
  }

  #toLine(said: string): string {
    const { label, mask } = this.#options
    const line = `${label === undefined ? '[honeyhive]' : `[honeyhive ${label}]`} ${said}`
    return toOneLine(mask === undefined ? line : mask(line))
  }

  #isDue(topic: string, everyMs: number): boolean {
    const { now = unixMs } = this.#options
    const time = now()
    const last = this.#lastAt?.get(topic)
    if (last !== undefined && time - last < everyMs) return false
    // It is said the next time.
    if (!hasStackRoom()) return false
    this.#lastAt ??= new NativeMap()
    this.#lastAt.set(topic, time)
    return true
  }
}

/**
 * Calls a function of the user's that gives nothing back. What it rejects with later reaches nobody.
 *
 * @throws what the function throws.
 */
export function callHook(hook: () => unknown): void {
  silencePromise(hook())
}

function writeLine(message: string): void {
  writeText('stderr', `${message}\n`)
}
