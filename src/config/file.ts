import { toJsonText } from '../builtins.js'
import { type ConfigProblem, HoneyHiveConfigError } from '../errors.js'
import { describeProblem, describeUnknown, type Origin } from '../options/check.js'
import { type GroupSpec, isMapLike } from '../options/spec.js'
import { readProcessEnv } from './process-env.js'
import { type ParsedDocument, readDocument } from './document.js'
import { checkTogether, readGiven, withoutKeys } from './given.js'
import type { TracerOptions } from './options.js'
import { OPTIONS, type SettingSpec, type Settings } from './schema.js'
import { type Environment, parseText } from './sources.js'
import { expandVariables } from './variables.js'

/** Several tracers by name, and what they share. The same shape stands in a file. */
export interface TracerDefinitions<Name extends string = string> {
  /** Options of each tracer, by the name it is looked up with. */
  readonly tracers: Readonly<Record<Name, TracerOptions>>
  /** Options of every tracer that does not give its own. */
  readonly defaults?: TracerOptions
}

/** Surroundings of the definitions that `loadTracers` reads. */
export interface LoadOptions {
  /** Variables to expand. @defaultValue those of the process */
  readonly env?: Environment | undefined
}

/**
 * Reads the options of several tracers from a YAML or JSON file, or from an object of the same shape or of tracers by name
 * alone. `${VAR}` and `${VAR:-default}` are expanded in text, `$${` stands for `${` itself.
 *
 * @returns checked options by name, defaults included, in the order they were given.
 * @throws HoneyHiveConfigError when anything is wrong; it lists everything, each with `file:line:column`.
 * @throws HoneyHiveError `CONFIG_FILE` when the file cannot be read.
 */
export function loadTracerDefinitions(file: string | URL, options?: LoadOptions): ReadonlyMap<string, TracerOptions>
export function loadTracerDefinitions<const Name extends string>(
  definitions: TracerDefinitions<Name>,
  options?: LoadOptions,
): ReadonlyMap<Name, TracerOptions>
export function loadTracerDefinitions<const Name extends string>(
  tracers: Readonly<Record<Name, TracerOptions>>,
  options?: LoadOptions,
): ReadonlyMap<Name, TracerOptions>
export function loadTracerDefinitions(
  source: string | URL | object,
  { env = readProcessEnv() }: LoadOptions = {},
): ReadonlyMap<string, TracerOptions> {
  const isFile = typeof source === 'string' || source instanceof URL
  const definitions = isFile ? readDocument(source) : toDocument(source)
  const reading = createReading(definitions, env)
  const tracers = readDefinitions(definitions.content, reading)
  if (reading.problems.length > 0) {
    throw new HoneyHiveConfigError(withoutKeys(reading.problems, reading.keys), isFile ? `loadTracers("${String(source)}")` : 'loadTracers')
  }
  return tracers
}

interface Reading {
  readonly document: ParsedDocument
  readonly env: Environment
  readonly problems: ConfigProblem[]
  /** Every API key seen, to keep them out of messages. */
  readonly keys: string[]
  /** Where each option came from, by its path. */
  readonly origins: Map<string, Origin>
}

function createReading(document: ParsedDocument, env: Environment): Reading {
  return { document, env, problems: [...document.problems], keys: [], origins: new Map() }
}

/** An object given in code: without `tracers` it holds the tracers themselves. */
function toDocument(source: object): ParsedDocument {
  const content = isMapLike(source) && !isMapLike(source['tracers']) ? { tracers: source } : source
  return { content, problems: [], locate: () => 'code' }
}

/** `$schema` lets editors check a JSON file. */
const TOP_LEVEL = ['tracers', 'defaults', '$schema']
const SHAPE = { expected: 'tracers by name', remedy: 'Start with "tracers:", then one name per tracer with its options.', secret: true }

function readDefinitions(content: unknown, reading: Reading): ReadonlyMap<string, TracerOptions> {
  const found = new Map<string, TracerOptions>()
  if (!isMapLike(content)) {
    report(reading, [], 'value', (from) => describeProblem('tracers', SHAPE, content ?? undefined, { from }))
    return found
  }
  for (const name of Object.keys(content)) {
    if (!TOP_LEVEL.includes(name)) report(reading, [name], 'key', (from) => describeUnknown(name, '', TOP_LEVEL, from))
  }
  const defaults = readEntry(content['defaults'], ['defaults'], reading)
  const tracers = content['tracers']
  if (!isMapLike(tracers) || Object.keys(tracers).length === 0) {
    report(reading, ['tracers'], 'value', (from) => describeProblem('tracers', SHAPE, isMapLike(tracers) ? undefined : tracers, { from }))
    return found
  }
  for (const name of Object.keys(tracers)) found.set(name, readTracer(name, tracers, defaults, reading))
  return found
}

function readTracer(name: string, tracers: Readonly<Record<string, unknown>>, defaults: TracerOptions, reading: Reading): TracerOptions {
  const path = ['tracers', name]
  if (name.trim() === '' || name === '__proto__') {
    report(reading, path, 'key', (from) => `Invalid tracer name ${toJsonText(name)} from ${from}. Give a word, e.g. "production".`)
  }
  const options = combineOptions(defaults, readEntry(tracers[name], path, reading))
  checkTogether(options, { problems: reading.problems, prefix: `${path.join('.')}.`, locate: (option) => toOrigin(reading, option) })
  return options
}

