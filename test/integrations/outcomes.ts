import type { DecodedSpan } from '../../src/otlp/decoded-span.js'
import { type Request, toRequests } from './requests.js'
import type { OurOutcome, PlainOutcome, SeenSpan } from './run-row.js'

/** What the control left. */
export interface Plain {
  readonly outcome: PlainOutcome
  readonly requests: readonly Request<SeenSpan>[]
  /** Kinds of calls that gave the application no answer, or threw. */
  readonly unanswered: readonly string[]
}

/** What our tracers delivered. */
export interface Ours {
  readonly outcome: OurOutcome
  readonly requests: readonly Request<DecodedSpan>[]
  readonly unanswered: readonly string[]
  readonly tenants: readonly Tenant[]
}

interface Tenant {
  readonly name: 'A' | 'B'
  readonly requests: readonly Request<DecodedSpan>[]
  /** Spans of no request. */
  readonly strays: readonly DecodedSpan[]
  readonly total: number
}

export function readPlain(outcome: PlainOutcome): Plain {
  return { outcome, requests: toRequests(outcome.spans).requests, unanswered: toUnanswered(outcome) }
}

export function readOurs(outcome: OurOutcome): Ours {
  const tenants = (['A', 'B'] as const).map((name) => ({ name, ...toRequests(outcome.spans[name]), total: outcome.spans[name].length }))
  return { outcome, tenants, requests: tenants.flatMap(({ requests }) => requests), unanswered: toUnanswered(outcome) }
}

/** The request of the case that was called alone. */
export function requestOf<Span extends SeenSpan>(
  { requests }: { readonly requests: readonly Request<Span>[] },
  kind: string,
): Request<Span> {
  const request = requests.find(({ marker }) => marker.endsWith(`-${kind}`))
  if (request === undefined) throw new Error(`No request of ${kind} arrived.`)
  return request
}

function toUnanswered({ unanswered, thrown }: Pick<PlainOutcome, 'unanswered' | 'thrown'>): string[] {
  return [...new Set([...unanswered, ...Object.keys(thrown).map((request) => request.split(' ')[0] ?? '')])].sort()
}
