import { resolved } from '../builtins.js'
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Session } from '../context/session.js'
import type { PendingSpan } from '../export/pending-span.js'
import type { SpanWriter } from '../otlp/span-writer.js'
import { resourceOf, scopeOf } from '../provider/finished-span.js'
import { GuardedSpan } from '../provider/guarded-span.js'
import type { SpanRecord } from '../provider/span-record.js'
import { writeSpan } from '../provider/write-span.js'
import { ATTRIBUTE } from '../semantics/attributes.js'

/** Where ended spans go; opened with the first of them. */
export interface SpanSinks {
  readonly spans: { enqueue(span: PendingSpan): void }
  /** Hears when, Unix milliseconds and on the monotonic clock. */
  readonly rest: { noteSpanEnd(session: Session, endedAtMs: number, nowMs: number): void }
}

/** The last processor of every provider: hands what ended and was sampled to the queue of its tracer. */
export class ExportProcessor implements SpanProcessor {
  readonly #owner: { readonly exporters: SpanSinks }

  constructor(owner: { readonly exporters: SpanSinks }) {
    this.#owner = owner
  }

  onStart(): void {
    // Only ended spans are exported.
  }

  onEnd(span: GuardedSpan): void {
    const record = GuardedSpan.recordOf(span)
    if (record?.fate === 'export') this.handOver(span, record)
  }

  /** Queues a span, once; it may be asked again for one whose end was cut short. */
  handOver(span: GuardedSpan, record: SpanRecord): void {
    if (record.isHandedOver) return
    const ended = (record.ended as EndedSpan | undefined) ?? new EndedSpan(span, record)
    record.ended = ended
    const { spans, rest } = this.#owner.exporters
    const endedAtMs = record.data?.endUnixMs
    spans.enqueue(ended)
    record.isHandedOver = true
    if (endedAtMs !== undefined) rest.noteSpanEnd(record.session, Math.ceil(endedAtMs), record.endedMs)
  }

  /** The tracer flushes and closes its queue itself, because it has a time limit and wants to know what arrived. */
  forceFlush(): Promise<void> {
    return resolved(undefined)
  }

  shutdown(): Promise<void> {
    return resolved(undefined)
  }
}

const UNFINISHED = `unfinished, as it was: nothing had ended it (${ATTRIBUTE.unfinished})`

/** An ended span in the queue. */
class EndedSpan implements PendingSpan {
  stage: PendingSpan['stage'] = undefined
  readonly name: string
  readonly #span: GuardedSpan
  readonly #record: SpanRecord

  constructor(span: GuardedSpan, record: SpanRecord) {
    this.#span = span
    this.#record = record
    this.name = record.data?.name ?? ''
  }

  get spanId(): string {
    return this.#record.context.spanId
  }

  get note(): string | undefined {
    return this.#record.isUnfinished ? UNFINISHED : undefined
  }

  get estimatedBytes(): number {
    return this.#record.bytes
  }

  get resource(): ReadableSpan['resource'] {
    return resourceOf(this.#record)
  }

  get instrumentationScope(): ReadableSpan['instrumentationScope'] {
    return scopeOf(this.#record)
  }

  /** What somebody has looked at travels as they left it. */
  writeTo(out: SpanWriter): void {
    if (this.#record.finished !== undefined || !writeSpan(this.#record, out)) out.span(this.toReadable())
  }

  toReadable(): ReadableSpan {
    return GuardedSpan.finish(this.#span)
  }

  release(): void {
    GuardedSpan.release(this.#span)
  }
}
