import { NativeMap } from '../natives.js'

const MAX_TEXTS = 64

/** `read` with its last few results kept: a pool makes thousands of tracers of the same texts, and asks several times about each. */
export function remembered<T>(read: (text: string) => T): (text: string) => T {
  const known = new NativeMap<string, T>()
  return (text) => {
    if (!known.has(text)) {
      if (known.size >= MAX_TEXTS) known.clear()
      known.set(text, read(text))
    }
    return known.get(text) as T
  }
}
