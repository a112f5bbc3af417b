import { clearImmediate, clearTimeout, monotonicMs, setImmediate, setTimeout } from '../builtins.js'
import type { ResolvedBatch } from '../config/resolved.js'
import type { Diagnostics } from '../diagnostics.js'
import { Backoff } from './backoff.js'
import { runDetached } from './detached.js'
import { FlushBarrier } from './flush-barrier.js'
import type { SendOptions } from './span-sender.js'
import type { SpanStats } from './stats.js'

/** What travels in one request: a batch of spans, or one REST call. */
export interface PumpJob {
  /** When the first attempt began, on the pump's clock. */
  firstAttemptAtMs: number | undefined
  /** The last trouble; empty while there was none. */
  lastError: string
}

/** An attempt that failed in a way that may pass. */
export interface Retry {
  readonly kind: 'retry'
  /** The server's own wish, milliseconds. */
  readonly afterMs: number | undefined
  readonly detail: string
  /** Whether it lasts until somebody changes something, so that it is said at once. @defaultValue false */
  readonly isLasting?: boolean
}

/**
 * Where a {@link Pump} gets its jobs and what becomes of them. A job is in one place at any time: with its source, waiting
 * in the pump, or under way; each method that ends a job is called when the pump has let go of it.
 */
export interface PumpSource<J extends PumpJob, O extends { readonly kind: string }> {
  /** Milliseconds until {@link take} has a job; `undefined` when only an event can change that. */
  readyInMs(): number | undefined
  take(): J | undefined
  /** Makes a job ready to be sent. An outcome ends the job unsent. */
  prepare?(job: J, signal: AbortSignal): Promise<O | undefined>
  /** Makes one attempt. */
  send(job: J, options: SendOptions): Promise<O | Retry>
  /** Takes what a job came to; gives back the jobs that go in its place. */
  conclude(job: J, outcome: O): readonly J[]
  /** Ends a job that is lost: its time for retries is over, or a fault of our own. */
  lose(job: J, reason: 'retryExhausted' | 'internal', detail: string): void
  /** Ends these jobs and all that were not taken yet. */
  giveUp(jobs: readonly J[]): void
  /** What was lost so far. */
  readonly losses: number
}

/** Parts and settings of a {@link Pump}. */
export interface PumpOptions {
  /** Attempts at the same time, the limit of each, and how long one job is tried, from its first attempt. */
  readonly limits: Pick<ResolvedBatch, 'concurrency' | 'exportTimeoutMs' | 'retryBudgetMs'>
  readonly stats: SpanStats
  readonly diagnostics: Diagnostics
  /** Milliseconds, monotonic. @defaultValue `performance.now` */
  readonly now?: (() => number) | undefined
  /** Between 0 and 1. @defaultValue `Math.random` */
  readonly random?: (() => number) | undefined
}

interface Flight<J> {
  readonly job: J
  readonly controller: AbortController
}

/**
 * Moves the jobs of one source to the server: off the host's stack, a few at a time, with retries and one backoff for all
 * of them, and with a true flush: true only when all that was numbered before the call has arrived.
 */
export class Pump<J extends PumpJob, O extends { readonly kind: string }> {
  /** Numbers what is to be delivered. */
  readonly barrier: FlushBarrier = new FlushBarrier()
  readonly #source: PumpSource<J, O>
  readonly #options: PumpOptions
  readonly #backoff: Backoff
  readonly #now: () => number
  /** Jobs that go before new ones: retries and parts of larger ones. */
  #waiting: J[] = []
  #flights: Flight<J>[] = []
  #timer: NodeJS.Timeout | undefined
  #timerAtMs = 0
  #nextTurn: NodeJS.Immediate | undefined
  #seenLosses = 0

  constructor(source: PumpSource<J, O>, options: PumpOptions) {
    this.#source = source
    this.#options = options
    this.#now = options.now ?? monotonicMs
    this.#backoff = new Backoff(options.limits.concurrency, this.#now, options.random)
  }

