import { types } from 'node:util'
import { NativeSet } from '../builtins.js'
import type { Diagnostics } from '../diagnostics.js'
import { createAdviser, editDistance, findNearest, toPlainName } from '../options/nearest.js'
import { toKind, toShort, toShown } from '../options/shown.js'
import { GuardedSpan } from '../provider/guarded-span.js'
import { BUCKETS, EventType } from '../semantics/attributes.js'
import { adviseTraceOption } from '../wrap/trace-options.js'

/** What an enrichment may hold beside metadata under any other name. */
const ENRICHMENT: readonly string[] = [...BUCKETS, 'error', 'eventId', 'sessionId']
/** What `withSession` and `createSession` take. */
const SESSION: readonly string[] = [
  'sessionName',
  'sessionId',
  'inputs',
  'metadata',
  'userProperties',
  'source',
  'skipSessionCreation',
  'linkCarrier',
  'evaluation',
  'onSpanEnd',
]
/** What `createEvent` takes. */
const EVENT: readonly string[] = [...ENRICHMENT, 'eventName', 'eventType', 'parentId', 'durationMs']
/** What `startSpan` takes. */
const MANUAL_SPAN: readonly string[] = [...BUCKETS, 'error', 'eventId', 'eventType', 'kind', 'attributes', 'links', 'root', 'startTime']
/** What `startActiveSpan` takes. */
const ACTIVE_SPAN: readonly string[] = [...MANUAL_SPAN.filter((name) => name !== 'error'), 'argNames', 'redact']
const EVENT_TYPES: readonly unknown[] = Object.values(EventType)

const AS_METADATA = 'it counts as metadata'
const NAME_FIRST = 'The name is the first argument.'
/** What other SDKs give as an option here and is none. */
const adviseSpan = createAdviser({
  name: NAME_FIRST,
  eventName: NAME_FIRST,
  spanName: NAME_FIRST,
  runName: NAME_FIRST,
  tracer: 'The tracer is the one that is called.',
})

/** Names that are remembered as looked at. */
const MAX_LOOKED_AT = 1_000
/** From this length on two letters may differ. */
const LONG_NAME = 7

/**
 * Looks at what calls after `init` are given, which TypeScript has checked and JavaScript has not. Nothing is refused, because
 * tracing never throws there: one line says what is wrong and what to write.
 */
export class GivenCheck {
  readonly #diagnostics: Diagnostics
  /** Names that no bucket has, each looked at once. */
  #lookedAt: Set<string> | undefined

  constructor(diagnostics: Diagnostics) {
    this.#diagnostics = diagnostics
  }

  /** @returns whether it can be an enrichment. */
  enrichment(call: string, given: unknown): given is object {
    return this.#look(call, given, ENRICHMENT, AS_METADATA, '{ metadata: { … } }')
  }

  /** @returns whether it can be the settings of a session. */
  session(call: string, given: unknown): given is object {
    return this.#look(call, given, SESSION, undefined, "{ sessionName: 'checkout' }")
  }

  /** @returns whether it can be an event. */
  event(given: unknown): given is object {
    return this.#look('createEvent', given, EVENT, AS_METADATA, "{ eventName: 'answer' }")
  }

  /** Says what is wrong with the name and the options of a span. */
  span(call: 'startSpan' | 'startActiveSpan', name: unknown, given: unknown): void {
    try {
      this.#lookAtSpan(call, name, given)
    } catch {
      // A proxy that refuses to be looked at; whoever reads it says so.
    }
  }

