import type { ConfigProblem } from '../errors.js'
import { findReplacement } from './other-names.js'
import { accepts, CODE, describeProblem, describeUnknown, type Origin } from './problems.js'
import { type GroupSpec, isMapLike, OPTIONS, type OptionSpec, type Specs } from './schema.js'
import type { GivenValues } from './sources.js'

/** Where {@link readGiven} reports to, and how it speaks of the place it reads. */
export interface ReadContext {
  readonly problems: ConfigProblem[]
  /** Put before every option's name, e.g. `tracers.production.`. */
  readonly prefix?: string
  /** Where the option at this path came from. */
  readonly locate?: (path: string) => Origin
}

/** The options that were given, each read exactly once and checked. What is wrong is left out and becomes a problem. */
export function readGiven(options: unknown, { problems, prefix = '', locate = () => CODE }: ReadContext): GivenValues {
  const values: Record<string, unknown> = {}
  if (options === undefined || options === null) return values
  const path = prefix === '' ? 'options' : prefix.slice(0, -1)
  if (!isMapLike(options)) {
    const spec = { expected: 'an object', remedy: 'Give options by name, e.g. { apiKey, source }.', secret: true }
    problems.push({ option: path, message: describeProblem(path, spec, options, locate(path)) })
    return values
  }
  return readMembers(options, OPTIONS, prefix, { problems, locate })
}

type Context = Required<Omit<ReadContext, 'prefix'>>

function readMembers(options: object, specs: Specs, prefix: string, context: Context): GivenValues {
  const values: Record<string, unknown> = {}
  for (const name of toNames(options, prefix, context.problems)) {
    const spec = Object.hasOwn(specs, name) ? specs[name] : undefined
    const path = prefix + name
    if (spec === undefined) {
      const replacement = specs === OPTIONS ? (findReplacement(name) ?? findMember(name, specs)) : undefined
      const { from } = context.locate(path)
      context.problems.push({ option: path, message: describeUnknown(name, prefix, Object.keys(specs), from, replacement) })
      continue
    }
    const value = readMember(options, name, spec, path, context)
    if (value !== undefined) values[name] = value
  }
  return values
}

/** An option that stands in a group, written without it. */
function findMember(name: string, specs: Specs): string | undefined {
  const owner = Object.entries(specs).find(([, spec]) => 'members' in spec && Object.hasOwn(spec.members, name))
  return owner && `Did you mean "${owner[0]}.${name}"?`
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

function readMember(options: object, name: string, spec: OptionSpec | GroupSpec, path: string, context: Context): unknown {
  try {
    const value: unknown = (options as Readonly<Record<string, unknown>>)[name]
    if (value === undefined || value === null) return undefined
    if ('members' in spec && isMapLike(value)) return Object.freeze(readMembers(value, spec.members, `${path}.`, context))
    const own = toOwn(value, spec)
    if ('members' in spec ? spec.other?.().safeParse(own).success : accepts(spec, own)) return own
    context.problems.push({ option: path, message: describeProblem(path, spec, value, context.locate(path)) })
  } catch {
    // A getter or proxy of the user's; its error may hold anything, so it is not repeated.
    context.problems.push({ option: path, message: `Invalid "${path}": reading it threw. ${spec.remedy}` })
  }
  return undefined
}

/** Lists and maps are copied, so that what was checked is what is used and a later change of the user's reaches nothing. */
function toOwn(value: unknown, spec: OptionSpec | GroupSpec): unknown {
  if (Array.isArray(value)) return Object.freeze([...value])
  if (!('isMap' in spec) || !isMapLike(value)) return value
  const entries = Object.entries(value).map(([name, item]) => [name, Array.isArray(item) ? [...item] : item])
  return Object.freeze(Object.fromEntries(entries))
}
