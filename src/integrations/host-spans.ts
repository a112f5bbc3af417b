import type { SpanContext } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { OwnedSpan } from '../context/instance.js'
import { nextOrder } from '../context/scope.js'
import type { Session } from '../context/session.js'
import type { SpanCopy } from '../provider/span-copy.js'
import type { TracerInstance } from '../tracer/instance.js'

/** Who gets the copy of a span, and in which session. */
export interface Destination {
  readonly instance: TracerInstance
  readonly session: Session
}

/** What is known of one span of the host. */
export class HostSpan {
  /** Who would get its copy. */
  readonly destination: Destination | undefined
  /** Its place in the order of everything that was entered or started. */
  readonly order: number
  /** The span of the same process it was started under. */
  parent: HostSpan | undefined
  /** The span itself, while it is open. */
  original: ReadableSpan | undefined
  copy: SpanCopy | undefined
  isForgotten = false

  constructor(original: ReadableSpan, parent: HostSpan | undefined, destination: Destination | undefined) {
    this.original = original
    this.parent = parent
    this.destination = destination
    this.order = nextOrder()
  }

  /** Whether this is `other` or was started somewhere below it. */
  isWithin(other: HostSpan): boolean {
    for (let at: HostSpan | undefined = this; at !== undefined; at = at.parent) if (at === other) return true
    return false
  }

  /** The span as one of the tracer that gets its copy, for the rule who owns what starts near it. */
  toOwned(context: SpanContext): OwnedSpan {
    return { owner: this.destination?.instance, context, order: this.order, origin: this.order, hasEnded: this.original === undefined }
  }

  /** Whether the copies of both stand in one tree. */
  isKin({ destination }: HostSpan): boolean {
    return destination?.instance === this.destination?.instance && destination?.session.id === this.destination?.session.id
  }
}

/** Open spans that are known at most: a host that forgets to end its spans must not fill the memory. */
const MAX_OPEN = 50_000
/** Spans that are known for a while after their end, because children may start later. */
const MAX_ENDED = 2_048

/** The spans of a host that are open, and the latest that ended. */
export class HostSpans {
  readonly #open = new Map<string, HostSpan>()
  readonly #ended = new Map<string, HostSpan>()
  /** Told of an open span that is given up. */
  readonly #onGiveUp: (span: HostSpan) => void

  constructor(onGiveUp: (span: HostSpan) => void) {
    this.#onGiveUp = onGiveUp
  }

  find(context: SpanContext | undefined): HostSpan | undefined {
    if (context === undefined) return undefined
    const key = toKey(context)
    return this.#open.get(key) ?? this.#ended.get(key)
  }

  add(context: SpanContext, span: HostSpan): void {
    this.#open.set(toKey(context), span)
    if (this.#open.size <= MAX_OPEN) return
    for (const [key, oldest] of this.#open) {
      this.#open.delete(key)
      this.#onGiveUp(oldest)
      forget(oldest)
      return
    }
  }

  /** Takes a span out that ended; `undefined` for one that is not known. */
  end(context: SpanContext): HostSpan | undefined {
    const key = toKey(context)
    const span = this.#open.get(key)
    if (span === undefined) return undefined
    this.#open.delete(key)
    this.#ended.set(key, span)
    if (this.#ended.size > MAX_ENDED) {
      for (const [oldest, ended] of this.#ended) {
        this.#ended.delete(oldest)
        forget(ended)
        break
      }
    }
    return span
  }

  /** Gives everything up that is open. */
  clear(): void {
    const open = [...this.#open.values()]
    this.#open.clear()
    this.#ended.clear()
    for (const span of open) this.#onGiveUp(span)
  }
}

function toKey({ traceId, spanId }: SpanContext): string {
  return `${traceId}${spanId}`
}

/** Cuts chains of spans that each started under the last one, which would grow for ever. */
function forget(span: HostSpan): void {
  span.isForgotten = true
  span.original = undefined
  let { parent } = span
  while (parent?.isForgotten === true && parent.copy === undefined) parent = parent.parent
  span.parent = span.copy === undefined ? parent : undefined
}

/** Copies by span and tracer: two processors on one host make one copy. */
const copies = new WeakMap<ReadableSpan, Map<TracerInstance, SpanCopy>>()

/**
 * Opens the copy of `span`, and first those of its ancestors that pass, so that no child names a parent that does not arrive.
 * Ancestors are looked at as they are now, while they are open; those that do not pass are skipped.
 */
export function openCopy(span: HostSpan, passes: (original: ReadableSpan) => boolean): SpanCopy | undefined {
  const path = span.copy === undefined ? [span] : []
  let above: SpanCopy | undefined
  for (let at = span.parent; at !== undefined && above === undefined && path.length > 0; at = at.parent) {
    if (!at.isKin(span)) continue
    if (at.copy?.parentForChildren !== undefined) above = at.copy
    else if (at.copy === undefined && at.original !== undefined && passes(at.original)) path.push(at)
  }
  for (const at of path.reverse()) {
    at.copy = makeCopy(at, above)
    if (at.copy?.parentForChildren !== undefined) above = at.copy
  }
  return span.copy
}

function makeCopy({ original, destination }: HostSpan, above: SpanCopy | undefined): SpanCopy | undefined {
  if (original === undefined || destination === undefined) return undefined
  const made = copies.get(original) ?? new Map<TracerInstance, SpanCopy>()
  copies.set(original, made)
  const { instance, session } = destination
  const copy = made.get(instance) ?? instance.copy(original, session, above?.parentForChildren)
  made.set(instance, copy)
  return copy
}
