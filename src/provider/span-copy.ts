import type { Link, Span } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { ATTRIBUTE } from '../semantics/attributes.js'
import { GuardedSpan } from './guarded-span.js'

/** A copy of somebody else's span among those of a tracer: it has its ids, and becomes what that span is at its end. */
export class SpanCopy {
  readonly #span: Span
  /** Links it was opened with. */
  readonly #links: ReadonlySet<Link>
  #isFinished = false

  /**
   * @param span the copy, just opened.
   * @param original what it is a copy of.
   */
  constructor(span: Span, { links }: ReadableSpan) {
    this.#span = span
    this.#links = new Set(links)
  }

  /** The span that children may name as their parent; `undefined` when it will not arrive. */
  get parentForChildren(): GuardedSpan | undefined {
    const record = GuardedSpan.recordOf(this.#span)
    return record?.fate === 'export' ? (this.#span as GuardedSpan) : undefined
  }

  /** Ends the copy as `original` is now. Further calls do nothing. */
  finish(original: ReadableSpan): void {
    if (this.#isFinished) return
    this.#isFinished = true
    const span = this.#span
    span.updateName(original.name)
    span.setAttributes(original.attributes)
    span.addLinks(original.links.filter((link) => !this.#links.has(link)))
    for (const { name, attributes, time } of original.events) span.addEvent(name, attributes, time)
    span.setStatus(original.status)
    noteLosses(span, original)
    if (!original.ended) span.setAttribute(ATTRIBUTE.unfinished, true)
    span.end(original.ended ? original.endTime : undefined)
  }
}

/** What the original had already lost is marked on the copy as well. */
function noteLosses(span: object, original: ReadableSpan): void {
  const record = GuardedSpan.recordOf(span)
  if (record === undefined) return
  record.droppedAttributes += original.droppedAttributesCount
  if (original.droppedEventsCount + original.droppedLinksCount > 0) record.isTruncated = true
}
