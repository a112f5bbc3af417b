import type { Instance } from '../context/scope.js'
import type { Recorder, ResolveRecorder } from './recorder.js'
import { implicitInstance, namedInstance, reportUntraced } from './registry.js'
import type { TracerRef } from './trace-options.js'

/** Finds the tracer a user named, or the one that is current, anew at each call. */
export function findRecorder(ref: TracerRef | undefined): ResolveRecorder {
  if (ref === undefined) return (call) => recorderOf(implicitInstance(), call.name, 'no tracer is active and none is the default')
  if (typeof ref === 'string') return (call) => recorderOf(namedInstance(ref), call.name, `no tracer is registered as "${ref}"`)
  if (typeof ref === 'function') return (call) => recorderOf(askForInstance(ref), call.name, 'its `tracer` function gave no tracer')
  return (call) => recorderOf(ref, call.name, 'its `tracer` cannot record calls')
}

function askForInstance(give: () => Instance | undefined): Instance | undefined {
  try {
    return give()
  } catch {
    // The user's function throws where no user code expects it: the call runs untraced and is reported.
    return undefined
  }
}

function recorderOf(instance: Instance | undefined, name: string, why: string): Recorder | undefined {
  if (isRecorder(instance)) return instance
  reportUntraced(name, why)
  return undefined
}

function isRecorder(value: unknown): value is Recorder {
  return typeof value === 'object' && value !== null && 'record' in value && typeof value.record === 'function'
}
