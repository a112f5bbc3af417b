import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { toWordDiff } from '../model/word-diff.js'
import { LongText } from './json-view.js'

/** A text with what it has that another had not, and what it has no more. */
export function WordDiff({ before, after }: { readonly before: string; readonly after: string }): JSX.Element {
  const parts = useMemo(() => toWordDiff(before, after), [before, after])
  if (parts === null)
    return (
      <p class="plain">
        <LongText text={after} max={4000} />
      </p>
    )
  return (
    <p class="plain word-diff">
      {parts.map(({ text, kind }, index) => {
        if (kind === 'same') return <span key={index}>{text}</span>
        return kind === 'added' ? <ins key={index}>{text}</ins> : <del key={index}>{text}</del>
      })}
    </p>
  )
}
