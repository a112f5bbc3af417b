import { NativeMap } from '../../natives.js'

const MAX_CACHED_NAMES = 4096
const MAX_CACHED_CHARS = 64

/** `decide` with its answers for the names met lately: a program uses few of them, again and again. */
export function remember<T>(decide: (name: string) => T): (name: string) => T {
  const known = new NativeMap<string, { readonly answer: T }>()
  return (name) => {
    const cached = known.get(name)
    if (cached !== undefined) return cached.answer
    const answer = decide(name)
    if (name.length > MAX_CACHED_CHARS) return answer
    if (known.size >= MAX_CACHED_NAMES) known.clear()
    known.set(name, { answer })
    return answer
  }
}
