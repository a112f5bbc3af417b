import { NativeSet } from '../builtins.js'
import type { Reading } from './audience.js'
import { findMethod, shadow } from './shadow.js'

/** Methods that tell every listener of an event, by the convention of Node, of model clients and of the web. */
const TELLERS = ['emit', '_emit', 'dispatchEvent'] as const

/** Events after which nothing comes. */
const LAST: ReadonlySet<unknown> = new NativeSet(['end', 'close', 'closed', 'finish', 'finished', 'done', 'complete', 'completed', 'exit'])
/** Events that tell of the object and not of the answer. */
const ASIDE: ReadonlySet<unknown> = new NativeSet([
  'newListener',
  'removeListener',
  'connect',
  'connected',
  'connecting',
  'open',
  'opened',
  'ready',
  'start',
  'started',
  'response',
  'request',
  'headers',
  'drain',
  'pause',
  'resume',
  'readable',
  'timeout',
  'warning',
  'ping',
  'heartbeat',
  'retry',
])

/** Whether an object tells listeners what happens, and by a method that can be looked at. */
export function hasEvents(value: object): boolean {
  if (!('on' in value || 'addEventListener' in value)) return false
  return TELLERS.some((key) => findMethod(value, key) !== undefined)
}

/** Looks on as an object tells its listeners: a listener of ours would count as one of the host's. */
export function watchEvents(emitter: object, reading: Reading): boolean {
  const tap = new EventTap(reading)
  const isWatched = TELLERS.map((key) =>
    shadow(emitter, key, {
      before: ([first, second]) => (key === 'dispatchEvent' ? tap.dispatched(first) : tap.told(first, second)),
    }),
  )
  return isWatched.includes(true)
}

/** Each event is a channel of its own: several may say the same, in pieces and as a whole. */
class EventTap {
  readonly #reading: Reading
  #hasTaken = false

  constructor(reading: Reading) {
    this.#reading = reading
  }

  dispatched(event: unknown): void {
    if (typeof event !== 'object' || event === null) return
    const { type, data, detail, error } = event as { type?: unknown; data?: unknown; detail?: unknown; error?: unknown }
    this.told(type, type === 'error' ? (error ?? event) : (data ?? detail))
  }

  told(name: unknown, value: unknown): void {
    if (name === 'error') this.#reading.fail(value)
    else if (name === 'abort' || name === 'aborted' || name === 'cancel') this.#reading.stop()
    else if (LAST.has(name)) this.#end(value)
    else if (!ASIDE.has(name)) this.#take(name, value)
  }

  #end(value: unknown): void {
    // An exit code or a flag is no answer.
    const isAnswer = typeof value === 'string' || (typeof value === 'object' && value !== null)
    if (!this.#hasTaken && isAnswer) this.#reading.audience.endWith(value)
    else this.#reading.end()
  }

  #take(name: unknown, value: unknown): void {
    if (value === undefined || typeof value === 'function') return
    this.#hasTaken = true
    this.#reading.begin()
    this.#reading.item(value, 'event', String(name))
  }
}
