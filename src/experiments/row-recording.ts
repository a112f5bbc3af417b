/** Rows that are recorded whole before it is known that nobody looks. */
const PROBED_ROWS = 5
/** Rows that may be under way before that is known. */
const MAX_UNDECIDED_ROWS = 1_000

/**
 * Whether the rows of a run need spans of their own. With a server they do. Without one their only readers are the program and its
 * evaluators: where neither records anything in the first rows, nor asks for the tracer, later ones do without until one does.
 */
export class RowRecording {
  /** Nothing leaves this process, and no processor of the program sees spans. */
  readonly isLocal: boolean
  #quietRows = 0
  #startedRows = 0
  #isUsed = false
  #hasSpans = false

  constructor(isLocal: boolean) {
    this.isLocal = isLocal
  }

  /** Whether the row that starts now needs spans of its own. */
  start(): boolean {
    if (!this.isLocal || this.#isUsed) return true
    this.#startedRows += 1
    return this.#quietRows < PROBED_ROWS && this.#startedRows <= MAX_UNDECIDED_ROWS
  }

  /** Whether the program recorded a span of its own in any row. */
  get hasSpans(): boolean {
    return this.#hasSpans
  }

  /** Says that the program recorded a span of its own. */
  noteSpans(): void {
    this.#hasSpans = true
  }

  /** Says of a row that was recorded whether the program added something. */
  note(isUsed: boolean): void {
    if (isUsed) this.#isUsed = true
    else this.#quietRows += 1
  }
}
