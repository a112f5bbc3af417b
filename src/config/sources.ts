import { describeProblem, type GivenValues } from '../options/check.js'
import { noFields } from '../options/fields.js'
import { NativeSet } from '../natives.js'
import { readAllOfProcessEnv, readProcessEnv, readProcessEnvOf } from './process-env.js'
import { OPTIONS, type SettingSpec } from './schema.js'

/** Variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>

const TRUE_WORDS: ReadonlySet<string> = new Set(['true', '1', 'yes', 'on', 'enabled'])
const FALSE_WORDS: ReadonlySet<string> = new Set(['false', '0', 'no', 'off', 'disabled', ''])
const DECIMAL = /^[+-]?(\d+(_\d+)*)(\.\d+)?(e[+-]?\d+)?$/i

/** Text of a variable or file as the option's own type; `undefined` when it cannot be read as one. */
export function parseText(spec: SettingSpec, content: string): unknown {
  if (spec.text === 'boolean') return toBoolean(content)
  if (spec.text === 'number') return DECIMAL.test(content.trim()) ? Number(content.replaceAll('_', '')) : undefined
  return content
}

function toBoolean(content: string): boolean | undefined {
  const word = content.trim().toLowerCase()
  if (TRUE_WORDS.has(word)) return true
  return FALSE_WORDS.has(word) ? false : undefined
}

/** What the environment says. */
export interface EnvironmentValues {
  readonly values: GivenValues
  /** One line per variable that was ignored, or used after a correction. */
  readonly warnings: readonly string[]
  /** Destinations that could not be read: without one from code, the tracer must not send to another. */
  readonly unreadable: readonly string[]
}

interface Variable {
  readonly name: string
  readonly group: string | undefined
  readonly option: string
  readonly spec: SettingSpec
}

const VARIABLES: readonly Variable[] = Object.entries(OPTIONS).flatMap(([option, spec]) =>
  'members' in spec
    ? Object.entries(spec.members).flatMap(([member, memberSpec]) => toVariable(option, member, memberSpec))
    : toVariable(undefined, option, spec),
)

function toVariable(group: string | undefined, option: string, spec: SettingSpec): Variable[] {
  return spec.env === undefined ? [] : [{ name: spec.env, group, option, spec }]
}

/**
 * Reads every variable this package knows: `HH_*`, `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`. A wrong value is
 * left out and named in `warnings`; nothing throws.
 */
export function readEnvironment(env: Environment): EnvironmentValues {
  const values = noFields()
  const warnings: string[] = []
  const unreadable: string[] = []
  for (const variable of VARIABLES) {
    const raw = env[variable.name]
    const content = raw === undefined ? undefined : withoutQuotes(raw.trim())
    // An empty variable is as good as none; for a flag it means "off".
    if (content === undefined || (content === '' && variable.spec.text !== 'boolean')) continue
    const value = readVariable(variable, content)
    if (value === undefined) {
      warnings.push(describeVariable(variable, raw))
      if (variable.spec.isDestination) unreadable.push(variable.option)
    } else {
      putValue(values, variable, value)
      if (content !== raw?.trim()) warnings.push(`${variable.name} is wrapped in quotes, which were removed. Write the value without them.`)
    }
  }
  const resource = readResource(env, warnings)
  if (resource !== undefined) values['resourceAttributes'] = resource
  return { values, warnings, unreadable }
}

/** What the Python SDK's `evaluate`, other clients of HoneyHive and haste call two of the variables. */
const OTHER_NAMES: Readonly<Record<'apiKey' | 'serverUrl', { readonly name: string; readonly others: readonly string[] }>> = {
  apiKey: { name: 'HH_API_KEY', others: ['HONEYHIVE_API_KEY', 'HH_APIKEY'] },
  serverUrl: { name: 'HH_API_URL', others: ['HH_SERVER_URL', 'HONEYHIVE_SERVER_URL', 'HH_DATA_PLANE_URL'] },
}

/** A line for each variable that is set and not read, where nothing else says what it is meant to say. */
export function findMisnamed(option: 'apiKey' | 'serverUrl', env: Environment): readonly string[] {
  const { name, others } = OTHER_NAMES[option]
  return others.filter((other) => env[other]?.trim()).map((other) => `${other} is set, and nothing reads it. Name it ${name}.`)
}

function putValue(values: Record<string, unknown>, { group, option }: Variable, value: unknown): void {
  if (group === undefined) values[option] = value
  else values[group] = { ...(values[group] as GivenValues | undefined), [option]: value }
}

