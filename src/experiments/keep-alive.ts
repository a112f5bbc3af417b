import { clearInterval, setInterval } from '../builtins.js'
import { writeTextNow } from '../output.js'
import { MAX_TIMER_MS } from '../time.js'

/** One entry for each named call under way; they share one listener. */
const running = new Set<{ readonly call: string }>()

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

/**
 * {@link keepAlive} for a call of the user's. A process that is ended all the same says so, because the result is lost.
 *
 * @param call how the user names it
 */
export async function keepAliveDuring<T>(call: string, work: () => Promise<T>): Promise<T> {
  const entry = { call }
  if (running.size === 0) process.on('exit', tellCutShort)
  running.add(entry)
  try {
    return await keepAlive(work)
  } finally {
    running.delete(entry)
    if (running.size === 0) process.removeListener('exit', tellCutShort)
  }
}

function tellCutShort(): void {
  const calls = [...new Set([...running].map(({ call }) => call))].join(', ')
  writeTextNow(`[honeyhive] The process ended while ${calls} ran, so there is no result. Await it before process.exit().\n`)
}
