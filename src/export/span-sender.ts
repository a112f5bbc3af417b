import type { Outcome } from '../otlp/reply.js'
import type { ExportableSpan } from '../otlp/span-writer.js'

/** Limits of one attempt. */
export interface SendOptions {
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** A batch ready to travel, as often as needed. */
export interface ExportRequest {
  /** Size before compression; 0 when it is not known. */
  readonly bytes: number
  /** Makes one attempt; never rejects. */
  send(options: SendOptions): Promise<Outcome>
}

/** Where batches of spans are handed to. */
export interface SpanSender {
  /** Where they go, as a message may show it: address without query and user info, or the kind of exporter. */
  readonly place: string
  /** How many tracers of the process send there. @defaultValue 1 */
  readonly sharers?: number
  /** Waits for what spans cannot be written without, e.g. the key that has to be masked in them. Never rejects. */
  ready?(): Promise<unknown>
  /** Serialises; throws when a span cannot be written. */
  toRequest(spans: readonly ExportableSpan[]): ExportRequest
  /** Sends what it holds itself. */
  forceFlush?(): Promise<void>
  /** Lets go of what it holds. */
  shutdown?(): Promise<void>
}
