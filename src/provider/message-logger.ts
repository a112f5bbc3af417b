import { NativeWeakMap } from '../builtins.js'
import { type Context, context, trace } from '@opentelemetry/api'
import type { Logger, LoggerOptions, LoggerProvider, LogRecord } from '@opentelemetry/api-logs'
import type { OwnedSpan } from '../context/instance.js'
import type { Diagnostics } from '../diagnostics.js'
import { isObject, toNonEmptyText } from '../semantics/json.js'
import { joinAnswers, type MessageEvent, readMessageEvent } from '../semantics/message-events.js'
import type { ChatMessage } from '../semantics/messages.js'
import { type Snapshot, toSnapshot } from '../values/snapshot.js'
import { describeThrown } from '../values/thrown.js'
import { GuardedSpan } from './guarded-span.js'
import { findOwned } from './owner.js'

/**
 * A logger provider for instrumentors that write messages as log events: those that belong to a span of ours become its inputs and
 * outputs. The application's own logger provider gets every record as well, as if this one was not there.
 */
export class MessageLoggerProvider implements LoggerProvider {
  readonly #diagnostics: Diagnostics
  /** Answers so far: they come one by one, or in parts. */
  readonly #answers = new NativeWeakMap<OwnedSpan, readonly ChatMessage[]>()

  constructor(diagnostics: Diagnostics) {
    this.#diagnostics = diagnostics
  }

  getLogger(name: string, version?: string, options?: LoggerOptions): Logger {
    const loggers = new NativeWeakMap<LoggerProvider, Logger>()
    // Looked up each time: the application may register its provider later.
    const findHost = (): Logger | undefined => {
      const provider = findHostProvider()
      if (provider === undefined) return undefined
      const known = loggers.get(provider) ?? provider.getLogger(name, version, options)
      loggers.set(provider, known)
      return known
    }
    return {
      enabled: () => true,
      emit: (record) => {
        this.#attach(record)
        findHost()?.emit(record)
      },
    }
  }

  #attach(record: LogRecord): void {
    try {
      const { attributes = {}, body } = record
      const name = toNonEmptyText(record.eventName) ?? toNonEmptyText(attributes['event.name'])
      const event = name === undefined ? undefined : readMessageEvent(name, body, isObject(attributes) ? attributes : {})
      const span = event === undefined ? undefined : findSpan(record.context)
      if (event === undefined || span === undefined) return
      if (span.isRecording()) this.#write(span, event)
      else if (span.hasEnded)
        this.#diagnostics.warnOnce('late event', `${name} of ${String(span)} came after its end, so its messages are lost.`)
    } catch (error) {
      this.#diagnostics.warn('event', `a log event could not be read: ${describeThrown(error).message}`)
    }
  }

  #write(span: GuardedSpan, { inputs, outputs, tools, isWhole }: MessageEvent): void {
    const take = (value: unknown): Snapshot => toSnapshot(value, { maxBytes: maxBytesOf(span) })
    // Told as a whole, later ones say the same again, with more.
    if (isWhole && inputs.length > 0) span.addToBucket('inputs', take({ chat_history: inputs }))
    else for (const message of inputs) span.appendToBucket('inputs', 'chat_history', take(message))
    if (tools !== undefined) span.addToBucket('config', take({ tools }))
    if (outputs.length > 0) span.addToBucket('outputs', take(this.#joinOutputs(span, outputs, isWhole)))
  }

  /** One answer is the outputs; several, which the caller asked for, are listed. An answer told as a whole may come in parts. */
  #joinOutputs(span: OwnedSpan, outputs: readonly ChatMessage[], isWhole: boolean): object {
    const before = this.#answers.get(span) ?? []
    const [one, ...others] = [...before, ...outputs]
    const isInParts = isWhole && before.length === 1 && outputs.length === 1
    const answers = one === undefined ? [] : isInParts ? [others.reduce(joinAnswers, one)] : [one, ...others]
    this.#answers.set(span, answers)
    return answers.length === 1 ? { ...answers[0] } : { chat_history: answers }
  }
}

function maxBytesOf(span: GuardedSpan): number {
  return GuardedSpan.recordOf(span)?.owner.maxBucketBytes ?? 0
}

const LOGS_KEY = Symbol.for('io.opentelemetry.js.api.logs')
const LOGS_VERSION = 1

/** The application's logger provider, where every version of OpenTelemetry's logs API keeps it. */
function findHostProvider(): LoggerProvider | undefined {
  return (globalThis as { readonly [LOGS_KEY]?: (version: number) => LoggerProvider | undefined })[LOGS_KEY]?.(LOGS_VERSION)
}

/** The span a record belongs to: that of its context, and no other. */
function findSpan(at: Context | undefined): GuardedSpan | undefined {
  const owned = findOwned(trace.getSpan(at ?? context.active()))
  return owned instanceof GuardedSpan ? owned : undefined
}
