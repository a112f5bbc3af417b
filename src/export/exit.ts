import { outcomesOf } from '../builtins.js'
import { processState } from '../context/globals.js'
import { writeTextNow } from '../output.js'
import { toOneLine } from '../terminal-text.js'
import { withinMs } from '../time.js'

/** How long the natural end of a process may be delayed by deliveries, milliseconds. */
const EXIT_LIMIT_MS = 5_000

/** Finishes what is left to do; `isLast` when the process ends right after it, whatever else it has to do. */
export type ExitTask = (timeoutMs: number, isLast?: boolean) => Promise<unknown>

/**
 * Runs `task` when the event loop of the process is empty, before it ends. All tasks of the process share one
 * `beforeExit` listener, which goes with the last task. A task with nothing to do must not keep the process alive.
 */
export function onNaturalEnd(task: ExitTask): void {
  keep(processState.exitTasks, task, 'exitListener', 'beforeExit', () => void runExitTasks(EXIT_LIMIT_MS, false))
}

/** Takes back what {@link onNaturalEnd} was given. */
export function offNaturalEnd(task: ExitTask): void {
  takeBack(processState.exitTasks, task, 'exitListener', 'beforeExit')
}

/** What is lost with the end of the process, and is still to be told. */
export interface LostAtExit {
  /** Label of the tracer. */
  readonly label: string
  /** What it is, e.g. `3 ended spans`. */
  readonly what: string
}

/** Does at once what must be done when the process exits; gives what is lost with it. */
export type ExitWrite = () => LostAtExit | undefined

/**
 * Runs `write` synchronously when the process exits, `process.exit` and uncaught errors included. One `exit` listener for all, which
 * says on standard error what they could not keep.
 */
export function onExit(write: ExitWrite): void {
  const { exitWrites } = processState
  keep(exitWrites, write, 'exitWriteListener', 'exit', () => tellLost([...exitWrites].map(runAtExit)))
}

/** Takes back what {@link onExit} was given. */
export function offExit(write: ExitWrite): void {
  takeBack(processState.exitWrites, write, 'exitWriteListener', 'exit')
}

/** One that fails keeps the others from nothing, and the host's own exit from nothing either. */
function runAtExit(write: ExitWrite): LostAtExit | undefined {
  try {
    return write()
  } catch {
    // Nobody is left to hear of it.
    return undefined
  }
}

/** Tracers that are named in the one line. */
const MAX_NAMED = 5

function tellLost(writes: readonly (LostAtExit | undefined)[]): void {
  const lost = writes.filter((each) => each !== undefined)
  if (lost.length === 0) return
  const shown = lost.slice(0, MAX_NAMED).map(({ label, what }) => `${what} of ${label}`)
  const others = lost.length > MAX_NAMED ? ` and what ${lost.length - MAX_NAMED} more tracers held` : ''
  writeTextNow(`${toOneLine(`[honeyhive] the process ended with ${shown.join(', ')}${others} not delivered. ${REMEDY_AT_EXIT}`)}\n`)
}

/** What to do about {@link LostAtExit}. */
export const REMEDY_AT_EXIT = 'Await `shutdownAll()` before process.exit(), or set `spool` (HH_SPOOL_DIR) to keep spans for the next start.'

/** Adds a task to those of one event, which is listened to for as long as there are any. */
function keep<T>(tasks: Set<T>, task: T, field: ListenerField, event: string, listener: () => void): void {
  tasks.add(task)
  if (processState[field] !== undefined) return
  processState[field] = listener
  process.on(event, listener)
}

function takeBack<T>(tasks: Set<T>, task: T, field: ListenerField, event: string): void {
  tasks.delete(task)
  const current = processState[field]
  if (tasks.size > 0 || current === undefined) return
  process.removeListener(event, current)
  processState[field] = undefined
}

type ListenerField = 'exitListener' | 'exitWriteListener'

async function runExitTasks(timeoutMs: number, isLast: boolean): Promise<void> {
  const running: Promise<unknown>[] = []
  for (const task of processState.exitTasks) running[running.length] = task(timeoutMs, isLast)
  await outcomesOf(running)
}

/** Settings of {@link flushOnSignals}. */
export interface SignalOptions {
  /** Longest delay before the signal takes effect, milliseconds. @defaultValue 5_000 */
  readonly timeoutMs?: number | undefined
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/** Marks our own listeners, in every copy of this package, so that they do not count as the host's. */
const OWN = Symbol.for('honeyhive-tracer.signal-listener')

type SignalListener = ((signal: NodeJS.Signals) => void) & { [OWN]?: true }

/**
 * On SIGTERM and SIGINT, delivers what all tracers of the process hold and then lets the signal do what it does by
 * default. When the host listens to the signal too, ending the process is left to the host. A second signal does not wait.
 * Called again, as by a module that is evaluated again, it listens no second time; the limit given last counts.
 *
 * @returns a function that removes the listeners once everybody who asked for them has.
 */
export function flushOnSignals({ timeoutMs = EXIT_LIMIT_MS }: SignalOptions = {}): () => void {
  const { signalFlushes } = processState
  const flush = { timeoutMs }
  signalFlushes.add(flush)
  processState.unlistenToSignals ??= listenToSignals()
  return () => {
    if (!signalFlushes.delete(flush) || signalFlushes.size > 0) return
    processState.unlistenToSignals?.()
    processState.unlistenToSignals = undefined
  }
}

function listenToSignals(): () => void {
  let isFlushing = false
  const listener: SignalListener = (signal) => {
    if (isFlushing) return reRaise(signal)
    isFlushing = true
    const isHeard = isHeardByHost(signal)
    const timeoutMs = [...processState.signalFlushes].at(-1)?.timeoutMs ?? EXIT_LIMIT_MS
    void endWithin(runExitTasks(timeoutMs, !isHeard), timeoutMs, () => {
      isFlushing = false
      if (!isHeard) reRaise(signal)
    })
  }
  listener[OWN] = true
  // The first to be called: a listener of the host's that hears one signal only is gone once it was called.
  for (const signal of SIGNALS) process.prependListener(signal, listener)
  return () => {
    for (const signal of SIGNALS) process.removeListener(signal, listener)
  }
}

async function endWithin(work: Promise<void>, timeoutMs: number, end: () => void): Promise<void> {
  await withinMs(work, timeoutMs)
  end()
}

function isHeardByHost(signal: NodeJS.Signals): boolean {
  return process.listeners(signal).some((listener: SignalListener) => listener[OWN] !== true)
}

function reRaise(signal: NodeJS.Signals): void {
  if (isHeardByHost(signal)) return
  for (const listener of process.listeners(signal)) process.removeListener(signal, listener)
  // With a signal there is no `exit` event; what came after the flush, or had no time left, is kept or told of here.
  processState.exitWriteListener?.()
  process.kill(process.pid, signal)
}
