import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { ATTRIBUTE } from '../semantics/attributes.js'
import { HoneyHiveConfigError, HoneyHiveError } from '../errors.js'
import { toKind } from '../options/shown.js'
import type { TestTracer } from './test-tracer.js'

/** Every way in which something of one tracer shows on the spans of another; empty when they are isolated. */
export function findLeaks(...tracers: readonly TestTracer[]): string[] {
  const other = tracers.find((tracer) => !Array.isArray((tracer as Partial<TestTracer> | undefined)?.spans))
  if (tracers.includes(other as TestTracer)) {
    const message = `Expected tracers of createTestTracer(), got ${toKind(other)}. Give them one by one: assertIsolated(a, b).`
    throw new HoneyHiveConfigError([{ option: 'tracers', message }], 'assertIsolated')
  }
  return [...tracers.flatMap(findDanglingParents), ...pairs(tracers).flatMap(([one, other]) => findSharedBetween(one, other))]
}

/**
 * Checks that nothing of one tracer shows on the spans of another: no shared trace, no foreign parent, no foreign session.
 *
 * @throws HoneyHiveError with code `ISOLATION` that lists every leak.
 */
export function assertIsolated(...tracers: readonly TestTracer[]): void {
  const leaks = findLeaks(...tracers)
  if (leaks.length > 0)
    throw new HoneyHiveError('ISOLATION', `The tracers are not isolated:\n${leaks.map((leak) => `  - ${leak}`).join('\n')}`)
}

function findDanglingParents(tracer: TestTracer): string[] {
  const ids = new Set(tracer.spans.map((span) => span.spanContext().spanId))
  return tracer.spans
    .filter(({ parentSpanContext: parent }) => parent !== undefined && parent.isRemote !== true && !ids.has(parent.spanId))
    .map((span) => `"${span.name}" of ${String(tracer)} has a parent that this tracer did not record (its parent may still be open)`)
}

function findSharedBetween(one: TestTracer, other: TestTracer): string[] {
  const traces = new Set(one.spans.map((span) => span.spanContext().traceId))
  const sessions = new Set(one.spans.map(sessionOf))
  const names = `${String(one)} and ${String(other)}`
  return other.spans.flatMap((span) => [
    ...(traces.has(span.spanContext().traceId) ? [`"${span.name}": ${names} share a trace`] : []),
    ...(sessions.has(sessionOf(span)) ? [`"${span.name}": ${names} share a session`] : []),
  ])
}

function sessionOf(span: ReadableSpan): unknown {
  return span.attributes[ATTRIBUTE.sessionId]
}

function pairs<T>(items: readonly T[]): (readonly [T, T])[] {
  return items.flatMap((one, i) => items.slice(i + 1).map((other) => [one, other] as const))
}