  /** Plans the next turn. Called when the source may have got a job. */
  wake(): void {
    if (this.#nextTurn !== undefined) return
    const waitMs = this.#nextTurnMs()
    if (waitMs === undefined) return
    if (this.#timer !== undefined && this.#now() + waitMs >= this.#timerAtMs) return
    this.#clearTimer()
    runDetached(() => this.#plan(waitMs))
  }

  /** Waits for what was numbered so far; true when all of it arrived and nothing was lost since the last time. Never rejects. */
  flush(timeoutMs: number): Promise<boolean> {
    return this.#settle(timeoutMs, false)
  }

  /** Like {@link flush}, then gives up what is left. */
  drain(timeoutMs: number): Promise<boolean> {
    return this.#settle(timeoutMs, true)
  }

  /** Ends all jobs at once, with those under way stopped. */
  giveUp(): void {
    const flights = this.#flights
    const jobs = [...flights.map(({ job }) => job), ...this.#waiting]
    this.#flights = []
    this.#waiting = []
    this.#clearTimer()
    clearImmediate(this.#nextTurn)
    this.#nextTurn = undefined
    for (const { controller } of flights) controller.abort()
    this.#source.giveUp(jobs)
  }

  /** The job that matches among those taken and not ended. */
  find(matches: (job: J) => boolean): { readonly job: J; readonly isUnderWay: boolean } | undefined {
    const flight = this.#flights.find(({ job }) => matches(job))
    if (flight !== undefined) return { job: flight.job, isUnderWay: true }
    const job = this.#waiting.find(matches)
    return job === undefined ? undefined : { job, isUnderWay: false }
  }

  #plan(waitMs: number): void {
    if (waitMs > 0) {
      this.#timerAtMs = this.#now() + waitMs
      this.#timer = setTimeout(this.#turn, waitMs)
      this.#timer.unref()
    } else {
      this.#nextTurn = setImmediate(this.#turn)
    }
  }

  #clearTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Milliseconds until there is something to send; `undefined` when only an event can change that. */
  #nextTurnMs(): number | undefined {
    if (this.#flights.length >= this.#backoff.slots) return undefined
    const readyInMs = this.#waiting.length > 0 ? 0 : this.#source.readyInMs()
    return readyInMs === undefined ? undefined : Math.max(readyInMs, this.#backoff.waitMs)
  }

  /** Sends one job; further ones wait for the next turn of the event loop. */
  readonly #turn = (): void => {
    this.#nextTurn = undefined
    this.#timer = undefined
    // Timers may fire a fraction of a millisecond early.
    if ((this.#nextTurnMs() ?? Number.POSITIVE_INFINITY) < 1) {
      const job = this.#waiting.shift() ?? this.#source.take()
      if (job !== undefined) void this.#deliver({ job, controller: new AbortController() })
    }
    this.wake()
  }

  async #deliver(flight: Flight<J>): Promise<void> {
    const { job, controller } = flight
    this.#flights.push(flight)
    try {
      const outcome = await this.#source.prepare?.(job, controller.signal)
      if (outcome === undefined) await this.#attempt(flight)
      else if (this.#land(flight)) this.#conclude(job, outcome)
    } catch (error) {
      if (this.#land(flight)) this.#source.lose(job, 'internal', `delivery failed: ${error instanceof Error ? error.name : typeof error}`)
    }
    this.wake()
  }

  async #attempt(flight: Flight<J>): Promise<void> {
    const { job, controller } = flight
    if (controller.signal.aborted) return
    const startedAtMs = this.#now()
    job.firstAttemptAtMs ??= startedAtMs
    const outcome = await this.#source.send(job, { timeoutMs: this.#options.limits.exportTimeoutMs, signal: controller.signal })
    if (!this.#land(flight)) return
    if (isRetry(outcome)) return this.#retry(job, outcome, startedAtMs)
    this.#backoff.answered()
    this.#conclude(job, outcome)
  }

  #conclude(job: J, outcome: O): void {
    const parts = this.#source.conclude(job, outcome)
    this.#waiting.unshift(...parts)
  }

  /** Frees the slot; false when the job was given up meanwhile, so that it is counted already. */
  #land(flight: Flight<J>): boolean {
    const at = this.#flights.indexOf(flight)
    if (at >= 0) this.#flights.splice(at, 1)
    return at >= 0
  }

  #retry(job: J, { afterMs, detail, isLasting }: Retry, startedAtMs: number): void {
    job.lastError = detail
    this.note(detail)
    if (isLasting === true) this.#options.diagnostics.warn('delivery', `${detail.replace(/\.$/, '')}. It is tried again meanwhile.`)
    this.#waiting.unshift(job)
    this.#dropSpent(this.#now() + this.#backoff.failed(startedAtMs, afterMs))
  }

  /** Remembers trouble. */
  note(detail: string): void {
    this.#options.stats.failed(detail)
    this.#options.diagnostics.debug(() => `delivery: ${detail}`)
  }

  /** Ends the jobs whose time is over before the next attempt; the pause holds for all of them. */
  #dropSpent(nextAttemptAtMs: number): void {
    const isSpent = ({ firstAttemptAtMs = Number.POSITIVE_INFINITY }: J): boolean =>
      nextAttemptAtMs - firstAttemptAtMs > this.#options.limits.retryBudgetMs
    const spent = this.#waiting.filter(isSpent)
    this.#waiting = this.#waiting.filter((job) => !isSpent(job))
    for (const job of spent) this.#source.lose(job, 'retryExhausted', job.lastError)
  }

  async #settle(timeoutMs: number, thenGiveUp: boolean): Promise<boolean> {
    const seenBefore = this.#seenLosses
    const waited = this.barrier.wait(timeoutMs)
    this.wake()
    const isSettled = await waited
    const { losses } = this.#source
    this.#seenLosses = Math.max(this.#seenLosses, losses)
    // When all that was waited for is over, what is pending now was added by a program that goes on.
    if (thenGiveUp && !isSettled) this.giveUp()
    return isSettled && losses === seenBefore
  }
}

function isRetry(outcome: { readonly kind: string }): outcome is Retry {
  return outcome.kind === 'retry'
}
