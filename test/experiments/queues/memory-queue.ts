import type { QueueChannel, QueueMessage, RowQueue, SharedTurns } from '../../../src/experiments/index.js'

/** A queue inside this process that delivers every message twice, as a real one may. */
export function createMemoryQueue(turns?: SharedTurns): RowQueue & { readonly sent: readonly QueueMessage[] } {
  const sent: QueueMessage[] = []
  const openChannel = (): QueueChannel => {
    const seen = new Set<string>()
    const waiting: QueueMessage[] = []
    const idle = new Set<() => void>()
    const wake = (): void => {
      for (const resume of idle) resume()
      idle.clear()
    }
    return {
      async send(messages) {
        for (const message of messages) {
          if (seen.has(message.key)) continue
          seen.add(message.key)
          sent.push(message)
          // Through JSON, as over any wire.
          const copy = JSON.parse(JSON.stringify(message)) as QueueMessage
          waiting.push(copy, copy)
        }
        wake()
      },
      async consume(work, { signal }) {
        signal.addEventListener('abort', wake)
        while (!signal.aborted) {
          const next = waiting.shift()
          if (next !== undefined) await work(next)
          else
            await new Promise<void>((resolve) => {
              idle.add(resolve)
            })
        }
      },
    }
  }
  return { rows: openChannel(), results: openChannel(), close: () => Promise.resolve(), sent, ...(turns === undefined ? {} : { turns }) }
}
