import { toSessionId } from '../../src/semantics/session-id.js'
import { markersOf } from './requests.js'
import type { OurPhase, Phase, PlainSpan, Question, Tenant } from './run-server.js'

/** What trees are made of, on either side. */
type TreeSpan = Pick<PlainSpan, 'name' | 'traceId' | 'spanId' | 'parentSpanId' | 'attributes' | 'isError' | 'scopeName'>

// Whoever comes first opens a connection, so these are in one tree today and in another tomorrow.
const CONNECTS = /^pg(-pool)?\.connect/
const ROOTLESS = ['session', 'in-session']

/** The trees of `spans` in one line of names; errors are marked. */
export function writeTrees(spans: readonly TreeSpan[], rename: (name: string) => string = (name) => name): string {
  const counted = spans.filter(({ name }) => !CONNECTS.test(name))
  const ids = new Set(counted.map(keyOf))
  const write = (span: TreeSpan): string => {
    const children = counted.filter((other) => parentKeyOf(other) === keyOf(span)).map(write)
    const name = `${rename(span.name)}${span.isError ? '!' : ''}`
    return children.length === 0 ? name : `${name}(${children.sort().join(', ')})`
  }
  const tops = counted.filter((span) => !ids.has(parentKeyOf(span)))
  return tops.map(write).sort().join(' | ')
}

const keyOf = ({ traceId, spanId }: TreeSpan): string => `${traceId} ${spanId}`
const parentKeyOf = ({ traceId, parentSpanId }: TreeSpan): string => `${traceId} ${parentSpanId}`

/** The spans of a plain provider: by request those of its tenant, and those outside of any tenant's scope. */
export function splitPlain(spans: readonly PlainSpan[]): { readonly inside: Groups<PlainSpan>; readonly outside: Groups<PlainSpan> } {
  const byKey = new Map(spans.map((span) => [keyOf(span), span]))
  const scopeOf = (span: PlainSpan): string | undefined => {
    const parent = byKey.get(parentKeyOf(span))
    // Its parent's first: clients that call back in the context of their connection are in the scope of whoever opened that.
    return (parent === undefined ? undefined : scopeOf(parent)) ?? span.scope
  }
  const isInside = (span: PlainSpan): boolean => scopeOf(span) !== undefined
  return {
    inside: groupBy(spans.filter(isInside), (span) => scopeOf(span) ?? ''),
    outside: byRoot(spans.filter((span) => !isInside(span))),
  }
}

type Groups<Span> = ReadonlyMap<string, readonly Span[]>

function groupBy<Span>(spans: readonly Span[], keyOf: (span: Span) => string): Groups<Span> {
  const groups = new Map<string, Span[]>()
  for (const span of spans) groups.set(keyOf(span), [...(groups.get(keyOf(span)) ?? []), span])
  return groups
}

/** By the request whose marker stands on the span itself or above it; what opens connections belongs to nobody. */
export function byRoot<Span extends TreeSpan>(spans: readonly Span[]): Groups<Span> {
  const byKey = new Map(spans.map((span) => [keyOf(span), span]))
  const markerOf = (span: Span): string => {
    const parent = byKey.get(parentKeyOf(span))
    return parent === undefined ? (markersOf(span.attributes)[0] ?? '') : markerOf(parent)
  }
  return groupBy(
    spans.filter(({ name }) => !CONNECTS.test(name)),
    markerOf,
  )
}

/** Our spans: by request those in its session, and the rest of each tenant. */
export function splitOurs(
  { ours }: OurPhase,
  questions: readonly Question[],
): { readonly inside: Groups<OurSpan>; readonly outside: Readonly<Record<Tenant, readonly OurSpan[]>> } {
  const bySession = new Map(questions.map(({ marker }) => [toSessionId(marker), marker]))
  const markerOf = ({ attributes }: OurSpan): string | undefined => bySession.get(String(attributes['honeyhive.session_id']))
  const outsideOf = (tenant: Tenant): readonly OurSpan[] => ours[tenant].filter((span) => markerOf(span) === undefined)
  const inside = [...ours.A, ...ours.B].filter((span) => markerOf(span) !== undefined)
  return { inside: groupBy(inside, (span) => markerOf(span) ?? ''), outside: { A: outsideOf('A'), B: outsideOf('B') } }
}

export type OurSpan = OurPhase['ours']['A'][number]

/** What is in the wrong project or session, in words. */
export function findServerLeaks(phase: OurPhase, questions: readonly Question[]): readonly string[] {
  const tenants = new Map(questions.map(({ marker, tenant }) => [marker, tenant]))
  const { inside } = splitOurs(phase, questions)
  const isIn = (tenant: Tenant, span: OurSpan): boolean => phase.ours[tenant].includes(span)
  return [...inside].flatMap(([marker, spans]) =>
    spans.flatMap((span) => {
      const foreign = markersOf([span.name, span.attributes, span.events]).filter((other) => other !== marker)
      return [
        ...(isIn(tenants.get(marker) ?? 'A', span) ? [] : [`"${span.name}" of ${marker} is in the project of the other tenant`]),
        ...(foreign.length === 0 ? [] : [`"${span.name}" of ${marker} holds ${foreign.join(', ')}`]),
      ]
    }),
  )
}

/** The tree of one request as ours has it, its own root as `request`, which says of itself whether the request failed. */
export const ourTree = (spans: readonly TreeSpan[] = []): string => writeTrees(spans).replace(/^(GET \/work|request)!?/, 'request')

/** The same of the control, whose trees begin below that root. */
export function expectedTree({ entry }: Question, trees: string): string {
  if (ROOTLESS.includes(entry)) return trees
  return trees === '' ? 'request' : `request(${trees.replaceAll(' | ', ', ')})`
}

/** The question among the first ones that is asked like this one. */
export const alike = (question: Question, questions: readonly Question[]): Question =>
  questions.find(({ entry, style, tenant }) => entry === question.entry && style === question.style && tenant === question.tenant) ??
  question

/** Who the ids of log lines and of outgoing headers stand for, by place. */
export function describeIds(
  { logs, headers }: Phase,
  marker: string,
  nameOf: (traceId: string, spanId: string) => string,
): readonly string[] {
  const lines = logs
    .filter((line) => line.marker === marker)
    .map(
      ({ place, trace_id: traceId, span_id: spanId }) =>
        `log ${place}: ${spanId === undefined ? 'nothing' : nameOf(traceId ?? '', spanId)}`,
    )
  return [...lines, ...Object.entries(headers[marker] ?? {}).flatMap(([client, seen]) => describeHeaders(client, seen, nameOf))].sort()
}

function describeHeaders(client: string, seen: unknown, nameOf: (traceId: string, spanId: string) => string): readonly string[] {
  if (typeof seen !== 'object' || seen === null || !('host' in seen)) return []
  const { traceparent, baggage, tracestate } = seen as Readonly<Record<string, string | undefined>>
  const [, traceId = '', spanId = '', flags] = traceparent?.split('-') ?? []
  const parent = traceparent === undefined ? 'nothing' : `${nameOf(traceId, spanId)} ${flags}`
  const names = Object.keys(seen).filter((name) => name !== 'traceparent')
  return [`${client} sends ${parent}, baggage ${baggage}, tracestate ${tracestate}, ${names.sort().join(' ')}`]
}
