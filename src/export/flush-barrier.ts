/** Lets callers wait until everything before a point is settled. */
export interface Barrier {
  /**
   * Waits for the `unsettled` spans numbered below `beforeSeq`. Resolves true when they are settled, false at the
   * deadline; never rejects. The process stays alive meanwhile.
   */
  wait(beforeSeq: number, unsettled: number, timeoutMs: number): Promise<boolean>
  /** Counts spans `firstSeq` .. `lastSeq` as settled; the numbers of one call need not be contiguous. */
  settled(seqs: readonly number[]): void
  /** Highest sequence number somebody waits for, exclusive; 0 when nobody waits. */
  readonly beforeSeq: number
}

interface Waiter {
  readonly beforeSeq: number
  remaining: number
  finish(isSettled: boolean): void
}

/** Longest delay of a Node timer; above it fires at once. */
const MAX_TIMER_MS = 2_147_483_647

/** Makes a barrier nobody waits at. */
export function createBarrier(): Barrier {
  const waiters = new Set<Waiter>()
  let beforeSeq = 0

  function remove(waiter: Waiter): void {
    waiters.delete(waiter)
    if (waiters.size === 0) beforeSeq = 0
  }

  return {
    wait(before, unsettled, timeoutMs) {
      if (unsettled === 0) return Promise.resolve(true)
      return new Promise((resolve) => {
        const waiter: Waiter = {
          beforeSeq: before,
          remaining: unsettled,
          finish(isSettled) {
            clearTimeout(timer)
            remove(waiter)
            resolve(isSettled)
          },
        }
        // Not unref-ed: whoever awaits a flush expects the process to live until it settles.
        const timer = setTimeout(() => waiter.finish(false), Math.min(MAX_TIMER_MS, Math.max(0, timeoutMs)))
        waiters.add(waiter)
        beforeSeq = Math.max(beforeSeq, before)
      })
    },
    settled(seqs) {
      for (const waiter of waiters) {
        waiter.remaining -= countBelow(seqs, waiter.beforeSeq)
        if (waiter.remaining <= 0) waiter.finish(true)
      }
    },
    get beforeSeq() {
      return beforeSeq
    },
  }
}

function countBelow(seqs: readonly number[], limit: number): number {
  const first = seqs[0]
  const last = seqs[seqs.length - 1]
  if (first === undefined || last === undefined || first >= limit) return 0
  // The numbers ascend, so the last one speaks for all.
  if (last < limit) return seqs.length
  return seqs.findIndex((seq) => seq >= limit)
}
