import { diag, DiagLogLevel } from '@opentelemetry/api'
import { OTLPTraceExporter as GrpcTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { HoneyHiveTracer } from '../../src/index.js'
import { type Receiver, startReceiver } from '../fixtures/receiver.js'
import { startGrpcReceiver } from './grpc-receiver.js'

/** A span as it came out. */
interface Seen {
  readonly name: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly attributes: Readonly<Record<string, unknown>>
}

/** A part of the SDK that takes spans out, and what came out of it. */
interface Outlet {
  readonly exporter: SpanExporter
  readonly processor: SpanProcessor
  readonly seen: () => readonly Seen[]
}

/** What the console exporter prints. */
type Printed = Pick<Seen, 'name' | 'attributes'> & { readonly id: string; readonly parentSpanContext?: { readonly spanId: string } }

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function openReceiver(): Promise<Receiver> {
  const receiver = await startReceiver()
  cleanups.push(() => receiver.close())
  return receiver
}

const OUTLETS: Readonly<Record<string, () => Promise<Outlet>>> = {
  'OTLP over HTTP': async () => {
    const receiver = await openReceiver()
    const exporter = new OTLPTraceExporter({ url: `${receiver.url}/v1/traces` })
    return { exporter, processor: new BatchSpanProcessor({ exporter }), seen: () => receiver.spans }
  },
  'OTLP over gRPC': async () => {
    const receiver = await startGrpcReceiver()
    cleanups.push(() => receiver.close())
    const exporter = new GrpcTraceExporter({ url: receiver.url })
    const seen = (): Seen[] => receiver.spans.map((span) => ({ ...span, parentSpanId: span.parentSpanId || undefined }))
    return { exporter, processor: new BatchSpanProcessor({ exporter }), seen }
  },
  memory: () => {
    // It forgets its spans when it is shut down.
    const exporter = new InMemorySpanExporter()
    let kept: Seen[] = []
    const seen = (): Seen[] => {
      const spans = exporter.getFinishedSpans()
      if (spans.length > 0)
        kept = spans.map((span) => ({
          name: span.name,
          spanId: span.spanContext().spanId,
          parentSpanId: span.parentSpanContext?.spanId,
          attributes: span.attributes,
        }))
      return kept
    }
    return Promise.resolve({ exporter, processor: new SimpleSpanProcessor({ exporter }), seen })
  },
  console: () => {
    const exporter = new ConsoleSpanExporter()
    const own: Seen[] = []
    // All exporters write to the one console; while one of them exports, what is printed is its own.
    const write = exporter.export.bind(exporter)
    vi.spyOn(exporter, 'export').mockImplementation((spans, done) => {
      const print = vi.spyOn(console, 'dir').mockImplementation((span: Printed) => {
        own.push({ name: span.name, spanId: span.id, parentSpanId: span.parentSpanContext?.spanId, attributes: span.attributes })
      })
      write(spans, done)
      print.mockRestore()
    })
    return Promise.resolve({ exporter, processor: new SimpleSpanProcessor({ exporter }), seen: () => own })
  },
}

/** Nested and interleaved calls of two tenants. */
async function work(a: HoneyHiveTracer, b: HoneyHiveTracer): Promise<void> {
  const requests = Array.from({ length: 20 }, async (_, i) => {
    const [outer, inner, [one, other]] = i % 2 === 0 ? [a, b, ['a', 'b']] : [b, a, ['b', 'a']]
    await outer.startActiveSpan(
      `${one}-outer`,
      { inputs: { tenant: one, chat: { text: `from ${one}` }, password: 'hunter2' } },
      async () => {
        await turn()
        await inner.startActiveSpan(`${other}-middle`, async (span) => {
          span.setAttribute('note', 'sk-secret')
          await turn()
          outer.startSpan(`${one}-leaf`).end()
          await turn()
        })
      },
    )
  })
  await Promise.all(requests)
}

/** Everything of one tenant, whole trees, nothing of the other, as it is exported. */
function expectOnly(name: 'a' | 'b', spans: readonly Seen[], sessionId: string): void {
  expect(spans.map((span) => span.name).sort()).toEqual(['leaf', 'middle', 'outer'].flatMap((part) => Array(10).fill(`${name}-${part}`)))
  const ids = new Set(spans.map((span) => span.spanId))
  expect(spans.filter(({ parentSpanId }) => parentSpanId !== undefined && !ids.has(parentSpanId))).toEqual([])
  expect(spans.filter((span) => span.parentSpanId !== undefined).length).toBe(10)
  expect(new Set(spans.map((span) => span.attributes['honeyhive.session_id']))).toEqual(new Set([sessionId]))
  for (const { attributes } of spans.filter((span) => span.name === `${name}-outer`)) {
    expect(attributes).toMatchObject({ 'honeyhive_inputs.tenant': name, 'honeyhive_inputs.chat.text': `from ${name}` })
  }
  expect(JSON.stringify(spans)).not.toMatch(/hunter2|sk-secret/)
}

const SETTINGS = { redact: { keys: ['password'], patterns: [/sk-secret/] }, batch: { scheduledDelayMs: 60_000 } } as const

describe.each(Object.entries(OUTLETS))('%s', (_, open) => {
  test('a processor of each tracer, beside our exporter: both get the same spans, and nothing crosses', async () => {
    const [outA, outB, serverA, serverB] = [await open(), await open(), await openReceiver(), await openReceiver()]
    const a = HoneyHiveTracer.init({
      ...SETTINGS,
      apiKey: 'key-of-a',
      serverUrl: serverA.url,
      protocol: 'http/json',
      spanProcessors: [outA.processor],
    })
    const b = HoneyHiveTracer.init({
      ...SETTINGS,
      apiKey: 'key-of-b',
      serverUrl: serverB.url,
      protocol: 'http/json',
      spanProcessors: [outB.processor],
    })
    await work(a, b)
    expect([await a.forceFlush(), await b.forceFlush()]).toEqual([true, true])
    expectOnly('a', outA.seen(), a.sessionId)
    expectOnly('b', outB.seen(), b.sessionId)
    expectOnly('a', serverA.spans, a.sessionId)
    expectOnly('b', serverB.spans, b.sessionId)
    expect(new Set(serverA.headers.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer key-of-a']))
    expect(new Set(serverB.headers.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer key-of-b']))
    await Promise.all([a.shutdown(), b.shutdown()])
  })

  test('a processor instead of our exporter, without a key: flushed, and shut down once', async () => {
    const [outA, outB] = [await open(), await open()]
    const [endA, endB] = [vi.spyOn(outA.exporter, 'shutdown'), vi.spyOn(outB.exporter, 'shutdown')]
    const a = HoneyHiveTracer.init({ ...SETTINGS, exporter: false, spanProcessors: [outA.processor] })
    const b = HoneyHiveTracer.init({ ...SETTINGS, exporter: false, spanProcessors: [outB.processor] })
    await work(a, b)
    expect([await a.forceFlush(), await b.forceFlush()]).toEqual([true, true])
    expectOnly('a', outA.seen(), a.sessionId)
    expectOnly('b', outB.seen(), b.sessionId)
    expect([await a.shutdown(), await b.shutdown(), await a.shutdown()]).toEqual([true, true, true])
    expect([endA.mock.calls.length, endB.mock.calls.length]).toEqual([1, 1])
    expect(a.stats()).toMatchObject({ started: 30, ended: 30, exported: 30, pending: 0 })
    a.startSpan('late').end()
    expect(outA.seen().filter((span) => span.name === 'late')).toEqual([])
  })

  test('an exporter of each tracer instead of ours: forceFlush and shutdown reach it', async () => {
    const [outA, outB] = [await open(), await open()]
    const flushA = vi.spyOn(outA.exporter as Required<SpanExporter>, 'forceFlush')
    const endA = vi.spyOn(outA.exporter, 'shutdown')
    const a = HoneyHiveTracer.init({ ...SETTINGS, exporter: outA.exporter })
    const b = HoneyHiveTracer.init({ ...SETTINGS, exporter: outB.exporter })
    await work(a, b)
    expect([await a.forceFlush(), await b.forceFlush()]).toEqual([true, true])
    expect(flushA).toHaveBeenCalled()
    expectOnly('a', outA.seen(), a.sessionId)
    expectOnly('b', outB.seen(), b.sessionId)
    expect([await a.shutdown(), await b.shutdown()]).toEqual([true, true])
    expect(endA).toHaveBeenCalledTimes(1)
  })
})

test('several destinations of one tracer get every span', async () => {
  const server = await openReceiver()
  const [http, grpc] = [await OUTLETS['OTLP over HTTP']!(), await OUTLETS['OTLP over gRPC']!()]
  const tracer = HoneyHiveTracer.init({
    apiKey: 'key',
    serverUrl: server.url,
    protocol: 'http/json',
    spanProcessors: [http.processor, grpc.processor],
  })
  tracer.startActiveSpan('everywhere', () => undefined)
  expect(await tracer.shutdown()).toBe(true)
  expect([server.spans, http.seen(), grpc.seen()].map((spans) => spans.map(({ name }) => name))).toEqual(Array(3).fill(['everywhere']))
})

test('a destination that fails holds up no other, and makes forceFlush false', async () => {
  const [server, other] = [await openReceiver(), await OUTLETS['OTLP over HTTP']!()]
  const broken: SpanExporter = { export: (_spans, done) => done({ code: 1 }), shutdown: () => Promise.reject(new Error('broken')) }
  const warnings: string[] = []
  const logger = { debug: () => undefined, warn: (line: string) => warnings.push(line), error: (line: string) => warnings.push(line) }
  const tracer = HoneyHiveTracer.init({
    apiKey: 'key',
    serverUrl: server.url,
    protocol: 'http/json',
    logger: logger as never,
    spanProcessors: [new BatchSpanProcessor({ exporter: broken }), other.processor],
  })
  tracer.startActiveSpan('kept', () => undefined)
  expect(await tracer.forceFlush()).toBe(false)
  expect([server.spans.length, other.seen().length]).toEqual([1, 1])
  expect(warnings.join('\n')).toContain('BatchSpanProcessor')
  expect(await tracer.shutdown()).toBe(false)
})

test('what an OTLP/gRPC endpoint rejects is logged by the SDK’s exporter', async () => {
  // Field 1: partial success, with 1 rejected span (1) and a message (2).
  const message = Buffer.from('too old')
  const receiver = await startGrpcReceiver(Buffer.concat([Buffer.from([0x0a, message.length + 4, 0x08, 1, 0x12, message.length]), message]))
  cleanups.push(() => receiver.close())
  const lines: unknown[][] = []
  const note = (...line: unknown[]): void => void lines.push(line)
  diag.setLogger(
    { error: note, warn: note, info: note, debug: note, verbose: note },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
  cleanups.push(() => diag.disable())
  const tracer = HoneyHiveTracer.init({ exporter: new GrpcTraceExporter({ url: receiver.url }) })
  tracer.startSpan('s').end()
  await tracer.shutdown()
  expect(receiver.spans.length).toBe(1)
  expect(JSON.stringify(lines)).toContain('too old')
})