/** Groups and maps are joined member by member; everything else of the tracer takes the place of the default. */
const JOINED = ['limits', 'batch', 'capture', 'headers', 'resourceAttributes'] as const

function combineOptions(defaults: TracerOptions, own: TracerOptions): TracerOptions {
  const joined = JOINED.filter((name) => defaults[name] && own[name]).map((name) => [
    name,
    Object.freeze({ ...defaults[name], ...own[name] }),
  ])
  return Object.freeze({ ...defaults, ...own, ...Object.fromEntries(joined) })
}

function readEntry(value: unknown, path: readonly string[], reading: Reading): TracerOptions {
  reading.origins.set(path.join('.'), { from: reading.document.locate(path, 'value') })
  const prepared = prepareMembers(value, OPTIONS, path, reading)
  const locate = (option: string): Origin => toOrigin(reading, option)
  return readGiven(prepared, { problems: reading.problems, prefix: `${path.join('.')}.`, locate })
}

function toOrigin(reading: Reading, path: string): Origin {
  return reading.origins.get(path) ?? { from: reading.document.locate([], 'value') }
}

function report({ document, problems }: Reading, path: readonly string[], part: 'key' | 'value', describe: (from: string) => string): void {
  problems.push({ option: path.join('.') || 'tracers', message: describe(document.locate(path, part)) })
}

/** The same options under the names code uses, with variables expanded. What is wrong in them is left for the check. */
function prepareMembers(value: unknown, specs: Settings, path: readonly string[], reading: Reading): unknown {
  if (!isMapLike(value)) return value
  const members = new Map<string, unknown>()
  for (const written of Object.keys(value)) {
    const name = toOptionName(written, specs)
    const spec = Object.hasOwn(specs, name) ? specs[name] : undefined
    const at = [...path, written]
    if (members.has(name)) {
      report(
        reading,
        at,
        'key',
        (from) => `Repeated option "${[...path, name].join('.')}": "${written}" from ${from} is the same. Remove one of them.`,
      )
    }
    members.set(name, spec === undefined ? undefined : prepareMember(value, written, spec, [...path, name], at, reading))
    if (spec === undefined) reading.origins.set([...path, name].join('.'), { from: reading.document.locate(at, 'key') })
  }
  return Object.fromEntries(members)
}

/** Files may also use the snake_case names of other languages' SDKs. */
function toOptionName(written: string, specs: Settings): string {
  if (Object.hasOwn(specs, written) || !written.includes('_')) return written
  const camel = written.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
  return Object.hasOwn(specs, camel) ? camel : written
}

function prepareMember(
  owner: Readonly<Record<string, unknown>>,
  written: string,
  spec: SettingSpec | GroupSpec<SettingSpec>,
  path: readonly string[],
  at: readonly string[],
  reading: Reading,
): unknown {
  const option = path.join('.')
  const from = reading.document.locate(at, 'value')
  reading.origins.set(option, { from })
  const value = readProperty(owner, written, option, reading)
  if ('members' in spec) return prepareMembers(value, spec.members, path, reading)
  if (spec.json === undefined) return value
  const expanded = expandDeep(value, (text) => expandOption(text, spec, option, from, reading))
  if (spec.env === 'HH_API_KEY' && typeof expanded === 'string') reading.keys.push(expanded.trim())
  return expanded
}

function readProperty(owner: Readonly<Record<string, unknown>>, name: string, option: string, { problems }: Reading): unknown {
  try {
    return owner[name]
  } catch {
    // A getter of the user's object; its error may hold anything, so it is not repeated.
    problems.push({ option, message: `Invalid "${option}": reading it threw. Give a plain value.` })
    return undefined
  }
}

function expandOption(text: string, spec: SettingSpec, option: string, from: string, { env, problems, origins }: Reading): unknown {
  const expanded = expandVariables(text, env)
  for (const problem of expanded.problems) problems.push({ option, message: `Invalid "${option}" from ${from}: ${problem}` })
  // Already reported; the option counts as not given so that it is not reported again as the wrong type.
  if (expanded.problems.length > 0) return undefined
  if (expanded.hasVariables) origins.set(option, { from, written: text })
  if (spec.itemFromText !== undefined) return toItem(spec.itemFromText, expanded.text)
  // What cannot be converted stays text, which the check then refuses.
  return expanded.hasVariables ? (parseText(spec, expanded.text) ?? expanded.text) : expanded.text
}

function toItem(fromText: (text: string) => unknown, text: string): unknown {
  try {
    return fromText(text)
  } catch {
    // Not a regular expression: stays text, which the check then refuses.
    return text
  }
}

/** A copy of lists and plain objects with every text replaced; anything else, and what contains itself, stays as it is. */
function expandDeep(value: unknown, expand: (text: string) => unknown, above: readonly unknown[] = []): unknown {
  if (typeof value === 'string') return expand(value)
  if (typeof value !== 'object' || value === null || above.includes(value)) return value
  const inside = [...above, value]
  if (Array.isArray(value)) return value.map((item) => expandDeep(item, expand, inside))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, expandDeep(item, expand, inside)]))
}
