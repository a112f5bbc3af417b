import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { CopyButton } from './copy.js'

const OPEN_ENTRIES = 24
const CHUNK = 100
const LONG_TEXT = 600

/** A value as a tree that can be folded; long text and long lists are shown in steps. */
export function JsonView({ value, depth = 0 }: { readonly value: unknown; readonly depth?: number }): JSX.Element {
  if (typeof value === 'string') return <JsonText text={value} />
  if (value === null || typeof value !== 'object')
    return <span class={`json-${value === null ? 'null' : typeof value}`}>{String(value)}</span>
  const entries: readonly (readonly [string, unknown])[] = Object.entries(value)
  return <JsonEntries entries={entries} isList={Array.isArray(value)} value={value} depth={depth} />
}

interface EntriesProps {
  readonly entries: readonly (readonly [string, unknown])[]
  readonly isList: boolean
  readonly value: object
  readonly depth: number
}

function JsonEntries({ entries, isList, value, depth }: EntriesProps): JSX.Element {
  const [isOpen, setOpen] = useState(depth < 2 || (depth < 4 && entries.length <= OPEN_ENTRIES))
  const [shown, setShown] = useState(CHUNK)
  const marks = isList ? (['[', ']'] as const) : (['{', '}'] as const)
  if (entries.length === 0) return <span class="json-null">{marks.join('')}</span>
  return (
    <span class="json-node">
      {depth > 0 && (
        <button type="button" class="json-fold" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isList
            ? `${entries.length} item${entries.length === 1 ? '' : 's'}`
            : isOpen
              ? `${entries.length} key${entries.length === 1 ? '' : 's'}`
              : toPreview(entries)}
        </button>
      )}
      {depth > 0 && isOpen && <CopyButton text={() => JSON.stringify(value, null, 2)} label="Copy this part" />}
      {isOpen && (
        <ul class={depth === 0 ? 'json-root' : 'json-list'}>
          {entries.slice(0, shown).map(([key, child]) => (
            <li key={key}>
              <span class={isList ? 'json-index' : 'json-key'}>{key}</span>
              <JsonView value={child} depth={depth + 1} />
            </li>
          ))}
          {entries.length > shown && (
            <li>
              <button type="button" class="text-button" onClick={() => setShown(shown + CHUNK * 5)}>
                {entries.length - shown} more
              </button>
            </li>
          )}
        </ul>
      )}
    </span>
  )
}

function toPreview(entries: EntriesProps['entries']): string {
  const names = entries.slice(0, 4).map(([key]) => key)
  return `{ ${names.join(', ')}${entries.length > 4 ? ', …' : ''} }`
}

function JsonText({ text }: { readonly text: string }): JSX.Element {
  return <span class="json-string">{<LongText text={text} />}</span>
}

/** Text as it is, cut after 600 characters until asked for. */
export function LongText({ text, max = LONG_TEXT }: { readonly text: string; readonly max?: number }): JSX.Element {
  const [isOpen, setOpen] = useState(false)
  if (text.length <= max * 1.2) return <>{text}</>
  return (
    <>
      {isOpen ? text : `${text.slice(0, max)}…`}{' '}
      <button type="button" class="text-button" onClick={() => setOpen(!isOpen)}>
        {isOpen ? 'less' : `all ${text.length.toLocaleString('en-US')} characters`}
      </button>
    </>
  )
}
