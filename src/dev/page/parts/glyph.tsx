import type { JSX } from 'preact'

const OUTER = 'M8 1.2 13.9 4.6v6.8L8 14.8 2.1 11.4V4.6Z'
const INNER = 'M8 5.2l2.4 1.4v2.8L8 10.8 5.6 9.4V6.6Z'

/** The cell that stands for an event type: shape and colour both tell, so neither has to. */
export function TypeGlyph({ type, isError = false }: { readonly type: string; readonly isError?: boolean }): JSX.Element {
  return (
    <svg class={`glyph type-${toKnownType(type)}${isError ? ' is-error' : ''}`} viewBox="0 0 16 16" aria-hidden="true">
      <path class="outer" d={OUTER} />
      <path class="inner" d={INNER} />
    </svg>
  )
}

/** A project's cell, in its colour. */
export function TenantCell({ colour, isLive = false }: { readonly colour: string; readonly isLive?: boolean }): JSX.Element {
  return (
    <svg class={`tenant-cell${isLive ? ' is-live' : ''}`} viewBox="0 0 16 16" aria-hidden="true" style={{ color: `var(${colour})` }}>
      <path d={OUTER} fill="currentColor" />
    </svg>
  )
}

/** The mark of the page: seven cells, the middle one filled. */
export function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M16 1.5 28.6 8.7v14.6L16 30.5 3.4 23.3V8.7Z" fill="currentColor" />
      <path d="M16 9.5l5.6 3.2v6.6L16 22.5l-5.6-3.2v-6.6Z" class="mark-core" />
    </svg>
  )
}

/** The event types the page knows by shape; every other one looks like `generic`. */
export const EVENT_TYPES = ['model', 'tool', 'chain', 'session', 'generic'] as const

/** The type as a CSS name. */
export function toKnownType(type: string): string {
  return (EVENT_TYPES as readonly string[]).includes(type) ? type : 'generic'
}

const ICONS = {
  link: 'M6.5 9.5 9.5 6.5M7 4.5 8.8 2.7a3.2 3.2 0 0 1 4.5 4.5L11.5 9M9 11.5l-1.8 1.8a3.2 3.2 0 0 1-4.5-4.5L4.5 7',
  copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8Z',
  sun: 'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM8 1v2M8 13v2M1 8h2M13 8h2M3 3l1.4 1.4M11.6 11.6 13 13M13 3l-1.4 1.4M4.4 11.6 3 13',
  moon: 'M13.5 9.5A6 6 0 1 1 6.5 2.5a4.8 4.8 0 0 0 7 7Z',
  auto: 'M8 1.5a6.5 6.5 0 1 0 0 13V1.5Zm0 0a6.5 6.5 0 0 1 0 13',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM10.5 10.5 14 14',
  chevron: 'M6 3.5 10.5 8 6 12.5',
  close: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  check: 'M3 8.5 6.5 12 13 4.5',
  thumb: 'M5 7v6.5H2.5V7H5Zm0 0 3-5c1.2 0 1.7.8 1.5 1.8L9 6.5h3.7c.8 0 1.3.7 1.1 1.5l-1.2 4.4c-.2.7-.7 1.1-1.4 1.1H5',
  bin: 'M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.6 9h5.8l.6-9M7 7v4M9 7v4',
  add: 'M8 3v10M3 8h10',
  save: 'M8 2v8M5 7.5 8 10.5l3-3M3 13.5h10',
  out: 'M6 3H3v10h10v-3M9 3h4v4M13 3 7.5 8.5',
} as const

/** A line icon; its meaning is said in text by whoever uses it. */
export function Icon({ name }: { readonly name: keyof typeof ICONS }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={ICONS[name]} />
    </svg>
  )
}
