import { NativeMap, NativeSet } from '../../natives.js'

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

const MAX_CLEAN_TEXTS = 1024
const MAX_CLEAN_CHARS = 40

/** `mask` that knows short texts again in which it found nothing: names of models, roles and states come with every call. */
export function rememberClean(mask: (text: string) => string): (text: string) => string {
  const clean = new NativeSet<string>()
  return (text) => {
    if (text.length > MAX_CLEAN_CHARS) return mask(text)
    if (clean.has(text)) return text
    const shown = mask(text)
    if (shown !== text) return shown
    if (clean.size >= MAX_CLEAN_TEXTS) clean.clear()
    clean.add(text)
    return shown
  }
}
