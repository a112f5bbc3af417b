import type { NativeSet } from '../../natives.js'

/** `name`, or another one where it is taken: two keys look the same once they are masked, and no value may be lost for that. */
export function takeFreeName(name: string, taken: NativeSet<string>): string {
  let free = name
  for (let count = 2; taken.has(free); count += 1) free = `${name} ${count}`
  taken.add(free)
  return free
}
