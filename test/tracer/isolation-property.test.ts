import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRoutingProvider, HoneyHiveTracer } from '../../src/index.js'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'
import { type Fleet, startFleet } from '../fixtures/fleet.js'
import {
  ALL_MOVES,
  type Expected,
  keptIn,
  LEFT_OUT,
  predict,
  programsOf,
  runProgram,
  sortTrees,
  toKeptTrees,
  TRACERS,
  type Tree,
} from '../fixtures/isolation-program.js'
import { toTrees } from '../fixtures/receiver.js'

const spanFilter = { exclude: [LEFT_OUT] }
const logger = { debug: () => undefined, warn: () => undefined, error: () => undefined }
const off = HoneyHiveTracer.init({ apiKey: 'off', disabled: true, logger })
const library = createRoutingProvider().getTracer('shared-instrumentor')
// The first span of a library registers the context manager; until then a context that a program makes current is not seen.
beforeAll(() => library.startSpan('first').end())
afterAll(() => off.shutdown())

describe('any program of calls over five tracers and one instrumentor', () => {
  test('leaves each tracer exactly the forest a model predicts', async () => {
    const tracers = Array.from({ length: TRACERS }, (_, i) => createTestTracer({ apiKey: `k-${i}`, project: `p-${i}`, spanFilter, logger }))
    await fc.assert(
      fc.asyncProperty(programsOf(ALL_MOVES), async (steps) => {
        for (const tracer of tracers) tracer.clear()
        const { sessions } = await runProgram(steps, { tracers: [...tracers, off], library })
        const forests = predict(steps, false)
        tracers.forEach((tracer, i) => void expect(sortTrees(tracer.tree())).toEqual(toKeptTrees(forests[i] ?? [])))
        checkSpans(tracers, forests.flatMap(keptIn), sessions)
      }),
      { numRuns: process.env['TEST_LONG'] === '1' ? 20_000 : 2_000 },
    )
    await Promise.all(tracers.map((tracer) => tracer.shutdown()))
  })
})

describe('the same over HTTP', () => {
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await startFleet(['0', '1', '2', '3', '4'], () => ({ spanFilter }))
  })
  afterAll(() => fleet.close())

  test('each receiver gets its own forest, nothing twice and nothing with another key', async () => {
    // The fleet checks that every parent arrived, which a remote one never does.
    const isLocal = (move: string): boolean => !['headers', 'carried', 'remote'].includes(move)
    const { kinds, places, dresses } = ALL_MOVES
    const programs = programsOf({ kinds: kinds.filter(isLocal), places: places.filter(isLocal), dresses })
    const tracers = [...fleet.members.map(({ tracer }) => tracer), off]
    await fc.assert(
      fc.asyncProperty(programs, async (steps) => {
        for (const { receiver } of fleet.members) receiver.spans.length = 0
        await runProgram(steps, { tracers, library })
        const arrived = await fleet.arrived()
        const forests = predict(steps, false)
        for (const [i, { name }] of fleet.members.entries()) {
          expect(sortTrees(toTrees(arrived[name] ?? []) as Tree[])).toEqual(toKeptTrees(forests[i] ?? []))
        }
      }),
      { numRuns: 100 },
    )
  })
})

/** Project, session and trace of every span. */
function checkSpans(tracers: readonly TestTracer[], expected: readonly Expected[], sessions: ReadonlyMap<string, string>): void {
  const models = new Map(expected.map((model) => [model.name, model]))
  const traces = new Map<string, string>()
  for (const [i, tracer] of tracers.entries()) {
    for (const span of tracer.spans) {
      const { session, trace } = models.get(span.name) as Expected
      expect(span.attributes['honeyhive.project']).toBe(`p-${i}`)
      expect(span.attributes['honeyhive.session_id']).toBe(session === '' ? tracer.sessionId : sessions.get(session))
      expect(traceOf(span)).toBe(traces.get(trace) ?? traceOf(span))
      traces.set(trace, traceOf(span))
    }
  }
  expect(new Set(traces.values()).size).toBe(traces.size)
}

function traceOf(span: ReadableSpan): string {
  return span.spanContext().traceId
}
