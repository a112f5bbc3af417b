import type { RefObject } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

/** What to call for a key, by `KeyboardEvent.key`. Two keys after one another are written `g s`. */
export type KeyMap = Readonly<Record<string, (event: KeyboardEvent) => void>>

const SEQUENCE_MS = 900

/** Listens to keys for as long as the component lives; keys typed into a field, or with a modifier, stay there. */
export function useKeys(keys: KeyMap): void {
  const latest = useRef(keys)
  latest.current = keys
  // With what is shown, not after it: a key is for what its reader sees.
  useLayoutEffect(() => {
    let last = { key: '', atMs: 0 }
    const listen = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
      if (isTyping(event.target) && event.key !== 'Escape') return
      // What lies behind a dialog is out of reach; only the key that opened the help closes it too.
      if (event.key !== '?' && document.querySelector('dialog:modal') !== null) return
      const isSequence = event.timeStamp - last.atMs < SEQUENCE_MS
      const action = (isSequence ? latest.current[`${last.key} ${event.key}`] : undefined) ?? latest.current[event.key]
      const isPrefix = isSequence && last.key === 'g'
      last = { key: event.key, atMs: event.timeStamp }
      if (!action || (isPrefix && !latest.current[`g ${event.key}`])) return
      event.preventDefault()
      action(event)
    }
    document.addEventListener('keydown', listen)
    return () => document.removeEventListener('keydown', listen)
  }, [])
}

/** Whether keys belong to the element: a field, a list of choices. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}

/** `j`, `k` and the arrows move the focus among the elements marked `data-row` inside `container`; `/` goes to its search field. */
export function useRowKeys(container: RefObject<HTMLElement>): void {
  const move = (step: number): void => {
    const rows = [...(container.current?.querySelectorAll<HTMLElement>('[data-row]') ?? [])]
    const at = rows.indexOf(document.activeElement as HTMLElement)
    const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + step))]
    next?.focus()
    next?.closest('tr')?.scrollIntoView({ block: 'nearest' })
  }
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    '/': () => focusSearch(container),
  })
}

function focusSearch(container: RefObject<HTMLElement>): void {
  const field = container.current?.querySelector<HTMLInputElement>('input[type=search]')
  field?.focus()
  field?.select()
}
