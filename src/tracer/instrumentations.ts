import type { MeterProvider, TracerProvider } from '@opentelemetry/api'
import type { InstrumentationLike, LoggerLike } from '../config/resolved.js'

/** What an instrumentation writes to. */
export interface Providers {
  readonly tracers: TracerProvider
  readonly meters: MeterProvider
  readonly loggers: { getLogger(name: string, version?: string): LoggerLike }
}

/** Gives an instrumentation its providers, as `registerInstrumentations` of OpenTelemetry does, and enables it where it is not. */
export function enableInstrumentation(instrumentation: InstrumentationLike, { tracers, meters, loggers }: Providers): void {
  instrumentation.setTracerProvider(tracers)
  instrumentation.setMeterProvider?.(meters)
  instrumentation.setLoggerProvider?.(loggers)
  if (instrumentation.isEnabled?.() !== true) instrumentation.enable?.()
}

/**
 * Turns off what a tracer enabled whose place another one takes, so that nothing is patched twice: patches lie on one another, and each
 * call would be recorded by all of them. What both were given stays on.
 *
 * @param report told of one that fails; the others go on.
 */
export function replaceInstrumentations(
  older: readonly InstrumentationLike[],
  newer: readonly InstrumentationLike[],
  report: (error: unknown) => void,
): void {
  const left = older.filter((instrumentation) => !newer.includes(instrumentation))
  if (left.length === 0) return
  const turn = (work: () => void): void => {
    try {
      work()
    } catch (error) {
      report(error)
    }
  }
  const added = newer.filter((instrumentation) => !older.includes(instrumentation) && instrumentation.isEnabled?.() === true)
  // In the order of the patches, the outermost first: each takes off what it finds outermost.
  for (const instrumentation of added.toReversed()) turn(() => instrumentation.disable?.())
  for (const instrumentation of left.toReversed()) turn(() => instrumentation.disable?.())
  for (const instrumentation of newer) turn(() => handModulesOn(left, instrumentation))
  for (const instrumentation of added) turn(() => instrumentation.enable?.())
}

/** What an `InstrumentationBase` of OpenTelemetry knows of the modules that it patches. */
interface PatchedModule {
  readonly name?: unknown
  moduleExports?: unknown
  moduleVersion?: unknown
  readonly files?: readonly PatchedModule[]
}

/** A library that was loaded before tells nobody of itself again; the instrumentation before knows it. */
function handModulesOn(older: readonly InstrumentationLike[], newer: InstrumentationLike): void {
  const { instrumentationName } = newer as { readonly instrumentationName?: unknown }
  const before = older.find((each) => (each as { readonly instrumentationName?: unknown }).instrumentationName === instrumentationName)
  if (instrumentationName !== undefined && before !== undefined) handOn(modulesOf(before), modulesOf(newer))
}

function handOn(older: readonly PatchedModule[], newer: readonly PatchedModule[]): void {
  for (const module of newer) {
    const before = older.find(({ name }) => name === module.name)
    if (before === undefined) continue
    module.moduleExports ??= before.moduleExports
    module.moduleVersion ??= before.moduleVersion
    handOn(before.files ?? [], module.files ?? [])
  }
}

function modulesOf(instrumentation: InstrumentationLike): readonly PatchedModule[] {
  const { _modules: modules } = instrumentation as { readonly _modules?: unknown }
  return Array.isArray(modules) ? (modules as PatchedModule[]) : []
}
