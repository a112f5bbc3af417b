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

/** Decisions kept by one tracer. The arrays grow with use. */
const CAPACITY = 1_000

/** The last decisions about spans, kept without making an object per span. */
export class DecisionLog {
  readonly #now: () => number
  readonly #ids: string[] = []
  readonly #names: string[] = []
  readonly #reasons: Fate[] = []
  readonly #details: string[] = []
  readonly #times: number[] = []
  #next = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** Records one decision; no reason means exported. */
  add({ spanId, name }: SpanName, reason: Fate, detail: string): void {
    const at = this.#next
    this.#ids[at] = spanId
    this.#names[at] = name
    this.#reasons[at] = reason
    this.#details[at] = detail
    this.#times[at] = this.#now()
    this.#next = (at + 1) % CAPACITY
  }

  /** Decides about all spans that are `open`. */
  closeOpen(reason: DropReason, detail: string): void {
    for (const [at, known] of this.#reasons.entries()) {
      if (known !== 'open') continue
      this.#reasons[at] = reason
      this.#details[at] = detail
    }
  }

  /** The latest decision about a span id or a span name, as one line. */
  find(spanIdOrName: string): string | undefined {
    const { length } = this.#ids
    for (let back = 1; back <= length; back++) {
      const at = (this.#next - back + length) % length
      if (this.#ids[at] === spanIdOrName || this.#names[at] === spanIdOrName) return this.#toLine(at)
    }
    return undefined
  }

  #toLine(at: number): string {
    const time = new Date(this.#times[at] ?? 0).toISOString()
    const reason = this.#reasons[at]
    const detail = this.#details[at] ?? ''
    const subject = `${this.#names[at]} (${this.#ids[at]})`
    const said = detail === '' ? '' : `: ${detail}`
    if (reason === 'open') return `open: ${subject} has not ended${said}`
    return reason === undefined ? `exported at ${time}: ${subject}${said}` : `dropped: ${reason} at ${time}: ${subject}${said}`
  }
}
