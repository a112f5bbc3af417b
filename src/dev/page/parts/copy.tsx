import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { Icon } from './glyph.js'

const SHOWN_MS = 1200

/** Copies text to the clipboard and says so for a moment. */
export function CopyButton({ text, label }: { readonly text: string | (() => string); readonly label: string }): JSX.Element {
  const [result, setResult] = useState<'idle' | 'copied' | 'refused'>('idle')
  const copy = async (): Promise<void> => {
    const value = typeof text === 'string' ? text : text()
    await navigator.clipboard.writeText(value).then(
      () => setResult('copied'),
      () => setResult('refused'),
    )
    setTimeout(() => setResult('idle'), SHOWN_MS)
  }
  const title = result === 'idle' ? label : result === 'copied' ? 'Copied' : 'The browser refused'
  return (
    <button type="button" class={`icon-button copy is-${result}`} title={title} aria-label={title} onClick={copy}>
      <Icon name={result === 'copied' ? 'check' : 'copy'} />
    </button>
  )
}
