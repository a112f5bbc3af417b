import { NativeSet } from '../builtins.js'
import type { Attributes, Link, Span } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { GuardedSpan } from './guarded-span.js'

/** A copy of somebody else's span among those of a tracer: it has its ids, and becomes what that span is at its end. */
export class SpanCopy {
  readonly #span: Span
  /** What it was opened with, where the original was open still. */
  readonly #before: { readonly attributes: Attributes; readonly links: ReadonlySet<Link> } | undefined
  #isFinished = false

  /**
   * @param span the copy, just opened.
   * @param original what it is a copy of.
   */
  constructor(span: Span, { ended, attributes, links }: ReadableSpan) {
    this.#span = span
    this.#before = ended ? undefined : { attributes: { ...attributes }, links: new NativeSet(links) }
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
    this.#catchUp(original)
    for (const { name, attributes, time } of original.events) span.addEvent(name, attributes, time)
    span.setStatus(original.status)
    noteLosses(span, original)
    if (!original.ended) GuardedSpan.markUnfinished(span)
    span.end(original.ended ? original.endTime : undefined)
  }

  /** Only what is new, so that nothing counts twice against the limits. */
  #catchUp({ name, attributes, links }: ReadableSpan): void {
    const before = this.#before
    if (before === undefined) return
    this.#span.updateName(name)
    for (const key of Object.keys(attributes)) {
      const value = attributes[key]
      if (value !== undefined && value !== before.attributes[key]) this.#span.setAttribute(key, value)
    }
    this.#span.addLinks(links.filter((link) => !before.links.has(link)))
  }
}

/** What the original had already lost is marked on the copy as well. */
function noteLosses(span: object, original: ReadableSpan): void {
  const record = GuardedSpan.recordOf(span)
  if (record === undefined) return
  record.droppedAttributes += original.droppedAttributesCount
  if (original.droppedEventsCount + original.droppedLinksCount > 0) record.isTruncated = true
}
