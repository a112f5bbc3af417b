import { Readable } from 'node:stream'

/**
 * Whether Node's own HTTP client still works with what the host made of the language. Where it does not, a request would throw in
 * Node's callbacks, where nobody but the host's `uncaughtException` hears of it.
 */
export function canRequest(): boolean {
  try {
    const list = [1, 2]
    // What Node's agent, events and streams call in Node 20 to 26, on objects of their own.
    if (list.indexOf(2) !== 1 || list.splice(0, 1)[0] !== 1 || list.shift() !== 2 || list.push(3) !== 1 || list.slice()[0] !== 3)
      return false
    const holder: { type?: string; next?: undefined } = {}
    holder.type = 'x'
    holder.next = undefined
    new Readable({ read: () => undefined }).destroy()
    return true
  } catch {
    return false
  }
}
