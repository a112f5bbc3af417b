import { setImmediate } from '../builtins.js'
import { writeText } from '../output.js'
import { Stop } from './stop.js'

/** One way to stop an experiment, whoever asks for it. */
export interface StopSwitch {
  readonly stop: Stop
  /** Takes the listeners away again, after an interruption only once the signals that came with it were heard. */
  release(): Promise<void>
}

/** What a terminal, a container platform and a CI system send. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/**
 * Follows the caller's signal and, with `handleSignals`, Ctrl-C and SIGTERM: the first one stops the experiment so that it
 * reports, the second ends the process as if nobody had listened. The listeners exist only between this call and `release`.
 */
export function createStopSwitch(outer: AbortSignal | undefined, handleSignals: boolean): StopSwitch {
  const stop = new Stop()
  const follow = (): void => stop.stop(outer?.reason)
  let isInterrupted = false
  const onInterrupt = (signal: NodeJS.Signals): void => {
    // Not `isStopped`: a listener of the caller that ran before this one may have stopped it for the same Ctrl-C.
    if (!isInterrupted) {
      isInterrupted = true
      writeText('stderr', '\nStopping: rows under way are aborted and the result is reported. Press Ctrl-C again to quit at once.\n')
      return stop.stop(new DOMException('The experiment was interrupted.', 'AbortError'))
    }
    for (const name of SIGNALS) process.removeListener(name, onInterrupt)
    process.kill(process.pid, signal)
  }
  if (outer?.aborted === true) follow()
  outer?.addEventListener('abort', follow, { once: true })
  if (handleSignals) for (const name of SIGNALS) process.on(name, onInterrupt)
  return {
    stop,
    async release() {
      outer?.removeEventListener('abort', follow)
      // Without a listener, a second Ctrl-C that was caught already would be lost.
      if (isInterrupted) await new Promise<void>((resolve) => setImmediate(resolve))
      for (const name of SIGNALS) process.removeListener(name, onInterrupt)
    },
  }
}
