import type { IncomingHttpHeaders } from 'node:http'
import type { WriteScope } from '../context.js'
import type { Transaction } from '../store/change-queue.js'
import { toInsert } from '../store/statement.js'

const MAX_REASONS = 64

/**
 * Keeps what a client says it lost: header `hh-client-dropped: reason=count;…`, cumulative per tracer. `source` is that of
 * the spans sent along; people recognise a tracer by it.
 */
export function saveDrops(
  { tx, nowMs }: WriteScope,
  headers: IncomingHttpHeaders,
  { projectId, source }: { readonly projectId: number; readonly source: string | undefined },
): void {
  const header = headers['hh-client-dropped']
  if (typeof header !== 'string' || header === '') return
  const tracer = nameTracer(tx, projectId, String(headers['hh-client-instance'] ?? 'tracer').slice(0, 128), source)
  for (const pair of header.split(';').slice(0, MAX_REASONS)) {
    const [, reason, count] = /^\s*([\w.-]{1,64})\s*=\s*(\d{1,15})\s*$/.exec(pair) ?? []
    if (reason === undefined) continue
    const row = { project_id: projectId, tracer, reason, count: Number(count), last_seen_ms: nowMs }
    const known = 'ON CONFLICT DO UPDATE SET count = max(count, excluded.count), last_seen_ms = excluded.last_seen_ms'
    tx.run(...toInsert('drops', row, known))
  }
}

/** The name it was given first: counts are cumulative, so a second name would count the same losses twice. */
function nameTracer(tx: Transaction, projectId: number, instance: string, source: string | undefined): string {
  const mark = ` · ${instance.slice(0, 8)}`
  const known = tx.get(
    'SELECT tracer FROM drops WHERE project_id = ? AND (tracer = ? OR substr(tracer, ?) = ?) LIMIT 1',
    projectId,
    instance,
    -mark.length,
    mark,
  )
  if (typeof known?.['tracer'] === 'string') return known['tracer']
  return source === undefined ? instance : `${source.slice(0, 100)}${mark}`
}
