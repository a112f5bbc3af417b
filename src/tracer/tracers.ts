import { areAllTrue, NativeMap } from '../builtins.js'
import { loadTracerDefinitions, type LoadOptions, type TracerDefinitions } from '../config/file.js'
import { checkTogether, readGiven, withoutKeys } from '../config/given.js'
import type { TracerOptions } from '../config/options.js'
import { processState } from '../context/globals.js'
import type { Instance } from '../context/instance.js'
import { type ConfigProblem, HoneyHiveConfigError, HoneyHiveError } from '../errors.js'
import { toKind } from '../options/shown.js'
import { isMapLike } from '../options/spec.js'
import { HoneyHiveTracer } from './tracer.js'

/**
 * Several tracers by name. Each is also found by `tracer: 'name'` of the wrappers, for as long as it is live.
 */
export interface Tracers<Name extends string = string> extends Iterable<readonly [name: Name, tracer: HoneyHiveTracer]>, AsyncDisposable {
  /** Every name, in the order they were given. */
  readonly names: readonly Name[]
  /**
   * The tracer of that name.
   *
   * @throws HoneyHiveError `UNKNOWN_TRACER`, listing the known names.
   */
  get(name: Name): HoneyHiveTracer
  /** Whether there is a tracer of this name. */
  has(name: string): name is Name
  /** Flushes all of them at the same time. @returns true only if everything of all of them arrived. */
  forceFlush(timeoutMs?: number): Promise<boolean>
  /** Shuts all of them down at the same time. @returns true only if everything of all of them arrived. */
  shutdown(timeoutMs?: number): Promise<boolean>
}

/**
 * Makes one tracer for each name. What is wrong in any of them is reported at once, and then none of them is made.
 *
 * A name that a live tracer has already goes to the new one, and a line says so: a module that is evaluated again defines its
 * tracers again. The one before is flushed, and goes on for who holds it.
 *
 * @throws HoneyHiveConfigError listing every problem.
 */
export function defineTracers<const Definitions extends Readonly<Record<string, TracerOptions>>>(
  definitions: Definitions,
): Tracers<Extract<keyof Definitions, string>> {
  if (!isMapLike(definitions))
    throw new HoneyHiveConfigError([{ option: 'definitions', message: describeNoNames(definitions) }], 'defineTracers')
  const problems: ConfigProblem[] = []
  const checked = Object.entries(definitions).map(([name, options]) => [name, checkOptions(name, options, problems)] as const)
  if (problems.length > 0) throw new HoneyHiveConfigError(withoutKeys(problems, readKeys(checked)), 'defineTracers')
  return createTracers(new NativeMap(checked)) as Tracers<Extract<keyof Definitions, string>>
}

/**
 * Makes the tracers that a YAML or JSON file describes, or an object of the same shape or of tracers by name alone.
 * `${VAR}` and `${VAR:-default}` are expanded. Names that live tracers have already go to the new ones, as with {@link defineTracers}.
 *
 * @throws HoneyHiveConfigError listing every problem, each with its place in the file.
 * @throws HoneyHiveError `CONFIG_FILE` when the file cannot be read.
 */
export function loadTracers(file: string | URL, options?: LoadOptions): Tracers
export function loadTracers<const Name extends string>(definitions: TracerDefinitions<Name>, options?: LoadOptions): Tracers<Name>
export function loadTracers<const Name extends string>(tracers: Readonly<Record<Name, TracerOptions>>, options?: LoadOptions): Tracers<Name>
export function loadTracers(
  source: string | URL | TracerDefinitions | Readonly<Record<string, TracerOptions>>,
  options?: LoadOptions,
): Tracers {
  // The overloads take the same sources one by one.
  const load = (): ReadonlyMap<string, TracerOptions> => loadTracerDefinitions(source as string, options)
  const isFile = typeof source === 'string' || source instanceof URL
  return createTracers(load(), isFile ? (name) => load().get(name)?.apiKey : undefined)
}

function describeNoNames(given: unknown): string {
  return `Expected options by name, got ${toKind(given)}. Give e.g. { production: { apiKey: '…' } }.`
}

function checkOptions(name: string, options: TracerOptions, problems: ConfigProblem[]): TracerOptions {
  const context = { problems, prefix: `${name}.` }
  const given = readGiven(options, context)
  checkTogether(given, context)
  return given
}

function readKeys(checked: readonly (readonly [string, TracerOptions])[]): readonly string[] {
  return checked.flatMap(([, { apiKey }]) => (typeof apiKey === 'string' ? [apiKey.trim()] : []))
}

/** @param readKey gives the key that stands for a name now, when the server refuses the one there is */
function createTracers(definitions: ReadonlyMap<string, TracerOptions>, readKey?: (name: string) => TracerOptions['apiKey']): Tracers {
  const tracers = new NativeMap<string, HoneyHiveTracer>()
  for (const [name, options] of definitions) {
    const before = processState.names.get(name)
    const tracer = HoneyHiveTracer.initWith(options, readKey && { askKey: () => toKeyText(readKey(name)) })
    tracers.set(name, tracer)
    processState.names.set(name, tracer.instance)
    if (before !== undefined) takeName(name, tracer, before)
  }
  return toTracers(tracers)
}

/** The text of a key, whichever way it was given; empty where there is none. */
export function toKeyText(key: TracerOptions['apiKey']): string | PromiseLike<string> {
  return typeof key === 'function' ? key() : (key ?? '')
}

function takeName(name: string, { instance }: HoneyHiveTracer, before: Instance): void {
  const why = `the name "${name}" was defined again`
  if (instance.takePlaceOf(before, why)) return
  const what = 'it stands for another key or destination now, and the tracer before goes on without a name'
  instance.diagnostics.warnOnce(`again:${why}`, `${why}: ${what}.`)
}

function toTracers(tracers: ReadonlyMap<string, HoneyHiveTracer>): Tracers {
  const names = Object.freeze([...tracers.keys()])
  const forAll = async (act: (tracer: HoneyHiveTracer) => Promise<boolean>): Promise<boolean> => areAllTrue([...tracers.values()].map(act))
  const shutdown = (timeoutMs?: number): Promise<boolean> => forAll((tracer) => tracer.shutdown(timeoutMs))
  return Object.freeze({
    names,
    get(name: string) {
      const tracer = tracers.get(name)
      if (tracer === undefined) throw new HoneyHiveError('UNKNOWN_TRACER', `There is no tracer "${String(name)}". ${describeNames(names)}`)
      return tracer
    },
    has: (name: string): name is string => tracers.has(name),
    forceFlush: (timeoutMs?: number) => forAll((tracer) => tracer.forceFlush(timeoutMs)),
    shutdown,
    [Symbol.iterator]: () => tracers.entries(),
    [Symbol.asyncDispose]: () => shutdown().then(() => undefined),
  })
}

function describeNames(names: readonly string[]): string {
  return names.length === 0 ? 'None was defined.' : `Known names: ${names.map((name) => `"${name}"`).join(', ')}.`
}
