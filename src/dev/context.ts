import type { IncomingMessage } from 'node:http'
import type { BodyLimits } from './http/body.js'
import type { MappingOptions } from './ingest/event-mapping.js'
import type { Transaction } from './store/change-queue.js'
import type { PriceTable } from './prices/price-table.js'
import { createEventWriter, type EventWriter } from './store/event-writer.js'
import type { ProjectStore, Sender } from './store/projects.js'
import { toUpdate } from './store/statement.js'
import type { Store } from './store/store.js'

/** What every route works with. */
export interface DevContext {
  readonly store: Store
  readonly projects: ProjectStore
  readonly prices: PriceTable
  readonly limits: BodyLimits & { readonly maxSpans: number }
  readonly mapping: Required<Pick<MappingOptions, 'strict' | 'parseJson'>>
  /** Unix milliseconds. */
  readonly now: () => number
}

/** The sender of a request: its bearer key, as a hash. */
export function senderOf({ projects }: DevContext, { headers }: IncomingMessage): Sender {
  return projects.identify(/^bearer\s+(.+)$/i.exec(headers.authorization ?? '')?.[1])
}

/** The projects a request may read, the one of `label` first. */
export function projectsOf(context: DevContext, request: IncomingMessage, label?: string): number[] {
  return context.projects.idsOf(context.store, senderOf(context, request), label)
}

/** What a change of one request works with. */
export interface WriteScope {
  readonly tx: Transaction
  readonly events: EventWriter
  readonly nowMs: number
  /** The project of a label, made when it is new and looked up once per change. */
  projectOf(label: string | undefined): number
  /** Every project of the sender, the one of `label` first. */
  projectIds(label?: string): number[]
}

/** Runs `job` in the next commit and settles after it; `job` may run again when the file was held meanwhile. */
export function writeAs<T>({ store, projects, prices }: DevContext, sender: Sender, job: (scope: WriteScope) => T): Promise<T> {
  return store.change((tx) => {
    const { nowMs } = tx
    const events = createEventWriter(tx, sender.keyHash, prices)
    const known = new Map<string | undefined, number>()
    const projectOf = (label: string | undefined): number => {
      const id = known.get(label) ?? projects.resolve(tx, sender, label)
      if (!known.has(label)) tx.run(...toUpdate('projects', { last_seen_ms: nowMs }, { id }))
      known.set(label, id)
      return id
    }
    const result = job({ tx, events, nowMs, projectOf, projectIds: (label) => projects.idsOf(tx, sender, label) })
    events.finish()
    return result
  })
}
