import { createCollector, type Collector } from './collector.js'
import type { Recording } from './recorder.js'

/** The recordings that follow one stream. Only the first wrapper changes the stream; later ones join its audience. */
export interface Audience {
  /** False when the stream has ended or too many follow it: the recording then ends at once. */
  join(recording: Recording): boolean
  /** Calls `fn` once with the spans of all followers current, the innermost being the first that joined. */
  run(fn: (...args: never[]) => unknown, self: unknown, args: readonly unknown[]): unknown
  item(value: unknown): void
  /** The stream is finished; `returned` is the return value of a generator. */
  end(returned?: unknown): void
  /** The consumer wants no more of it: what was gathered is the output. */
  stop(returned?: unknown): void
  /** It was consumed where its items cannot be seen: the output stays unknown. */
  endUnseen(): void
  fail(error: unknown): void
}

interface Follower {
  readonly recording: Recording
  readonly output: Collector
}

// Wrappers within wrappers are a few; a shared stream handed out again and again must not slow down with each time.
const MAX_FOLLOWERS = 16

/** @param joinsText see {@link createCollector}. */
export function createAudience(joinsText: boolean): Audience {
  let followers: Follower[] = []
  let isOver = false

  function finish(tell: (follower: Follower) => void): void {
    isOver = true
    const told = followers
    followers = []
    for (const follower of told) attempt(() => tell(follower))
  }

  function enter(index: number, fn: (...args: never[]) => unknown, self: unknown, args: readonly unknown[]): unknown {
    const follower = followers[index]
    if (follower === undefined) return Reflect.apply(fn, self, args as never[])
    if (index === 0) return follower.recording.run(fn, self, args)
    return follower.recording.run(() => enter(index - 1, fn, self, args), undefined, [])
  }

  const end = (returned?: unknown): void => finish(({ recording, output }) => recording.succeed(output.result(returned)))

  return {
    join(recording) {
      if (isOver || followers.length >= MAX_FOLLOWERS) return false
      followers.push({ recording, output: createCollector(recording.maxBytes, joinsText) })
      return true
    },
    run: (fn, self, args) => enter(followers.length - 1, fn, self, args),
    item(value) {
      for (const { output } of followers) attempt(() => output.add(value))
    },
    end,
    stop: end,
    endUnseen: () => finish(({ recording }) => recording.succeed(undefined)),
    fail: (error) => finish(({ recording }) => recording.fail(error)),
  }
}

/**
 * Audiences for the halves of a stream that was split. Both give the same items in the same order, so the half that is
 * ahead speaks; a half that stops early leaves the other one to go on.
 */
export function splitAudience(audience: Audience, halves: number): Audience[] {
  let seen = 0
  let open = halves
  return Array.from({ length: halves }, () => {
    let count = 0
    let isOver = false
    return {
      join: audience.join,
      run: audience.run,
      item(value) {
        count += 1
        if (count <= seen) return
        seen = count
        audience.item(value)
      },
      end: audience.end,
      stop(returned) {
        if (!isOver) open -= 1
        isOver = true
        if (open === 0) audience.stop(returned)
      },
      endUnseen: audience.endUnseen,
      fail: audience.fail,
    }
  })
}

/** The border to the host's stream: whatever goes wrong in telling about it is not the stream's business. */
function attempt(tell: () => void): void {
  try {
    tell()
  } catch {
    // `Recording` and `Collector` promise not to throw.
  }
}
