import type { Scope } from '../context/frame.js'
import type { LateItem } from './late-item.js'
import type { Gathered, Recording } from './recorder.js'

/** Who waits for the items of a result. */
export interface ItemOwner {
  readonly recording: Recording
  /** Somebody reads one: the result is not complete before {@link close}. */
  open(): void
  close(): void
  /** A piece of the answer came. */
  noteAnswer(): void
  noteFailure(error: unknown): void
}

/** What an item that completes later is recorded with: what it gives takes its place in the output of the result that it is of. */
export class ItemRecording implements Recording {
  readonly maxBytes: number
  /** What follows the result, held so that it does not count as let go of while the item is there. */
  readonly audience: object
  readonly #owner: ItemOwner
  readonly #item: LateItem
  #state: 'unread' | 'open' | 'done' = 'unread'

  constructor(owner: ItemOwner, item: LateItem, audience: object) {
    this.maxBytes = item.maxBytes
    this.audience = audience
    this.#owner = owner
    this.#item = item
  }

  get scope(): Scope | undefined {
    return this.#owner.recording.scope
  }

  run<R>(fn: (...args: never[]) => R, self: unknown, args: readonly unknown[]): R {
    this.begin()
    return this.#owner.recording.run(fn, self, args)
  }

  enter(isPartEnough?: boolean): unknown {
    return this.#owner.recording.enter(isPartEnough)
  }

  leave(before: unknown): void {
    this.#owner.recording.leave(before)
  }

  firstChunk(): void {
    this.#owner.noteAnswer()
  }

  begin(): void {
    if (this.#state !== 'unread') return
    this.#state = 'open'
    this.#owner.open()
  }

  gatherWith(gather: () => Gathered): void {
    this.#item.gatherWith(gather)
  }

  succeed(output: unknown): void {
    if (output !== undefined) this.#owner.noteAnswer()
    this.#end(output)
  }

  /** As with an error that an item tells of, the result may go on. */
  fail(error: unknown, output?: unknown): void {
    this.#owner.noteFailure(error)
    this.#end(output)
  }

  #end(output: unknown): void {
    if (this.#state === 'done') return
    const wasOpen = this.#state === 'open'
    this.#state = 'done'
    this.#item.complete(output)
    if (wasOpen) this.#owner.close()
  }
}
