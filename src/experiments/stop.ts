import { clearTimeout, setTimeout } from '../builtins.js'
import { HoneyHiveError } from '../errors.js'
import { toTimerMs } from '../time.js'

type Listener = (reason: unknown) => void

/**
 * A way to stop work, like an AbortSignal whose parts cost nothing until they are used: adding and taking away a listener
 * does not depend on how many there are, and the signal is only made for those who ask for it.
 */
export class Stop {
  #listeners: Set<Listener> | undefined
  #stopped: { readonly reason: unknown } | undefined
  #controller: AbortController | undefined

  /** A stop that follows `signal`, for as long as both exist. */
  static from(signal: AbortSignal): Stop {
    const stop = new Stop()
    if (signal.aborted) stop.stop(signal.reason)
    else signal.addEventListener('abort', () => stop.stop(signal.reason), { once: true })
    return stop
  }

  /** Whether it has been stopped. */
  get isStopped(): boolean {
    return this.#stopped !== undefined
  }

  /** The same as a signal. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#stopped !== undefined) this.#controller.abort(this.#stopped.reason)
    return this.#controller.signal
  }

  /** Stops, once. */
  stop(reason: unknown): void {
    if (this.#stopped !== undefined) return
    this.#stopped = { reason }
    const listeners = [...(this.#listeners ?? [])]
    this.#listeners = undefined
    for (const listener of listeners) listener(reason)
    this.#controller?.abort(reason)
  }

  /** Calls `listener` when it stops, at once when it has; what comes back takes the listener away. */
  onStop(listener: Listener): () => void {
    if (this.#stopped !== undefined) {
      listener(this.#stopped.reason)
      return () => undefined
    }
    this.#listeners ??= new Set()
    this.#listeners.add(listener)
    return () => void this.#listeners?.delete(listener)
  }

  /** @throws the reason, when it has been stopped */
  throwIfStopped(): void {
    if (this.#stopped !== undefined) throw this.#stopped.reason
  }
}

/** Settings of {@link withinLimit}. */
export interface LimitOptions {
  readonly timeoutMs: number | undefined
  readonly outer: Stop
  /** Names the work in the error. */
  readonly what: () => string
  /** Names the limit in the error. @defaultValue `'timeoutMs'` */
  readonly option?: string
  /** Called when it settles, before whoever waits. */
  readonly onEnd?: () => void
}

/** Runs `work` with a stop of its own, which stops at the limit or with `outer`; settles at that moment even if `work` does not. */
export function withinLimit<T>(
  work: (stop: Stop) => T | PromiseLike<T>,
  { timeoutMs, outer, what, option = 'timeoutMs', onEnd }: LimitOptions,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    outer.throwIfStopped()
    const stop = new Stop()
    const release = outer.onStop((reason) => stop.stop(reason))
    const timer =
      timeoutMs === undefined ? undefined : setTimeout(() => stop.stop(timedOut(what(), option, timeoutMs)), toTimerMs(timeoutMs))
    let hasSettled = false
    const settle = (): void => {
      if (hasSettled) return
      hasSettled = true
      if (timer !== undefined) clearTimeout(timer)
      release()
      onEnd?.()
    }
    stop.onStop((reason) => {
      settle()
      reject(reason)
    })
    const fail = (error: unknown): void => {
      settle()
      reject(error)
    }
    const finish = (value: T): void => {
      settle()
      resolve(value)
    }
    try {
      const result = work(stop)
      if (isThenable(result)) Promise.resolve(result).then(finish, fail)
      else finish(result)
    } catch (error) {
      fail(error)
    }
  })
}

/** Whether `await` would wait for it. */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function timedOut(what: string, option: string, timeoutMs: number): HoneyHiveError {
  return new HoneyHiveError('EXPERIMENT', `${what} took longer than ${option} (${timeoutMs} ms).`)
}

/** Waits, or stops waiting when `stop` does. */
export function pause(durationMs: number, stop: Stop): Promise<void> {
  return new Promise((resolve) => {
    if (durationMs <= 0 || stop.isStopped) return resolve()
    const finish = (): void => {
      clearTimeout(timer)
      release()
      resolve()
    }
    const timer = setTimeout(finish, toTimerMs(durationMs))
    const release = stop.onStop(finish)
  })
}
