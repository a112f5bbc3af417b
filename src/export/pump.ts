import { clearImmediate, clearTimeout, monotonicMs, setImmediate, setTimeout, NativeAbortController } from '../builtins.js'
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
  #waiting: readonly J[] = NONE
  #flights: readonly Flight<J>[] = NONE
  #timer: NodeJS.Timeout | undefined
  #timerAtMs = 0
  #nextTurn: NodeJS.Immediate | undefined
  #seenLosses = 0
  #isStopped = false

  constructor(source: PumpSource<J, O>, options: PumpOptions) {
    this.#source = source
    this.#options = options
    this.#now = options.now ?? monotonicMs
    this.#backoff = new Backoff(options.limits.concurrency, this.#now, options.random)
  }

  /** Plans the next turn. Called when the source may have got a job. */
  wake(): void {
    if (this.#nextTurn !== undefined || this.#isStopped) return
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
    const waiting = this.#waiting
    this.#flights = NONE
    this.#waiting = NONE
    const jobs: J[] = []
    for (let at = 0; at < flights.length; at++) jobs[at] = (flights[at] as Flight<J>).job
    this.#clearTimer()
    clearImmediate(this.#nextTurn)
    this.#nextTurn = undefined
    for (let at = 0; at < flights.length; at++) (flights[at] as Flight<J>).controller.abort()
    this.#source.giveUp(joined(jobs, waiting))
  }

  /** Begins nothing any more, because what is left was counted in another way. */
  stop(): void {
    this.#isStopped = true
    this.#flights = NONE
    this.#waiting = NONE
    this.#clearTimer()
    clearImmediate(this.#nextTurn)
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
      this.#timer = setTimeout(turnOf, waitMs, this)
      this.#timer.unref()
    } else {
      this.#nextTurn = setImmediate(turnOf, this)
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

  /** @internal Sends one job; further ones wait for the next turn of the event loop. */
  turn(): void {
    this.#nextTurn = undefined
    this.#timer = undefined
    try {
      // Timers may fire a fraction of a millisecond early.
      if ((this.#nextTurnMs() ?? Number.POSITIVE_INFINITY) < 1) {
        const controller = new NativeAbortController()
        const job = this.#takeWaiting() ?? this.#source.take()
        if (job !== undefined) void this.#deliver({ job, controller })
      }
      this.wake()
    } catch (error) {
      this.#failed(error)
    }
  }

  #takeWaiting(): J | undefined {
    const next = this.#waiting[0]
    if (next !== undefined) this.#waiting = without(this.#waiting, next)
    return next
  }

  /** A fault of ours, or of what the host made of the language: nobody is on the stack who could be told. */
  #failed(error: unknown): void {
    try {
      this.note(`delivery failed: ${error instanceof Error ? error.name : typeof error}`)
      if (this.#timer === undefined && !this.#isStopped) this.#plan(FAULT_PAUSE_MS)
    } catch {
      // What waits is counted when the tracer is shut down.
    }
  }

  async #deliver(flight: Flight<J>): Promise<void> {
    const { job, controller } = flight
    try {
      this.#flights = joined(this.#flights, [flight])
      const outcome = await this.#source.prepare?.(job, controller.signal)
      if (outcome === undefined) await this.#attempt(flight)
      else if (this.#land(flight)) this.#conclude(job, outcome)
    } catch (error) {
      this.#lose(flight, error)
    }
    try {
      this.wake()
    } catch (error) {
      this.#failed(error)
    }
  }

  #lose(flight: Flight<J>, error: unknown): void {
    try {
      if (this.#land(flight))
        this.#source.lose(flight.job, 'internal', `delivery failed: ${error instanceof Error ? error.name : typeof error}`)
    } catch {
      this.#failed(error)
    }
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
    this.#putFirst(this.#source.conclude(job, outcome))
  }

  /** Frees the slot; false when the job was given up meanwhile, so that it is counted already. */
  #land(flight: Flight<J>): boolean {
    const { length } = this.#flights
    this.#flights = without(this.#flights, flight)
    return this.#flights.length < length
  }

  /** Jobs that go before the others. */
  #putFirst(jobs: readonly J[]): void {
    this.#waiting = joined(jobs, this.#waiting)
  }

  #retry(job: J, { afterMs, detail, isLasting }: Retry, startedAtMs: number): void {
    job.lastError = detail
    this.note(detail)
    if (isLasting === true) this.#options.diagnostics.warn('delivery', `${detail.replace(/\.$/, '')}. It is tried again meanwhile.`)
    this.#putFirst([job])
    this.#dropSpent(this.#now() + this.#backoff.failed(startedAtMs, afterMs), afterMs)
  }

  /** Remembers trouble. */
  note(detail: string): void {
    this.#options.stats.failed(detail)
    this.#options.diagnostics.debug(() => `delivery: ${detail}`)
  }

  /**
   * Ends the jobs whose time is over before the next attempt; the pause holds for all of them. A wait that the server asks for is not
   * counted where it fits into that time: with the minute that servers like to ask for, no job would be tried a second time.
   */
  #dropSpent(nextAttemptAtMs: number, askedMs = 0): void {
    const { retryBudgetMs } = this.#options.limits
    const limitMs = retryBudgetMs + (askedMs <= retryBudgetMs ? askedMs : 0)
    const spent: J[] = []
    const left: J[] = []
    for (let at = 0; at < this.#waiting.length; at++) {
      const job = this.#waiting[at] as J
      const { firstAttemptAtMs = Number.POSITIVE_INFINITY } = job
      if (nextAttemptAtMs - firstAttemptAtMs > limitMs) spent[spent.length] = job
      else left[left.length] = job
    }
    this.#waiting = left
    for (let at = 0; at < spent.length; at++) this.#source.lose(spent[at] as J, 'retryExhausted', (spent[at] as J).lastError)
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

/** For timers: a function for each pump would be kept as long as the pump. */
function turnOf(pump: { turn(): void }): void {
  pump.turn()
}

/** What pumps without anything to do have: for each a list of its own would be kept as long as the pump. */
const NONE: readonly never[] = []

// Loops and assignments in these: what arrays can do may be the host's.
function joined<T>(first: readonly T[], second: readonly T[]): readonly T[] {
  if (second.length === 0) return first.length === 0 ? NONE : first
  const all: T[] = []
  for (let at = 0; at < first.length; at++) all[all.length] = first[at] as T
  for (let at = 0; at < second.length; at++) all[all.length] = second[at] as T
  return all
}

function without<T>(list: readonly T[], item: T): readonly T[] {
  const others: T[] = []
  for (let at = 0; at < list.length; at++) if (list[at] !== item) others[others.length] = list[at] as T
  return others.length === 0 ? NONE : others
}

/** How long nothing is tried after a fault of our own, milliseconds. */
const FAULT_PAUSE_MS = 1_000

function isRetry(outcome: { readonly kind: string }): outcome is Retry {
  return outcome.kind === 'retry'
}
