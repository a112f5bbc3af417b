import type { DialogueSide } from '../../../semantics/dialogue.js'
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { EventDetail, EventPage, FoundEvent, LinkedEvent, SessionSummary } from '../../page-api/contract.js'
import { toPath, useApi } from '../model/api.js'
import { toCost, toCount, toDuration, toFullTime, toScore } from '../model/format.js'
import { useProjects } from '../model/projects.js'
import { toHash, updateQuery } from '../model/route.js'
import { AddToDataset } from '../parts/add-to-dataset.js'
import { Annotate } from '../parts/annotate.js'
import { Chat } from '../parts/chat.js'
import { CopyButton } from '../parts/copy.js'
import { ErrorBox } from '../parts/error-box.js'
import { Icon, TenantCell, TypeGlyph } from '../parts/glyph.js'
import { JsonView } from '../parts/json-view.js'
import { Failure, Loading } from '../parts/notice.js'

const SETTLE_MS = 70
const LINEAGE =
  /^(trace_id|span_id|parent_span_id|has_otlp_lineage|instrumentor|(scope|service|host|process|telemetry|os|otel|_meta|_event\.exception)\..*|honeyhive[_.].*)$/

interface PaneProps {
  readonly id: string | null
  readonly project: string
  /** The session it belongs to; its own event lasts as long as it does. */
  readonly session: SessionSummary
  /** Changes when the session was read again. */
  readonly version: unknown
  /** Where the text that is sought stands in it. */
  readonly found: FoundEvent | null
}

/** The chosen event in full. Waits a moment before asking, so that holding an arrow key does not ask for every event on the way. */
export function EventPane({ id, project, session, version, found }: PaneProps): JSX.Element {
  const settled = useSettled(id)
  const detail = useApi<EventPage>(settled === null ? null : toPath(`/api/events/${encodeURIComponent(settled)}/page`, { project }), {
    keep: true,
  })
  useEffect(() => {
    if (detail.data && version) detail.reload()
  }, [version])
  return (
    <section class="event-pane" tabIndex={-1} aria-label="The chosen event" aria-busy={detail.isLoading}>
      <button type="button" class="button narrow-only" onClick={() => updateQuery({ e: null })}>
        <Icon name="chevron" /> All events
      </button>
      {id !== null && detail.error && <Failure error={detail.error} onRetry={detail.reload} />}
      {id === null && <NoRecord />}
      {id !== null && !detail.data && !detail.error && <Loading what="the event" />}
      {found !== null && (
        <p class="found">
          in {found.where}: {found.before}
          <mark>{found.text}</mark>
          {found.after}
        </p>
      )}
      {id !== null && detail.data && !detail.error && (
        <EventBody
          key={detail.data.id}
          onChange={detail.reload}
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

function EventBody({ event, onChange }: { readonly event: EventPage; readonly onChange: () => void }): JSX.Element {
  const { input, output } = event.dialogue
  const [own, lineage] = toParts(event.metadata)
  return (
    <>
      <EventHead event={event} />
      <Annotate event={event} onChange={onChange} />
      {event.failure.length > 0 && <ErrorBox steps={event.failure} />}
      {event.linked.length > 0 && <Links links={event.linked} ownProject={event.projectId} />}
      <Payload title="Input" value={event.inputs} side={input} />
      <Payload title="Output" value={event.outputs} side={output} />
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

function EventHead({ event }: { readonly event: EventPage }): JSX.Element {
  const [isAdding, setAdding] = useState(false)
  return (
    <header class="event-head">
      <h3>
        <TypeGlyph type={event.type} isError={event.error !== null} />
        <span>{event.name}</span>
        <CopyButton
          text={() => `${location.origin}/${toHash(['events', event.id], { project: event.projectId })}`}
          label="Copy a link to this event"
        />
        <button type="button" class="icon-button" aria-label="Add to a data set" title="Add to a data set" onClick={() => setAdding(true)}>
          <Icon name="add" />
        </button>
      </h3>
      {isAdding && <AddToDataset event={event} onClose={() => setAdding(false)} />}
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
        <FirstToken event={event} />
        {event.totalTokens > 0 && <TokenFact event={event} />}
        {event.pricing !== null && <CostFact event={event} pricing={event.pricing} />}
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

/** How long a streamed answer took to begin. */
function FirstToken({ event }: { readonly event: EventDetail }): JSX.Element | null {
  const first = event.metrics['ttft_ms']
  if (typeof first !== 'number') return null
  return (
    <div>
      <dt>first token</dt>
      <dd class="mono">{toDuration(first)}</dd>
    </div>
  )
}

interface CostFactProps {
  readonly event: EventDetail
  readonly pricing: NonNullable<EventPage['pricing']>
}

/** What an event cost, and how that is known. */
function CostFact({ event, pricing }: CostFactProps): JSX.Element {
  const { source, price } = pricing
  if (source === 'unknown') {
    const why = event.model === null ? 'It names no model.' : `No price of ${event.model} is known. Give one with --prices.`
    return (
      <div title={why}>
        <dt>cost</dt>
        <dd class="unpriced">no price known</dd>
      </div>
    )
  }
  const perMillion = price === null ? '' : `, per million tokens $${price.price.input ?? 0} in, $${price.price.output ?? 0} out`
  const title = price === null ? 'As the span says' : `Computed from the ${price.source} for ${price.id}${perMillion}`
  return (
    <div title={title}>
      <dt>cost</dt>
      <dd class="mono">
        {source === 'computed' && event.cost === 0 ? 'in the calls below' : toCost(event.cost)}
        {source === 'computed' && event.cost > 0 && <span class="dim"> (computed)</span>}
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
  readonly side: DialogueSide
}

/** What went in or came out: its messages, then what else there is; or all of it as it is stored. */
function Payload({ title, value, side }: PayloadProps): JSX.Element | null {
  const [isRaw, setRaw] = useState(false)
  if (Object.keys(value).length === 0) return null
  if (side.messages.length === 0) return <Section title={title} value={value} />
  const rest = Object.fromEntries(Object.entries(value).filter(([key]) => !side.keys.includes(key)))
  const tool = (
    <button type="button" class="toggle is-small" aria-pressed={isRaw} onClick={() => setRaw(!isRaw)}>
      JSON
    </button>
  )
  return (
    <Fold title={title} value={value} tool={tool}>
      {isRaw ? <JsonView value={value} /> : <Chat messages={side.messages} />}
      {!isRaw && Object.keys(rest).length > 0 && (
        <details class="rest">
          <summary>{Object.keys(rest).join(', ')}</summary>
          <JsonView value={rest} />
        </details>
      )}
    </Fold>
  )
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
  // What was taken back is null.
  const entries = Object.entries(values).filter(([, value]) => value !== null)
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
