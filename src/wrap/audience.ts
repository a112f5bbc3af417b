import { reflectApply } from '../builtins.js'
import type { Scope } from '../context/frame.js'
import { type Collector, createCollector } from './collector.js'
import { type ItemOwner, ItemRecording } from './item-recording.js'
import type { Gathered, Recording } from './recorder.js'

/** Follows the items of a result that complete later than they are handed out, as results are followed. */
export interface ItemWatcher {
  /** Whether `item`, which the result of `audience` gave, completes later. */
  isLate(item: object, audience: Audience): boolean
  watch(item: object, recording: ItemRecording): void
}

/** One recording that follows a result, with what was gathered for it. */
class Follower implements ItemOwner {
  readonly recording: Recording
  readonly output: Collector
  hasBegun = false
  /** Whether a piece of the answer itself came, and not only what stands around it. */
  #hasAnswer = false
  #failure: { readonly error: unknown } | undefined
  /** Items that somebody reads. */
  #openItems = 0
  /** Ends the recording, once the last of those is complete. */
  #end: (() => void) | undefined

  constructor(recording: Recording) {
    this.recording = recording
    this.output = createCollector(recording.maxBytes)
  }

  /** An error that an item told of, or came to. */
  get failure(): { readonly error: unknown } | undefined {
    return this.output.failure ?? this.#failure
  }

  /** Whether the result ended, and only items are read that it gave. */
  get isWaiting(): boolean {
    return this.#end !== undefined
  }

  take(value: unknown, channel: string | undefined): void {
    if (this.output.add(value, channel)) this.noteAnswer()
  }

  takeLate(item: object, audience: Audience, watcher: ItemWatcher): void {
    const place = this.output.addLate(item)
    if (place !== undefined) watcher.watch(item, new ItemRecording(this, place, audience))
  }

