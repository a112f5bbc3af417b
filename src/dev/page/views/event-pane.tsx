import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { EventDetail, LinkedEvent, SessionSummary } from '../../page-api/contract.js'
import { toPath, useApi } from '../model/api.js'
import { toCost, toCount, toDuration, toFullTime, toScore } from '../model/format.js'
import { toInputMessages, toOutputMessages } from '../model/messages.js'
import { useProjects } from '../model/projects.js'
import { toHash } from '../model/route.js'
import { Chat } from '../parts/chat.js'
import { CopyButton } from '../parts/copy.js'
import { Icon, TenantCell, TypeGlyph } from '../parts/glyph.js'
import { JsonView, LongText } from '../parts/json-view.js'
import { Failure, Loading } from '../parts/notice.js'

const SETTLE_MS = 70
const LINEAGE =
  /^(trace_id|span_id|parent_span_id|has_otlp_lineage|instrumentor|(scope|service|host|process|telemetry|os|otel)\..*|honeyhive[_.].*)$/

interface PaneProps {
  readonly id: string | null
  readonly project: string
  /** The session it belongs to; its own event lasts as long as it does. */
  readonly session: SessionSummary
  /** Changes when the session was read again. */
  readonly version: unknown
}

/** The chosen event in full. Waits a moment before asking, so that holding an arrow key does not ask for every event on the way. */
export function EventPane({ id, project, session, version }: PaneProps): JSX.Element {
  const settled = useSettled(id)
  const detail = useApi<EventDetail>(settled === null ? null : toPath(`/api/events/${encodeURIComponent(settled)}`, { project }), {
    keep: true,
  })
  useEffect(() => {
    if (detail.data && version) detail.reload()
  }, [version])
  return (
    <section class="event-pane" tabIndex={-1} aria-label="The chosen event" aria-busy={detail.isLoading}>
      {id !== null && detail.error && <Failure error={detail.error} onRetry={detail.reload} />}
      {id === null && <NoRecord />}
      {id !== null && !detail.data && !detail.error && <Loading what="the event" />}
      {id !== null && detail.data && !detail.error && (
        <EventBody
          key={detail.data.id}
          event={
            detail.data.id === session.id
              ? { ...detail.data, durationMs: Math.max(detail.data.durationMs, session.durationMs) }
              : detail.data
          }
        />
      )}
    </section>
  )
}

function NoRecord(): JSX.Element {
  return (
    <div class="no-record">
      <h3>Made from its spans</h3>
      <p>
        No session was started for these spans, so there is no name, input or feedback to show here. Wrap the work in{' '}
        <code>tracer.withSession()</code> to give it one, or choose an event on the left.
      </p>
    </div>
  )
}

function useSettled(id: string | null): string | null {
  const [settled, setSettled] = useState(id)
  useEffect(() => {
    if (id === settled) return
    const timer = setTimeout(() => setSettled(id), SETTLE_MS)
    return () => clearTimeout(timer)
  }, [id, settled])
  return settled
}

function EventBody({ event }: { readonly event: EventDetail }): JSX.Element {
  const input = toInputMessages(event.inputs)
  const output = toOutputMessages(event.outputs)
  const [own, lineage] = toParts(event.metadata)
  return (
    <>
      <EventHead event={event} />
      {event.error !== null && (
        <div class="error-box" role="note">
          <b>Failed</b>
          <pre>
            <LongText text={event.error} max={4000} />
          </pre>
          <CopyButton text={event.error} label="Copy the error" />
        </div>
      )}
      {event.linked.length > 0 && <Links links={event.linked} ownProject={event.projectId} />}
      <Payload
        title="Input"
        value={event.inputs}
        chat={input ? <Chat messages={input} /> : null}
        rest={toRest(event.inputs, ['chat_history', 'messages'], input !== null)}
      />
      <Payload
        title="Output"
        value={event.outputs}
        chat={output ? <Chat messages={output} /> : null}
        rest={toRest(event.outputs, ['chat_history', 'messages', 'role', 'content', 'text', 'tool_calls'], output !== null)}
      />
      <Scores title="Metrics" values={event.metrics} />
      <Scores title="Feedback" values={event.feedback} />
      <Section title="Config" value={event.config} />
      <Section title="Metadata" value={own} />
      <Section title="User properties" value={event.userProperties} />
      <Section title="Span and process" value={lineage} isFolded />
      <Identity event={event} />
    </>
  )
}

