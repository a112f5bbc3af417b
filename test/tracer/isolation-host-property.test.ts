import { isSpanContextValid, trace as otel } from '@opentelemetry/api'
import { type ReadableSpan, type Sampler, SamplingDecision } from '@opentelemetry/sdk-trace-base'
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { createRoutingProvider, HoneyHiveTracer } from '../../src/index.js'
import { createTestTracer } from '../../src/testing/index.js'
import {
  ALL_MOVES,
  createSilentLibrary,
  LEFT_OUT,
  predict,
  programsOf,
  runProgram,
  sortTrees,
  toKeptTrees,
  TRACERS,
} from '../fixtures/isolation-program.js'

/** Decides by the name at a root, and as the parent did below it; every span is recorded, so that all can be compared. */
const byName: Sampler = {
  shouldSample(at, _traceId, name) {
    const parent = otel.getSpanContext(at)
    const isRoot = parent === undefined || !isSpanContextValid(parent)
    const isSampled = isRoot ? name.length % 4 === 0 : (parent.traceFlags & 1) === 1
    return { decision: isSampled ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.RECORD }
  },
  toString: () => 'by name',
}

const hostSpans: ReadableSpan[] = []
const host = new NodeTracerProvider({
  sampler: byName,
  spanProcessors: [
    {
      onStart: () => undefined,
      onEnd: (span) => void hostSpans.push(span),
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    },
  ],
})
host.register()
afterAll(() => host.shutdown())

const logger = { debug: () => undefined, warn: () => undefined, error: () => undefined }
const off = HoneyHiveTracer.init({ apiKey: 'off', disabled: true, logger })
const tracers = Array.from({ length: TRACERS }, (_, i) =>
  createTestTracer({ apiKey: `k-${i}`, project: `p-${i}`, spanFilter: { exclude: [LEFT_OUT] }, logger }),
)
afterAll(() => Promise.all([...tracers, off].map((tracer) => tracer.shutdown())))

const programs = programsOf({
  ...ALL_MOVES,
  kinds: [...ALL_MOVES.kinds, 'host', 'host', 'host'],
})

test("beside the application's own OpenTelemetry each tracer has its forest, and the application what it has without us", async () => {
  const app = otel.getTracer('app')
  const beside = { tracers: [...tracers, off], library: createRoutingProvider().getTracer('shared-instrumentor'), host: app }
  const without = { tracers: undefined, library: createSilentLibrary(), host: app }
  await fc.assert(
    fc.asyncProperty(programs, async (steps) => {
      for (const tracer of tracers) tracer.clear()
      await runProgram(steps, without)
      const alone = describeSpans(hostSpans.splice(0))
      await runProgram(steps, beside)
      expect(describeSpans(hostSpans.splice(0))).toEqual(alone)
      const forests = predict(steps, true)
      tracers.forEach((tracer, i) => void expect(sortTrees(tracer.tree())).toEqual(toKeptTrees(forests[i] ?? [])))
    }),
    { numRuns: process.env['TEST_LONG'] === '1' ? 5_000 : 500 },
  )
})

/** Name, parent by name, spans of its trace and sampled flag of each span; a parent that is no span of the application by its id. */
function describeSpans(spans: readonly ReadableSpan[]): object[] {
  const names = new Map(spans.map((span) => [span.spanContext().spanId, span.name]))
  const inTrace = new Map<string, string[]>()
  for (const span of spans) {
    const { traceId } = span.spanContext()
    inTrace.set(traceId, [...(inTrace.get(traceId) ?? []), span.name])
  }
  return spans
    .map((span) => {
      const { traceId, traceFlags } = span.spanContext()
      const parent = span.parentSpanContext?.spanId
      return {
        name: span.name,
        parent: parent === undefined ? 'none' : (names.get(parent) ?? parent),
        trace: inTrace.get(traceId)?.sort(),
        traceFlags,
      }
    })
    .sort((one, other) => (one.name < other.name ? -1 : 1))
}
