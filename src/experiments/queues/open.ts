import { HoneyHiveError } from '../../errors.js'
import { openBullmqQueue } from './bullmq.js'
import { openPgBossQueue } from './pg-boss.js'
import type { RowQueue } from './row-queue.js'

/** The queue of a run by its address: `redis:` is BullMQ, `postgres:` pg-boss. @throws HoneyHiveError `EXPERIMENT` for any other */
export function openQueue(url: string, runId: string): Promise<RowQueue> {
  if (/^rediss?:/.test(url)) return openBullmqQueue({ url, name: runId })
  if (/^postgres(ql)?:/.test(url)) return openPgBossQueue({ url, name: runId })
  throw new HoneyHiveError(
    'EXPERIMENT',
    `The queue "${url.split(':', 1)[0]}:…" is not known. Give an address that starts with redis: or postgres:.`,
  )
}