/** Metadata that a person wrote, and what the span and its resource brought along. */
function toParts(metadata: Readonly<Record<string, unknown>>): readonly [Record<string, unknown>, Record<string, unknown>] {
  const parts: [Record<string, unknown>, Record<string, unknown>] = [{}, {}]
  for (const [key, value] of Object.entries(metadata)) parts[LINEAGE.test(key) ? 1 : 0][key] = value
  return parts
}

function EventHead({ event }: { readonly event: EventDetail }): JSX.Element {
  return (
    <header class="event-head">
      <h3>
        <TypeGlyph type={event.type} isError={event.error !== null} />
        <span>{event.name}</span>
        <CopyButton
          text={() => `${location.origin}/${toHash(['events', event.id], { project: event.projectId })}`}
          label="Copy a link to this event"
        />
      </h3>
      <dl class="facts">
        <div>
          <dt>type</dt>
          <dd>{event.type}</dd>
        </div>
        {event.model && (
          <div>
            <dt>model</dt>
            <dd class="mono">{event.model}</dd>
          </div>
        )}
        <div title={toFullTime(event.startMs)}>
          <dt>took</dt>
          <dd class="mono">{toDuration(event.durationMs)}</dd>
        </div>
        {event.totalTokens > 0 && <TokenFact event={event} />}
        {event.cost > 0 && (
          <div>
            <dt>cost</dt>
            <dd class="mono">{toCost(event.cost)}</dd>
          </div>
        )}
      </dl>
    </header>
  )
}

function TokenFact({ event }: { readonly event: EventDetail }): JSX.Element {
  const prompt = event.metadata['prompt_tokens']
  const completion = event.metadata['completion_tokens']
  const isSplit = typeof prompt === 'number' && typeof completion === 'number'
  return (
    <div title={isSplit ? `${prompt} in, ${completion} out` : ''}>
      <dt>tokens</dt>
      <dd class="mono">
        {toCount(event.totalTokens)}
        {isSplit && <span class="dim">{` (${prompt} in, ${completion} out)`}</span>}
      </dd>
    </div>
  )
}

function Links({ links, ownProject }: { readonly links: readonly LinkedEvent[]; readonly ownProject: string }): JSX.Element {
  const { nameOf, colourOf } = useProjects()
  return (
    <section class="links" aria-label="Links to other traces">
      {links.map((link) => {
        const { event } = link
        const verb = link.direction === 'to' ? 'Opened inside' : 'Contains'
        if (!event) {
          return (
            <p key={link.spanId} class="link-card is-absent">
              <Icon name="link" />
              <span>
                {verb} span <code>{link.spanId}</code> of trace <code>{link.traceId.slice(0, 8)}…</code>, which has not arrived here
              </span>
            </p>
          )
        }
        return (
          <a
            key={link.spanId}
            class="link-card"
            style={{ '--tenant': `var(${colourOf(event.projectId)})` }}
            href={toHash(['p', event.projectId, 'sessions', event.sessionId], { e: event.id })}
          >
            <TenantCell colour={colourOf(event.projectId)} />
            <span>
              <small>
                {verb}
                {event.projectId === ownProject ? '' : `, in ${nameOf(event.projectId)}`}
                {link.kind ? ` (${link.kind})` : ''}
              </small>
              <b>{event.name}</b>
            </span>
            <span class="mono dim">{toDuration(event.durationMs)}</span>
            <Icon name="out" />
          </a>
        )
      })}
    </section>
  )
}

