/** A session as one conversation: what its model calls were told and answered, each message once. */
import { type DialogueMessage, type MessagePart, readDialogue } from '../../semantics/dialogue.js'
import { toPreview } from '../../semantics/preview.js'
import type { Reader, Row } from '../store/database.js'
import { parseBody } from '../store/event-rows.js'
import { both, eachEventPage, inSession } from '../store/events.js'
import type { ConversationCall, SessionSummary } from './contract.js'
import { toEventRow } from './events.js'

/** Most calls that are told: more than that nobody reads. */
const MOST_CALLS = 1_000

/** The model calls of a session in order of their start, each with the messages that were new in it. */
export function* eachCall(reader: Reader, { id, projectId }: SessionSummary): Generator<ConversationCall> {
  let told = 0
  for (const call of eachTold(reader, Number(projectId), id)) {
    yield call
    if (++told >= MOST_CALLS) return
  }
  if (told === 0) yield* eachRoot(reader, Number(projectId), id)
}

function* eachTold(reader: Reader, projectId: number, sessionId: string): Generator<ConversationCall> {
  const history = new Map<string, number>()
  const telling = new Set<string>()
  const models = both(inSession(projectId, sessionId), { sql: "e.type = 'model'", values: [] })
  for (const rows of eachEventPage(reader, models)) {
    for (const row of rows) {
      // A call inside another one is the same call, told by two instrumentations.
      if (telling.has(String(row.parent_id))) {
        telling.add(String(row.id))
        continue
      }
      const { input, output } = readDialogue({ type: 'model', ...parseBody(row) })
      if (input.messages.length + output.messages.length === 0) continue
      telling.add(String(row.id))
      yield toCall(row, takeNew(history, input.messages), output.messages)
      for (const message of output.messages) count(history, toMark(message))
    }
  }
}

/** What has not been said before: of a message that is repeated, as often as it is repeated beyond what is known. */
function takeNew(history: Map<string, number>, messages: readonly DialogueMessage[]): readonly DialogueMessage[] {
  const here = new Map<string, number>()
  const fresh = messages.filter((message) => {
    const mark = toMark(message)
    if (count(here, mark) <= (history.get(mark) ?? 0)) return false
    count(history, mark)
    return true
  })
  // Asked the same once more: an answer without its question would be a riddle.
  return fresh.length > 0 ? fresh : messages.slice(-1)
}

function count(counts: Map<string, number>, mark: string): number {
  const next = (counts.get(mark) ?? 0) + 1
  counts.set(mark, next)
  return next
}

/** What makes two messages the same: who says it, and the words, calls and results; not what a provider adds or leaves out. */
function toMark({ role, parts }: DialogueMessage): string {
  return `${role} ${JSON.stringify(parts.flatMap(toPartMark))}`
}

function toPartMark(part: MessagePart): unknown[] {
  switch (part.kind) {
    case 'reasoning':
      return []
    case 'text':
    case 'refusal':
      return [part.text.trim()]
    case 'call':
      return [part.name, part.args]
    case 'result':
      return [part.parts.flatMap(toPartMark)]
    case 'value':
      return [part.value]
    default:
      return [part.url ?? part.name]
  }
}

function toCall(row: Row, messages: readonly DialogueMessage[], answer: readonly DialogueMessage[]): ConversationCall {
  const first = parseBody(row).metrics.ttft_ms
  return { event: toEventRow(row), firstTokenMs: typeof first === 'number' ? first : null, messages, answer }
}

/** Where no model was called, the work of the session still took something and gave something back. */
function* eachRoot(reader: Reader, projectId: number, sessionId: string): Generator<ConversationCall> {
  const roots = both(inSession(projectId, sessionId), { sql: "(e.parent_id = e.session_id OR e.type = 'session')", values: [] })
  let told = 0
  for (const rows of eachEventPage(reader, roots)) {
    for (const row of rows) {
      const { inputs, outputs } = parseBody(row)
      const [asked, given] = [toMessage('input', inputs), toMessage('output', outputs)]
      if (asked.length + given.length === 0) continue
      yield toCall(row, asked, given)
      if (++told >= MOST_CALLS) return
    }
  }
}

function toMessage(role: string, value: object): readonly DialogueMessage[] {
  const preview = toPreview(value)
  if (preview === null) return []
  const values = Object.values(value)
  const [only] = values
  const part: MessagePart = values.length === 1 && typeof only === 'string' ? { kind: 'text', text: only } : { kind: 'value', value }
  return [{ role, name: null, parts: [part], finishReason: null }]
}
