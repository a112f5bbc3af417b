import type { JSX } from 'preact'
import { type Message, parseJson, type ToolCall } from '../model/messages.js'
import { CopyButton } from './copy.js'
import { JsonView, LongText } from './json-view.js'

const KEEP_FIRST = 1
const KEEP_LAST = 8
const LONG_MESSAGE = 2400

/** A conversation, oldest first. Everything in it is text; nothing is loaded. */
export function Chat({ messages }: { readonly messages: readonly Message[] }): JSX.Element {
  const isLong = messages.length > KEEP_FIRST + KEEP_LAST + 2
  if (!isLong) return <ol class="chat">{messages.map(toItem)}</ol>
  const hidden = messages.slice(KEEP_FIRST, -KEEP_LAST)
  return (
    <ol class="chat">
      {messages.slice(0, KEEP_FIRST).map(toItem)}
      <li class="chat-gap">
        <details>
          <summary>{hidden.length} messages in between</summary>
          <ol class="chat">{hidden.map(toItem)}</ol>
        </details>
      </li>
      {messages.slice(-KEEP_LAST).map(toItem)}
    </ol>
  )
}

function toItem(message: Message, index: number): JSX.Element {
  return <ChatMessage key={index} message={message} />
}

function ChatMessage({ message }: { readonly message: Message }): JSX.Element {
  const json = parseJson(message.text)
  return (
    <li class={`message role-${toRoleName(message.role)}`}>
      <header>
        <span class="role">{message.role}</span>
        {message.name && <span class="mono dim">{message.name}</span>}
        {message.toolCallId && <span class="mono dim">answers {message.toolCallId}</span>}
        {message.text && <CopyButton text={message.text} label="Copy the message" />}
      </header>
      {message.text && (
        <div class="message-text">
          {json === undefined ? <LongText text={message.text} max={LONG_MESSAGE} /> : <JsonView value={json} />}
        </div>
      )}
      {message.attachments.map((name, index) => (
        <span key={index} class="chip">
          {name} (not loaded)
        </span>
      ))}
      {message.toolCalls.map((call, index) => (
        <ToolCallView key={index} call={call} />
      ))}
    </li>
  )
}

function ToolCallView({ call }: { readonly call: ToolCall }): JSX.Element {
  return (
    <div class="tool-call">
      <div class="tool-call-head">
        <span class="mono">{call.name}</span>
        {call.id && <span class="mono dim">{call.id}</span>}
      </div>
      <JsonView value={call.args} />
    </div>
  )
}

function toRoleName(role: string): string {
  return ['system', 'user', 'assistant', 'tool', 'developer'].includes(role) ? role : 'other'
}
