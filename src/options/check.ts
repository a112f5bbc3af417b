import { type ConfigProblem, HoneyHiveConfigError } from '../errors.js'
import { noFields } from './fields.js'
import { findNearest } from './nearest.js'
import { toKind, toShort, toShown } from './shown.js'
import { type GroupSpec, isMapLike, type OptionSpec, type Specs } from './spec.js'

/** Values of options that were given, by option; groups hold their members. */
export type GivenValues = Readonly<Record<string, unknown>>

/** Where a value came from, as messages say it. */
export interface Origin {
  /** Completes "from …": `code`, a variable, or `file:line:column`. */
  readonly from: string
  /** The text to show in place of the value, when the value was expanded from variables. */
  readonly written?: string | undefined
}

/** The origin of options given in code. */
export const CODE: Origin = Object.freeze({ from: 'code' })

/** Where {@link readOptions} reports to, and how it speaks of the place it reads. */
export interface CheckContext {
  readonly problems: ConfigProblem[]
  /** Put before every option's name, e.g. `tracers.production.`. */
  readonly prefix?: string
  /** Where the option at this path came from. */
  readonly locate?: (path: string) => Origin
  /** What to do about a name that is no option, when it is better known than by its likeness to one. */
  readonly adviseUnknown?: (name: string) => string | undefined
}

/**
 * Checks what a function was given.
 *
 * @param adviseUnknown see {@link CheckContext.adviseUnknown}.
 * @returns a frozen copy without what was not given.
 * @throws HoneyHiveConfigError listing every unknown name and every wrong value.
 */
export function checkOptions(
  options: unknown,
  specs: Specs,
  where: string,
  adviseUnknown?: (name: string) => string | undefined,
): GivenValues {
  const problems: ConfigProblem[] = []
  const given = readOptions(options, specs, { problems, ...(adviseUnknown && { adviseUnknown }) })
  if (problems.length > 0) throw new HoneyHiveConfigError(problems, where)
  return given
}

/** The options that were given, each read exactly once and checked. What is wrong or missing is left out and becomes a problem. */
export function readOptions(options: unknown, specs: Specs, context: CheckContext): GivenValues {
  const { problems, prefix = '', locate = () => CODE } = context
  const values = readOptional(options, specs, context)
  if (values === NOTHING) return values
  for (const name of Object.keys(specs)) {
    const spec = specs[name]
    if (spec === undefined || !('isRequired' in spec) || hasReported(values, name, prefix, problems)) continue
    problems.push(toProblem(prefix + name, spec, undefined, locate(prefix + name)))
  }
  return values
}

/** {@link readOptions} where none is required, for what is read with every tracer. */
export function readOptional(options: unknown, specs: Specs, context: CheckContext): GivenValues {
  const { problems, prefix = '', locate = () => CODE, adviseUnknown = () => undefined } = context
  const path = prefix === '' ? 'options' : prefix.slice(0, -1)
  if (options !== undefined && options !== null && (!isMapLike(options) || isClosed(options))) {
    problems.push(toProblem(path, NO_MAP, options, locate(path)))
    return NOTHING
  }
  return readMembers(options ?? {}, specs, prefix, { problems, locate, adviseUnknown })
}

/** Without a prototype, as all that is read here: a field on every object is no option. */
const NOTHING: GivenValues = Object.freeze(noFields())

const NO_MAP: Described = {
  expected: 'an object',
  remedy: 'Give options by name.',
  secret: true,
  found: (value) => (isMapLike(value) ? 'an object of a class' : toKind(value)),
}

/** An object of a class that shows no names. A tracer in place of its options would be one with those of the environment. */
function isClosed(value: object): boolean {
  try {
    // Inherited names count, as everywhere.
    for (const _ in value) return false
    const prototype: unknown = Object.getPrototypeOf(value)
    return prototype !== null && Object.getPrototypeOf(prototype) !== null
  } catch {
    // A proxy that refuses to be looked at; whoever lists its names says so.
    return false
  }
}

