import { NativeSet } from '../builtins.js'
import type { Diagnostics } from '../diagnostics.js'
import { editDistance, toPlainName } from '../options/nearest.js'
import { toKind, toShort, toShown } from '../options/shown.js'
import { BUCKETS } from '../semantics/attributes.js'

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
    return this.#look(call, given, ENRICHMENT, 'it counts as metadata', '{ metadata: { … } }')
  }

  /** @returns whether it can be the settings of a session. */
  session(given: unknown): given is object {
    return this.#look('withSession', given, SESSION, 'it is ignored', "{ sessionName: 'checkout' }")
  }

  /** @returns whether it can be an event. */
  event(given: unknown): given is object {
    return this.#look('createEvent', given, EVENT, 'it is ignored', "{ eventName: 'answer' }")
  }

  /** Says of a time that it is none. */
  timeout(call: string, given: unknown): void {
    if (typeof given === 'number' && !Number.isNaN(given)) return
    this.#diagnostics.warnOnce(
      `timeout:${call}`,
      `${call}() takes milliseconds, got ${toShown(given)}: its own limit counts. Give e.g. 5000.`,
    )
  }

  #look(call: string, given: unknown, known: readonly string[], consequence: string, example: string): given is object {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      this.#diagnostics.warnOnce(`given:${call}`, `${call}() takes an object, got ${toKind(given)}: it is ignored. Give e.g. ${example}.`)
      return false
    }
    for (const name of readNames(given)) if (!known.includes(name)) this.#lookAt(call, name, known, consequence)
    return true
  }

  #lookAt(call: string, name: string, known: readonly string[], consequence: string): void {
    this.#lookedAt ??= new NativeSet()
    const topic = `${call}.${name}`
    if (this.#lookedAt.has(topic) || this.#lookedAt.size >= MAX_LOOKED_AT) return
    this.#lookedAt.add(topic)
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
