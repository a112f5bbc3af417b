import { NativeSet } from '../natives.js'
import { cutText } from './text.js'
import { describeThrown, readField, type ThrownText } from './thrown.js'

/** A thrown value with everything that stands behind it. */
export interface Failure extends ThrownText {
  /** As Node prints it: the stack, then codes, causes and parts, each with its own. `undefined` when there is nothing to add to the message. */
  readonly stack: string | undefined
  /** The message, then each cause and part with its codes, a line each. Just the message where there are none. */
  readonly summary: string
}

/** What tells more than the message does, in the order in which it is shown. */
const CODES = [
  'code',
  'errno',
  'syscall',
  'hostname',
  'address',
  'port',
  'signal',
  'exitCode',
  'status',
  'statusCode',
  'requestId',
  'requestID',
  'request_id',
] as const
/** The codes that are shown beside the message of the thrown value itself, when it does not name them. */
const MAIN_CODES: ReadonlySet<string> = new NativeSet(['code', 'status', 'statusCode'])
const MAX_CODE_CHARS = 200
/** Most causes and parts that are shown, all levels together. */
const MAX_ERRORS = 32
const MAX_DEPTH = 12
/** Longest message and stack of one cause or part, in UTF-16 units. */
const MAX_PART_CHARS = 4096

interface Part {
  /** How it belongs to the one it stands under: `cause`, or `2 of 3`. */
  readonly label: string
  readonly text: ThrownText
  readonly codes: readonly Code[]
  readonly parts: readonly Part[]
}

type Code = readonly [name: string, value: string | number]

interface Walk {
  readonly seen: Set<unknown>
  left: number
}

/**
 * Reads a thrown value with its causes, the parts of an aggregate, what it suppressed, and their codes. Never throws; cycles end,
 * and so do endless chains.
 *
 * @param toldCode the code of the thrown value itself that is told elsewhere.
 */
export function describeFailure(thrown: unknown, toldCode?: (typeof CODES)[number]): Failure {
  const text = describeThrown(thrown)
  if (typeof thrown !== 'object' || thrown === null) return { ...text, summary: text.message }
  const codes = readCodes(thrown).filter(([name]) => name !== toldCode)
  const parts = readParts(thrown, { seen: new NativeSet([thrown]), left: MAX_ERRORS }, 0)
  const isPlain = codes.length === 0 && parts.length === 0
  if (isPlain) return { ...text, summary: text.message }
  return { ...text, stack: toStack({ label: '', text, codes, parts }, ''), summary: toSummary(text, codes, parts) }
}

// ---- reading

function readCodes(thrown: object): Code[] {
  const codes: Code[] = []
  for (const name of CODES) {
    const value = isMade(thrown, name) ? undefined : readField(thrown, name)
    if (typeof value === 'number') codes.push([name, value])
    else if (typeof value === 'string' && value !== '') codes.push([name, value.slice(0, MAX_CODE_CHARS)])
  }
  return codes
}

/** Whether a look would make the field: an `IncomingMessage` of newer Node versions gets an `AbortSignal` by being asked for its `signal`. */
function isMade(thrown: object, name: string): boolean {
  try {
    return name === 'signal' && !Object.hasOwn(thrown, name)
  } catch {
    // A Proxy that refuses is not asked a second time.
    return true
  }
}

function readParts(thrown: object, walk: Walk, depth: number): Part[] {
  if (depth >= MAX_DEPTH) return []
  const parts: Part[] = []
  const cause = readField(thrown, 'cause')
  // Some older libraries have a method of this name.
  if (cause !== undefined && cause !== null && typeof cause !== 'function') addPart(parts, 'cause', cause, walk, depth)
  const errors = readField(thrown, 'errors')
  if (Array.isArray(errors)) addItems(parts, errors, walk, depth)
  // A `SuppressedError`: an error on the way out of a block, and the one it hides.
  const suppressed = readField(thrown, 'suppressed')
  if (suppressed !== undefined && suppressed !== null) {
    addPart(parts, 'error', readField(thrown, 'error'), walk, depth)
    addPart(parts, 'suppressed', suppressed, walk, depth)
  }
  return parts
}

function addItems(parts: Part[], errors: readonly unknown[], walk: Walk, depth: number): void {
  const length = Math.min(Number(readField(errors, 'length')) || 0, walk.left)
  for (let i = 0; i < length; i++) addPart(parts, `${i + 1} of ${errors.length}`, readField(errors, String(i)), walk, depth)
}

function addPart(parts: Part[], label: string, value: unknown, walk: Walk, depth: number): void {
  if (value === undefined || walk.left <= 0) return
  walk.left -= 1
  const isObject = typeof value === 'object' && value !== null
  if (isObject && walk.seen.has(value)) {
    parts.push({ label, text: CIRCULAR, codes: [], parts: [] })
    return
  }
  walk.seen.add(value)
  const text = shorten(describeThrown(value))
  parts.push({ label, text, codes: isObject ? readCodes(value) : [], parts: isObject ? readParts(value, walk, depth + 1) : [] })
}

const CIRCULAR: ThrownText = { type: '', message: '[shown above]', stack: undefined }

function shorten({ type, message, stack }: ThrownText): ThrownText {
  return { type, message: cut(message), stack: stack === undefined ? undefined : cut(stack) }
}

function cut(text: string): string {
  return text.length > MAX_PART_CHARS ? cutText(text, MAX_PART_CHARS) : text
}

// ---- writing

function toSummary(text: ThrownText, codes: readonly Code[], parts: readonly Part[]): string {
  const unnamed = codes.filter(([name, value]) => MAIN_CODES.has(name) && !text.message.includes(String(value)))
  const head = text.message === '' && parts.length > 0 ? text.type : text.message
  return [head + toCodeText(unnamed), ...parts.flatMap((part) => toLines(part, ''))].join('\n')
}

function toLines({ label, text, codes, parts }: Part, indent: string): string[] {
  const isCause = label === 'cause'
  const line = `${indent}${isCause ? 'caused by' : label}: ${toHead(text)}${toCodeText(codes)}`
  return [line, ...parts.flatMap((part) => toLines(part, isCause ? indent : `${indent}  `))]
}

function toHead({ type, message, stack }: ThrownText): string {
  // What is no error says what it is by itself.
  if (stack === undefined && (type === 'string' || type === '')) return message
  return message === '' ? type : `${type}: ${message}`
}

function toCodeText(codes: readonly Code[]): string {
  return codes.length === 0 ? '' : ` (${codes.map(([name, value]) => `${name} ${value}`).join(', ')})`
}

/** The way Node prints an error with further fields. */
function toStack({ text, codes, parts }: Part, indent: string): string {
  const head = (text.stack ?? toHead(text)).replaceAll('\n', `\n${indent}`)
  if (codes.length === 0 && parts.length === 0) return head
  const inner = `${indent}  `
  const fields = [
    ...codes.map(([name, value]) => `${name}: ${typeof value === 'number' ? value : `'${value}'`}`),
    ...parts.map((part) => `[${part.label}]: ${toStack(part, inner)}`),
  ]
  return `${head} {\n${fields.map((field) => `${inner}${field}`).join(',\n')}\n${indent}}`
}
