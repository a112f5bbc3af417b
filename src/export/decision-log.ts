import type { DropReason } from '../semantics/attributes.js'

/** How a span is named in the books. */
export interface SpanName {
  readonly name: string
  readonly spanId: string
  /** What is to be said of it besides, once it was delivered. */
  readonly note?: string | undefined
}

/** Why a span was not exported; `open` for one that is neither. */
type Fate = DropReason | 'open' | undefined

interface Decision {
  spanId: string
  name: string
  fate: Fate
  detail: string
  /** Milliseconds since the Unix epoch. */
  atMs: number
}

/** Decisions kept by one tracer. The list grows with use: most tracers of a pool have a handful. */
const CAPACITY = 1_000

/** The last decisions about spans, a ring. */
export class DecisionLog {
  readonly #now: () => number
  #decisions: Decision[] = []
  #next = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** Records one decision; no reason means exported. */
  add({ spanId, name }: SpanName, reason: Fate, detail: string): void {
    const atMs = this.#now()
    const oldest = this.#decisions[this.#next]
    if (oldest === undefined) this.#append({ spanId, name, fate: reason, detail, atMs })
    else {
      // Once the ring is full nothing is made any more.
      oldest.spanId = spanId
      oldest.name = name
      oldest.fate = reason
      oldest.detail = detail
      oldest.atMs = atMs
    }
    this.#next = (this.#next + 1) % CAPACITY
  }

  /** What is appended to has room for sixteen more, and many a tracer has one span. */
  #append(decision: Decision): void {
    if (this.#decisions.length === 0) this.#decisions = [decision]
    else this.#decisions.push(decision)
  }

  /** Decides about all spans that are `open`. */
  closeOpen(reason: DropReason, detail: string): void {
    for (const decision of this.#decisions) {
      if (decision.fate !== 'open') continue
      decision.fate = reason
      decision.detail = detail
    }
  }

  /** The latest decision about a span id or a span name, as one line, with the name as `show` has it. */
  find(spanIdOrName: string, show: (name: string) => string): string | undefined {
    const { length } = this.#decisions
    for (let back = 1; back <= length; back++) {
      const decision = this.#decisions[(this.#next - back + length) % length]
      if (decision?.spanId === spanIdOrName || decision?.name === spanIdOrName) return toLine(decision, show)
    }
    return undefined
  }
}

function toLine({ spanId, name, fate, detail, atMs }: Decision, show: (name: string) => string): string {
  const time = new Date(atMs).toISOString()
  const subject = `${show(name)} (${spanId})`
  const said = detail === '' ? '' : `: ${detail}`
  if (fate === 'open') return `open: ${subject} has not ended${said}`
  return fate === undefined ? `exported at ${time}: ${subject}${said}` : `dropped: ${fate} at ${time}: ${subject}${said}`
}
