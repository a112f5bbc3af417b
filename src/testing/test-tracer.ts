import type { IdGenerator, ReadableSpan } from '@opentelemetry/sdk-trace'
import type { TracerOptions } from '../config/options.js'
import type { Clock } from '../provider/clock.js'
import { HoneyHiveTracer } from '../tracer/tracer.js'
import { type SpanTree, toSpanTrees } from './span-tree.js'

/** Settings of {@link createTestTracer}. */
export interface TestTracerOptions extends TracerOptions {
  /** Every span id and trace id counts up from 1, and every reading of the clock is one millisecond later. @defaultValue false */
  readonly deterministic?: boolean | undefined
  /** Unix milliseconds at which a deterministic clock starts. @defaultValue 2026-01-01T00:00:00Z */
  readonly startMs?: number | undefined
}

/** A session the tracer would have started at the backend, with what was added to it later. */
export interface TestSession {
  readonly sessionId: string
  readonly sessionName: string
  /** Body of the request that starts it. */
  readonly started: Readonly<Record<string, unknown>>
  /** Bodies of the updates, in order. */
  readonly updates: readonly Readonly<Record<string, unknown>>[]
}

/** What a test reads from a tracer. */
export interface TestView {
  /** Ended spans, as they would have been exported, in order of their end. */
  readonly spans: readonly ReadableSpan[]
  /** Sessions in order of their start. */
  readonly sessions: readonly TestSession[]
  /** The recorded spans as trees of names. */
  tree(): SpanTree[]
  /** Forgets what was recorded. */
  clear(): void
}

/** A tracer that records in memory and uses no network at all. */
export type TestTracer = HoneyHiveTracer & TestView

/**
 * Makes a tracer in test mode whose spans and sessions can be read.
 *
 * @throws HoneyHiveConfigError when options are wrong.
 */
export function createTestTracer(given: TestTracerOptions = {}): TestTracer {
  // It refuses what is no object; below, a text would be taken apart into letters.
  if (typeof given !== 'object') HoneyHiveTracer.init(given)
  const { deterministic = false, startMs = Date.UTC(2026, 0, 1), ...options } = given
  const collaborators = deterministic ? { ids: countingIds(), clock: steppingClock(startMs) } : undefined
  const tracer = HoneyHiveTracer.initWith({ apiKey: 'test-key', ...options, testMode: true }, collaborators)
  return Object.defineProperties(tracer, viewProperties(tracer)) as TestTracer
}

function viewProperties(tracer: HoneyHiveTracer): PropertyDescriptorMap {
  const memory = tracer.instance.exporters.memory ?? { spans: [], calls: [] }
  return {
    spans: { get: () => memory.spans },
    sessions: { get: () => toSessions(memory.calls) },
    tree: { value: () => toSpanTrees(memory.spans) },
    clear: {
      value: () => {
        memory.spans.length = 0
        memory.calls.length = 0
      },
    },
  }
}

function toSessions(calls: readonly { readonly kind: string; readonly body: Readonly<Record<string, unknown>> }[]): TestSession[] {
  return calls
    .filter(({ kind }) => kind === 'startSession')
    .map(({ body }) => ({
      sessionId: String(body['session_id']),
      sessionName: String(body['session_name']),
      started: body,
      updates: calls.filter((call) => call.kind === 'updateEvent' && call.body['event_id'] === body['session_id']).map((call) => call.body),
    }))
}

function countingIds(): IdGenerator {
  let next = 1
  const take = (digits: number): string => (next++).toString(16).padStart(digits, '0')
  return { generateTraceId: () => take(32), generateSpanId: () => take(16) }
}

function steppingClock(startMs: number): Clock {
  let elapsedMs = 0
  return { anchor: () => startMs, monotonicMs: () => ++elapsedMs }
}
