/**
 * Figures of the delivery path, each printed as one JSON line. Run: `npx tsx bench/reliability/figures.ts [name …]`;
 * names: `hot`, `protocol`, `gzip`, `burst`, `outage`, `sockets`. Loopback only.
 */
import { gunzipSync, gzip } from 'node:zlib'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { promisify } from 'node:util'
import { createDiagnostics } from '../../src/diagnostics.js'
import { processState } from '../../src/context/globals.js'
import { SpanStats } from '../../src/export/stats.js'
import { toSerializer } from '../../src/otlp/encode.js'
import { type ExportableSpan, toExportable } from '../../src/otlp/span-writer.js'
import { createRig, toPending, toReadableSpan } from '../../test/faults/rig.js'
import { startFaultServer } from '../../test/faults/start-fault-server.js'

const print = (name: string, values: Record<string, unknown>): void => void process.stdout.write(`${JSON.stringify({ name, ...values })}\n`)

function nsPerCall(count: number, act: () => void): number {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 5; round++) {
    const startedAt = process.hrtime.bigint()
    for (let i = 0; i < count; i++) act()
    best = Math.min(best, Number(process.hrtime.bigint() - startedAt) / count)
  }
  return Math.round(best * 10) / 10
}

/** A span that is written as the tracer's own are. */
function toOwn(span: ReadableSpan): ExportableSpan {
  return { ...toExportable(span), writeTo: (out) => out.span(span) }
}

function spanOf(bytes: number) {
  const span = toReadableSpan('chat completion', '00f067aa0ba902b7', bytes)
  const attributes = {
    ...span.attributes,
    'honeyhive.session_id': '7f22137a-6a0f-5c4e-9e6f-0a4cbb0b3a11',
    'honeyhive.source': 'production',
    honeyhive_event_type: 'model',
    'honeyhive_inputs.question': 'What is it?',
    'honeyhive_metrics.score': 0.75,
    'honeyhive_metadata.tokens': 120,
  }
  return { ...span, attributes }
}

const figures: Record<string, () => Promise<void> | void> = {
  hot() {
    const diagnostics = createDiagnostics({ logger: { debug: () => undefined, warn: () => undefined, error: () => undefined } })
    const stats = new SpanStats({ diagnostics })
    const counting = nsPerCall(1_000_000, () => {
      stats.started()
      stats.ended()
    })
    const rig = createRig({ maxQueueSize: 10_000_000, maxQueueBytes: 1e15 })
    const span = toPending({ bytes: 0 })
    processState.queuedBytes -= 1e12
    const enqueue = nsPerCall(200_000, () => rig.processor.enqueue(span))
    processState.queuedBytes += 1e12
    print('hot', { startedAndEndedNs: counting, enqueueNs: enqueue })
    rig.processor.giveUp()
  },

  async protocol() {
    for (const bytes of [100, 10_000]) {
      const spans = Array.from({ length: bytes > 1_000 ? 64 : 512 }, () => toOwn(spanOf(bytes)))
      for (const protocol of ['http/json', 'http/protobuf'] as const) {
        const serializer = toSerializer(protocol)
        const size = serializer.toBytes(spans).byteLength
        const ns = nsPerCall(20, () => void serializer.toBytes(spans))
        print('protocol', {
          protocol,
          textBytes: bytes,
          usPerSpan: Math.round(ns / spans.length / 100) / 10,
          bytesPerSpan: Math.round(size / spans.length),
        })
      }
    }
  },

  async gzip() {
    const serializer = toSerializer('http/protobuf')
    const words = ['the', 'answer', 'depends', 'on', 'what', 'you', 'measure', 'and', 'when', 'tokens', 'model', 'retrieval']
    const text = Array.from({ length: 2_000 }, (_, i) => (words[(i * 7919) % words.length] ?? '') + (i % 97)).join(' ')
    const span = { ...spanOf(0), attributes: { ...spanOf(0).attributes, text } }
    for (const count of [1, 8, 64]) {
      const body = serializer.toBytes(Array.from({ length: count }, () => toExportable(span)))
      const before = process.cpuUsage()
      let out = Buffer.alloc(0)
      for (let i = 0; i < 50; i++) out = await promisify(gzip)(body, { level: 1 })
      const { user, system } = process.cpuUsage(before)
      if (gunzipSync(out).length !== body.length) throw new Error('gzip changed the size')
      print('gzip', { bodyBytes: body.length, gzipBytes: out.length, cpuUsPerBody: Math.round((user + system) / 50) })
    }
  },

  async burst() {
    const server = await startFaultServer()
    for (const delayMs of [0, 100]) {
      await server.set({ otherwise: { delayMs } })
      const rig = createRig({ serverUrl: server.url })
      const spans = Array.from({ length: 50_000 }, () => toPending())
      const startedAt = performance.now()
      for (const span of spans) {
        rig.stats.started()
        rig.stats.ended()
        rig.processor.enqueue(span)
      }
      const enqueueMs = performance.now() - startedAt
      const ok = await rig.processor.flush(30_000)
      const { uniqueSpans, requests } = await server.seen()
      print('burst', {
        delayMs,
        ok,
        delivered: uniqueSpans,
        lost: 50_000 - uniqueSpans,
        requests: requests.length,
        enqueueMs: Math.round(enqueueMs),
        totalMs: Math.round(performance.now() - startedAt),
      })
      await rig.close()
    }
    await server.stop()
  },

  async outage() {
    const server = await startFaultServer()
    const outageMs = Number(process.env.OUTAGE_MS ?? 5_000)
    await server.set({ otherwise: { failForMs: outageMs } })
    const rig = createRig({ serverUrl: server.url, scheduledDelayMs: 200 })
    const startedAt = performance.now()
    while (performance.now() - startedAt < outageMs) {
      rig.record(20)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    const ok = await rig.processor.flush(30_000)
    const { uniqueSpans, requests } = await server.seen()
    print('outage', {
      outageMs,
      ok,
      ended: rig.stats.snapshot().ended,
      delivered: uniqueSpans,
      failedRequests: requests.filter(({ status }) => status === 503).length,
      backAfterMs: Math.round(performance.now() - startedAt - outageMs),
    })
    await rig.close()
    await server.stop()
  },

  async sockets() {
    const server = await startFaultServer()
    await server.set({})
    const rigs = Array.from({ length: 1_000 }, () => createRig({ serverUrl: server.url }))
    for (const rig of rigs) rig.record(1)
    const results = await Promise.all(rigs.map((rig) => rig.processor.flush(30_000)))
    const { open, uniqueSpans } = await server.seen()
    for (const rig of rigs) await rig.close()
    print('sockets', {
      instances: rigs.length,
      flushed: results.filter(Boolean).length,
      delivered: uniqueSpans,
      openWhileLive: open - 1,
      agentsAfterShutdown: processState.agents.size,
    })
    await server.stop()
  },
}

const wanted = process.argv.slice(2)
for (const [name, measure] of Object.entries(figures)) {
  if (wanted.length === 0 || wanted.includes(name)) await measure()
}
process.exit(0)
