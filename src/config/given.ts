import type { ConfigProblem } from '../errors.js'
import { accepts, describeProblem, describeUnknown } from './problems.js'
import { type GroupSpec, OPTIONS, type OptionSpec } from './schema.js'
import type { GivenValues } from './sources.js'

type Specs = Readonly<Record<string, OptionSpec | GroupSpec>>

/** The options that were given, each read exactly once and checked. What is wrong is left out and added to `problems`. */
export function readGiven(options: unknown, problems: ConfigProblem[], from = 'code'): GivenValues {
  if (options === undefined || options === null) return {}
  if (typeof options !== 'object' || Array.isArray(options)) {
    const spec = { expected: 'an object', remedy: 'Call init({ apiKey, source }).', secret: true }
    problems.push({ option: 'options', message: describeProblem('options', spec, options, from) })
    return {}
  }
  return readMembers(options, OPTIONS as Specs, '', problems, from)
}

function readMembers(options: object, specs: Specs, path: string, problems: ConfigProblem[], from: string): GivenValues {
  const values: Record<string, unknown> = {}
  for (const name of toNames(options, path, problems)) {
    const spec = Object.hasOwn(specs, name) ? specs[name] : undefined
    if (spec === undefined) {
      problems.push({ option: path + name, message: describeUnknown(name, path, Object.keys(specs), from) })
      continue
    }
    const value = readMember(options, name, spec, path, problems, from)
    if (value !== undefined) values[name] = value
  }
  return values
}

/** Own and inherited names; what sits on every object of the process is none of ours. */
function toNames(options: object, path: string, problems: ConfigProblem[]): readonly string[] {
  const names: string[] = []
  try {
    for (const name in options) {
      if (Object.hasOwn(options, name) || !(name in Object.prototype)) names.push(name)
    }
  } catch {
    // A proxy that refuses to be listed.
    problems.push({ option: path || 'options', message: `The names of "${path || 'options'}" could not be read: listing them threw. Give a plain object.` })
  }
  return names
}

function readMember(options: object, name: string, spec: OptionSpec | GroupSpec, path: string, problems: ConfigProblem[], from: string): unknown {
  try {
    const value: unknown = (options as Readonly<Record<string, unknown>>)[name]
    if (value === undefined || value === null) return undefined
    if ('members' in spec && typeof value === 'object' && !Array.isArray(value)) {
      return readMembers(value, spec.members as Specs, `${path}${name}.`, problems, from)
    }
    if ('schema' in spec && accepts(spec, value)) return value
    problems.push({ option: path + name, message: describeProblem(path + name, spec, value, from) })
  } catch {
    // A getter or proxy of the user's object; its error may hold anything, so it is not repeated.
    problems.push({ option: path + name, message: `Invalid "${path}${name}": reading it threw. ${spec.remedy}` })
  }
  return undefined
}
