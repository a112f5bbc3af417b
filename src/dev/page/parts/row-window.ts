import type { RefObject } from 'preact'
import { useLayoutEffect, useState } from 'preact/hooks'

/** Height of one row in pixels; the style sheet holds the same number. */
export const ROW_HEIGHT = 26
const OVERSCAN = 12

/** Rows that exist in the document. */
export interface RowWindow {
  readonly first: number
  readonly count: number
}

/** Which rows are in sight of the scrolling box. */
export function useRowWindow(box: RefObject<HTMLDivElement>, total: number): RowWindow {
  const [view, setView] = useState<RowWindow>({ first: 0, count: 60 })
  useLayoutEffect(() => {
    const element = box.current
    if (!element) return
    const measure = (): void => {
      const first = Math.max(0, Math.floor(element.scrollTop / ROW_HEIGHT) - OVERSCAN)
      const count = Math.ceil(element.clientHeight / ROW_HEIGHT) + OVERSCAN * 2
      setView((old) => (old.first === first && old.count === count ? old : { first, count }))
    }
    measure()
    element.addEventListener('scroll', measure, { passive: true })
    const watcher = new ResizeObserver(measure)
    watcher.observe(element)
    return () => {
      element.removeEventListener('scroll', measure)
      watcher.disconnect()
    }
  }, [total])
  return view
}

/** Rows to render: those in sight, and the chosen one so that the focus never falls off the document. */
export function toShown(visible: readonly number[], view: RowWindow, at: number): readonly number[] {
  const last = Math.min(visible.length, view.first + view.count)
  const rows = Array.from({ length: Math.max(0, last - view.first) }, (_, offset) => view.first + offset)
  return at >= 0 && (at < view.first || at >= last) ? [...rows, at] : rows
}

/** Scrolls the chosen row into sight, and gives it the focus when it was chosen by key or mouse. */
export function useReveal(box: RefObject<HTMLDivElement>, at: number, selected: string | null, wantsFocus: { current: boolean }): void {
  useLayoutEffect(() => {
    const element = box.current
    if (!element || at < 0) return
    const top = at * ROW_HEIGHT
    if (top < element.scrollTop) element.scrollTop = top - ROW_HEIGHT
    else if (top + ROW_HEIGHT > element.scrollTop + element.clientHeight) element.scrollTop = top - element.clientHeight + ROW_HEIGHT * 2
    if (!wantsFocus.current) return
    wantsFocus.current = false
    element.querySelector<HTMLElement>('[aria-selected=true]')?.focus({ preventScroll: true })
  }, [selected])
}

/** Rows that fit into sight, less one that stays as a landmark. */
export function toPageSize(view: RowWindow): number {
  return Math.max(1, view.count - OVERSCAN * 2 - 2)
}
