import { createRequire } from 'node:module'
import { NativeSet } from '../builtins.js'
import type { InstrumentationLike } from '../config/resolved.js'

/** Values of a library that are looked at before it counts as not patched, and how deep. */
const MAX_VALUES = 5_000
const MAX_DEPTH = 5
/** What instrumentors mark a library with whose functions they replaced in place. */
const MARKS = ['openInferencePatched', '_traceloopPatched']
/** Members of a function that lead out of the library. */
const LEAVING: readonly string[] = ['caller', 'callee', 'arguments', 'constructor']

/**
 * Libraries that were required before their instrumentation could patch them, so that their calls are recorded by nobody. What an ES
 * module imports is known to no program; `honeyhive-tracer doctor --entry` finds that too.
 */
export function findPassedBy(instrumentation: InstrumentationLike): readonly string[] {
  const loaded = readLoadedModules()
  const wanted = modulesOf(instrumentation).flatMap(({ name, moduleExports }) =>
    typeof name === 'string' && moduleExports === undefined ? [name] : [],
  )
  return [...new NativeSet(wanted)].filter((name) => {
    const own = [...loaded].filter(([file]) => packageOf(file) === name)
    return own.length > 0 && !isPatched(own.map(([, exports]) => exports))
  })
}

/** What an `InstrumentationBase` of OpenTelemetry knows of the modules that it patches. */
interface PatchedModule {
  readonly name?: unknown
  readonly moduleExports?: unknown
}

function modulesOf(instrumentation: InstrumentationLike): readonly PatchedModule[] {
  const { _modules: modules } = instrumentation as { readonly _modules?: unknown }
  return Array.isArray(modules) ? (modules as PatchedModule[]) : []
}

/** Exports by file of everything that was required; nothing where there is no such list, as in a bundle or another runtime. */
function readLoadedModules(): readonly (readonly [file: string, exports: unknown])[] {
  try {
    const { cache } = createRequire(process.execPath)
    return Object.keys(cache).map((file) => [file, cache[file]?.exports] as const)
  } catch {
    return []
  }
}

function packageOf(file: string): string | undefined {
  return /.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(file)?.[1]?.replace('\\', '/')
}

/** Reads data alone: a getter may run code of the program. */
function isPatched(roots: readonly unknown[]): boolean {
  const seen = new NativeSet<unknown>()
  const queue = roots.map((value) => ({ value, depth: 0 }))
  for (let i = 0; i < queue.length && i < MAX_VALUES; i++) {
    const { value, depth } = queue[i] ?? { value: undefined, depth: 0 }
    if (!isHolder(value) || seen.has(value)) continue
    seen.add(value)
    if (MARKS.some((mark) => readData(value, mark) === true) || typeof readData(value, '__original') === 'function') return true
    if (depth === MAX_DEPTH) continue
    for (const name of Object.getOwnPropertyNames(value))
      if (!LEAVING.includes(name)) queue.push({ value: readData(value, name), depth: depth + 1 })
  }
  return false
}

function isHolder(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

function readData(holder: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(holder, name)?.value
}
