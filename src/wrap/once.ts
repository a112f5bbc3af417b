import type { Recording } from './recorder.js'

/** A recording that several may end, of whom the first counts. */
export function createOnce(recording: Recording): Recording {
  let isOver = false
  const first = (end: () => void): void => {
    if (isOver) return
    isOver = true
    end()
  }
  return {
    maxBytes: recording.maxBytes,
    scope: recording.scope,
    run: (fn, self, args) => recording.run(fn, self, args),
    enter: (isPartEnough) => recording.enter(isPartEnough),
    leave: (before) => recording.leave(before),
    firstChunk: () => recording.firstChunk?.(),
    begin: () => recording.begin?.(),
    gatherWith: (gather) => recording.gatherWith?.(gather),
    succeed: (output, chunkCount) => first(() => recording.succeed(output, chunkCount)),
    fail: (error, output, chunkCount) => first(() => recording.fail(error, output, chunkCount)),
  }
}
