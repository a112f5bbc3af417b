import { randomBytes } from 'node:crypto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { ResolvedBatch } from '../../src/config/resolved.js'
import { createDiagnostics } from '../../src/diagnostics.js'
import { BatchSpanProcessor, type BatchSpanProcessorOptions } from '../../src/export/batch-span-processor.js'
import { toRequestHeaders } from '../../src/export/headers.js'
import { SpanStats, type TracerStats } from '../../src/export/stats.js'
import { OtlpSender } from '../../src/export/otlp-sender.js'
import type { PendingSpan } from '../../src/export/pending-span.js'
import { HttpTransport, type HttpTransportOptions } from '../../src/export/transport.js'

export const SENTINEL_KEY = 'hh_sentinel_key_4711'

/** Everything of one tracer's delivery path, without the tracer. */
export interface Rig {
  readonly stats: SpanStats
  readonly processor: BatchSpanProcessor
  readonly transport: HttpTransport
  readonly warnings: string[]
  readonly drops: { reason: string; count: number }[]
  /** Starts and ends `count` spans; gives back their ids. */
  record(count: number, options?: SpanShape): string[]
  close(): Promise<void>
}

export interface SpanShape {
  name?: string
  /** Bytes of text in one attribute. */
  bytes?: number
  toReadable?: () => ReadableSpan
  onRelease?: () => void
}

export type RigOptions = Partial<ResolvedBatch> & {
  serverUrl?: string
  protocol?: 'http/json' | 'http/protobuf'
  transport?: Partial<HttpTransportOptions>
  processor?: Partial<BatchSpanProcessorOptions>
}

const BATCH: ResolvedBatch = {
  maxQueueSize: 50_000,
  maxQueueBytes: 67_108_864,
  maxExportBatchSize: 512,
  maxExportBatchBytes: 1_048_576,
  scheduledDelayMs: 1_000,
  exportTimeoutMs: 10_000,
  retryBudgetMs: 60_000,
  concurrency: 4,
}

export function createRig({
  serverUrl = 'http://127.0.0.1:9',
  protocol = 'http/json',
  transport,
  processor: parts,
  ...limits
}: RigOptions = {}): Rig {
  const warnings: string[] = []
  const drops: { reason: string; count: number }[] = []
  const push = (message: string): void => void warnings.push(message)
  const diagnostics = createDiagnostics({ logger: { debug: push, warn: push, error: push } })
  const stats = new SpanStats({ diagnostics, onDrop: ({ reason, count }) => void drops.push({ reason, count }) })
  const headers = toRequestHeaders({ apiKey: SENTINEL_KEY, source: 'test' })
  const wire = new HttpTransport({ serverUrl, headers, ...transport })
  const sender = new OtlpSender({ transport: wire, protocol, stats })
  const processor = new BatchSpanProcessor({ sender, limits: { ...BATCH, ...limits }, stats, diagnostics, ...parts })
  return {
    stats,
    processor,
    transport: wire,
    warnings,
    drops,
    record(count, shape = {}) {
      const ids: string[] = []
      for (let i = 0; i < count; i++) {
        const span = toPending(shape)
        ids.push(span.spanId)
        stats.started()
        stats.ended()
        processor.enqueue(span)
      }
      return ids
    },
    async close() {
      await processor.close(0)
      wire.close()
    },
  }
}

export function toPending({ name = 'work', bytes = 100, toReadable, onRelease }: SpanShape = {}): PendingSpan {
  const spanId = randomBytes(8).toString('hex')
  return {
    name,
    spanId,
    estimatedBytes: bytes + 400,
    resource: RESOURCE,
    instrumentationScope: LIBRARY,
    toReadable: toReadable ?? (() => toReadableSpan(name, spanId, bytes)),
    ...(onRelease === undefined ? {} : { release: onRelease }),
  }
}

const RESOURCE = resourceFromAttributes({ 'service.name': 'rig' })
const LIBRARY = { name: 'rig' }
const TEXT = 'x'.repeat(1_048_576)

export function toReadableSpan(name: string, spanId: string, bytes: number): ReadableSpan {
  return {
    name,
    kind: 0,
    startTime: [1_700_000_000, 0],
    endTime: [1_700_000_001, 0],
    duration: [1, 0],
    ended: true,
    spanContext: () => ({ traceId: `${spanId}${spanId}`, spanId, traceFlags: 1 }),
    status: { code: 0 },
    attributes: { text: bytes <= TEXT.length ? TEXT.slice(0, bytes) : 'x'.repeat(bytes) },
    links: [],
    events: [],
    resource: RESOURCE,
    instrumentationScope: LIBRARY,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}

/** The accounting identity A of the catalogue. */
export function isBalanced(stats: TracerStats): boolean {
  const lost = Object.values(stats.dropped).reduce((sum, count) => sum + count, 0)
  return stats.ended === stats.exported + stats.pending + lost && stats.started === stats.ended + stats.open && stats.pending >= 0
}
