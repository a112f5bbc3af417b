import { NativeMap } from '../natives.js'
import { toWellFormedText } from './text.js'

/** Names joined lately. A program uses few of them, again and again, and looking one up costs less than joining it anew. */
const known = new NativeMap<string, Map<string, string>>()
let knownCount = 0

const MAX_KNOWN = 4_096
/** Longer names are joined each time, so that what is kept stays below a megabyte. */
const MAX_KNOWN_CHARS = 128

/** Attribute name of the field `name` below `path`, as well-formed text. */
export function joinPath(path: string, name: string): string {
  return known.get(path)?.get(name) ?? join(path, name)
}

function join(path: string, name: string): string {
  const joined = toWellFormedText(`${path}.${name}`)
  if (joined.length <= MAX_KNOWN_CHARS) remember(path, name, joined)
  return joined
}

function remember(path: string, name: string, joined: string): void {
  if (knownCount >= MAX_KNOWN) {
    known.clear()
    knownCount = 0
  }
  const names = known.get(path) ?? new NativeMap<string, string>()
  if (names.size === 0) known.set(path, names)
  names.set(name, joined)
  knownCount += 1
}
