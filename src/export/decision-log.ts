import type { DropReason } from '../semantics/attributes.js'
import type { LedgerSpan } from './ledger.js'

/** The last decisions about spans, kept without making an object per span. */
export interface DecisionLog {
  /** Records one decision; no reason means exported. */
  add(span: LedgerSpan, reason: DropReason | undefined, detail: string): void
  /** The latest decision about a span id or a span name, as one line. */
  find(spanIdOrName: string): string | undefined
}

/** Decisions kept by one tracer. The arrays grow with use, so an idle tracer holds none. */
const CAPACITY = 1_000

/** Makes an empty log. */
export function createDecisionLog(now: () => number): DecisionLog {
  const ids: string[] = []
  const names: string[] = []
  const reasons: (DropReason | undefined)[] = []
  const details: string[] = []
  const times: number[] = []
  let next = 0

  function toLine(at: number): string {
    const time = new Date(times[at] ?? 0).toISOString()
    const reason = reasons[at]
    const detail = details[at] ?? ''
    const subject = `${names[at]} (${ids[at]})`
    if (reason === undefined) return `exported at ${time}: ${subject}`
    return `dropped: ${reason} at ${time}: ${subject}${detail === '' ? '' : `: ${detail}`}`
  }

  return {
    add(span, reason, detail) {
      ids[next] = span.spanId
      names[next] = span.name
      reasons[next] = reason
      details[next] = detail
      times[next] = now()
      next = (next + 1) % CAPACITY
    },
    find(spanIdOrName) {
      for (let back = 1; back <= ids.length; back++) {
        const at = (next - back + ids.length) % ids.length
        if (ids[at] === spanIdOrName || names[at] === spanIdOrName) return toLine(at)
      }
      return undefined
    },
  }
}
