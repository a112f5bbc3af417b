import { outcomesOf, NativePromise, NativeSet, NativeAbortController } from '../builtins.js'
import type { ExportableSpan } from '../otlp/span-writer.js'
import { pause } from '../time.js'

type Resource = ExportableSpan['resource']

/** Waits for resource attributes that a detector is still looking up. */
export class PendingResources {
  /** Resources waited for in vain: one that never settles must not hold up each batch anew. */
  #overdue: WeakSet<Resource> | undefined

  /** Resolves when the resources of these spans are known, after `limitMs`, or when `signal` aborts; never rejects. */
  async settle(spans: readonly ExportableSpan[], limitMs: number, signal: AbortSignal): Promise<void> {
    const pending = new NativeSet(spans.map(({ resource }) => resource).filter((resource) => this.#isPending(resource)))
    if (pending.size === 0) return
    const done = new NativeAbortController()
    const settled = outcomesOf([...pending].map(async (resource) => resource.waitForAsyncAttributes?.()))
    await NativePromise.race([settled, pause(limitMs, { signal: AbortSignal.any([signal, done.signal]), ref: false })])
    done.abort()
    this.#overdue ??= new WeakSet()
    for (const resource of pending) this.#overdue.add(resource)
  }

  #isPending(resource: Resource): boolean {
    return resource.asyncAttributesPending === true && this.#overdue?.has(resource) !== true
  }
}
