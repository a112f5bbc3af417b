/** One finished span of a row, read from its attributes; safe to keep after the row. */
export interface RowSpan {
  readonly name: string
  /** `model`, `tool`, `chain` or `session`. */
  readonly eventType: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly durationMs: number
  /** Text of the error that ended the span. */
  readonly error: string | undefined
  readonly inputs: Readonly<Record<string, unknown>>
  readonly outputs: Readonly<Record<string, unknown>>
  readonly metadata: Readonly<Record<string, unknown>>
  readonly metrics: Readonly<Record<string, unknown>>
  /** Every attribute as it stands on the span. */
  readonly attributes: Readonly<Record<string, unknown>>
  readonly children: readonly RowSpan[]
}

/** Which spans to look for: by name, by an expression on it, or by a function. */
export type SpanQuery = string | RegExp | ((span: RowSpan) => boolean)

/** What a row recorded, as its evaluators see it: the spans below the row's own chain span that have ended. */
export interface RowTrace {
  /** In order of their end. */
  readonly spans: readonly RowSpan[]
  /** Spans whose parent is the row's own span, or is not among those that ended. */
  readonly roots: readonly RowSpan[]
  /** First match in order of their end. */
  find(query: SpanQuery): RowSpan | undefined
  /** All matches in order of their end. */
  findAll(query: SpanQuery): readonly RowSpan[]
}

/** A span before it has children. */
export type SpanRecord = Omit<RowSpan, 'children'>

/** Links the spans of one row to a tree. */
export function createRowTrace(records: readonly SpanRecord[]): RowTrace {
  const children = new Map<string, RowSpan[]>()
  const spans = records.map((record): RowSpan => ({ ...record, children: childrenOf(children, record.spanId) }))
  const known = new Set(records.map((record) => record.spanId))
  const roots: RowSpan[] = []
  for (const span of spans) {
    const siblings = span.parentSpanId !== undefined && known.has(span.parentSpanId) ? childrenOf(children, span.parentSpanId) : roots
    siblings.push(span)
  }
  return {
    spans,
    roots,
    find: (query) => spans.find(toPredicate(query)),
    findAll: (query) => spans.filter(toPredicate(query)),
  }
}

function childrenOf(children: Map<string, RowSpan[]>, spanId: string): RowSpan[] {
  const known = children.get(spanId) ?? []
  children.set(spanId, known)
  return known
}

function toPredicate(query: SpanQuery): (span: RowSpan) => boolean {
  if (typeof query === 'string') return (span) => span.name === query
  if (typeof query === 'function') return query
  return (span) => new RegExp(query.source, query.flags.replace(/[gy]/g, '')).test(span.name)
}
