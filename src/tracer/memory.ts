import { resolved } from '../builtins.js'
import { mapTexts } from '../values/secrets/map-texts.js'
import type { PendingSpan } from '../export/pending-span.js'
import type { SpanStats } from '../export/stats.js'
import { isStackUsedUp, needStackRoom } from '../stack-used-up.js'
import type { Memory, Exporters, RecordedCall } from './exporter-types.js'

/** Exporters that keep everything in memory and never touch the network; at most `maxSpans` spans. */
export function createMemoryExporters(memory: Memory, stats: SpanStats, maxSpans: number, mask: (text: string) => string): Exporters {
  let isClosed = false

  function keep(span: PendingSpan): void {
    if (isClosed) return stats.droppedOne('afterShutdown', span, 'the tracer was shut down')
    if (memory.spans.length >= maxSpans) return stats.droppedOne('queueFull', span, 'the memory of test mode is full; call clear()')
    try {
      needStackRoom()
      if (span.stage === undefined) memory.spans[memory.spans.length] = span.toReadable()
      span.stage = 'settled'
      stats.exported([span])
    } catch (error) {
      // It is asked again once there is stack for it.
      if (isStackUsedUp(error)) throw error
      stats.droppedOne('unserializable', span, error instanceof Error ? error.message : 'unknown error')
    }
  }

  function record(kind: RecordedCall['kind']): (body: Readonly<Record<string, unknown>>) => Promise<boolean> {
    return (body) => {
      if (!isClosed) memory.calls.push({ kind, body: mapTexts(body, mask) })
      return resolved(!isClosed)
    }
  }

  const close = (): Promise<boolean> => {
    isClosed = true
    return resolved(true)
  }
  return {
    spans: { enqueue: keep },
    rest: {
      startSession: record('startSession'),
      updateEvent: record('updateEvent'),
      createEvent: record('createEvent'),
      flush: () => resolved(true),
      // There is no backend that would show a session's end.
      noteSpanEnd: () => undefined,
    },
    memory,
    flush: () => resolved(true),
    shutdown: close,
  }
}
