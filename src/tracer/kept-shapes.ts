import { setImmediate } from '../builtins.js'
import type { Logger } from '../diagnostics.js'
import { resolveConfig } from '../config/resolve.js'
import { runDetached } from '../export/detached.js'
import { EventType } from '../semantics/attributes.js'
import type { CompiledCall } from '../wrap/trace-options.js'
import { TracerInstance } from './instance.js'

let kept: readonly unknown[] | undefined

/**
 * Keeps an object of each class that a traced call makes, for as long as the process: V8 gives up the machine code that was made for a
 * class when a full garbage collection finds no object of it, and a service that answered its last request has none. Calls after
 * such a collection took a quarter more CPU than before it (`docs/decisions.md`). Made once, in a turn of its own.
 */
export function keepShapes(): void {
  if (kept !== undefined) return
  kept = []
  runDetached(() => setImmediate(keepSample).unref())
}

const SAMPLE: CompiledCall = { name: 'sample', eventType: EventType.tool, argNames: undefined, options: {} }

/** Nobody asked for it, so nobody hears of it. */
const SILENT: Logger = { debug: ignore, warn: ignore, error: ignore }

function ignore(): void {
  // Nothing is said.
}

function keepSample(): void {
  try {
    const instance = new TracerInstance({
      tracer: {} as never,
      config: resolveConfig({ testMode: true, logger: SILENT }),
      caller: undefined,
    })
    const [ended, open] = [instance, instance].map((recorder) => recorder.record(SAMPLE, undefined, [{ text: 'sample' }]))
    ended?.succeed({ text: 'sample' })
    kept = [ended, open]
  } catch {
    // Nothing but speed depends on it.
  }
}
