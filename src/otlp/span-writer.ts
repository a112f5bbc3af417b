import { NativeMap } from '../builtins.js'
import type { Attributes, AttributeValue, HrTime, SpanContext } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'

type Resource = ReadableSpan['resource']
type Scope = ReadableSpan['instrumentationScope']

/** A span that can travel. */
export interface ExportableSpan {
  readonly resource: Resource
  readonly instrumentationScope: Scope
  /** Its readable form; may throw. */
  toReadable(): ReadableSpan
  /** Writes all of it, without its readable form where none is needed; may throw. Missing for spans of others. */
  writeTo?(out: SpanWriter): void
}

/** A readable span as one that can travel. */
export function toExportable(span: ReadableSpan): ExportableSpan {
  const { resource, instrumentationScope } = span
  return { resource, instrumentationScope, toReadable: () => span }
}

/** Kind and times of a span. */
export interface TimedSpan {
  readonly kind: ReadableSpan['kind']
  readonly startTime: HrTime
  readonly endTime: HrTime
}

/**
 * Takes one span at a time: either a readable one, or `begin`, attributes and `end` of one that has no events and no links and of which
 * nothing was dropped.
 */
export interface SpanWriter {
  /** Bytes written so far; what was written after a length can be taken back. */
  readonly length: number
  rewind(length: number): void

  span(span: ReadableSpan): void

  begin(context: SpanContext, parent: SpanContext | undefined, name: string, timed: TimedSpan): void
  /** Attributes that are one object for many spans: encoded once. @returns how many there are */
  shared(attributes: Attributes): number
  attribute(name: string, value: AttributeValue): void
  end(statusCode: number, statusMessage: string | undefined): void
}

/** A scope may have attributes, which the type of the SDK does not know. */
export type ScopeWithAttributes = Scope & { readonly attributes?: Attributes; readonly droppedAttributesCount?: number }

/** Spans of one resource; each list has the spans of one scope. */
export interface Grouped {
  readonly resource: Resource
  readonly scopes: readonly (readonly ExportableSpan[])[]
}

/** Groups spans as a request holds them, in the order in which they came. */
export function groupSpans(spans: readonly ExportableSpan[]): Grouped[] {
  const resources = new NativeMap<Resource, NativeMap<string, ExportableSpan[]>>()
  let lastResource: Resource | undefined
  let lastScope: Scope | undefined
  let list: ExportableSpan[] = []
  for (const span of spans) {
    const { resource, instrumentationScope: scope } = span
    if (lastResource !== resource || lastScope !== scope) list = listOf(resources, resource, scope)
    list[list.length] = span
    lastResource = resource
    lastScope = scope
  }
  return [...resources].map(([resource, scopes]) => ({ resource, scopes: [...scopes.values()] }))
}

function listOf(
  resources: NativeMap<Resource, NativeMap<string, ExportableSpan[]>>,
  resource: Resource,
  { name, version, schemaUrl }: Scope,
): ExportableSpan[] {
  const scopes = resources.get(resource) ?? new NativeMap<string, ExportableSpan[]>()
  resources.set(resource, scopes)
  const key = `${name}@${version || ''}:${schemaUrl || ''}`
  const list = scopes.get(key) ?? []
  scopes.set(key, list)
  return list
}

const HAS_IS_REMOTE = 0x100
const IS_REMOTE = 0x200

/** The field `flags` of spans and links: those of the W3C trace context, and whether the parent, or what is linked, is remote. */
export function toFlags(traceFlags: number, isRemote: boolean | undefined): number {
  return (traceFlags & 0xff) | HAS_IS_REMOTE | (isRemote === true ? IS_REMOTE : 0)
}
