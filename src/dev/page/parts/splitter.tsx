import type { JSX } from 'preact'
import { readSetting, writeSetting } from '../model/settings.js'

const KEY_STEP = 24

/** A width that the user chose before, in pixels. */
export function readWidth(name: string, fallback: number): number {
  const width = Number(readSetting(name))
  return Number.isFinite(width) && width > 0 ? width : fallback
}

interface SplitterProps {
  readonly name: string
  readonly label: string
  readonly width: number
  readonly min: number
  readonly max: number
  /** 1 when moving right widens the pane, -1 when it narrows it. */
  readonly direction: 1 | -1
  readonly onWidth: (width: number) => void
}

/** The bar between two panes: drag it, or move it with the arrows. */
export function Splitter({ name, label, width, min, max, direction, onWidth }: SplitterProps): JSX.Element {
  const set = (next: number): void => {
    const fitted = Math.round(Math.min(max, Math.max(min, next)))
    writeSetting(name, String(fitted))
    onWidth(fitted)
  }
  const drag = (start: PointerEvent): void => {
    const bar = start.currentTarget as HTMLElement
    bar.setPointerCapture(start.pointerId)
    const move = (event: PointerEvent): void => set(width + (event.clientX - start.clientX) * direction)
    bar.addEventListener('pointermove', move)
    bar.addEventListener('lostpointercapture', () => bar.removeEventListener('pointermove', move), { once: true })
  }
  const press = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowRight' ? KEY_STEP : event.key === 'ArrowLeft' ? -KEY_STEP : 0
    if (step === 0) return
    event.preventDefault()
    set(width + step * direction)
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a movable separator is a widget; hr is not one
    <div
      class="splitter"
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={width}
      aria-valuemin={min}
      aria-valuemax={max}
      tabIndex={0}
      onPointerDown={drag}
      onKeyDown={press}
    />
  )
}
