/** What an event says of its error: the error and what caused it, each with the frames of its stack. */
import { type JsonObject, toNonEmptyText } from './json.js'

/** Whose code a frame is of. */
export type FrameOwner = 'application' | 'library' | 'runtime' | 'tracer'

/** One line of a stack. */
export interface StackFrame {
  readonly text: string
  readonly owner: FrameOwner
}

/** An error, or one that it tells of. */
export interface FailureStep {
  /** How it belongs to the error before it: `caused by`, or `1 of 3` for a part of several; null for the error itself. */
  readonly relation: string | null
  /** Class of the error, e.g. `TypeError`; null when it is not told. */
  readonly type: string | null
  readonly message: string
  /** The place of the throw first. */
  readonly frames: readonly StackFrame[]
  /** What it tells beside its message, e.g. `status: 503`. */
  readonly codes: readonly string[]
}

/** Most steps, frames and characters that are read of one error. */
const MAX_STEPS = 16
const MAX_FRAMES = 200
const MAX_CHARS = 262_144

/** The error of an event, then its causes and parts; empty when it did not fail. */
export function readFailure(error: string | null, metadata: JsonObject): readonly FailureStep[] {
  if (error === null) return []
  const recorded = toNonEmptyText(metadata['_event.exception.exception.stacktrace'])
  const thrown = recorded === undefined ? [] : parseStack(recorded)
  const told = parseStack(error)
  const [own] = told
  const [first] = thrown
  const type = toNonEmptyText(metadata.honeyhive_error_type) ?? toNonEmptyText(metadata['_event.exception.exception.type']) ?? null
  if (own === undefined) return []
  // The text of the error counts; the stack of another exception that the span survived does not belong to it.
  if (first === undefined || own.frames.length > 0 || !isSame(own, first, metadata))
    return [{ ...own, type: own.type ?? type }, ...told.slice(1)]
  return [{ ...first, type: first.type ?? type }, ...(thrown.length > 1 ? thrown.slice(1) : told.slice(1))]
}

function isSame(own: FailureStep, thrown: FailureStep, metadata: JsonObject): boolean {
  const message = toNonEmptyText(metadata['_event.exception.exception.message']) ?? thrown.message
  const [line = ''] = message.split('\n', 1)
  return own.message.startsWith(line) || thrown.message === own.message
}

/**
 * Reads a stack as V8 and Node print it, the words of Java and of the tracer between causes included, or a traceback of Python;
 * text without a stack is a message.
 */
export function parseStack(given: string): readonly FailureStep[] {
  const text = given.slice(0, MAX_CHARS)
  if (/^Traceback \(most recent call last\):/m.test(text)) return parseTraceback(text)
  const steps: Draft[] = []
  for (const line of text.split('\n')) addLine(steps, line)
  return steps.slice(0, MAX_STEPS).map(toStep)
}

/** A step while its lines are read. */
interface Draft {
  readonly relation: string | null
  readonly head: string[]
  readonly frames: StackFrame[]
  readonly codes: string[]
}

/** `[cause]: …` as Node prints it, `Caused by: …`, and `2 of 3: …` of the parts of an aggregate. */
const NEXT_STEP = /^[ \t]*(?:\[(cause|error|suppressed|\d+ of \d+)\]|([Cc]aused by)|(\d+ of \d+)): (.*)$/

function addLine(steps: Draft[], line: string): void {
  const step = steps.at(-1)
  const [, inBrackets, cause, part, head] = step === undefined ? [] : (NEXT_STEP.exec(line) ?? [])
  if (step === undefined || head !== undefined) {
    const relation = step === undefined ? null : cause !== undefined || inBrackets === 'cause' ? 'caused by' : (inBrackets ?? part ?? null)
    steps.push({ relation, head: [head ?? line], frames: [], codes: [] })
    return
  }
  const frame = /^\s+at (.*?)(?: \{|,)?$/.exec(line)?.[1]
  if (frame !== undefined) step.frames.length < MAX_FRAMES && step.frames.push(toFrame(frame))
  else if (step.frames.length === 0) step.head.push(line)
  else {
    const code = /^\s+(\w+: (?:'[^']*'|-?[\d.]+)),?$/.exec(line)?.[1]
    if (code !== undefined) step.codes.push(code.replaceAll("'", ''))
  }
}

function toStep({ head, ...rest }: Draft): FailureStep {
  const text = head.join('\n').trim()
  const [, type, message] = HEAD.exec(text) ?? []
  return { ...rest, type: type ?? null, message: message ?? text }
}

/** A class name and what it says. Words before a colon are no class name: `Cannot connect: refused`. */
const HEAD = /^((?:[\w$]+\.)*[A-Z][\w$]*(?:Error|Exception|Warning|Fault|Failure|Interrupt)|Error|Exception)(?: \[\w+\])?: ([\s\S]*)$/

const PYTHON_BREAKS =
  /\n{1,3}(?:The above exception was the direct cause of the following exception|During handling of the above exception, another exception occurred):\n{1,3}/

/** Python tells the cause first. */
function parseTraceback(text: string): readonly FailureStep[] {
  return text.split(PYTHON_BREAKS).toReversed().slice(0, MAX_STEPS).map(parsePythonStep)
}

function parsePythonStep(text: string, index: number): FailureStep {
  const lines = text.split('\n')
  const start = lines.findIndex((line) => line.startsWith('Traceback '))
  const end = lines.findIndex((line, at) => at > start && /^\S/.test(line))
  const head = (end < 0 ? lines.slice(0, Math.max(1, start)) : lines.slice(end)).join('\n').trim()
  const [, type, message] = /^([\w.]+)(?:: ([\s\S]*))?$/.exec(head) ?? []
  const frames = lines.slice(start + 1, end < 0 ? undefined : end).filter((line) => /^\s+File "/.test(line))
  return {
    relation: index === 0 ? null : 'caused by',
    codes: [],
    type: type ?? null,
    message: type === undefined ? head : (message ?? ''),
    frames: frames
      .slice(-MAX_FRAMES)
      .toReversed()
      .map((line) => toFrame(line.trim())),
  }
}

const OWNERS: readonly (readonly [owner: FrameOwner, pattern: RegExp])[] = [
  [
    'tracer',
    /[\\/](?:honeyhive-tracer|honeyhive)[^\\/]*[\\/](?:dist|src)[\\/]|[\\/](?:honeyhive|openinference|opentelemetry|traceloop)[\\/][\w\\/]*\.py/,
  ],
  ['tracer', /[\\/]node_modules[\\/](?:honeyhive|@opentelemetry[\\/]|@traceloop[\\/]|@arizeai[\\/]openinference)/],
  // Run from a checkout, where no folder has the package's name.
  [
    'tracer',
    /^(?:callWithActiveSpan|runInScope|CallRecording\.run|runRecorded|Object\.apply) \(.*[\\/]src[\\/](?:provider|context|tracer|wrap)[\\/][\w-]+\.ts:/,
  ],
  ['library', /[\\/]node_modules[\\/]|[\\/](?:site|dist)-packages[\\/]/],
  ['runtime', /\bnode:|\(?(?:<anonymous>|native|internal\/[\w/]+\.js[^)]*)\)?$|[\\/]lib[\\/]python3?[\w.]*[\\/]/],
]

function toFrame(text: string): StackFrame {
  return { text, owner: OWNERS.find(([, pattern]) => pattern.test(text))?.[0] ?? 'application' }
}
