import { NativeMap, NativeSet, NativeWeakMap } from '../builtins.js'
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Scope } from './frame.js'
import type { Instance, OwnedSpan } from './instance.js'
import { LiveInstances } from './live-instances.js'

/**
 * Everything two copies of this package (ESM and CommonJS, or two versions) must share in one process.
 *
 * Fields are only ever added, never renamed or given another shape: an older copy may have made the object.
 */
export interface ProcessState {
  /** The one storage of the whole process: a storage per tracer would tax every `await` of the host. */
  readonly scopes: AsyncLocalStorage<Scope | undefined>
  /** Live tracers, in order of creation; `shutdown` removes them. */
  readonly instances: LiveInstances
  /** Calls what a tracer that the program let go of left to do. */
  readonly letGo: FinalizationRegistry<() => void>
  /** The last evaluation of each module that makes tracers while it is evaluated, by its file. */
  readonly evaluations: Map<string, Evaluation>
  /** Set by `setDefaultTracer`. */
  defaultInstance: Instance | undefined
  /** Functions that were already reported as having no tracer. */
  readonly reported: Set<string>
  /** Bytes held in all span queues of the process, for the process-wide cap. */
  queuedBytes: number
  /** Bytes held by all open spans of the process, for their process-wide cap. */
  openBytes?: number
  /** Keep-alive agents by origin, shared by all tracers and closed with the last one that uses them. */
  readonly agents: Map<string, { users: number; readonly agent: { destroy(): void } }>
  /** Work to finish before the process ends; see `export/exit.ts`. */
  readonly exitTasks: Set<(timeoutMs: number, isLast?: boolean) => Promise<unknown>>
  /** The one `beforeExit` listener, present while `exitTasks` is not empty. */
  exitListener: (() => void) | undefined
  /** Work that must be done at once when the process exits, without waiting for anything; each gives what is lost with it. */
  readonly exitWrites: Set<() => { readonly label: string; readonly what: string } | undefined>
  /** The one `exit` listener, present while `exitWrites` is not empty. */
  exitWriteListener: (() => void) | undefined
  /** Who asked for a flush on signals, in order, each with its limit in milliseconds. */
  readonly signalFlushes: Set<{ readonly timeoutMs: number }>
  /** Takes back the listeners for signals, present while {@link signalFlushes} is not empty. */
  unlistenToSignals: (() => void) | undefined
  /** Addresses tracers send their own data to, with the number of users, so that our requests are never traced. */
  readonly endpoints: Map<string, number>
  /** Named tracers a late-bound `tracer: 'name'` is looked up in. */
  readonly names: Map<string, Instance>
  /** The last place given out in the order of everything that was entered or started. */
  lastOrder: number
  /** Open spans by span id. */
  readonly spans: Map<string, OwnedSpan>
  /** Owners of a number of spans that ended, by span id. */
  readonly endedOwners: Map<string, WeakRef<Instance>>
  /** The ended spans of each owner by span id; they keep none alive. */
  readonly endedOf: WeakMap<Instance, EndedSpans>
  /** Ids of spans that ended, a ring. */
  readonly endedSpans: string[]
  /** Next slot of {@link endedSpans}. */
  nextEnded: number
}

/** What one evaluation of a module made. */
export interface Evaluation {
  /** Its address, query included. */
  readonly url: string
  /** Whether it may still be going on. */
  isRunning: boolean
  /** Tracers in the order in which it made them. */
  readonly made: WeakRef<Instance>[]
  /** The same of the evaluation before. */
  readonly before: readonly WeakRef<Instance>[]
}

/** The ended spans of one instance. */
export interface EndedSpans {
  readonly ref: WeakRef<Instance>
  readonly spans: Map<string, OwnedSpan>
}

const KEY = Symbol.for('honeyhive-tracer.process-state.3')

/** The shared state, made by whichever copy of the package loads first. */
export const processState: ProcessState = readProcessState()

function readProcessState(): ProcessState {
  const holder = globalThis as { [KEY]?: ProcessState }
  holder[KEY] ??= {
    scopes: new AsyncLocalStorage<Scope | undefined>(),
    instances: new LiveInstances(),
    letGo: new FinalizationRegistry((release) => release()),
    evaluations: new NativeMap(),
    defaultInstance: undefined,
    reported: new NativeSet(),
    queuedBytes: 0,
    openBytes: 0,
    agents: new NativeMap(),
    exitTasks: new NativeSet(),
    exitListener: undefined,
    exitWrites: new NativeSet(),
    exitWriteListener: undefined,
    signalFlushes: new NativeSet(),
    unlistenToSignals: undefined,
    endpoints: new NativeMap(),
    names: new NativeMap(),
    lastOrder: 0,
    spans: new NativeMap(),
    endedOwners: new NativeMap(),
    endedOf: new NativeWeakMap(),
    endedSpans: [],
    nextEnded: 0,
  }
  return holder[KEY]
}
