import { NativeMap } from '../builtins.js'
import type { Attributes } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'

/** Spans of one resource; each list has the spans of one scope. */
export interface Grouped {
  readonly resource: ReadableSpan['resource']
  readonly scopes: readonly (readonly ReadableSpan[])[]
}

/** Groups spans as a request holds them, in the order in which they came. */
export function groupSpans(spans: readonly ReadableSpan[]): Grouped[] {
  const resources = new NativeMap<ReadableSpan['resource'], NativeMap<string, ReadableSpan[]>>()
  let last: ReadableSpan | undefined
  let list: ReadableSpan[] = []
  for (const span of spans) {
    const { resource, instrumentationScope: scope } = span
    if (last?.resource !== resource || last.instrumentationScope !== scope) list = listOf(resources, resource, scope)
    list.push(span)
    last = span
  }
  return [...resources].map(([resource, scopes]) => ({ resource, scopes: [...scopes.values()] }))
}

function listOf(
  resources: NativeMap<ReadableSpan['resource'], NativeMap<string, ReadableSpan[]>>,
  resource: ReadableSpan['resource'],
  { name, version, schemaUrl }: ReadableSpan['instrumentationScope'],
): ReadableSpan[] {
  const scopes = resources.get(resource) ?? new NativeMap<string, ReadableSpan[]>()
  resources.set(resource, scopes)
  const key = `${name}@${version || ''}:${schemaUrl || ''}`
  const list = scopes.get(key) ?? []
  scopes.set(key, list)
  return list
}

/** Under this name a span says which of its attributes it has in common with others: one object for all of them. */
export const SHARED_ATTRIBUTES: unique symbol = Symbol('honeyhive-tracer.shared-attributes')

/** What a span with shared attributes has besides what every span has. */
export interface SharingSpan extends ReadableSpan {
  readonly [SHARED_ATTRIBUTES]: Attributes
}

/** The attributes that a span shares; `undefined` for spans of others. */
export function sharedAttributesOf(span: ReadableSpan): Attributes | undefined {
  return (span as Partial<SharingSpan>)[SHARED_ATTRIBUTES]
}

const HAS_IS_REMOTE = 0x100
const IS_REMOTE = 0x200

/** The field `flags` of spans and links: those of the W3C trace context, and whether the parent, or what is linked, is remote. */
export function toFlags(traceFlags: number, isRemote: boolean | undefined): number {
  return (traceFlags & 0xff) | HAS_IS_REMOTE | (isRemote === true ? IS_REMOTE : 0)
}