  noteAnswer(): void {
    if (this.#hasAnswer) return
    this.#hasAnswer = true
    this.recording.firstChunk?.()
  }

  noteFailure(error: unknown): void {
    this.#failure ??= { error }
  }

  open(): void {
    this.#openItems += 1
  }

  close(): void {
    this.#openItems -= 1
    if (this.#openItems === 0) this.endWaiting()
  }

  /** Calls `end` once nobody reads an item any more. */
  endAfterItems(end: () => void): void {
    this.#end = end
    if (this.#openItems === 0) this.endWaiting()
  }

  /** Ends the recording now where it only waits for items. */
  endWaiting(): void {
    const end = this.#end
    this.#end = undefined
    if (end !== undefined) attempt(end)
  }
}

/** The spans that were current before {@link Audience.enter}, innermost first. */
interface Entered {
  readonly recording: Recording
  readonly before: unknown
  readonly outer: Entered | undefined
}

// Wrappers within wrappers are a few; a shared stream handed out again and again must not slow down with each time.
const MAX_FOLLOWERS = 16

/** What is known of a result, apart from who holds it: the registry below keeps this part when the result is gone. */
class Progress {
  followers: Follower[] = []
  /** Those that were told of the end and wait for items. */
  waiting: readonly Follower[] = []
  isOver = false
  hasBegun = false
  /** Whether some of it is read where it cannot be seen. */
  isHandedOver = false
  /** Who gives the items: several may read the same ones. */
  voice: Voice | undefined
  /** Readings that have begun and have not stopped. */
  active = 0

  /** Ends every recording. */
  finish(tell: (follower: Follower) => void): void {
    this.isOver = true
    if (this.followers.length === 0) return
    const told = this.followers
    this.followers = []
    const waiting: Follower[] = []
    for (const follower of told) {
      attempt(() => tell(follower))
      if (follower.isWaiting) waiting[waiting.length] = follower
    }
    this.waiting = waiting
  }

  /** The result is finished, or nobody wants more of it. */
  end(returned?: unknown): void {
    this.finish((follower) => follower.endAfterItems(() => endWith(follower, this.#resultOf(follower, returned))))
  }

  #resultOf({ output }: Follower, returned: unknown): unknown {
    return this.isHandedOver && output.count === 0 ? undefined : output.result(returned)
  }

  fail(error: unknown): void {
    this.finish((follower) => failWith(follower, error))
  }
}

/** Those who read the same items, such as the halves of a stream that was split. */
class Voice {
  /** How many items were given already. */
  given = 0
}

/** Ends the spans of results that the host let go of: nothing can be read of them any more. */
const abandoned = new FinalizationRegistry<Progress>((progress) => {
  for (const follower of progress.waiting) follower.endWaiting()
  progress.finish((follower) => {
    const { output } = gatheredIn(follower.output)
    if (follower.recording.abandon === undefined) endWith(follower, output)
    else follower.recording.abandon(output)
  })
})

/**
 * The recordings that follow one result. Only the first wrapper changes the result; later ones join its audience. Everything that
 * was put on the result and on what reads it holds the audience, so that it goes when the last of them goes.
 */
export class Audience {
  readonly #progress = new Progress()
  readonly #watcher: ItemWatcher

  constructor(watcher: ItemWatcher) {
    this.#watcher = watcher
    abandoned.register(this, this.#progress)
  }

  get isOver(): boolean {
    return this.#progress.isOver
  }

  /** Whether anybody began to read it. */
  get hasBegun(): boolean {
    return this.#progress.hasBegun
  }

  /** The scopes of its followers. */
  get scopes(): readonly Scope[] {
    return this.#progress.followers.flatMap(({ recording }) => recording.scope ?? [])
  }

  /** Most bytes that are kept for any of its followers. */
  get maxBytes(): number {
    return Math.max(0, ...this.#progress.followers.map(({ recording }) => recording.maxBytes))
  }

  /** False when the result has ended or too many follow it: the recording then ends at once. */
  join(recording: Recording): boolean {
    const { isOver, followers } = this.#progress
    if (isOver || followers.length >= MAX_FOLLOWERS) return false
    const follower = new Follower(recording)
    followers.push(follower)
    attempt(() => recording.gatherWith?.(() => gatheredIn(follower.output)))
    return true
  }

  /** Makes the spans of all followers current, the innermost being that of the first that joined. */
  enter(): unknown {
    let entered: Entered | undefined
    const { followers } = this.#progress
    for (let i = followers.length - 1; i >= 0; i--) {
      const { recording } = followers[i] as Follower
      entered = { recording, before: recording.enter(true), outer: entered }
    }
    return entered
  }

  leave(before: unknown): void {
    for (let at = before as Entered | undefined; at !== undefined; at = at.outer) at.recording.leave(at.before)
  }

  /** Calls `fn` once with the spans of all followers current. */
  run<R>(fn: (...args: never[]) => R, self: unknown, args: readonly unknown[]): R {
    const before = this.enter()
    try {
      return reflectApply(fn, self, args as never[])
    } finally {
      this.leave(before)
    }
  }

  /** A consumer of its own. `isInner`: it reads for others, whose stopping is what counts. */
  open(isInner = false): Reading {
    return new Reading(this, new Voice(), isInner, undefined)
  }

  /** The result is finished; `returned` is the return value of a generator. */
  end(returned?: unknown): void {
    this.#progress.end(returned)
  }

  /** It is finished, and `output` is what was read of it where no items were seen. */
  endWith(output: unknown): void {
    this.#progress.finish((follower) =>
      follower.endAfterItems(() => endWith(follower, follower.output.count === 0 ? output : follower.output.result())),
    )
  }

  fail(error: unknown): void {
    this.#progress.fail(error)
  }

  /** Gives its followers an item, which is a piece of what `channel` tells of. */
  take(item: unknown, channel: string | undefined): void {
    const { followers } = this.#progress
    const late = channel === undefined && typeof item === 'object' && item !== null && this.#isLate(item) ? item : undefined
    for (const follower of followers) {
      attempt(() => (late === undefined ? follower.take(item, channel) : follower.takeLate(late, this, this.#watcher)))
    }
  }

  #isLate(item: object): boolean {
    try {
      return this.#watcher.isLate(item, this)
    } catch {
      // A hostile object that cannot be looked at is a value like any other.
      return false
    }
  }

  /** Lets go of its recordings, which somebody else ends. */
  dismiss(): void {
    this.#progress.finish(() => undefined)
  }

  /** @internal The part that readings share. */
  get progress(): Progress {
    return this.#progress
  }
}

/** How an item can be seen. */
export type Way = 'iteration' | 'reader' | 'event'

/** One consumer of a result: an iterator, a reader, a subscription. */
export class Reading {
  readonly audience: Audience
  readonly #voice: Voice
  readonly #isInner: boolean
  readonly #group: Group | undefined
  #count = 0
  #way: Way | undefined
  #hasBegun = false
  #isOver = false

  constructor(audience: Audience, voice: Voice, isInner: boolean, group: Group | undefined, count = 0) {
    this.audience = audience
    this.#voice = voice
    this.#isInner = isInner
    this.#group = group
    this.#count = count
  }

  enter(): unknown {
    return this.audience.enter()
  }

  leave(before: unknown): void {
    this.audience.leave(before)
  }

  /** Somebody begins to read. */
  begin(): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    const { progress } = this.audience
    progress.hasBegun = true
    if (!this.#isInner && this.#group === undefined) progress.active += 1
    this.#group?.reading.begin()
    for (const follower of progress.followers) {
      if (follower.hasBegun) continue
      follower.hasBegun = true
      attempt(() => follower.recording.begin?.())
    }
  }

  /**
   * The one that is ahead speaks, and of several that read each for itself the first.
   *
   * @param via where it was seen: an item may come by more than one way, of which the first one counts.
   * @param channel what it is a piece of, where several things are told side by side.
   */
  item(value: unknown, via: Way = 'iteration', channel?: string): void {
    const { progress } = this.audience
    if (progress.isOver) return
    this.#way ??= via
    if (this.#way !== via) return
    this.#count += 1
    progress.voice ??= this.#voice
    if (progress.voice !== this.#voice || this.#count <= this.#voice.given) return
    this.#voice.given = this.#count
    this.audience.take(value, channel)
  }

  /** The result is finished; `returned` is the return value of a generator. */
  end(returned?: unknown): void {
    this.#isOver = true
    this.audience.end(returned)
  }

  /** This consumer wants no more of it: what was gathered is the output, unless another one goes on. */
  stop(returned?: unknown): void {
    if (this.#isOver) return
    this.begin()
    this.#isOver = true
    if (this.#group !== undefined) return this.#group.stop(returned)
    if (this.#isInner) return
    const { progress } = this.audience
    progress.active -= 1
    if (progress.voice === this.#voice) progress.voice = undefined
    if (progress.active === 0) progress.end(returned)
  }

  /** It goes where what is read of it cannot be seen. */
  handOver(): void {
    this.audience.progress.isHandedOver = true
    this.stop()
  }

  fail(error: unknown): void {
    this.#isOver = true
    this.audience.fail(error)
  }

  /** Readings of the parts of a stream that is split: all give the same items in the same order. */
  split(parts: number): Reading[] {
    const group = new Group(this, parts)
    return Array.from({ length: parts }, () => new Reading(this.audience, this.#voice, this.#isInner, group, this.#count))
  }
}

/** A part that stops early leaves the others to go on. */
class Group {
  readonly reading: Reading
  #open: number

  constructor(reading: Reading, parts: number) {
    this.reading = reading
    this.#open = parts
  }

  stop(returned: unknown): void {
    this.#open -= 1
    if (this.#open === 0) this.reading.stop(returned)
  }
}

function endWith(follower: Follower, result: unknown): void {
  const { recording, output, failure } = follower
  if (failure !== undefined) failWith(follower, failure.error)
  else recording.succeed(result, output.count === 0 ? undefined : output.count)
}

function failWith({ recording, output }: Follower, error: unknown): void {
  const gathered = gatheredIn(output)
  recording.fail(error, gathered.output, gathered.chunkCount)
}

/** Nothing at all is no answer. */
function gatheredIn(output: Collector): Gathered {
  const { count } = output
  return count === 0 ? NOTHING : { output: output.result(), chunkCount: count }
}

const NOTHING: Gathered = { output: undefined, chunkCount: undefined }

/** The border to the host's result: whatever goes wrong in telling about it is not the result's business. */
function attempt(tell: () => void): void {
  try {
    tell()
  } catch {
    // `Recording` and `Collector` promise not to throw.
  }
}
