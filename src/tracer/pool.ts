import {
  clearTimeout,
  monotonicMs,
  setTimeout,
  toJsonText,
  resolved,
  areAllTrue,
  NativePromise,
  NativeMap,
  NativeSet,
} from '../builtins.js'
import type { TracerOptions } from '../config/options.js'
import { runInScope } from '../context/scope.js'
import { HoneyHiveError } from '../errors.js'
import { runDetached } from '../export/detached.js'
import { checkOptions } from '../options/check.js'
import { functionSpec, isWhole, type OptionSpec } from '../options/spec.js'
import { MAX_TIMER_MS, toTimerMs } from '../time.js'
import { describeThrown } from '../values/thrown.js'
import { noFunction } from './registry.js'
import { HoneyHiveTracer } from './tracer.js'
import { toKeyText } from './tracers.js'

/** Settings of {@link createTracerPool}. */
export interface TracerPoolOptions<Key extends string = string> {
  /**
   * Options of the tracer of a key, e.g. of a tenant; may be async. Asked once for each tracer, and again when the server refuses its
   * `apiKey`: what was refused is sent again with the one it gives then.
   */
  readonly create: (key: Key) => TracerOptions | PromiseLike<TracerOptions>
  /** Most tracers at the same time, those that are being shut down included. @defaultValue 1_000 */
  readonly max?: number | undefined
  /** Milliseconds without use after which a tracer is flushed and shut down. @defaultValue 600_000 */
  readonly idleMs?: number | undefined
  /** Longest wait for a place when all `max` tracers are in use, milliseconds. @defaultValue 30_000 */
  readonly waitMs?: number | undefined
}

/** A tracer that stays open until the lease ends. */
export interface TracerLease extends Disposable {
  readonly tracer: HoneyHiveTracer
  /** Gives the tracer back. Idempotent. */
  release(): void
}

/** What a pool holds and did. `size === leased + idle + opening`. */
export interface TracerPoolStats {
  /** Keys with a tracer, or with one that is being made. */
  readonly size: number
  /** Tracers in use. */
  readonly leased: number
  /** Tracers waiting to be used again. */
  readonly idle: number
  /** Tracers being made, those that wait for a place included. */
  readonly opening: number
  /** Tracers being flushed and shut down; they count towards `max`. */
  readonly closing: number
  readonly created: number
  readonly evicted: number
  /** Tracers that could not be made. */
  readonly failed: number
}

/** One tracer for each key, made when it is first needed and shut down when it was not needed for long. */
export interface TracerPool<Key extends string = string> extends AsyncDisposable {
  /** Keys with a tracer, or with one that is being made. */
  readonly size: number
  /**
   * Runs `fn` with the tracer of `key`, which is the innermost active one inside. The tracer is not shut down before `fn`
   * is done.
   *
   * When all `max` tracers are in use, the one unused for longest is shut down to make room; when none is unused, this waits
   * up to `waitMs`.
   *
   * @returns what `fn` gives; what `fn` throws is passed on unchanged.
   * @throws HoneyHiveError `TRACER_POOL` when there is no tracer to run with: `create` failed, no place became free, or the
   * pool is shut down. `fn` has not run then, and the next call tries again.
   */
  run<R>(key: Key, fn: (tracer: HoneyHiveTracer) => R): Promise<Awaited<R>>
  /** The tracer of `key`, kept open until the lease is released; for work that no one function surrounds. @throws as `run` */
  acquire(key: Key): Promise<TracerLease>
  /**
   * Flushes the tracer of `key` and makes a new one at its next use, e.g. after the tenant's settings changed. Work under way
   * finishes in the one it has. Never rejects.
   *
   * @param timeoutMs longest wait for the flush in milliseconds. @defaultValue 5_000
   * @returns true only if everything it had recorded arrived; also where there is no tracer.
   */
  refresh(key: Key, timeoutMs?: number): Promise<boolean>
  /** What the pool holds now and did since it was made. */
  stats(): TracerPoolStats
  /**
   * Refuses new work, waits up to `timeoutMs` for what runs, then shuts every tracer down, again within `timeoutMs`.
   * Idempotent; never rejects.
   *
   * @param timeoutMs @defaultValue 5_000
   * @returns true only if everything of all tracers arrived.
   */
  shutdown(timeoutMs?: number): Promise<boolean>
}

