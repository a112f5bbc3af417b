import { createHash } from 'node:crypto'
import type { ConnectionOptions, Job, Queue as BullQueue } from 'bullmq'
import { toMissingPeer } from './missing-peer.js'
import { createRedisTurns, type ScriptClient } from './redis-turns.js'
import type { ConsumeOptions, QueueChannel, QueueMessage, RowQueue } from './row-queue.js'

/** Settings of {@link openBullmqQueue}. */
export interface BullmqOptions {
  /** Address of Redis, e.g. `redis://user:password@host:6379/0`. */
  readonly url: string
  /** Names the queue; all processes of a run give the same, e.g. the run's id. */
  readonly name: string
  /** Rows that start in a minute over all workers. @defaultValue no limit */
  readonly rowsPerMinute?: number
  /** Time without a sign of life after which a worker's rows go to another, in milliseconds. @defaultValue 30_000 */
  readonly lockMs?: number
}

const KEEP_SECONDS = 86_400
const ATTEMPTS = 10

/** Opens a queue in Redis by BullMQ, which is an optional peer. @throws HoneyHiveError `EXPERIMENT` when `bullmq` is not installed */
export async function openBullmqQueue({ url, name, rowsPerMinute, lockMs = 30_000 }: BullmqOptions): Promise<RowQueue> {
  const { Queue, Worker } = await loadBullmq()
  const connection = toConnection(url)
  const queues: BullQueue[] = []

  function openChannel(channel: string, perMinute: number | undefined): QueueChannel {
    const queue = new Queue(channel, { connection })
    // Shown by BullMQ otherwise for every command that waits for Redis to come back.
    queue.on('error', () => undefined)
    queues.push(queue)
    return {
      async send(messages) {
        await queue.addBulk(messages.map(toJob))
      },
      async consume(work, { concurrency, signal }: ConsumeOptions) {
        const worker = new Worker(channel, (job: Job<QueueMessage>) => work(job.data), {
          connection,
          concurrency,
          lockDuration: lockMs,
          stalledInterval: lockMs,
          maxStalledCount: ATTEMPTS,
          ...(perMinute === undefined ? {} : { limiter: { max: perMinute, duration: 60_000 } }),
        })
        worker.on('error', () => undefined)
        await untilAborted(signal)
        await worker.close()
      },
    }
  }

  // The connection of any of the queues; every kind of client that BullMQ takes runs scripts.
  const openClient = async (): Promise<ScriptClient> => {
    const [queue] = queues
    if (queue === undefined) throw new TypeError('there is no queue')
    return (await queue.client) as unknown as ScriptClient
  }

  return {
    rows: openChannel(`${name}-rows`, rowsPerMinute),
    results: openChannel(`${name}-results`, undefined),
    turns: createRedisTurns(name, openClient),
    async close() {
      await Promise.all(queues.map((queue) => queue.close()))
    },
  }
}

function toJob(message: QueueMessage): { readonly name: string; readonly data: QueueMessage; readonly opts: object } {
  // Ids of BullMQ must not hold a colon.
  const jobId = createHash('sha256').update(message.key).digest('hex')
  const opts = { jobId, attempts: ATTEMPTS, backoff: { type: 'exponential', delay: 500 }, removeOnComplete: { age: KEEP_SECONDS } }
  return { name: 'row', data: message, opts }
}

function toConnection(url: string): ConnectionOptions {
  const { hostname, port, username, password, pathname, protocol } = new URL(url)
  return {
    // Addresses of IPv6 stand in brackets.
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port === '' ? 6_379 : port),
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    ...(pathname.length > 1 ? { db: Number(pathname.slice(1)) } : {}),
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
    maxRetriesPerRequest: null,
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

// In `try` and not in a callback: only there do bundlers accept that an optional package is not installed.
async function loadBullmq(): Promise<typeof import('bullmq')> {
  try {
    return await import('bullmq')
  } catch (cause) {
    throw toMissingPeer('bullmq', cause)
  }
}
