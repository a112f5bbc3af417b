import { HoneyHiveError } from '../errors.js'
import { toTimerMs } from '../time.js'

/** Runs `work` with a signal that aborts at the limit or with `outer`; settles at that moment even if `work` does not. */
export async function withDeadline<T>(
  work: (signal: AbortSignal) => T | PromiseLike<T>,
  { timeoutMs, outer, what }: { readonly timeoutMs: number | undefined; readonly outer: AbortSignal; readonly what: string },
): Promise<T> {
  outer.throwIfAborted()
  const controller = new AbortController()
  const forward = (): void => controller.abort(outer.reason)
  outer.addEventListener('abort', forward, { once: true })
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => controller.abort(timedOut(what, timeoutMs)), toTimerMs(timeoutMs))
  try {
    return await raceAbort(work, controller.signal)
  } finally {
    clearTimeout(timer)
    outer.removeEventListener('abort', forward)
  }
}

function raceAbort<T>(work: (signal: AbortSignal) => T | PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    // Through a promise, so that what `work` throws at once is a rejection and any thenable is awaited.
    Promise.resolve()
      .then(() => work(signal))
      .then(resolve, reject)
  })
}

function timedOut(what: string, timeoutMs: number): HoneyHiveError {
  return new HoneyHiveError('EXPERIMENT', `${what} took longer than timeoutMs (${timeoutMs} ms).`)
}
