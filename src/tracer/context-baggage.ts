import { type BaggageEntry, type Context, propagation } from '@opentelemetry/api'
import { addMembers, MAX_BAGGAGE_ENTRIES, readMemberName, toBaggageMember } from '../context/propagation.js'
import { isSaidByUs } from './remote.js'

/** Seen by every copy of this package. */
const RECEIVED = Symbol.for('honeyhive-tracer.received')

/** Marks the baggage that a caller sent, which `after` holds beside what `before` did, as something that is read and not sent on. */
export function markReceived(before: Context, after: Context): Context {
  const received = propagation.getBaggage(after)
  if (received === undefined || received === propagation.getBaggage(before)) return after
  for (const [, entry] of received.getAllEntries()) Object.defineProperty(entry, RECEIVED, { value: true })
  return after
}

/**
 * A baggage header of what the host put into the context beside what the carrier has. What a caller sent to one tracer, and the names
 * under which tracers speak to each other, are left out.
 *
 * @param mask takes the tracer's own key out of a text.
 */
export function withContextBaggage(present: string | undefined, at: Context, mask: (text: string) => string): string | undefined {
  const entries = readEntries(at)
  if (entries.length === 0) return present
  const members = (present ?? '').split(',').filter((member) => member.trim() !== '')
  const names = new Set(members.map(readMemberName))
  const added = entries.flatMap((entry) => toMember(entry, mask) ?? []).filter((member) => !names.has(readMemberName(member)))
  const all = addMembers(members, added)
  return all.length === 0 ? present : all.join(',')
}

function toMember([name, entry]: [string, BaggageEntry], mask: (text: string) => string): string | undefined {
  try {
    const { value, metadata } = entry
    return toBaggageMember(mask(name), mask(String(value)), metadata === undefined ? undefined : mask(String(metadata)))
  } catch {
    // What cannot be read as a text costs itself alone.
    return undefined
  }
}

function readEntries(at: Context): [string, BaggageEntry][] {
  try {
    const entries = propagation.getBaggage(at)?.getAllEntries() ?? []
    return entries.filter(([name, entry]) => name !== '' && !isSaidByUs(name) && !(RECEIVED in entry)).slice(0, MAX_BAGGAGE_ENTRIES)
  } catch {
    // A baggage of a class of the host's that fails says nothing.
    return []
  }
}
