/** One line that tells what went into an event, and one for what came out. */
import { toJsonText } from '../builtins.js'
import { readDialogue, type DialogueMessage, type Spoken } from './dialogue.js'
import { isObject } from './json.js'

/** Most characters of a preview. */
const MOST_CHARS = 200
/** Keys whose value says more than the object around it. */
const SPEAKING_KEYS = ['question', 'query', 'prompt', 'input', 'text', 'content', 'answer', 'output', 'result', 'message']

/** A line about one side of an event. */
export interface Preview {
  readonly text: string
  /** False for what is only the JSON of a value. */
  readonly isWords: boolean
}

/** The last thing a user asked and the last thing that was answered; null where there is nothing to tell. */
export function toPreviews(event: Spoken): { readonly input: Preview | null; readonly output: Preview | null } {
  const { input, output } = readDialogue(event)
  return {
    input: lastWords(input.messages, 'user') ?? toPreview(event.inputs),
    output: lastWords(output.messages, 'assistant') ?? toPreview(event.outputs),
  }
}

function lastWords(messages: readonly DialogueMessage[], role: string): Preview | null {
  for (const message of messages.toReversed()) {
    if (message.role !== role) continue
    const text = message.parts.flatMap((part) => (part.kind === 'text' ? [part.text] : [])).join(' ')
    const call = message.parts.find((part) => part.kind === 'call')
    const line = toLine(text) ?? (call === undefined ? null : `${call.name}(…)`)
    if (line !== null) return { text: line, isWords: true }
  }
  return null
}

/** A value in one line: its text, the value of the key that speaks, the only value it holds, or its JSON. */
export function toPreview(value: unknown): Preview | null {
  let inner: unknown = value
  for (let depth = 0; depth < 4 && isObject(inner); depth++) {
    const object = inner
    const values = Object.values(object)
    const key = SPEAKING_KEYS.find((name) => typeof object[name] === 'string')
    if (values.length === 0) return null
    if (key === undefined && values.length > 1) break
    inner = key === undefined ? values[0] : object[key]
  }
  if (inner === null || inner === undefined) return null
  const text = toLine(typeof inner === 'string' ? inner : toJson(inner))
  return text === null ? null : { text, isWords: typeof inner === 'string' }
}

function toJson(value: unknown): string {
  // Serialising megabytes for a line would be noticed: a long list is told by its first items.
  const short = Array.isArray(value) && value.length > 20 ? value.slice(0, 20) : value
  return toJsonText(short) ?? ''
}

function toLine(text: string): string | null {
  const line = text
    .slice(0, MOST_CHARS * 4)
    // Marks of Markdown are no words.
    .replace(/^#{1,6} |\*\*|`/gm, '')
    .replace(/\s+/g, ' ')
    .trim()
  if (line === '') return null
  return line.length > MOST_CHARS ? `${line.slice(0, MOST_CHARS - 1)}…` : line
}
