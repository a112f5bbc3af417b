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

/** Longer texts are rarely sent twice, and V8 tells them apart by their length alone. */
const MAX_CLEAN_CHARS = 16_000
/** Up to this many characters a text stands in fields of its own: names of models, roles, states. */
const SHORT_CHARS = 40

/**
 * `mask` that knows texts again in which it found nothing. Names of models and roles come with every call; a chat sends its
 * instructions and all that was said before with each turn.
 */
export function rememberClean(mask: (text: string) => string): (text: string) => string {
  // Apart, so that long texts never crowd out the names.
  const short = new RecentTexts(40_960)
  const long = new RecentTexts(1_048_576)
  return (text) => {
    if (text.length > MAX_CLEAN_CHARS) return mask(text)
    const clean = text.length > SHORT_CHARS ? long : short
    if (clean.has(text)) return text
    const shown = mask(text)
    if (shown === text) clean.add(text)
    return shown
  }
}

/** Texts met lately, at most twice so many characters: what was met last and what was met before that. */
class RecentTexts {
  readonly #maxChars: number
  #latest = new NativeSet<string>()
  #earlier = new NativeSet<string>()
  #chars = 0

  constructor(maxChars: number) {
    this.#maxChars = maxChars
  }

  has(text: string): boolean {
    if (this.#latest.has(text)) return true
    if (!this.#earlier.has(text)) return false
    this.add(text)
    return true
  }

  add(text: string): void {
    if (this.#chars >= this.#maxChars) {
      this.#earlier = this.#latest
      this.#latest = new NativeSet()
      this.#chars = 0
    }
    this.#latest.add(text)
    this.#chars += text.length
  }
}
