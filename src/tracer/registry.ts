import { createDiagnostics, type Diagnostics } from '../diagnostics.js'
import { processState } from '../context/globals.js'
import type { Instance } from '../context/instance.js'
import { forgetSpansOf } from '../context/live-spans.js'
import { HoneyHiveConfigError } from '../errors.js'
import { findNearest } from '../options/nearest.js'
import { toKind, toShown } from '../options/shown.js'
import { findInnermost, readSurroundings } from '../provider/owner.js'
import { builtInRedactor } from '../values/redact.js'

/** Speaks where no tracer is known whose voice could be used. */
export const processDiagnostics: Diagnostics = createDiagnostics()

/** Makes a tracer known to the process. */
export function registerInstance(instance: Instance): void {
  processState.instances.add(instance)
}

/** Forgets a tracer wherever it is known. */
export function forgetInstance(instance: Instance): void {
  processState.instances.delete(instance)
  if (processState.defaultInstance === instance) processState.defaultInstance = undefined
  forgetSpansOf(instance)
  for (const [name, named] of processState.names) if (named === instance) processState.names.delete(name)
}

/** Gives the names of `older`, and its place as the default and as the only live one, to `newer`. */
export function replaceInstance(older: Instance, newer: Instance): void {
  processState.instances.replace(older)
  if (processState.defaultInstance === older) processState.defaultInstance = newer
  for (const [name, named] of processState.names) if (named === older) processState.names.set(name, newer)
}

/** The innermost tracer that is active in the current async context. */
export function activeInstance(): Instance | undefined {
  return findInnermost(readSurroundings()).instance
}

/**
 * Who records what names no tracer: the innermost active tracer, else the default, else the only live one, else nobody.
 * Two tracers are never guessed between.
 */
export function implicitInstance(): Instance | undefined {
  const { instance, span, conflict } = findInnermost(readSurroundings())
  // A span that nobody records is active, or two tracers could be: neither leaves the choice to a default.
  if (instance !== undefined || span !== undefined || conflict !== undefined) return instance
  return processState.defaultInstance ?? processState.instances.only
}

/** The tracer registered under `name`, if any. */
export function namedInstance(name: string): Instance | undefined {
  return processState.names.get(name)
}

/** Why no tracer could be chosen where none was named. */
export function describeMissing(): string {
  const { conflict } = findInnermost(readSurroundings())
  if (conflict !== undefined)
    return `the OpenTelemetry context of ${conflict[0].label} is active in the scope of ${conflict[1].label}, and neither was entered inside the other`
  const { size } = processState.instances
  return size === 0 ? 'there is no live tracer' : `${size} tracers are live and none of them is active here or the default`
}

/** Why what was written as `tracer` is none. */
export function describeUnfound(ref: unknown): string {
  if (typeof ref !== 'string') return 'its `tracer` function gave none'
  const known = [...processState.names.keys()]
  if (known.length === 0) return `its \`tracer\` ${toShown(ref)} is the name of none: defineTracers() and loadTracers() give names`
  const near = findNearest(ref, known)
  const names = near === undefined ? `known names: ${known.slice(0, MAX_NAMES).map(toShown).join(', ')}` : `did you mean ${toShown(near)}`
  return `its \`tracer\` ${toShown(ref)} is the name of none; ${names}`
}

const MAX_NAMES = 10

/** The error of a call that was given nothing to run. @param usage the call as it should be. */
export function noFunction(where: string, given: unknown, usage: string): HoneyHiveConfigError {
  const message = `Expected a function as last argument, got ${toKind(given)}. Write ${usage}.`
  return new HoneyHiveConfigError([{ option: 'fn', message }], where)
}

/** Says once for each name that a function runs untraced. */
export function reportUntraced(name: string, why: string): void {
  if (processState.reported.has(name)) return
  processState.reported.add(name)
  processDiagnostics.warnOnce(
    `untraced:${name}`,
    `"${builtInRedactor().line('name', name)}" runs untraced: ${why}. Give it a \`tracer\`, call it inside a traced function, or use setDefaultTracer(). Where one tracer is meant, make it in one module and import it: each init() makes another.`,
  )
}