function hasReported(values: GivenValues, name: string, prefix: string, problems: readonly ConfigProblem[]): boolean {
  return Object.hasOwn(values, name) || problems.some(({ option }) => option === prefix + name)
}

type Reading = Required<Omit<CheckContext, 'prefix'>>

function readMembers(options: object, specs: Specs, prefix: string, reading: Reading): GivenValues {
  const values = noFields()
  for (const name of toNames(options, prefix, reading.problems)) {
    const spec = Object.hasOwn(specs, name) ? specs[name] : undefined
    const path = prefix + name
    if (spec === undefined) {
      const advice = reading.adviseUnknown(name)
      reading.problems.push({ option: path, message: describeUnknown(name, prefix, Object.keys(specs), reading.locate(path).from, advice) })
      continue
    }
    const value = readMember(options, name, spec, path, reading)
    if (value !== undefined) values[name] = value
  }
  return Object.freeze(values)
}

/** Own and inherited names; what sits on every object of the process is none of ours. */
function toNames(options: object, prefix: string, problems: ConfigProblem[]): readonly string[] {
  const names: string[] = []
  try {
    for (const name in options) {
      if (Object.hasOwn(options, name) || !(name in Object.prototype)) names.push(name)
    }
  } catch {
    // A proxy that refuses to be listed.
    const path = prefix === '' ? 'options' : prefix.slice(0, -1)
    problems.push({ option: path, message: `Invalid "${path}": listing its names threw. Give a plain object.` })
  }
  return names
}

function readMember(options: object, name: string, spec: OptionSpec | GroupSpec, path: string, reading: Reading): unknown {
  try {
    const value: unknown = (options as GivenValues)[name]
    if (value === undefined || value === null) return undefined
    if ('members' in spec && isMapLike(value)) {
      return readMembers(value, spec.members, `${path}.`, { ...reading, adviseUnknown: () => undefined })
    }
    const own = 'members' in spec ? value : toOwn(value, spec)
    if ('members' in spec ? spec.other?.(own) : spec.accepts(own)) return own
    reading.problems.push(toProblem(path, spec, value, reading.locate(path)))
  } catch {
    // A getter or proxy of the user's; its error may hold anything, so it is not repeated.
    reading.problems.push({ option: path, message: `Invalid "${path}": reading it threw. ${spec.remedy}` })
  }
  return undefined
}

function toOwn(value: unknown, { isCopied }: OptionSpec): unknown {
  if (isCopied !== true) return value
  if (Array.isArray(value)) return Object.freeze([...value])
  if (!isMapLike(value)) return value
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([name, item]) => [name, Array.isArray(item) ? [...item] : item])))
}

/** What a message needs to know about an option. */
export type Described = Pick<OptionSpec, 'expected' | 'remedy' | 'secret' | 'found'>

/** {@link describeProblem} as an entry of the list of problems. */
export function toProblem(option: string, spec: Described, value: unknown, origin: Origin = CODE): ConfigProblem {
  return { option, message: describeProblem(option, spec, value, origin) }
}

/** One sentence: what is wrong, with which value, from where; and one: what to do. */
export function describeProblem(path: string, spec: Described, value: unknown, { from, written }: Origin): string {
  return `Invalid "${path}": expected ${spec.expected}, got ${toFound(spec, value, written)} from ${from}. ${spec.remedy}`
}

function toFound(spec: Described, value: unknown, written: string | undefined): string {
  if (spec.secret === true) return (spec.found ?? toKind)(value)
  if (written !== undefined) return toShown(written)
  return (spec.found ?? toShown)(value)
}

/** What to do about a name that is no option: `advice`, else the nearest one, else all there are. */
export function describeUnknown(name: string, path: string, known: readonly string[], from: string, advice?: string): string {
  return `Unknown option "${path}${toShort(name)}" from ${from}. ${advice ?? suggest(name, path, known)}`
}

function suggest(name: string, path: string, known: readonly string[]): string {
  const near = findNearest(name, known)
  return near === undefined ? `Known: ${known.join(', ')}.` : `Did you mean "${path}${near}"?`
}
