import { clearTimeout, setTimeout, resolved, NativePromise, NativeSet } from '../builtins.js'
import { toTimerMs } from '../time.js'

interface Waiter {
  readonly beforeSeq: number
  remaining: number
  finish(isSettled: boolean): void
}

/** Numbers what is to be delivered, and lets callers wait until everything numbered before a point is settled. */
export class FlushBarrier {
  #nextSeq = 0
  #unsettled = 0
  #awaitedSeq = 0
  #waiters: Set<Waiter> | undefined

  /** Number the next item will get. */
  get nextSeq(): number {
    return this.#nextSeq
  }

  /** Items numbered and not settled. */
  get unsettled(): number {
    return this.#unsettled
  }

  /** Somebody waits for the items numbered below it; 0 when nobody waits. */
  get awaitedSeq(): number {
    return this.#awaitedSeq
  }

  /** Numbers one item; it is unsettled until {@link settle} names it. */
  admit(): number {
    this.#unsettled++
    return this.#nextSeq++
  }

  /** Counts these items as settled. */
  settle(seqs: readonly number[]): void {
    this.#unsettled -= seqs.length
    if (this.#waiters === undefined) return
    for (const waiter of this.#waiters) {
      for (let at = 0; at < seqs.length; at++) if ((seqs[at] as number) < waiter.beforeSeq) waiter.remaining--
      if (waiter.remaining <= 0) waiter.finish(true)
    }
  }

  /**
   * Waits for the items numbered so far. Resolves true when they are settled, false at the deadline; never rejects. The
   * process stays alive meanwhile.
   */
  wait(timeoutMs: number): Promise<boolean> {
    if (this.#unsettled === 0) return resolved(true)
    return new NativePromise((resolve) => {
      const waiter: Waiter = {
        beforeSeq: this.#nextSeq,
        remaining: this.#unsettled,
        finish: (isSettled) => {
          clearTimeout(timer)
          this.#leave(waiter)
          resolve(isSettled)
        },
      }
      // Not unref-ed: whoever awaits a flush expects the process to live until it settles.
      const timer = setTimeout(() => waiter.finish(false), toTimerMs(timeoutMs))
      this.#waiters ??= new NativeSet()
      this.#waiters.add(waiter)
      this.#awaitedSeq = this.#nextSeq
    })
  }

  #leave(waiter: Waiter): void {
    this.#waiters?.delete(waiter)
    if (this.#waiters?.size !== 0) return
    this.#waiters = undefined
    this.#awaitedSeq = 0
  }
}
