import { NativeSet, NativeWeakMap } from '../builtins.js'
import type { Instance } from './instance.js'

/**
 * The live tracers of a process, in order of creation. They are held weakly, so that one the program let go of can be
 * released; the oldest and the newest are held, because programs rely on the only live tracer without keeping it.
 */
export class LiveInstances implements Iterable<Instance> {
  readonly #refs = new NativeSet<WeakRef<Instance>>()
  readonly #replaced = new NativeSet<WeakRef<Instance>>()
  readonly #refOf = new NativeWeakMap<Instance, WeakRef<Instance>>()
  readonly #collected = new FinalizationRegistry<WeakRef<Instance>>((ref) => this.#remove(ref))
  #oldest: Instance | undefined
  #newest: Instance | undefined

  /** How many of them what names no tracer could be meant for; those that were replaced do not count. */
  get size(): number {
    return this.#refs.size
  }

  /** The only one that counts, if there is only one. */
  get only(): Instance | undefined {
    return this.#refs.size === 1 ? this.#oldest : undefined
  }

  add(instance: Instance): void {
    const ref = new WeakRef(instance)
    this.#refOf.set(instance, ref)
    this.#refs.add(ref)
    this.#collected.register(instance, ref, ref)
    this.#oldest ??= instance
    this.#newest = instance
  }

  delete(instance: Instance): void {
    const ref = this.#refOf.get(instance)
    if (ref === undefined) return
    this.#refOf.delete(instance)
    this.#collected.unregister(ref)
    this.#remove(ref)
  }

  /** Another tracer took the place of this one, which stays live for who refers to it. */
  replace(instance: Instance): void {
    const ref = this.#refOf.get(instance)
    if (ref === undefined || !this.#refs.has(ref)) return
    this.#remove(ref)
    this.#replaced.add(ref)
  }

  /** All of them, those that were replaced first. */
  *[Symbol.iterator](): Iterator<Instance> {
    for (const ref of [...this.#replaced, ...this.#refs]) {
      const instance = ref.deref()
      if (instance !== undefined) yield instance
    }
  }

  #remove(ref: WeakRef<Instance>): void {
    this.#replaced.delete(ref)
    if (!this.#refs.delete(ref)) return
    const removed = ref.deref()
    // One that was collected was neither.
    if (removed === undefined) return
    if (removed === this.#oldest) this.#oldest = first(this.#refs)
    if (removed === this.#newest) this.#newest = last(this.#refs)
  }
}

function last(refs: Iterable<WeakRef<Instance>>): Instance | undefined {
  let found: Instance | undefined
  for (const ref of refs) found = ref.deref() ?? found
  return found
}

function first(refs: Iterable<WeakRef<Instance>>): Instance | undefined {
  for (const ref of refs) {
    const instance = ref.deref()
    if (instance !== undefined) return instance
  }
  return undefined
}
