import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { toClock } from '../model/format.js'
import { type Route, updateQuery } from '../model/route.js'
import { EVENT_TYPES, Icon } from './glyph.js'
import { ExportMenu } from './menu.js'

const TYPING_MS = 220
const MINUTE_MS = 60_000
const RANGES: readonly (readonly [string, string, number])[] = [
  ['15m', 'Last 15 minutes', 15 * MINUTE_MS],
  ['1h', 'Last hour', 60 * MINUTE_MS],
  ['6h', 'Last 6 hours', 360 * MINUTE_MS],
  ['24h', 'Last 24 hours', 1440 * MINUTE_MS],
  ['7d', 'Last 7 days', 7 * 1440 * MINUTE_MS],
]

/** The stretch of time that a query names: `range` counted back from now, or `from` and `to`; null where it is open. */
export function toTimeRange(
  query: URLSearchParams,
  nowMs: number = Date.now(),
): { readonly fromMs: number | null; readonly toMs: number | null } {
  const range = RANGES.find(([id]) => id === query.get('range'))
  if (range) return { fromMs: nowMs - range[2], toMs: null }
  return { fromMs: toNumber(query.get('from')), toMs: toNumber(query.get('to')) }
}

function toNumber(text: string | null): number | null {
  const number = Number(text)
  return text !== null && Number.isFinite(number) ? number : null
}

/** Which sessions a list is about: those of the application, the rows of experiment runs, or all. */
export type RowsChoice = 'app' | 'runs' | 'all'

/** The choice that a query holds; without one, rows of experiments stay apart. */
export function toRowsChoice(query: URLSearchParams): RowsChoice {
  const rows = query.get('rows')
  return rows === 'runs' || rows === 'all' ? rows : 'app'
}

interface FiltersProps {
  readonly project: string
  readonly route: Route
  readonly sources: readonly string[]
  readonly evaluationRows: number
}

/** What narrows the list of sessions; all of it lives in the address. */
export function SessionFilters({ project, route, sources, evaluationRows }: FiltersProps): JSX.Element {
  const query = route.query
  return (
    <search class="filters">
      {(evaluationRows > 0 || query.has('rows')) && <RowsSwitch chosen={toRowsChoice(query)} evaluationRows={evaluationRows} />}
      <Field
        name="q"
        label="Search names, inputs and outputs"
        placeholder="Search names, inputs, outputs  ( / )"
        value={query.get('q') ?? ''}
        isSearch
      />
      <Choice
        name="type"
        label="Has an event of type"
        any="Any type"
        value={query.get('type')}
        choices={EVENT_TYPES.map((type) => [type, type])}
      />
      <Choice
        name="source"
        label="Source"
        any="Any source"
        value={query.get('source')}
        choices={sources.map((source) => [source, source])}
      />
      <Field name="metadata" label="Metadata as key:value" placeholder="metadata key:value" value={query.get('metadata') ?? ''} />
      <RangeChoice route={route} />
      <button
        type="button"
        class="toggle is-bad"
        aria-pressed={query.get('error') === '1'}
        onClick={() => updateQuery({ error: query.get('error') === '1' ? null : '1' })}
      >
        Errors only
      </button>
      <ExportMenu path="/api/export" query={{ project }} label="Export all" />
    </search>
  )
}

function RowsSwitch({ chosen, evaluationRows }: { readonly chosen: RowsChoice; readonly evaluationRows: number }): JSX.Element {
  const choices = [
    ['app', 'Application'],
    ['runs', `Evaluation rows (${evaluationRows.toLocaleString('en-US')})`],
    ['all', 'All'],
  ] as const
  return (
    <fieldset class="switch" aria-label="Which sessions">
      {choices.map(([id, label]) => (
        <button
          key={id}
          type="button"
          aria-pressed={chosen === id}
          onClick={() => updateQuery({ rows: id === 'app' ? null : id, source: null })}
        >
          {label}
        </button>
      ))}
    </fieldset>
  )
}

/** A choice of time; a stretch that was dragged shows as its own entry. */
export function RangeChoice({ route, open = 'Any time' }: { readonly route: Route; readonly open?: string }): JSX.Element {
  const { fromMs, toMs } = toTimeRange(route.query)
  const isDragged = !route.query.has('range') && (fromMs !== null || toMs !== null)
  const choose = (value: string): void => updateQuery({ range: value || null, from: null, to: null })
  return (
    <>
      <select
        aria-label="Time"
        class={isDragged || route.query.has('range') ? 'is-set' : ''}
        value={isDragged ? 'dragged' : (route.query.get('range') ?? '')}
        onChange={(event) => choose(event.currentTarget.value)}
      >
        <option value="">{open}</option>
        {RANGES.map(([id, label]) => (
          <option key={id} value={id}>
            {label}
          </option>
        ))}
        {isDragged && (
          <option value="dragged">
            {fromMs === null ? '…' : toClock(fromMs)} to {toMs === null ? 'now' : toClock(toMs)}
          </option>
        )}
      </select>
      {isDragged && (
        <button type="button" class="icon-button" aria-label="Any time again" onClick={() => choose('')}>
          <Icon name="close" />
        </button>
      )}
    </>
  )
}

interface FieldProps {
  readonly name: string
  readonly label: string
  readonly placeholder: string
  readonly value: string
  readonly isSearch?: boolean
}

function Field({ name, label, placeholder, value, isSearch = false }: FieldProps): JSX.Element {
  const [text, setText] = useState(value)
  const timer = useRef<ReturnType<typeof setTimeout>>()
  const sent = useRef(value)
  useEffect(() => {
    if (value !== sent.current) setText(value)
    sent.current = value
  }, [value])
  const send = (next: string): void => {
    sent.current = next.trim()
    updateQuery({ [name]: next.trim() || null })
  }
  const type = (next: string): void => {
    setText(next)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => send(next), TYPING_MS)
  }
  return (
    <input
      type={isSearch ? 'search' : 'text'}
      class={`field${value ? ' is-set' : ''}`}
      aria-label={label}
      placeholder={placeholder}
      spellcheck={false}
      autocomplete="off"
      value={text}
      onInput={(event) => type(event.currentTarget.value)}
      onChange={(event) => send(event.currentTarget.value)}
    />
  )
}

interface ChoiceProps {
  readonly name: string
  readonly label: string
  readonly any: string
  readonly value: string | null
  readonly choices: readonly (readonly [string, string])[]
}

function Choice({ name, label, any, value, choices }: ChoiceProps): JSX.Element {
  return (
    <select
      aria-label={label}
      class={value ? 'is-set' : ''}
      value={value ?? ''}
      onChange={(event) => updateQuery({ [name]: event.currentTarget.value || null })}
    >
      <option value="">{any}</option>
      {choices.map(([id, text]) => (
        <option key={id} value={id}>
          {text}
        </option>
      ))}
    </select>
  )
}
