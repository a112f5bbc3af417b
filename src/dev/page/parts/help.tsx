import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

const KEYS: readonly { readonly title: string; readonly keys: readonly (readonly [string, string])[] }[] = [
  {
    title: 'Everywhere',
    keys: [
      ['?', 'this help'],
      ['/', 'search or find'],
      ['j  k', 'next, previous row'],
      ['enter', 'open the row'],
      ['esc', 'leave the field, close, go back'],
      ['g s', 'sessions'],
      ['g r', 'runs'],
      ['g a', 'data sets'],
      ['g t', 'trends'],
      ['g d', 'losses'],
      ['g p', 'processes'],
      ['[  ]', 'previous, next project'],
      ['p', 'find a project'],
      ['u', 'undo'],
      ['T', 'theme'],
    ],
  },
  {
    title: 'Session',
    keys: [
      ['↑ ↓', 'previous, next event'],
      ['→', 'unfold, then first child'],
      ['←', 'fold, then parent'],
      ['home end', 'first, last event'],
      ['n  N', 'next, previous match or error'],
      ['f', 'fold or unfold all'],
      ['v', 'events or conversation'],
      ['z', 'zoom to the event; again for all'],
      ['enter', 'into the details'],
    ],
  },
  {
    title: 'Process',
    keys: [
      ['← →', 'previous, next event of the lane'],
      ['↑ ↓', 'other lane, nearest event'],
      ['+  −  0', 'zoom in, out, all'],
      ['l', 'other end of the link'],
      ['enter', 'open the event'],
    ],
  },
]

/** The list of keys, over the page until closed. */
export function Help({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the dialog itself closes on escape
    <dialog
      ref={dialog}
      class="help"
      aria-labelledby="help-title"
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <header>
        <h2 id="help-title">Keyboard</h2>
        <button type="button" class="button" onClick={onClose}>
          Close
        </button>
      </header>
      <div class="help-groups">
        {KEYS.map((group) => (
          <section key={group.title}>
            <h3>{group.title}</h3>
            <dl>
              {group.keys.map(([key, meaning]) => (
                <div key={key}>
                  <dt>
                    {key.split(/ {2}/).map((one) => (
                      <kbd key={one}>{one}</kbd>
                    ))}
                  </dt>
                  <dd>{meaning}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </dialog>
  )
}
