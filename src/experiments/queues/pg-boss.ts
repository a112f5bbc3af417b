import { delay as pause, monotonicMs } from '../../builtins.js'
import type PgBoss from 'pg-boss'
import { toSessionId } from '../../semantics/session-id.js'
import { withRetries } from '../retry.js'
import { Stop } from '../stop.js'
import { toMissingPeer } from './missing-peer.js'
import { createPostgresTurns } from './postgres-turns.js'
import type { ConsumeOptions, QueueChannel, QueueMessage, RowQueue } from './row-queue.js'

/** Settings of {@link openPgBossQueue}. */
export interface PgBossOptions {
  /** Address of Postgres, e.g. `postgres://user:password@host:5432/database`. */
  readonly url: string
  /** Names the queue; all processes of a run give the same, e.g. the run's id. */
  readonly name: string
  /** @defaultValue `'pgboss'` */
  readonly schema?: string
  /** Longest time of one row, in seconds, after which another worker gets it. @defaultValue 900 */
  readonly rowTimeoutSeconds?: number
}

const ATTEMPTS = 10
/** An idle consumer asks this often. */
const IDLE_MS = 200
/** How often a consumer looks for rows whose worker is gone. */
const EXPIRY_MS = 5_000

/** Opens a queue in Postgres by pg-boss, which is an optional peer. @throws HoneyHiveError `EXPERIMENT` when `pg-boss` is not installed */
export async function openPgBossQueue({ url, name, schema = 'pgboss', rowTimeoutSeconds = 900 }: PgBossOptions): Promise<RowQueue> {
  const { default: Boss } = await loadPgBoss()
  const maintenanceIntervalSeconds = Math.max(Math.min(Math.floor(rowTimeoutSeconds / 2), 60), 1)
  const boss: PgBoss = new Boss({ connectionString: url, schema, maintenanceIntervalSeconds })
  // Reported by the call that meets it; without a listener it would end the process.
  boss.on('error', () => undefined)
  await insist(() => boss.start())
  const turns = createPostgresTurns(name, schema, boss.getDb())
  await insist(() => turns.prepare())

  async function openChannel(channel: string): Promise<QueueChannel> {
    await insist(() => boss.createQueue(channel))
    return {
      async send(messages) {
        await boss.insert(
          messages.map((message) => ({
            id: toSessionId(`${channel}/${message.key}`),
            name: channel,
            data: message,
            retryLimit: ATTEMPTS,
            retryDelay: 1,
            expireInSeconds: rowTimeoutSeconds,
          })),
        )
      },
      consume: (work, options) => consume(boss, channel, work, options),
    }
  }

  return {
    rows: await openChannel(`${name}-rows`),
    results: await openChannel(`${name}-results`),
    turns,
    close: () => boss.stop({ graceful: false, wait: true }),
  }
}

// Processes that start together create the same tables, and Postgres ends all but one of them as a deadlock.
function insist<T>(call: () => Promise<T>): Promise<T> {
  return withRetries(call, { retries: 8, delayMs: 100, random: Math.random }, new Stop())
}

async function consume(
  boss: PgBoss,
  channel: string,
  work: (message: QueueMessage) => Promise<void>,
  { concurrency, signal }: ConsumeOptions,
): Promise<void> {
  const open = new Set<Promise<void>>()
  let nextExpiryMs = 0
  while (!signal.aborted) {
    // pg-boss does this too, but not while the process that had its turn lies dead.
    if (monotonicMs() > nextExpiryMs) {
      nextExpiryMs = monotonicMs() + EXPIRY_MS
      await boss.expire().catch(() => undefined)
    }
    const room = concurrency - open.size
    // Postgres may be restarting; what was taken and not completed comes again.
    const jobs = room > 0 ? await boss.fetch<QueueMessage>(channel, { batchSize: room }).catch(() => []) : []
    for (const job of jobs) {
      const done: Promise<void> = finish(boss, channel, job, work).finally(() => open.delete(done))
      open.add(done)
    }
    if (open.size >= concurrency) await Promise.race(open)
    else if (jobs.length === 0) await Promise.race([pause(IDLE_MS), ...open])
  }
  await Promise.all(open)
}

async function finish(
  boss: PgBoss,
  channel: string,
  job: PgBoss.Job<QueueMessage>,
  work: (message: QueueMessage) => Promise<void>,
): Promise<void> {
  try {
    await work(job.data)
    await boss.complete(channel, job.id)
  } catch (error) {
    await boss.fail(channel, job.id, { message: String(error) }).catch(() => undefined)
  }
}

// In `try` and not in a callback: only there do bundlers accept that an optional package is not installed.
async function loadPgBoss(): Promise<{ readonly default: typeof PgBoss }> {
  try {
    return await import('pg-boss')
  } catch (cause) {
    throw toMissingPeer('pg-boss', cause)
  }
}
