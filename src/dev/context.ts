import type { IncomingMessage } from 'node:http'
import type { Database } from './store/database.js'
import { createEventWriter, type EventWriter } from './store/event-writer.js'
import type { MappingOptions } from './event-mapping.js'
import type { ProjectStore, Sender } from './store/projects.js'
import type { BodyLimits } from './http/body.js'
import type { Changes, WriteQueue } from './store/write-queue.js'

/** What every route works with. */
export interface DevContext {
  readonly database: Database
  readonly queue: WriteQueue
  readonly projects: ProjectStore
  readonly limits: BodyLimits & { readonly maxSpans: number }
  readonly mapping: Required<Pick<MappingOptions, 'strict' | 'parseJson'>>
  /** Unix milliseconds. */
  readonly now: () => number
}

/** The sender of a request: its bearer key, as a hash. */
export function senderOf({ projects }: DevContext, { headers }: IncomingMessage): Sender {
  return projects.identify(/^bearer\s+(.+)$/i.exec(headers.authorization ?? '')?.[1])
}

/** What a write of one request works with. */
export interface WriteScope {
  readonly events: EventWriter
  readonly changes: Changes
  readonly nowMs: number
  /** The project of a label, looked up once per write. */
  projectOf(label: string | undefined): number
}

/** Runs `job` in the next commit and settles after it. */
export function writeAs<T>(context: DevContext, sender: Sender, job: (scope: WriteScope) => T): Promise<T> {
  return context.queue.write((changes) => {
    const nowMs = context.now()
    const events = createEventWriter(context.database, changes, sender.keyHash, nowMs)
    const known = new Map<string | undefined, number>()
    const projectOf = (label: string | undefined): number => {
      const id = known.get(label) ?? context.projects.resolve(sender, label)
      if (!known.has(label)) context.projects.touch(id, nowMs)
      known.set(label, id)
      return id
    }
    const result = job({ events, changes, nowMs, projectOf })
    events.finish()
    return result
  })
}
