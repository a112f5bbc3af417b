import { isPlainArray, type Plain, type PlainObject } from './plain.js'

/** Whether `later` is `earlier` with more to it: a text that goes on, a list or an object to which something came. */
export function isGrown(earlier: Plain, later: Plain): boolean {
  return typeof earlier === 'object' && earlier !== null && compare(earlier, later) === 'grown'
}

type Comparison = 'same' | 'grown' | 'other'

function compare(earlier: Plain, later: Plain): Comparison {
  if (earlier === later) return 'same'
  if (typeof earlier === 'string') return typeof later === 'string' && later.startsWith(earlier) ? 'grown' : 'other'
  if (typeof earlier !== 'object' || typeof later !== 'object' || earlier === null || later === null) return 'other'
  if (isPlainArray(earlier)) return isPlainArray(later) ? compareItems(earlier, later) : 'other'
  return isPlainArray(later) ? 'other' : compareFields(earlier, later)
}

function compareItems(earlier: readonly Plain[], later: readonly Plain[]): Comparison {
  if (later.length < earlier.length) return 'other'
  let comparison: Comparison = later.length > earlier.length ? 'grown' : 'same'
  for (let i = 0; i < earlier.length; i++) {
    const item = compare(earlier[i] as Plain, later[i] as Plain)
    if (item === 'other') return 'other'
    if (item === 'grown') comparison = 'grown'
  }
  return comparison
}

function compareFields(earlier: PlainObject, later: PlainObject): Comparison {
  const names = Object.keys(earlier)
  let comparison: Comparison = Object.keys(later).length > names.length ? 'grown' : 'same'
  for (const name of names) {
    if (!Object.hasOwn(later, name)) return 'other'
    const field = compare(earlier[name] as Plain, later[name] as Plain)
    if (field === 'other') return 'other'
    if (field === 'grown') comparison = 'grown'
  }
  return comparison
}