  #lookAtSpan(call: 'startSpan' | 'startActiveSpan', name: unknown, given: unknown): void {
    if (typeof name !== 'string')
      this.#diagnostics.warnOnce(`name:${call}`, `${call}() takes a name first, got ${toKind(name)}. Write ${call}('answer', { … }).`)
    if (given === undefined || !this.#isObject(call, given, "{ eventType: 'chain' }")) return
    const known = call === 'startSpan' ? MANUAL_SPAN : ACTIVE_SPAN
    for (const key of readNames(given)) if (!known.includes(key)) this.#sayUnknown(call, key, known)
    // Read without running anything of the host's.
    const eventType: unknown = Object.getOwnPropertyDescriptor(given, 'eventType')?.value
    if (eventType === undefined || EVENT_TYPES.includes(eventType)) return
    this.#diagnostics.warnOnce(
      `type:${call}`,
      `${call}() takes "eventType" 'model', 'tool' or 'chain', got ${toShown(eventType)}. Give e.g. EventType.chain.`,
    )
  }

  /** Says of data for a span that there is none to take it. */
  outside(call: string): void {
    this.#diagnostics.warnOnce(
      `outside:${call}`,
      `${call}() found no active span of this tracer, so nothing was recorded. Call it inside of a function that this tracer traces, before it returns; for an event that is over use updateEvent(eventId, { … }).`,
    )
  }

  /** Says of headers that they are a request, which has them. */
  headers(call: string, given: unknown): void {
    try {
      if (typeof given === 'object' && given !== null && !('headers' in given)) return
      this.#diagnostics.warnOnce(
        `given:${call}`,
        `${call}() takes headers, got ${toKind(given)}: nothing is continued. Give e.g. request.headers.`,
      )
    } catch {
      // A proxy that refuses to be looked at is no request.
    }
  }

  /** Says of what should run later that it is no function. */
  callable(call: string, given: unknown): void {
    if (typeof given === 'function') return
    this.#diagnostics.warnOnce(
      `given:${call}`,
      `${call}() takes a function, got ${toKind(given)}: nothing is bound. Write ${call}(() => work()), not ${call}(work()).`,
    )
  }

  /** @returns the time, or the `usual` one where it is none, and says so. */
  timeout(call: string, given: unknown, usual: number): number {
    if (typeof given === 'number' && !Number.isNaN(given)) return given
    this.#diagnostics.warnOnce(
      `timeout:${call}`,
      `${call}() takes milliseconds, got ${toShown(given)}: its own limit counts. Give e.g. 5000.`,
    )
    return usual
  }

  /** @param consequence of a name that is not known; without one it is ignored. */
  #look(call: string, given: unknown, known: readonly string[], consequence: string | undefined, example: string): given is object {
    if (!this.#isObject(call, given, example)) return false
    for (const name of readNames(given)) {
      if (known.includes(name)) this.#lookForPromise(call, given, name)
      else if (consequence === undefined) this.#sayUnknown(call, name, known)
      else this.#lookAt(call, name, known, consequence)
    }
    return true
  }

  #lookForPromise(call: string, given: object, name: string): void {
    // Read without running anything of the host's.
    if (types.isPromise(Object.getOwnPropertyDescriptor(given, name)?.value))
      this.#diagnostics.warnOnce(`promise:${call}.${name}`, `${call}() got a promise as "${name}". Await it first.`)
  }

  #isObject(call: string, given: unknown, example: string): given is object {
    const kind = given instanceof GuardedSpan ? 'a span' : toKind(given)
    if (kind === 'an object') return true
    const remedy = kind === 'a promise' ? 'Await it first, and give' : 'Give'
    this.#diagnostics.warnOnce(`given:${call}`, `${call}() takes an object, got ${kind}: it is ignored. ${remedy} e.g. ${example}.`)
    return false
  }

  /** A name that means nothing where only options are taken. */
  #sayUnknown(call: string, name: string, known: readonly string[]): void {
    if (!this.#isNew(`${call}.${name}`)) return
    const near = findNearest(name, known) ?? known.find((candidate) => toPlainName(candidate).endsWith(toPlainName(name)))
    const advice =
      (known === SESSION ? undefined : (adviseSpan(name) ?? adviseTraceOption(name))) ??
      (near === undefined ? `Give what is yours as { metadata: { … } }.` : `Did you mean "${near}"?`)
    this.#diagnostics.warnOnce(`given:${call}.${name}`, `${call}() has no "${toShort(name)}", so it is ignored. ${advice}`)
  }

  #isNew(topic: string): boolean {
    this.#lookedAt ??= new NativeSet()
    if (this.#lookedAt.has(topic) || this.#lookedAt.size >= MAX_LOOKED_AT) return false
    this.#lookedAt.add(topic)
    return true
  }

  #lookAt(call: string, name: string, known: readonly string[], consequence: string): void {
    const topic = `${call}.${name}`
    if (!this.#isNew(topic)) return
    const near = findLikely(name, known)
    if (near === undefined) return
    this.#diagnostics.warnOnce(`given:${topic}`, `${call}() has no "${toShort(name)}", so ${consequence}. Did you mean "${near}"?`)
  }
}

function readNames(given: object): readonly string[] {
  try {
    return Object.keys(given)
  } catch {
    // A proxy that refuses to be listed; whoever reads it says so.
    return []
  }
}

/** Much nearer than a suggestion for an option must be: any other name is a user's own. */
function findLikely(name: string, known: readonly string[]): string | undefined {
  const plain = toPlainName(name)
  const limit = plain.length >= LONG_NAME ? 2 : 1
  return known.find((candidate) => {
    const other = toPlainName(candidate)
    return Math.abs(other.length - plain.length) <= limit && editDistance(plain, other) <= limit
  })
}
