import { NativeSet } from '../builtins.js'
import { deleteHeader, readHeader, splitBaggage, writeHeader } from '../context/propagation.js'

/** What one injection left on a carrier. */
interface Written {
  readonly traceparent: string | undefined
  readonly tracestate: string | undefined
  /** Entries of the baggage header, as they were written. */
  readonly members: ReadonlySet<string>
}

/** By carrier: programs keep headers and give them to one request after another, of several tracers. Holds nothing alive. */
const written = new WeakMap<object, Written>()

/**
 * Takes from a carrier what the injection before left there: it spoke for another request, perhaps of another tracer, and the next
 * one need not write the same headers. What anybody else put there since stays.
 */
export function takeBackWritten(carrier: unknown): void {
  const before = isObject(carrier) ? written.get(carrier) : undefined
  if (before === undefined) return
  written.delete(carrier as object)
  if (before.traceparent !== undefined && readHeader(carrier, 'traceparent') === before.traceparent) {
    deleteHeader(carrier, 'traceparent')
    if (before.tracestate !== undefined && readHeader(carrier, 'tracestate') === before.tracestate) deleteHeader(carrier, 'tracestate')
  }
  const members = splitBaggage(readHeader(carrier, 'baggage'))
  const kept = members.filter((member) => !before.members.has(member))
  if (kept.length === members.length) return
  if (kept.length === 0) deleteHeader(carrier, 'baggage')
  else writeHeader(carrier, 'baggage', kept.join(','))
}

/**
 * Remembers what stands on a carrier after an injection.
 *
 * @param baggage the header before it, whose entries are somebody else's.
 */
export function noteWritten(
  carrier: unknown,
  baggage: string | undefined,
  traceparent: string | undefined,
  tracestate: string | undefined,
): void {
  if (!isObject(carrier)) return
  const others = new NativeSet(splitBaggage(baggage))
  const members = splitBaggage(readHeader(carrier, 'baggage')).filter((member) => !others.has(member))
  written.set(carrier, { traceparent, tracestate, members: new NativeSet(members) })
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
