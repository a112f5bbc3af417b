const LONG_MS = 2_147_483_647

/**
 * Keeps the process from ending while `work` runs. A tracer's sockets and timers never do that, so a run that waits for
 * nothing but the server would end in the middle.
 */
export async function keepAlive<T>(work: () => Promise<T>): Promise<T> {
  const held = setInterval(() => undefined, LONG_MS)
  try {
    return await work()
  } finally {
    clearInterval(held)
  }
}
