/** What an event says of its error: the error and what caused it, each with the frames of its stack. */
import { type JsonObject, toNonEmptyText } from './json.js'

/** Whose code a frame is of. */
export type FrameOwner = 'application' | 'library' | 'runtime' | 'tracer'

/** One line of a stack. */
export interface StackFrame {
  readonly text: string
  readonly owner: FrameOwner
}

/** An error, or the cause of one. */
export interface FailureStep {
  /** Class of the error, e.g. `TypeError`; null when it is not told. */
  readonly type: string | null
  readonly message: string
  /** The place of the throw first. */
  readonly frames: readonly StackFrame[]
}

/** Most steps, frames and characters that are read of one error. */
const MAX_STEPS = 16
const MAX_FRAMES = 200
const MAX_CHARS = 262_144

/** The error of an event, then its causes; empty when it did not fail. */
export function readFailure(error: string | null, metadata: JsonObject): readonly FailureStep[] {
  if (error === null) return []
  const type = toNonEmptyText(metadata.honeyhive_error_type) ?? toNonEmptyText(metadata['_event.exception.exception.type'])
  const recorded = toNonEmptyText(metadata['_event.exception.exception.stacktrace'])
  const told = toNonEmptyText(metadata['_event.exception.exception.message'])
  const [own, ...causes] = parseStack(error)
  const [thrown, ...further] = recorded === undefined ? [] : parseStack(recorded)
  if (own === undefined) return []
  // The text of an error counts; the stack of another exception that the span survived does not belong to it.
  const isSame = thrown !== undefined && (told ?? thrown.message).split('\n', 1)[0] === own.message.split('\n', 1)[0]
  const first = isSame && own.frames.length === 0 ? { ...own, frames: thrown.frames } : own
  return [
    { ...first, type: own.type ?? (isSame ? thrown.type : null) ?? type ?? null },
    ...(causes.length > 0 || !isSame ? causes : further),
  ]
}

/** Reads a stack of V8, Java's words between causes included, or a traceback of Python; text without a stack is a message. */
export function parseStack(given: string): readonly FailureStep[] {
  const text = given.slice(0, MAX_CHARS)
  if (/^Traceback \(most recent call last\):/m.test(text)) return parseTraceback(text)
  return text
    .split(/\n[ \t]*(?:[Cc]aused by:|\[cause\]:)[ \t]*/)
    .slice(0, MAX_STEPS)
    .map(parseStep)
}

function parseStep(text: string): FailureStep {
  const lines = text.split('\n')
  const first = lines.findIndex((line) => /^\s+at /.test(line))
  const head = (first < 0 ? lines : lines.slice(0, first)).join('\n').trim()
  const frames = first < 0 ? [] : lines.slice(first).filter((line) => /^\s+at /.test(line))
  const [, type, message] = HEAD.exec(head) ?? []
  return {
    type: type ?? null,
    message: message ?? head,
    frames: frames.slice(0, MAX_FRAMES).map((line) => toFrame(line.trim().replace(/^at /, ''))),
  }
}

/** A class name and what it says. Words before a colon are no class name: `Cannot connect: refused`. */
const HEAD = /^((?:[\w$]+\.)*[A-Z][\w$]*(?:Error|Exception|Warning|Fault|Failure|Interrupt)|Error|Exception)(?: \[\w+\])?: ([\s\S]*)$/

const PYTHON_BREAKS =
  /\n{1,3}(?:The above exception was the direct cause of the following exception|During handling of the above exception, another exception occurred):\n{1,3}/

/** Python tells the cause first. */
function parseTraceback(text: string): readonly FailureStep[] {
  return text.split(PYTHON_BREAKS).toReversed().slice(0, MAX_STEPS).map(parsePythonStep)
}

function parsePythonStep(text: string): FailureStep {
  const lines = text.split('\n')
  const start = lines.findIndex((line) => line.startsWith('Traceback '))
  const end = lines.findIndex((line, at) => at > start && /^\S/.test(line))
  const head = (end < 0 ? lines.slice(0, Math.max(1, start)) : lines.slice(end)).join('\n').trim()
  const [, type, message] = /^([\w.]+)(?:: ([\s\S]*))?$/.exec(head) ?? []
  const frames = lines.slice(start + 1, end < 0 ? undefined : end).filter((line) => /^\s+File "/.test(line))
  return {
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
