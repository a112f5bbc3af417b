import type { ConfigProblem } from '../errors.js'
import { toKind, toShort, toShown } from './describe.js'
import type { OptionSpec } from './schema.js'

const TRUE_WORDS: ReadonlySet<string> = new Set(['true', '1', 'yes', 'on', 'enabled'])
const FALSE_WORDS: ReadonlySet<string> = new Set(['false', '0', 'no', 'off', 'disabled', ''])
const DECIMAL = /^[+-]?(\d+(_\d+)*)(\.\d+)?(e[+-]?\d+)?$/i
const MAX_NAME_CHARS = 60

/** True when the option takes this value. */
export function accepts(spec: OptionSpec, value: unknown): boolean {
  return spec.schema().safeParse(value).success
}

/** Text of a variable or file as the option's own type; `undefined` when it cannot be read as one. */
export function parseText(spec: OptionSpec, content: string): unknown {
  if (spec.text === 'boolean') return toBoolean(content)
  if (spec.text === 'number') return DECIMAL.test(content.trim()) ? Number(content.replaceAll('_', '')) : undefined
  return content
}

function toBoolean(content: string): boolean | undefined {
  const word = content.trim().toLowerCase()
  if (TRUE_WORDS.has(word)) return true
  return FALSE_WORDS.has(word) ? false : undefined
}

/** Where a value came from, as messages say it. */
export interface Origin {
  /** Completes "from …": `code`, a variable, or `file:line:column`. */
  readonly from: string
  /** The text to show in place of the value, when the value was expanded from variables. */
  readonly written?: string | undefined
}

/** The origin of options given in code. */
export const CODE: Origin = Object.freeze({ from: 'code' })

/** What a message needs to know about an option. */
export type Described = Pick<OptionSpec, 'expected' | 'remedy' | 'secret' | 'found'>

/** One sentence: what is wrong, with which value, from where; and one: what to do. */
export function describeProblem(path: string, spec: Described, value: unknown, { from, written }: Origin): string {
  return `Invalid "${path}": expected ${spec.expected}, got ${toFound(spec, value, written)} from ${from}. ${spec.remedy}`
}

function toFound(spec: Described, value: unknown, written: string | undefined): string {
  if (spec.secret === true) return (spec.found ?? toKind)(value)
  if (written !== undefined) return toShown(written)
  return (spec.found ?? toShown)(value)
}

/** Below this, a text is too common to be searched for in a message. */
const SHORTEST_KEY = 8

/** The same problems with every key masked: a key pasted into the wrong option must not be repeated either. */
export function withoutKeys(problems: readonly ConfigProblem[], keys: readonly string[]): readonly ConfigProblem[] {
  const masked = keys.filter((key) => key.length >= SHORTEST_KEY)
  const mask = (text: string): string => masked.reduce((rest, key) => rest.replaceAll(key, '***'), text)
  return problems.map(({ option, message }) => ({ option: mask(option), message: mask(message) }))
}

/** "Did you mean …" for a misspelt name, or what there is to choose from when nothing is near. */
export function describeUnknown(name: string, path: string, known: readonly string[], from: string, replacement?: string): string {
  const near = replacement === undefined ? toNearest(name, known) : undefined
  const advice = replacement ?? (near === undefined ? `Known: ${known.join(', ')}.` : `Did you mean "${path}${near}"?`)
  return `Unknown option "${path}${toShort(name)}" from ${from}. ${advice}`
}

function toNearest(name: string, known: readonly string[]): string | undefined {
  const wanted = toPlainName(name)
  if (wanted === '' || wanted.length > MAX_NAME_CHARS) return undefined
  const ranked = known.map((candidate) => ({ candidate, distance: toDistance(wanted, toPlainName(candidate)) }))
  const best = ranked.reduce((a, b) => (b.distance < a.distance ? b : a))
  return best.distance <= Math.max(1, Math.floor(wanted.length / 3)) ? best.candidate : undefined
}

/** `event_name` and `eventName` are one word to a person. */
export function toPlainName(name: string): string {
  return name.replace(/[^a-z0-9]/gi, '').toLowerCase()
}

/** Edits (insert, delete, replace, swap of neighbours) from one name to the other. */
function toDistance(from: string, to: string): number {
  let beforeLast: readonly number[] = []
  let last: readonly number[] = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const cost = from[row - 1] === to[column - 1] ? 0 : 1
      const swapped =
        from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1] ? at(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY
      current.push(Math.min(at(last, column) + 1, at(current, column - 1) + 1, at(last, column - 1) + cost, swapped))
    }
    beforeLast = last
    last = current
  }
  return at(last, to.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
