import { queueMicrotask } from '../builtins.js'
import { type Evaluation, processState } from '../context/globals.js'
import type { Instance } from '../context/instance.js'

/** Frames that are looked at for the module that is being evaluated. */
const MAX_FRAMES = 12

/**
 * Notes that `instance` is made here. When a module makes it that was evaluated before (a development server after an edit, a
 * test runner that resets modules), gives the tracer that the evaluation before made in its place.
 *
 * What is made in a function that merely runs again, e.g. for each request, replaces nothing.
 */
export function noteEvaluation(instance: Instance): { readonly file: string; readonly replaced: Instance } | undefined {
  const body = readModuleBody()
  if (body === undefined) return undefined
  const file = withoutQuery(body.url)
  const evaluation = toEvaluation(file, body)
  const replaced = evaluation.before[evaluation.made.length]?.deref()
  evaluation.made.push(new WeakRef(instance))
  return replaced === undefined ? undefined : { file, replaced }
}

/** The evaluation that is going on; the body of a module runs once in each. */
function toEvaluation(file: string, { url, isResumed }: ModuleBody): Evaluation {
  const { evaluations } = processState
  const last = evaluations.get(file)
  // An ES module of one address is evaluated once.
  if (last?.url === url && (last.isRunning || isResumed || url.startsWith('file:'))) return last
  const evaluation: Evaluation = { url, isRunning: true, made: [], before: last?.made ?? [] }
  evaluations.set(file, evaluation)
  queueMicrotask(() => {
    evaluation.isRunning = false
  })
  return evaluation
}

/** The body of a module that is running. */
interface ModuleBody {
  readonly url: string
  /** Whether it goes on after an `await` of its own. */
  readonly isResumed: boolean
}

/** The body of a module that is running on this stack, if any. */
function readModuleBody(): ModuleBody | undefined {
  const frames = readFrames()
  const at = frames.findIndex(isModuleBody)
  const url = frames[at]?.getScriptNameOrSourceURL() ?? undefined
  // A loader calls a body; nobody calls one that goes on, and those who wait for it are no callers.
  return url === undefined ? undefined : { url, isResumed: frames.slice(at + 1).every((frame) => frame.isAsync()) }
}

/** The body of a module has no name, and begins where its text does, whatever loader wraps it. */
function isModuleBody(frame: NodeJS.CallSite): boolean {
  const { getEnclosingLineNumber, getEnclosingColumnNumber } = frame as Enclosed
  const name = frame.getFunctionName()
  if (name !== null && name !== '' && name !== 'eval') return false
  return getEnclosingLineNumber?.call(frame) === 1 && Number(getEnclosingColumnNumber?.call(frame)) <= 2
}

/** Where the function of a frame begins, which V8 tells and Node's types do not know. */
interface Enclosed {
  readonly getEnclosingLineNumber?: () => number | null
  readonly getEnclosingColumnNumber?: () => number | null
}

const toFrames = (_: Error, frames: NodeJS.CallSite[]): NodeJS.CallSite[] => frames

function readFrames(): readonly NodeJS.CallSite[] {
  const { prepareStackTrace, stackTraceLimit } = Error
  try {
    Error.prepareStackTrace = toFrames
    Error.stackTraceLimit = MAX_FRAMES
    const holder: { readonly stack?: unknown } = {}
    Error.captureStackTrace(holder, noteEvaluation)
    const { stack } = holder
    return Array.isArray(stack) ? (stack as NodeJS.CallSite[]) : []
  } catch {
    // A host may have frozen `Error`: then every tracer stands for itself.
    return []
  } finally {
    restore(prepareStackTrace, stackTraceLimit)
  }
}

function restore(prepareStackTrace: typeof Error.prepareStackTrace, stackTraceLimit: number): void {
  try {
    Error.prepareStackTrace = prepareStackTrace
    Error.stackTraceLimit = stackTraceLimit
  } catch {
    return
  }
}

function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/, '')
}
