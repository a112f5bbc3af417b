import { clearInterval, setInterval } from '../builtins.js'
import { MAX_TIMER_MS } from '../time.js'

/**
 * Keeps the process from ending while `work` runs. A tracer's sockets and timers never do that, so a run that waits for
 * nothing but the server would end in the middle.
 */
export async function keepAlive<T>(work: () => Promise<T>): Promise<T> {
  const held = setInterval(() => undefined, MAX_TIMER_MS)
  try {
    return await work()
  } finally {
    clearInterval(held)
  }
}
