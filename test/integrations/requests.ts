import { toSessionId } from '../../src/semantics/session-id.js'
import type { SeenSpan } from './run-row.js'

/** The spans of one request. */
export interface Request<Span extends SeenSpan> {
  /** Kind of the call. */
  readonly kind: string
  readonly marker: string
  /** Without the root that the program itself made. */
  readonly spans: readonly Span[]
  /** All of it in one line of names, the request itself as `request`. */
  readonly tree: string
}

const MARKER = /marker-([A-D])-\w+/g

/** The spans by the request they belong to: the one above them, else the one whose marker they carry. */
export function toRequests<Span extends SeenSpan>(
  spans: readonly Span[],
): { readonly requests: readonly Request<Span>[]; readonly strays: readonly Span[] } {
  const byId = new Map(spans.map((span) => [`${span.traceId} ${span.spanId}`, span]))
  const parentOf = (span: Span): Span | undefined => byId.get(`${span.traceId} ${span.parentSpanId}`)
  const groups = new Map<string, Span[]>()
  const strays: Span[] = []
  for (const root of spans) if (isRequest(root)) groups.set(markersOf(root.name)[0] ?? '', [])
  for (const span of spans) {
    const markers = markersOf(rootOf(span, parentOf).name)
    const [marker = '', ...others] = markers.length > 0 ? markers : markersOf(span)
    const group = others.length === 0 ? groups.get(marker) : undefined
    if (group === undefined) strays.push(span)
    else group.push(span)
  }
  return { requests: [...groups].map(([marker, group]) => toRequest(marker, group, parentOf)), strays }
}

/** Markers anywhere in a value, each once. */
export function markersOf(value: unknown): string[] {
  return [...new Set(JSON.stringify(value).match(MARKER) ?? [])]
}

/** What is wrong with the isolation of one tenant's spans: each foreign marker or session, in words. */
export function findLeaks(tenant: string, requests: readonly Request<SeenSpan>[], strays: readonly SeenSpan[]): string[] {
  const leaks = strays.map((span) => `"${span.name}" belongs to no request: ${markersOf(span).join(', ')}`)
  for (const { marker, spans } of requests) {
    if (!marker.startsWith(`marker-${tenant}-`)) leaks.push(`the request of ${marker} is in the project of ${tenant}`)
    const sessionId = toSessionId(marker)
    for (const span of spans) {
      const foreign = markersOf([span.name, span.attributes, span.events]).filter((other) => other !== marker)
      if (foreign.length > 0) leaks.push(`"${span.name}" of ${marker} holds ${foreign.join(', ')}`)
      if (span.attributes['honeyhive.session_id'] !== sessionId) leaks.push(`"${span.name}" of ${marker} is in another session`)
    }
  }
  return leaks
}

/** Spans that name a parent which did not arrive. */
export function findOrphans(spans: readonly SeenSpan[]): string[] {
  const ids = new Set(spans.map(({ spanId }) => spanId))
  return spans.filter(({ parentSpanId }) => parentSpanId !== '' && !ids.has(parentSpanId)).map(({ name }) => name)
}

const isRequest = (span: SeenSpan): boolean => /^request \w+ marker-/.test(span.name)

function rootOf<Span extends SeenSpan>(span: Span, parentOf: (span: Span) => Span | undefined): Span {
  let root = span
  for (let parent = parentOf(root); parent !== undefined; parent = parentOf(root)) root = parent
  return root
}

function toRequest<Span extends SeenSpan>(
  marker: string,
  spans: readonly Span[],
  parentOf: (span: Span) => Span | undefined,
): Request<Span> {
  const root = spans.find(isRequest)
  const write = (span: Span): string => {
    const children = spans.filter((other) => parentOf(other) === span).map(write)
    const name = span === root ? 'request' : span.name.replace(MARKER, 'marker')
    return children.length === 0 ? name : `${name}(${children.sort().join(', ')})`
  }
  const roots = spans.filter((span) => parentOf(span) === undefined).map(write)
  return {
    kind: root?.name.split(' ')[1] ?? '',
    marker,
    spans: spans.filter((span) => span !== root),
    tree: roots.sort().join(' | '),
  }
}
