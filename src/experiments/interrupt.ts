import { setMaxListeners } from 'node:events'

/** One way to stop an experiment, whoever asks for it. */
export interface StopSwitch {
  readonly signal: AbortSignal
  /** Takes the listeners away again. */
  release(): void
}

/**
 * Follows the caller's signal and, with `handleSignals`, Ctrl-C: the first one stops the experiment so that it reports,
 * the second ends the process as if nobody had listened. The listener exists only between this call and `release`.
 */
export function createStopSwitch(outer: AbortSignal | undefined, handleSignals: boolean): StopSwitch {
  const controller = new AbortController()
  // Every row and evaluator under way listens; Node's limit of ten would print a warning about a leak.
  setMaxListeners(0, controller.signal)
  const follow = (): void => controller.abort(outer?.reason)
  let isInterrupted = false
  const onInterrupt = (): void => {
    // Not `signal.aborted`: a listener of the caller that ran before this one may have aborted for the same Ctrl-C.
    if (!isInterrupted) {
      isInterrupted = true
      process.stderr.write('\nStopping: rows under way are aborted and the result is reported. Press Ctrl-C again to quit at once.\n')
      return controller.abort(new DOMException('The experiment was interrupted.', 'AbortError'))
    }
    process.removeListener('SIGINT', onInterrupt)
    process.kill(process.pid, 'SIGINT')
  }
  if (outer?.aborted === true) follow()
  outer?.addEventListener('abort', follow, { once: true })
  if (handleSignals) process.on('SIGINT', onInterrupt)
  return {
    signal: controller.signal,
    release() {
      outer?.removeEventListener('abort', follow)
      process.removeListener('SIGINT', onInterrupt)
    },
  }
}
