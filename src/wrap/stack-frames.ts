/** Beyond this the limit is left alone: whoever keeps a raised value and writes it back later must not make it grow for ever. */
const MAX_LIMIT = 64

/**
 * Lets stack traces hold some frames more for the rest of this synchronous run, until {@link giveBackFrames}. V8 keeps the ten
 * innermost frames: without this each recorded call would push one of the host's own callers out of its errors.
 *
 * @returns the limit before; `undefined` when it was left alone.
 */
export function makeRoomForFrames(count = 1): number | undefined {
  const limit: unknown = Error.stackTraceLimit
  // None, no number, or more than anyone reads: the host chose it.
  if (typeof limit !== 'number' || !(limit >= 1 && limit < MAX_LIMIT)) return undefined
  try {
    Error.stackTraceLimit = limit + count
    return limit
  } catch {
    // A host that froze its intrinsics.
    return undefined
  }
}

/** Undoes {@link makeRoomForFrames}, unless the host set a limit of its own since. */
export function giveBackFrames(limit: number | undefined, count = 1): void {
  if (limit !== undefined && Error.stackTraceLimit === limit + count) Error.stackTraceLimit = limit
}
