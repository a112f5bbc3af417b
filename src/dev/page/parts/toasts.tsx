import type { JSX } from 'preact'
import { useKeys } from '../model/keys.js'
import { dismiss, takeBack, useToasts } from '../model/toasts.js'
import { Icon } from './glyph.js'

/** What was just done, with the way back. */
export function Toasts(): JSX.Element {
  const toasts = useToasts()
  useKeys({ u: () => void takeBack() })
  return (
    <div class="toasts" role="status">
      {toasts.map((toast) => (
        <p key={toast.id} class={toast.isBad ? 'toast is-bad' : 'toast'}>
          <span>{toast.text}</span>
          {toast.undo !== undefined && (
            <button type="button" class="button" onClick={() => void takeBack(toast)} title="Undo (u)">
              Undo
            </button>
          )}
          <button type="button" class="icon-button" aria-label="Close the message" onClick={() => dismiss(toast.id)}>
            <Icon name="close" />
          </button>
        </p>
      ))}
    </div>
  )
}
