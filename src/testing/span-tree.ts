import type { ReadableSpan } from '@opentelemetry/sdk-trace'

/** A span and what is under it, as tests compare it. */
export interface SpanTree {
  readonly name: string
  /** Present when there are any, in order of start. */
  readonly children?: readonly SpanTree[]
}

/** The forest of `spans`: roots, and spans whose parent is not among them, in order of start. */
export function toSpanTrees(spans: readonly ReadableSpan[]): SpanTree[] {
  const ordered = [...spans].sort(byStart)
  const known = new Set(ordered.map((span) => span.spanContext().spanId))
  const isTop = (span: ReadableSpan): boolean => !known.has(span.parentSpanContext?.spanId ?? '')
  return ordered.filter(isTop).map((span) => toTree(span, ordered))
}

function toTree(span: ReadableSpan, all: readonly ReadableSpan[]): SpanTree {
  const id = span.spanContext().spanId
  const children = all.filter((other) => other.parentSpanContext?.spanId === id).map((child) => toTree(child, all))
  return children.length === 0 ? { name: span.name } : { name: span.name, children }
}

function byStart(one: ReadableSpan, other: ReadableSpan): number {
  return one.startTime[0] - other.startTime[0] || one.startTime[1] - other.startTime[1]
}
