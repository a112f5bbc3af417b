import type { IncomingHttpHeaders } from 'node:http'
import type { DevContext } from './context.js'

const MAX_REASONS = 64

/** Keeps what a client says it lost: header `hh-client-dropped: reason=count;…`, cumulative per tracer. */
export function saveDrops({ database }: DevContext, headers: IncomingHttpHeaders, projectId: number, nowMs: number): void {
  const header = headers['hh-client-dropped']
  if (typeof header !== 'string' || header === '') return
  const tracer = String(headers['hh-client-instance'] ?? headers['x-source'] ?? 'tracer').slice(0, 128)
  for (const pair of header.split(';').slice(0, MAX_REASONS)) {
    const [, reason, count] = /^\s*([\w.-]{1,64})\s*=\s*(\d{1,15})\s*$/.exec(pair) ?? []
    if (reason === undefined) continue
    database.run(
      'INSERT INTO drops VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = max(count, excluded.count), last_seen_ms = excluded.last_seen_ms',
      projectId,
      tracer,
      reason,
      Number(count),
      nowMs,
    )
  }
}
