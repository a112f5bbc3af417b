import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { DialogueMessage } from '../../../semantics/dialogue.js'
import { type JoinedCall, parseJson, type Turn, toTurns } from '../model/turns.js'
import { CopyButton } from './copy.js'
import { JsonView } from './json-view.js'
import { Markdown } from './markdown.js'
import { MediaView } from './media.js'

const KEEP_FIRST = 1
const KEEP_LAST = 8
/** Reasons to stop that need no word. */
const ORDINARY = new Set(['stop', 'end_turn', 'tool_calls', 'tool-calls', 'tool_call', 'tool_use', 'STOP', 'completed', 'end', 'unknown'])
const ROLES = ['system', 'user', 'assistant', 'tool', 'developer']

type Part = Turn['parts'][number]

/** A conversation, oldest first. */
export function Chat({ messages }: { readonly messages: readonly DialogueMessage[] }): JSX.Element {
  const turns = useMemo(() => toTurns(messages), [messages])
  const isLong = turns.length > KEEP_FIRST + KEEP_LAST + 2
  if (!isLong) return <ol class="chat">{turns.map(toItem)}</ol>
  const hidden = turns.slice(KEEP_FIRST, -KEEP_LAST)
  return (
    <ol class="chat">
      {turns.slice(0, KEEP_FIRST).map(toItem)}
      <li class="chat-gap">
        <details>
          <summary>{hidden.length} messages in between</summary>
          <ol class="chat">{hidden.map(toItem)}</ol>
        </details>
      </li>
      {turns.slice(-KEEP_LAST).map(toItem)}
    </ol>
  )
}

function toItem(turn: Turn, index: number): JSX.Element {
  return (
    <li key={index} class={`message role-${ROLES.includes(turn.role) ? turn.role : 'other'}`}>
      <Message turn={turn} />
    </li>
  )
}

/** One message: who speaks, then everything they said. */
export function Message({ turn }: { readonly turn: Turn }): JSX.Element {
  const text = toPlainText(turn.parts)
  const { finishReason } = turn
  return (
    <>
      <header>
        <span class="role">{turn.role}</span>
        {turn.name !== null && <span class="mono dim">{turn.name}</span>}
        {finishReason !== null && !ORDINARY.has(finishReason) && (
          <span class="chip is-warning" title="Why the model stopped">
            {finishReason === 'length' || finishReason === 'max_tokens' ? 'cut at the token limit' : `ended by ${finishReason}`}
          </span>
        )}
        {text !== '' && <CopyButton text={text} label="Copy the message" />}
      </header>
      {turn.parts.length === 0 && <p class="dim">No content</p>}
      {turn.parts.map((part, index) => (
        <PartView key={index} part={part} />
      ))}
    </>
  )
}

function PartView({ part }: { readonly part: Part }): JSX.Element {
  switch (part.kind) {
    case 'text':
      return <TextView text={part.text} />
    case 'reasoning':
      return <Reasoning text={part.text} />
    case 'refusal':
      return (
        <div class="refusal">
          <b>Refused</b>
          <TextView text={part.text} />
        </div>
      )
    case 'call':
      return <ToolCard call={part} />
    case 'result':
      return <ResultView name={part.name} callId={part.callId} parts={part.parts} />
    case 'value':
      return <JsonView value={part.value} />
    default:
      return <MediaView {...part} />
  }
}

/** Text; an object or list written as text is shown as what it is. */
function TextView({ text }: { readonly text: string }): JSX.Element {
  const json = useMemo(() => parseJson(text), [text])
  return json === undefined ? <Markdown text={text} /> : <JsonView value={json} />
}

function Reasoning({ text }: { readonly text: string }): JSX.Element {
  const words = text.split(/\s+/).filter(Boolean).length
  return (
    <details class="reasoning">
      <summary>
        Reasoning <span class="dim">{words === 1 ? '1 word' : `${words.toLocaleString('en-US')} words`}</span>
      </summary>
      <Markdown text={text} />
    </details>
  )
}

/** What a model asked a tool for, and what came back. */
export function ToolCard({ call }: { readonly call: JoinedCall }): JSX.Element {
  const isEmpty = typeof call.args === 'object' && (call.args === null || Object.keys(call.args).length === 0)
  return (
    <div class="tool-card">
      <header>
        <span class="tool-name mono">{call.name}</span>
        {call.id !== null && <span class="mono dim tool-id">{call.id}</span>}
        <CopyButton text={() => toJsonText(call.args)} label="Copy the arguments" />
      </header>
      {isEmpty ? <p class="dim">No arguments</p> : <JsonView value={call.args} />}
      {call.result && (
        <div class="tool-result">
          <span class="tool-label">gave back</span>
          {call.result.parts.length === 0 && <p class="dim">Nothing</p>}
          {call.result.parts.map((part, index) => (
            <PartView key={index} part={part.kind === 'call' ? { ...part, result: null } : part} />
          ))}
        </div>
      )}
    </div>
  )
}

interface ResultProps {
  readonly name: string | null
  readonly callId: string | null
  readonly parts: Extract<Part, { kind: 'result' }>['parts']
}

/** A result whose call is not in sight. */
function ResultView({ name, callId, parts }: ResultProps): JSX.Element {
  return (
    <div class="tool-card">
      <header>
        <span class="tool-name mono">{name ?? 'tool'}</span>
        {callId !== null && <span class="mono dim tool-id">{callId}</span>}
      </header>
      <div class="tool-result">
        <span class="tool-label">gave back</span>
        {parts.length === 0 && <p class="dim">Nothing</p>}
        {parts.map((part, index) => (
          <PartView key={index} part={part.kind === 'call' ? { ...part, result: null } : part} />
        ))}
      </div>
    </div>
  )
}

function toPlainText(parts: Turn['parts']): string {
  return parts.flatMap((part) => (part.kind === 'text' || part.kind === 'refusal' ? [part.text] : [])).join('\n\n')
}

function toJsonText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2)
}