interface PayloadProps {
  readonly title: string
  readonly value: Readonly<Record<string, unknown>>
  readonly chat: JSX.Element | null
  readonly rest: Readonly<Record<string, unknown>> | null
}

function Payload({ title, value, chat, rest }: PayloadProps): JSX.Element | null {
  const [isRaw, setRaw] = useState(false)
  if (Object.keys(value).length === 0) return null
  const tool = chat ? (
    <button type="button" class="toggle is-small" aria-pressed={isRaw} onClick={() => setRaw(!isRaw)}>
      JSON
    </button>
  ) : null
  return (
    <Fold title={title} value={value} tool={tool}>
      {chat && !isRaw ? chat : <JsonView value={value} />}
      {chat && !isRaw && rest && <JsonView value={rest} />}
    </Fold>
  )
}

function toRest(
  value: Readonly<Record<string, unknown>>,
  known: readonly string[],
  hasChat: boolean,
): Readonly<Record<string, unknown>> | null {
  if (!hasChat) return null
  const rest = Object.entries(value).filter(([key]) => !known.includes(key))
  return rest.length > 0 ? Object.fromEntries(rest) : null
}

interface SectionProps {
  readonly title: string
  readonly value: Readonly<Record<string, unknown>>
  readonly isFolded?: boolean
}

function Section({ title, value, isFolded = false }: SectionProps): JSX.Element | null {
  if (Object.keys(value).length === 0) return null
  return (
    <Fold title={title} value={value} tool={null} isFolded={isFolded}>
      <JsonView value={value} />
    </Fold>
  )
}

interface FoldProps {
  readonly title: string
  readonly value: unknown
  readonly tool: JSX.Element | null
  readonly isFolded?: boolean
  readonly children: ComponentChildren
}

function Fold({ title, value, tool, isFolded = false, children }: FoldProps): JSX.Element {
  const [isOpen, setOpen] = useState(!isFolded)
  return (
    <section class="fold">
      <header>
        <button type="button" class="fold-button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          <Icon name="chevron" />
          <h4>{title}</h4>
        </button>
        {tool}
        <CopyButton text={() => JSON.stringify(value, null, 2)} label={`Copy: ${title}`} />
      </header>
      {isOpen && <div class="fold-body">{children}</div>}
    </section>
  )
}

function Scores({ title, values }: { readonly title: string; readonly values: Readonly<Record<string, unknown>> }): JSX.Element | null {
  const entries = Object.entries(values)
  if (entries.length === 0) return null
  return (
    <Fold title={title} value={values} tool={null}>
      <dl class="scores">
        {entries.map(([name, value]) => (
          <div key={name}>
            <dt class="mono">{name}</dt>
            <dd>{toScoreValue(value)}</dd>
          </div>
        ))}
      </dl>
    </Fold>
  )
}

function toScoreValue(value: unknown): JSX.Element {
  if (typeof value === 'boolean') return <span class={`verdict ${value ? 'is-good' : 'is-bad'}`}>{value ? 'pass' : 'fail'}</span>
  if (typeof value !== 'number') return <JsonView value={value} />
  const isShare = value >= 0 && value <= 1
  return (
    <span class="score mono">
      {isShare && (
        <span class="score-bar" aria-hidden="true">
          <span style={{ width: `${value * 100}%` }} />
        </span>
      )}
      {toScore(value)}
    </span>
  )
}

function Identity({ event }: { readonly event: EventDetail }): JSX.Element {
  const entries = [
    ['event', event.id],
    ['session', event.sessionId],
    ['trace', event.traceId],
    ['span', event.spanId],
    ['source', event.source],
  ] as const
  return (
    <dl class="identity">
      {entries.map(
        ([name, value]) =>
          value && (
            <div key={name}>
              <dt>{name}</dt>
              <dd class="mono">
                <span>{value}</span>
                <CopyButton text={value} label={`Copy: ${name}`} />
              </dd>
            </div>
          ),
      )}
    </dl>
  )
}
