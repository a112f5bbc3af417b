import { NativeMap, NativeSet } from '../natives.js'

const NONE: ReadonlySet<string> = new NativeSet()

/**
 * Names that read as a path through another one of them: `a.b` beside `a`. Sorted once, so that the cost does not depend on how many
 * dots there are: with the dot before every other character, what lies below a name follows right after it.
 */
export function clashingNames(names: readonly string[]): ReadonlySet<string> {
  if (!names.some((name) => name.includes('.'))) return NONE
  const clashing = new NativeSet<string>()
  const above: string[] = []
  for (const name of [...names].sort(byPath)) {
    while (above.length > 0 && !isBelow(name, above.at(-1) ?? '')) above.pop()
    if (above.length > 0) clashing.add(name)
    above.push(name)
  }
  return clashing
}

/** The order of characters, with the dot before all others. */
function byPath(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i += 1) {
    const left = a.charCodeAt(i)
    const right = b.charCodeAt(i)
    if (left === right) continue
    if (left === DOT || right === DOT) return left === DOT ? -1 : 1
    return left - right
  }
  return a.length - b.length
}

const DOT = 46

function isBelow(name: string, above: string): boolean {
  return name.length > above.length && name.charCodeAt(above.length) === DOT && name.startsWith(above)
}

/** Gives names without dots that nobody has taken yet. */
export function createUndotted(isTaken: (name: string) => boolean): (name: string) => string {
  const used = new NativeMap<string, number>()
  return (name) => {
    const base = name.replaceAll('.', '_')
    let times = used.get(base) ?? 0
    let free = times < 2 ? base + '_'.repeat(times) : `${base}_${times}`
    while (isTaken(free)) {
      times += 1
      free = times === 1 ? `${base}_` : `${base}_${times}`
    }
    used.set(base, times)
    return free
  }
}