const DEFAULT_MAX = 1000
const DEFAULT_IDLE_MS = 600_000
const DEFAULT_WAIT_MS = 30_000
const DEFAULT_SHUTDOWN_MS = 5_000

/**
 * Makes a pool of tracers, one for each key.
 *
 * @throws HoneyHiveConfigError when the settings are wrong.
 */
export function createTracerPool<Key extends string = string>(options: TracerPoolOptions<Key>): TracerPool<Key> {
  // What was checked has the types of the specs, which have those of the options.
  return new Pool(checkOptions(options, POOL_OPTIONS, 'createTracerPool') as unknown as TracerPoolOptions<Key>)
}

/** One key. Its place in the pool's map says how long it was not used: the first is the oldest. */
interface Entry {
  readonly key: string
  /** Resolves when the tracer exists. Whoever waits for it has a lease already, so that it is not shut down in between. */
  readonly ready: Promise<HoneyHiveTracer>
  tracer: HoneyHiveTracer | undefined
  leases: number
  idleSinceMs: number
  isFlushing: boolean
}

interface Waiter {
  readonly enter: () => void
  readonly fail: (error: Error) => void
}

class Pool<Key extends string> implements TracerPool<Key> {
  readonly #create: TracerPoolOptions<Key>['create']
  readonly #max: number
  readonly #idleMs: number
  readonly #waitMs: number
  readonly #entries = new NativeMap<string, Entry>()
  /** Replaced while work was under way in them. */
  readonly #outdated = new NativeSet<Entry>()
  readonly #waiters = new NativeSet<Waiter>()
  readonly #closing = new NativeSet<Promise<boolean>>()
  readonly #counts = { created: 0, evicted: 0, failed: 0 }
  /** Places taken: by tracers that exist, are being made, or are being shut down. */
  #places = 0
  #timer: NodeJS.Timeout | undefined
  #shutdown: Promise<boolean> | undefined
  #onQuiet: (() => void) | undefined

  constructor({ create, max, idleMs, waitMs }: TracerPoolOptions<Key>) {
    this.#create = create
    this.#max = max ?? DEFAULT_MAX
    this.#idleMs = idleMs ?? DEFAULT_IDLE_MS
    this.#waitMs = waitMs ?? DEFAULT_WAIT_MS
  }

  get size(): number {
    return this.#entries.size
  }

  async run<R>(key: Key, fn: (tracer: HoneyHiveTracer) => R): Promise<Awaited<R>> {
    if (typeof fn !== 'function') throw noFunction('run', fn, 'run(key, fn)')
    const lease = await this.acquire(key)
    try {
      return await runActive(lease.tracer, fn)
    } finally {
      lease.release()
    }
  }

