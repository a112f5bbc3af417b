import type { HostSpan, Ids, Outcome } from './run-program.js'

/** The host's side of one run with names in place of ids, so that two runs can be compared. */
export interface HostView {
  /** One text per trace: its trees, in alphabetical order. */
  readonly traces: readonly string[]
  /** What was seen at each place: the active span, log lines, errors, headers. */
  readonly observed: Readonly<Record<string, string>>
}

/** Writes the host's side of `outcome` without anything that differs from run to run. */
export function describeHost(outcome: Outcome): HostView {
  const names = createNames(outcome)
  const observed: Record<string, string> = {}
  const add = (key: string, value: string): void => {
    observed[key] = observed[key] === undefined ? value : `${observed[key]} | ${value}`
  }
  for (const { scope, place, what, value } of outcome.observed) {
    if (what === 'active') add(`${scope} > ${place} > active`, names.ids(scope, value as Ids | undefined))
    else
      for (const [header, text] of propagation(value as Record<string, string>))
        add(`${scope} > ${place} > ${header}`, names.text(scope, text))
  }
  for (const [what, list] of [
    ['log', outcome.logs],
    ['error', outcome.errors],
  ] as const) {
    for (const item of list) add(`${item.message} > ${what}`, names.ids(item.message.split(': ')[0] ?? '', item))
  }
  return { traces: describeTraces(outcome, names.stranger), observed }
}

interface Names {
  ids(scope: string, ids: Ids | undefined): string
  text(scope: string, text: string): string
  stranger(id: string): string
}

/** Names for ids: the host's own spans by name and parent, ours as such, all others in the order in which a scope shows them. */
function createNames({ spans, ours = [] }: Outcome): Names {
  const bySpan = new Map(spans.map((span) => [span.spanId, span]))
  const spanNames = new Map(
    spans.map((span) => [span.spanId, `"${tidy(span.name)}" in "${tidy(bySpan.get(span.parentId ?? '')?.name ?? 'nothing')}"`]),
  )
  const traceNames = new Map<string, string>()
  for (const span of [...spans].sort((one, other) => (one.name < other.name ? -1 : 1))) {
    if (bySpan.has(span.parentId ?? '') || traceNames.has(short(span.traceId))) continue
    traceNames.set(short(span.traceId), `trace of "${tidy(span.name)}"`)
  }
  for (const { name, spanId, traceId } of ours) {
    spanNames.set(spanId, `OURS "${name}"`)
    traceNames.set(short(traceId), `TRACE OF OURS "${name}"`)
  }

  const unknown = new Map<string, string[]>()
  const stranger = (scope: string, id: string): string => {
    const seen = unknown.get(scope) ?? []
    unknown.set(scope, seen)
    if (!seen.includes(id)) seen.push(id)
    return `unrecorded ${seen.indexOf(id) + 1}`
  }
  const ofSpan = (scope: string, id: string): string => spanNames.get(id) ?? stranger(scope, id)
  const ofTrace = (scope: string, id: string): string => traceNames.get(short(id)) ?? stranger(scope, short(id))
  return {
    ids(scope, ids) {
      if (ids?.traceId === undefined) return 'nothing'
      return ids.spanId === undefined ? ofTrace(scope, ids.traceId) : `${ofSpan(scope, ids.spanId)}, ${ofTrace(scope, ids.traceId)}`
    },
    text: (scope, text) =>
      tidy(text)
        .replaceAll(/\b[0-9a-f]{32}\b/g, (id) => ofTrace(scope, id))
        .replaceAll(/\b[0-9a-f]{16}\b/g, (id) => spanNames.get(id) ?? ofTrace(scope, id)),
    stranger: (id) => (spanNames.get(id)?.startsWith('OURS') === true ? `${spanNames.get(id)}` : 'unknown'),
  }
}

/** Half of a trace id: some products keep no more of it. */
const short = (traceId: string): string => traceId.slice(-16)

/** Takes out ports, times and random numbers. */
const tidy = (text: string): string =>
  text
    .replaceAll(/\b127\.0\.0\.1(:\d+)?/g, 'loopback')
    .replaceAll(/\?\S*/g, '')
    .replaceAll(/\b\d+\.\d+(e-\d+)?\b(?!\.)/g, 'number')
    .replaceAll(/\b\d{13}\b/g, 'time')
    .replaceAll(/\brv:[0-9a-f]+/g, 'rv')
    .replaceAll(/\b[0-9a-f]{8}0{8}\b/g, 'tid')

/** Headers by which the product hands on its trace, in a form that shows ids in hexadecimal. */
function propagation(headers: Readonly<Record<string, string>>): [string, string][] {
  const found = Object.entries(headers).filter(([name]) =>
    /^(traceparent|tracestate|baggage|sentry-.*|x-datadog-.*|newrelic|elastic-apm-.*|b3|x-b3-.*|x-vercel-.*)$/.test(name),
  )
  if (found.length === 0) return [['headers', 'nothing']]
  return found.map(([name, value]) => {
    if (/^x-datadog-(trace|parent)-id$/.test(name)) return [name, BigInt(value).toString(16).padStart(16, '0')]
    if (name === 'newrelic') return [name, Buffer.from(value, 'base64').toString()]
    return [name, value]
  })
}

function describeTraces({ spans }: Outcome, stranger: (id: string) => string): string[] {
  const traces = new Map<string, HostSpan[]>()
  for (const span of spans) traces.set(short(span.traceId), [...(traces.get(short(span.traceId)) ?? []), span])
  return [...traces.values()].map((trace) => describeForest(trace, stranger)).sort()
}

function describeForest(trace: readonly HostSpan[], stranger: (id: string) => string): string {
  const known = new Set(trace.map(({ spanId }) => spanId))
  const write = (span: HostSpan): string => {
    const children = trace.filter(({ parentId }) => parentId === span.spanId).map(write)
    const lost = span.parentId === undefined || known.has(span.parentId) ? '' : `${stranger(span.parentId)} > `
    const sampled = span.isSampled === false ? ' [not sampled]' : ''
    const marks = (span.marks ?? []).length === 0 ? '' : ` {${[...(span.marks ?? [])].sort().join()}}`
    return `${lost}${tidy(span.name)}${sampled}${marks}${children.length === 0 ? '' : `(${children.sort().join(', ')})`}`
  }
  const isTop = ({ parentId }: HostSpan): boolean => parentId === undefined || !known.has(parentId)
  return trace.filter(isTop).map(write).sort().join(' | ')
}
