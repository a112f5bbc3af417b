import { takeSnapshot } from '../values/snapshot.js'
import type { Plain } from '../values/plain.js'
import type { Gathered } from './recorder.js'

/** The place of an item that completes later than it is handed out: as it came, until there is something of what it gives. */
export class LateItem {
  /** Most bytes that are kept of what it gives. */
  readonly maxBytes: number
  readonly #resize: (before: number, after: number) => void
  #value: Plain
  #bytes: number
  #gather: (() => Gathered) | undefined

  /** @param resize told of the bytes it takes before and after it is complete. */
  constructor(value: Plain, bytes: number, maxBytes: number, resize: (before: number, after: number) => void) {
    this.#value = value
    this.#bytes = bytes
    this.maxBytes = maxBytes
    this.#resize = resize
  }

  /** Told where to ask for what was read of it so far. */
  gatherWith(gather: () => Gathered): void {
    this.#gather = gather
  }

  /** It gives no more than `output`; `undefined` leaves it as it came. */
  complete(output: unknown): void {
    this.#gather = undefined
    const before = this.#bytes
    if (output !== undefined) {
      const { value, bytes } = takeSnapshot(output, this.maxBytes)
      this.#value = value
      this.#bytes = bytes
    }
    this.#resize(before, this.#bytes)
  }

  read(): unknown {
    return this.#gather?.().output ?? this.#value
  }
}
