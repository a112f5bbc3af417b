import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { toPath } from '../model/api.js'

interface MenuProps {
  readonly label: string
  readonly children: ComponentChildren
}

/** A button with a few things to choose from below it; closes by a choice, by escape and by a click elsewhere. */
export function Menu({ label, children }: MenuProps): JSX.Element {
  const box = useRef<HTMLDetailsElement>(null)
  useEffect(() => {
    const close = (event: Event): void => {
      const details = box.current
      if (!details?.open || (event.type === 'click' && details.querySelector('summary')?.contains(event.target as Node))) return
      if (event instanceof KeyboardEvent) {
        if (event.key !== 'Escape') return
        // The view behind it has its own use for the key.
        event.stopImmediatePropagation()
        details.querySelector('summary')?.focus()
      }
      details.open = false
    }
    addEventListener('click', close)
    addEventListener('keydown', close, true)
    return () => {
      removeEventListener('click', close)
      removeEventListener('keydown', close, true)
    }
  }, [])
  return (
    <details class="menu" ref={box}>
      <summary class="button">{label}</summary>
      <div class="menu-body">{children}</div>
    </details>
  )
}

const FORMS = {
  json: 'JSON',
  jsonl: 'JSON lines',
  csv: 'CSV',
  otlp: 'OTLP, for honeyhive-tracer import',
} as const

interface ExportProps {
  /** Path of the API. */
  readonly path: string
  readonly query: Readonly<Record<string, string | null>>
  readonly forms?: readonly (keyof typeof FORMS)[]
  readonly label?: string
}

/** Files of what is shown. */
export function ExportMenu({ path, query, forms = ['json', 'jsonl', 'csv', 'otlp'], label = 'Export' }: ExportProps): JSX.Element {
  return (
    <Menu label={label}>
      {forms.map((format) => (
        <a key={format} href={toPath(path, { ...query, format })} download>
          {FORMS[format]}
        </a>
      ))}
    </Menu>
  )
}