  async acquire(key: Key): Promise<TracerLease> {
    if (typeof key !== 'string' || key === '')
      throw new HoneyHiveError('TRACER_POOL', 'A pool is asked with a key that is a text and not empty.')
    if (this.#shutdown !== undefined)
      throw new HoneyHiveError('TRACER_POOL', `The pool is shut down; there is no tracer for ${quote(key)}.`)
    const entry = this.#entries.get(key) ?? this.#open(key)
    entry.leases++
    return toLease(await entry.ready, () => this.#release(entry))
  }

  async refresh(key: Key, timeoutMs: number = DEFAULT_SHUTDOWN_MS): Promise<boolean> {
    const entry = this.#entries.get(key)
    if (entry?.tracer === undefined || this.#shutdown !== undefined) return true
    if (entry.leases === 0) return this.#evict(entry, timeoutMs)
    this.#entries.delete(key)
    this.#outdated.add(entry)
    return entry.tracer.forceFlush(timeoutMs)
  }

  stats(): TracerPoolStats {
    const entries = [...this.#entries.values()]
    const made = entries.filter((entry) => entry.tracer !== undefined)
    const idle = made.filter((entry) => entry.leases === 0).length
    return {
      size: entries.length,
      leased: made.length - idle,
      idle,
      opening: entries.length - made.length,
      closing: this.#closing.size,
      ...this.#counts,
    }
  }

  shutdown(timeoutMs: number = DEFAULT_SHUTDOWN_MS): Promise<boolean> {
    this.#shutdown ??= this.#close(timeoutMs)
    return this.#shutdown
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown()
  }

  #open(key: Key): Entry {
    const entry: Entry = {
      key,
      tracer: undefined,
      leases: 0,
      idleSinceMs: 0,
      isFlushing: false,
      ready: NativePromise.resolve().then(() => this.#make(key, entry)),
    }
    this.#entries.set(key, entry)
    return entry
  }

  async #make(key: Key, entry: Entry): Promise<HoneyHiveTracer> {
    let hasPlace = false
    try {
      await this.#takePlace(key)
      hasPlace = true
      const options = await this.#create(key)
      if (this.#shutdown !== undefined) throw new Error('the pool was shut down meanwhile')
      const askKey = async (): Promise<string> => toKeyText((await this.#create(key)).apiKey)
      entry.tracer = HoneyHiveTracer.initWith(options, { askKey })
      this.#counts.created++
      return entry.tracer
    } catch (error) {
      this.#counts.failed++
      this.#entries.delete(key)
      if (hasPlace) this.#freePlace()
      this.#onQuiet?.()
      throw toPoolError(key, error)
    }
  }

  async #takePlace(key: string): Promise<void> {
    if (this.#places < this.#max) {
      this.#places++
      return
    }
    await new NativePromise<void>((resolve, reject) => {
      const timer = setTimeout(() => waiter.fail(new HoneyHiveError('TRACER_POOL', this.#describeFull(key))), this.#waitMs)
      const leave = (): void => {
        clearTimeout(timer)
        this.#waiters.delete(waiter)
      }
      const waiter: Waiter = {
        enter: () => {
          leave()
          resolve()
        },
        fail: (error) => {
          leave()
          reject(error)
        },
      }
      this.#waiters.add(waiter)
      this.#makeRoom()
    })
  }

  #describeFull(key: string): string {
    return `No place for ${quote(key)}: all ${this.#max} tracers of the pool stayed in use for ${this.#waitMs} ms. Raise \`max\`, or end work sooner.`
  }

  /** Hands a free place to whoever waits longest. */
  #freePlace(): void {
    const [waiter] = this.#waiters
    if (waiter === undefined) this.#places--
    else waiter.enter()
  }

  /** Shuts down as many unused tracers as there are waiters that no shutdown is under way for. */
  #makeRoom(): void {
    while (this.#waiters.size > this.#closing.size) {
      const entry = this.#oldestUnused()
      if (entry === undefined) return
      void this.#evict(entry)
    }
  }

  /** Prefers tracers without open spans: a stream that was handed out may still be read. */
  #oldestUnused(): Entry | undefined {
    let oldest: Entry | undefined
    for (const entry of this.#entries.values()) {
      if (entry.leases > 0 || entry.tracer === undefined) continue
      if (entry.tracer.stats().open === 0) return entry
      oldest ??= entry
    }
    return oldest
  }

  #release(entry: Entry): void {
    entry.leases--
    if (entry.leases > 0) return
    entry.idleSinceMs = monotonicMs()
    // Last in the map: the order is that of the last use.
    if (this.#entries.get(entry.key) === entry && this.#entries.delete(entry.key)) this.#entries.set(entry.key, entry)
    this.#onQuiet?.()
    if (this.#shutdown !== undefined) return
    if (this.#outdated.delete(entry)) void this.#evict(entry)
    this.#makeRoom()
    this.#armTimer()
  }

  #evict(entry: Entry, timeoutMs?: number): Promise<boolean> {
    if (this.#entries.get(entry.key) === entry) this.#entries.delete(entry.key)
    this.#counts.evicted++
    const close = async (): Promise<boolean> => {
      const hasArrived = await runDetached(() => entry.tracer?.shutdown(timeoutMs) ?? resolved(true))
      this.#closing.delete(closing)
      this.#freePlace()
      return hasArrived
    }
    const closing = close()
    this.#closing.add(closing)
    return closing
  }

  /** One timer for the whole pool, set for the tracer that is unused for longest; it keeps no process alive. */
  #armTimer(): void {
    if (this.#timer !== undefined || this.#shutdown !== undefined) return
    const [oldest] = this.#idleEntries()
    if (oldest === undefined) return
    const dueMs = Math.max(1, Math.ceil(oldest.idleSinceMs + this.#idleMs - monotonicMs()))
    this.#timer = runDetached(() => setTimeout(() => this.#evictIdle(), toTimerMs(dueMs)))
    this.#timer.unref()
  }

  #evictIdle(): void {
    this.#timer = undefined
    const dueBefore = monotonicMs() - this.#idleMs
    for (const entry of this.#idleEntries()) {
      if (entry.idleSinceMs <= dueBefore) void this.#flushThenEvict(entry)
    }
    this.#armTimer()
  }

  /** Stays in the pool while it is flushed, so that whoever needs it meanwhile gets it without waiting. */
  async #flushThenEvict(entry: Entry): Promise<void> {
    entry.isFlushing = true
    await entry.tracer?.forceFlush()
    entry.isFlushing = false
    const isStillIdle = entry.leases === 0 && monotonicMs() - entry.idleSinceMs >= this.#idleMs
    if (isStillIdle && this.#shutdown === undefined && this.#entries.get(entry.key) === entry) void this.#evict(entry)
    else this.#armTimer()
  }

  #idleEntries(): Entry[] {
    return [...this.#entries.values()].filter((entry) => entry.leases === 0 && entry.tracer !== undefined && !entry.isFlushing)
  }

  async #close(timeoutMs: number): Promise<boolean> {
    clearTimeout(this.#timer)
    for (const waiter of [...this.#waiters]) waiter.fail(new Error('the pool was shut down meanwhile'))
    await this.#quiet(timeoutMs)
    const hasArrived = await areAllTrue([...this.#tracers().map((tracer) => tracer.shutdown(timeoutMs)), ...this.#closing])
    this.#entries.clear()
    this.#outdated.clear()
    return hasArrived
  }

  #tracers(): HoneyHiveTracer[] {
    return [...this.#entries.values(), ...this.#outdated].flatMap(({ tracer }) => (tracer === undefined ? [] : [tracer]))
  }

  /** Waits until nothing is leased, or the time is over. */
  #quiet(timeoutMs: number): Promise<void> {
    const isQuiet = (): boolean => [...this.#entries.values(), ...this.#outdated].every((entry) => entry.leases === 0)
    if (isQuiet()) return resolved(undefined)
    return new NativePromise((resolve) => {
      const timer = setTimeout(resolve, toTimerMs(timeoutMs))
      this.#onQuiet = () => {
        if (!isQuiet()) return
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

function runActive<R>(tracer: HoneyHiveTracer, fn: (tracer: HoneyHiveTracer) => R): R {
  const { instance } = tracer
  return runInScope(instance.enter(instance.frameHere()), fn, tracer)
}

function toLease(tracer: HoneyHiveTracer, giveBack: () => void): TracerLease {
  let isHeld = true
  const release = (): void => {
    if (!isHeld) return
    isHeld = false
    giveBack()
  }
  return { tracer, release, [Symbol.dispose]: release }
}

function quote(key: string): string {
  return toJsonText(key.length > 80 ? `${key.slice(0, 80)}…` : key)
}

function toPoolError(key: string, error: unknown): HoneyHiveError {
  if (error instanceof HoneyHiveError && error.code === 'TRACER_POOL') return error
  return new HoneyHiveError('TRACER_POOL', `There is no tracer for ${quote(key)}: ${describeThrown(error).message}`, { cause: error })
}

const DURATION: OptionSpec = {
  accepts: (value) => typeof value === 'number' && value >= 0 && value <= MAX_TIMER_MS,
  expected: `milliseconds from 0 to ${MAX_TIMER_MS}`,
  remedy: 'Give a number, e.g. 60_000.',
}

const POOL_OPTIONS: Readonly<Record<keyof TracerPoolOptions, OptionSpec>> = {
  create: { ...functionSpec('Give (key) => options of its tracer.'), isRequired: true },
  max: { accepts: isWhole(1), expected: 'a whole number from 1', remedy: 'Give a number, e.g. 1_000.' },
  idleMs: DURATION,
  waitMs: DURATION,
}