function readVariable({ spec }: Variable, content: string): unknown {
  const value = isWordForNothing(content) ? undefined : parseText(spec, content)
  return value !== undefined && spec.accepts(value) ? value : undefined
}

function describeVariable({ name, option, group, spec }: Variable, raw: unknown): string {
  const path = group === undefined ? option : `${group}.${option}`
  const effect = spec.isDestination ? `Tracers that are not given "${path}" in code are disabled.` : 'The variable is ignored.'
  return `${describeProblem(path, spec, raw, { from: name })} ${effect}`
}

function isWordForNothing(content: string): boolean {
  const word = content.toLowerCase()
  return word === 'undefined' || word === 'null'
}

/** Docker's `--env-file` and some dashboards keep the quotes of `NAME="value"`. */
function withoutQuotes(content: string): string {
  const first = content[0]
  if (first !== '"' && first !== "'") return content
  return content.length >= 2 && content.endsWith(first) ? content.slice(1, -1).trim() : content
}

function readResource(env: Environment, warnings: string[]): Readonly<Record<string, string>> | undefined {
  const list = env['OTEL_RESOURCE_ATTRIBUTES']
  const serviceName = env['OTEL_SERVICE_NAME']?.trim() || undefined
  const attributes = list === undefined ? undefined : parseResourceAttributes(list)
  if (list !== undefined && attributes === undefined) {
    warnings.push('Invalid OTEL_RESOURCE_ATTRIBUTES: expected key=value pairs joined by commas, percent-encoded. The variable is ignored.')
  }
  return serviceName === undefined ? attributes : { ...attributes, 'service.name': serviceName }
}

/**
 * `key=value,…` to a map, or `undefined` when any part is malformed: half a resource would label spans wrongly.
 *
 * @see OpenTelemetry Resource SDK, section "Specifying resource information via an environment variable"
 */
function parseResourceAttributes(list: string): Record<string, string> | undefined {
  const attributes: [string, string][] = []
  for (const pair of list.split(',')) {
    if (pair.trim() === '') continue
    const equals = pair.indexOf('=')
    const key = pair.slice(0, equals).trim()
    const value = decodePercent(pair.slice(equals + 1).trim())
    if (equals < 1 || key === '' || value === undefined) return undefined
    attributes.push([key, value])
  }
  return Object.fromEntries(attributes)
}

function decodePercent(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    // A stray percent sign; the caller reports the variable as malformed.
    return undefined
  }
}

/** Proxies as the environment names them. */
export interface ProxyVariables {
  readonly http: string | undefined
  readonly https: string | undefined
  readonly except: string
}

/** What the environment says of proxies; without any where Node was not told to use them. */
export function readProxies(env: Environment, flags: readonly string[] = process.execArgv): ProxyVariables {
  const read = (name: string): string | undefined => (env[name.toLowerCase()] ?? env[name])?.trim() || undefined
  const isTold = env['NODE_USE_ENV_PROXY'] === '1' || hasFlag(env['NODE_OPTIONS']?.split(/\s+/) ?? []) || hasFlag(flags)
  const except = read('NO_PROXY') ?? ''
  return isTold ? { http: read('HTTP_PROXY'), https: read('HTTPS_PROXY'), except } : { http: undefined, https: undefined, except }
}

function hasFlag(flags: readonly string[]): boolean {
  return flags.includes('--use-env-proxy')
}

/** Whatever {@link readEnvironment}, {@link findMisnamed} and {@link readProxies} may ask for. */
const SETTING_VARIABLES: ReadonlySet<string> = new NativeSet([
  ...VARIABLES.map(({ name }) => name),
  ...Object.values(OTHER_NAMES).flatMap(({ others }) => others),
  'OTEL_RESOURCE_ATTRIBUTES',
  'OTEL_SERVICE_NAME',
  'NODE_USE_ENV_PROXY',
  'NODE_OPTIONS',
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]),
])

/** The variables that a tracer's settings come from, as they are now. */
export function readSettingVariables(): Environment {
  return readProcessEnvOf(SETTING_VARIABLES)
}

/** All variables of this process, for a program that it starts. */
export function readInherited(): Environment {
  return readAllOfProcessEnv()
}

/**
 * Whether LangChain runs its callbacks in the background: always, unless this variable has exactly this value. Its versions before
 * 0.3 do so only when asked to, which cannot be told from outside; the value means the same to them.
 */
export function hasBackgroundCallbacks(env: Environment = readProcessEnv()): boolean {
  return env['LANGCHAIN_CALLBACKS_BACKGROUND'] !== 'false'
}
