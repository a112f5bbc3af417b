import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { DialogueMessage } from '../../../semantics/dialogue.js'
import type { Conversation, ConversationCall } from '../../page-api/contract.js'
import { toPath, useApi } from '../model/api.js'
import { toCount, toDuration } from '../model/format.js'
import { toHash } from '../model/route.js'
import { type Turn, toTurns } from '../model/turns.js'
import { Message } from './chat.js'
import { CostOf, toUnpriced } from './cost.js'
import { Empty, Failure, Loading } from './notice.js'

const SHOWN_BESIDE_ROLE = ['system', 'user', 'assistant', 'tool', 'developer']

interface ConversationProps {
  readonly project: string
  readonly id: string
  /** Changes when the session was read again. */
  readonly version: unknown
}

/** Everything that was said in a session, in one column; who wants to know more follows a line to its event. */
export function ConversationView({ project, id, version }: ConversationProps): JSX.Element {
  const answer = useApi<Conversation>(toPath(`/api/sessions/${encodeURIComponent(id)}/conversation`, { project }), { version })
  const turns = useMemo(() => toTurns(toLines(answer.data?.calls ?? [])), [answer.data])
  if (answer.error && !answer.data) return <Failure error={answer.error} onRetry={answer.reload} />
  if (!answer.data) return <Loading what="the conversation" />
  if (turns.length === 0)
    return (
      <Empty title="Nothing was said here">
        <p>No event of this session holds messages, inputs or outputs.</p>
      </Empty>
    )
  return (
    <section class="conversation" aria-label="Conversation" aria-busy={answer.isLoading}>
      <ol class="chat">
        {turns.map((turn, index) => (
          <Line key={index} turn={turn} href={toHash(['p', project, 'sessions', id], { e: turn.call.event.id })} />
        ))}
      </ol>
    </section>
  )
}

/** A message, and the call that it was said in. */
interface SaidIn extends DialogueMessage {
  readonly call: ConversationCall
  readonly isAnswer: boolean
}

function toLines(calls: readonly ConversationCall[]): readonly SaidIn[] {
  return calls.flatMap((call) => [
    ...call.messages.map((message) => ({ ...message, call, isAnswer: false })),
    ...call.answer.map((message) => ({ ...message, call, isAnswer: true })),
    ...(call.answer.length === 0 && call.event.error !== null ? [toFailed(call, call.event.error)] : []),
  ])
}

function toFailed(call: ConversationCall, error: string): SaidIn {
  return { role: 'error', name: null, parts: [{ kind: 'text', text: error }], finishReason: null, call, isAnswer: true }
}

function Line({ turn, href }: { readonly turn: Turn<SaidIn>; readonly href: string }): JSX.Element {
  const { event, firstTokenMs } = turn.call
  const role = SHOWN_BESIDE_ROLE.includes(turn.role) ? turn.role : turn.role === 'error' ? 'error' : 'other'
  const isAside = turn.role === 'system' || turn.role === 'developer'
  return (
    <li class={`message role-${role}`}>
      {isAside ? (
        <details>
          <summary class="role">{turn.role}</summary>
          <Message turn={turn} />
        </details>
      ) : (
        <Message turn={turn} />
      )}
      {turn.isAnswer && (
        <a class="said-in" href={href}>
          <span>{event.name}</span>
          {event.model !== null && <span>{event.model}</span>}
          <span class="mono">{toDuration(event.durationMs)}</span>
          {firstTokenMs !== null && <span class="mono">first token {toDuration(firstTokenMs)}</span>}
          {event.totalTokens > 0 && <span class="mono">{toCount(event.totalTokens)} tokens</span>}
          {event.totalTokens > 0 && (
            <span class="mono">
              <CostOf cost={event.cost} unpriced={toUnpriced(event.costSource, event.totalTokens)} />
            </span>
          )}
        </a>
      )}
    </li>
  )
}
