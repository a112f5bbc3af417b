import type { Attributes, AttributeValue, Link } from '@opentelemetry/api'
import type { TimedEvent } from '@opentelemetry/sdk-trace'
import { headOf } from '../values/text.js'
import { setOwn } from './span-arguments.js'

/** The parts of a span that have attributes; the lists and the attributes of the span are changed in place. */
interface Holder {
  readonly attributes: Attributes
  readonly events: TimedEvent[]
  readonly links: Link[]
}

/**
 * Cuts the values of attributes to `maxLength`, as OpenTelemetry's limit of the same kind does: the beginning of a text, and of each
 * text in a list.
 *
 * @param isKept names of attributes of the span whose values stay whole.
 * @returns whether anything was cut.
 */
export function cutValues({ attributes, events, links }: Holder, maxLength: number, isKept: (name: string) => boolean): boolean {
  let hasCut = false
  for (const key of Object.keys(attributes)) {
    if (isKept(key) || !isLong(attributes[key], maxLength)) continue
    setOwn(attributes, key, cutValue(attributes[key] as AttributeValue, maxLength))
    hasCut = true
  }
  const ofEvents = cutEach(events, maxLength)
  const ofLinks = cutEach(links, maxLength)
  return hasCut || ofEvents || ofLinks
}

/** Puts a copy in the place of every part that has to be cut: the parts are those of the open span. */
function cutEach<T extends TimedEvent | Link>(parts: T[], maxLength: number): boolean {
  let hasCut = false
  for (const [i, part] of parts.entries()) {
    if (part.attributes === undefined || !Object.values(part.attributes).some((value) => isLong(value, maxLength))) continue
    const attributes: Attributes = {}
    for (const [key, value] of Object.entries(part.attributes)) setOwn(attributes, key, cutValue(value as AttributeValue, maxLength))
    parts[i] = { ...part, attributes }
    hasCut = true
  }
  return hasCut
}

function isLong(value: unknown, maxLength: number): boolean {
  if (typeof value === 'string') return value.length > maxLength
  return Array.isArray(value) && value.some((item) => typeof item === 'string' && item.length > maxLength)
}

function cutValue(value: AttributeValue, maxLength: number): AttributeValue {
  if (typeof value === 'string') return cutIfLong(value, maxLength)
  return Array.isArray(value)
    ? (value.map((item: unknown) => (typeof item === 'string' ? cutIfLong(item, maxLength) : item)) as AttributeValue)
    : value
}

function cutIfLong(text: string, maxLength: number): string {
  return text.length > maxLength ? headOf(text, maxLength) : text
}
