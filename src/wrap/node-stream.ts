import { types } from 'node:util'
import type { Reading } from './audience.js'
import { noteSettled } from './iteration.js'
import { findProperty, shadow } from './shadow.js'

/** A stream of Node's kind. */
export function isNodeStream(value: object): boolean {
  return '_readableState' in value && 'pipe' in value
}

/** A readable stream that has something left to give. Sockets are connections, not answers. */
export function isOpenNodeStream(value: object): boolean {
  const { readable, destroyed, readableEnded } = value as { readable?: unknown; destroyed?: unknown; readableEnded?: unknown }
  return readable !== false && destroyed !== true && readableEnded !== true && !('remoteAddress' in value)
}

/** Methods by which the body of a reply is read whole, past its listeners: those of undici, and of the standard. */
const WHOLE_METHODS = ['json', 'text', 'bytes', 'blob', 'arrayBuffer', 'formData'] as const

/** Looks on as the stream tells its listeners; adding a listener of our own would make it flow. */
export function watchNodeStream(stream: object, reading: Reading): boolean {
  let readBy: string | undefined
  for (const key of WHOLE_METHODS) {
    shadow(stream, key, {
      before: () => {
        // Some of them call others.
        readBy ??= key
      },
      result(whole) {
        if (readBy !== key) return whole
        if (types.isPromise(whole)) {
          reading.begin()
          return noteSettled(whole, reading, (body) => reading.audience.endWith(body))
        }
        // Something else of this name, which does not read.
        readBy = undefined
        return whole
      },
      thrown: () => {
        readBy = undefined
      },
    })
  }
  // What it does to have something to give is its own work, whoever asks for it.
  for (const key of ['_read', '_transform', '_flush']) shadow(stream, key, { inside: reading })
  return shadow(stream, 'emit', {
    before([event, detail]) {
      if (readBy !== undefined) return
      if (event === 'data') {
        reading.begin()
        reading.item(detail, 'event')
      } else if (event === 'end') reading.end()
      else if (event === 'close' || (event === 'error' && isEarlyStop(detail))) reading.stop()
      else if (event === 'error') reading.fail(detail)
    },
  })
}

/** Leaving a `for await` over a Node stream destroys it with an AbortError that has no cause; an aborted signal is one. */
function isEarlyStop(error: unknown): boolean {
  return types.isNativeError(error) && findProperty(error, 'code')?.descriptor.value === 'ABORT_ERR' && !Object.hasOwn(error, 'cause')
}
