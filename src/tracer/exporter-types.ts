import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { RestClient } from '../api/client.js'
import type { Session } from '../context/session.js'
import type { BatchSpanProcessor } from '../export/batch-span-processor.js'

/** One REST call a tracer in test mode would have made. */
export interface RecordedCall {
  readonly kind: 'startSession' | 'updateEvent' | 'createEvent'
  readonly body: Readonly<Record<string, unknown>>
}

/** What a tracer in test mode kept instead of sending it. */
export interface Memory {
  readonly spans: ReadableSpan[]
  readonly calls: RecordedCall[]
}

/** REST calls made in the background. They never reject; false means that the call was lost. */
export interface RestCalls extends Pick<RestClient, 'startSession' | 'updateEvent' | 'createEvent' | 'flush'> {
  /** Told of the end of each exported span, Unix milliseconds; its session ends no earlier. */
  noteSpanEnd(session: Session, endedAtMs: number, nowMs: number): void
}

/** The ways out of one instance. */
export interface Exporters {
  readonly spans: Pick<BatchSpanProcessor, 'enqueue'>
  readonly rest: RestCalls
  /** Filled in test mode only. */
  readonly memory: Memory | undefined
  /** Waits for both ways and for a replay of the spool. @returns true only if everything arrived. */
  flush(timeoutMs: number): Promise<boolean>
  /** Flushes both ways within the time, then closes them. @returns true only if everything arrived. */
  shutdown(timeoutMs: number): Promise<boolean>
}
