import { NativePromise, clearTimeout, delay, setTimeout } from './builtins.js'

/** Longest delay that Node's timers keep, milliseconds: 24.8 days. Above it they warn on standard error and fire after 1 ms. */
export const MAX_TIMER_MS = 2_147_483_647

/** A delay that a timer keeps: from 0 to {@link MAX_TIMER_MS}, where `Infinity` ends too; what is no number becomes 0. */
export function toTimerMs(delayMs: number): number {
  return delayMs > 0 ? Math.min(delayMs, MAX_TIMER_MS) : 0
}

/**
 * Waits for `work`, but no longer than `limitMs` milliseconds; keeps the process alive meanwhile.
 *
 * @returns whether `work` was done in time. Rejects as `work` does, unless the limit came first.
 */
export async function withinMs(work: PromiseLike<unknown>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  try {
    return await new NativePromise<boolean>((resolve, reject) => {
      timer = setTimeout(resolve, toTimerMs(limitMs), false)
      void passOn(work, resolve, reject)
    })
  } finally {
    clearTimeout(timer)
  }
}

async function passOn(work: PromiseLike<unknown>, resolve: (isDone: true) => void, reject: (reason: unknown) => void): Promise<void> {
  try {
    await work
    resolve(true)
  } catch (error) {
    reject(error)
  }
}

/** How {@link pause} waits. */
export interface PauseOptions {
  /** Ends the pause early. */
  readonly signal?: AbortSignal | undefined
  /** Whether the pause keeps the process alive. @defaultValue true */
  readonly ref?: boolean
}

/** Waits `delayMs` milliseconds, or until `signal` aborts; it never rejects. */
export async function pause(delayMs: number, { signal, ref = true }: PauseOptions = {}): Promise<void> {
  // Only an abort rejects it, and an abort means that there is nothing to wait for.
  try {
    await delay(toTimerMs(delayMs), undefined, { ref, ...(signal && { signal }) })
  } catch {
    return
  }
}
