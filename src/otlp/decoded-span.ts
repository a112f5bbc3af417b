import type { JsonObject } from '../semantics/json.js'

/** One span as it came over the wire, independent of the encoding. Ids are lower-case hex, times Unix milliseconds. */
export interface DecodedSpan {
  readonly traceId: string
  readonly spanId: string
  /** Empty for roots. */
  readonly parentSpanId: string
  readonly name: string
  readonly startMs: number
  readonly endMs: number
  readonly attributes: JsonObject
  readonly events: readonly DecodedSpanEvent[]
  readonly links: readonly DecodedLink[]
  readonly isError: boolean
  readonly statusMessage: string
  readonly scopeName: string
  readonly scopeVersion: string
  /** Shared by all spans of one resource. */
  readonly resource: JsonObject
}

/** One span event. */
export interface DecodedSpanEvent {
  readonly name: string
  readonly attributes: JsonObject
}

/** One link to a span of this or another trace. */
export interface DecodedLink {
  readonly traceId: string
  readonly spanId: string
  readonly attributes: JsonObject
}

/** What an export request held: the spans that can be stored, and how many cannot and why. */
export interface DecodedExport {
  readonly spans: readonly DecodedSpan[]
  readonly rejected: number
  /** The first reason; empty when nothing was rejected. */
  readonly rejectedBecause: string
}

/** A request that cannot be read at all; answered with 400, never retried. */
export class OtlpDecodeError extends Error {
  override name: string = 'OtlpDecodeError'
}

/** A request with more spans than one request may carry; answered with 413. */
export class TooManySpansError extends Error {
  override name: string = 'TooManySpansError'

  constructor(maxSpans: number) {
    super(`More than ${maxSpans} spans in one request. Send smaller batches.`)
  }
}

/** Everything of a span before its ids and times were checked. */
export interface RawSpan extends Omit<DecodedSpan, 'startMs' | 'endMs'> {
  readonly startMs: number | undefined
  readonly endMs: number | undefined
}

/** Collects the spans of one request, keeping count of those without valid ids. */
export interface SpanCollector {
  add(span: RawSpan): void
  finish(): DecodedExport
}

/** No date is later, Unix milliseconds. */
export const LAST_DATE_MS = 8.64e15

/** Builds a collector; spans without a usable time are dated `nowMs`. */
export function createSpanCollector(maxSpans: number, nowMs: number): SpanCollector {
  const spans: DecodedSpan[] = []
  let rejected = 0
  let rejectedBecause = ''

  return {
    add(span) {
      if (spans.length + rejected >= maxSpans) throw new TooManySpansError(maxSpans)
      const problem = findIdProblem(span)
      if (problem !== undefined) {
        rejected++
        if (rejectedBecause === '') rejectedBecause = problem
        return
      }
      const startMs = span.startMs ?? span.endMs ?? nowMs
      spans.push({ ...span, startMs, endMs: Math.max(startMs, span.endMs ?? startMs) })
    },
    finish: () => ({ spans, rejected, rejectedBecause }),
  }
}

/** Nanoseconds to milliseconds, exact to the microsecond; `undefined` for zero, negative, unreadable or impossible times. */
export function toTimeMs(nanos: number): number | undefined {
  const timeMs = Math.round(nanos / 1e3) / 1e3
  return timeMs > 0 && timeMs <= LAST_DATE_MS ? timeMs : undefined
}

function findIdProblem(span: RawSpan): string | undefined {
  if (span.traceId === '') return 'trace id is missing, zero or not 16 bytes'
  if (span.spanId === '') return 'span id is missing, zero or not 8 bytes'
  return undefined
}
