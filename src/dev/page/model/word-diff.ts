import { diffWordsWithSpace } from 'diff'

/** A stretch of text that stayed, came or went. */
export interface DiffPart {
  readonly text: string
  readonly kind: 'same' | 'added' | 'removed'
}

/** Texts longer than this are not set against each other: it would hold up the page. */
const MOST_CHARS = 20_000
const MOST_MS = 500
/** Of the shorter text; with less in common, one text is not the other one changed. */
const LEAST_KEPT = 0.3

/** What changed from one text to another, word by word; null where they are too long or too different to tell. */
export function toWordDiff(before: string, after: string): readonly DiffPart[] | null {
  if (before.length > MOST_CHARS || after.length > MOST_CHARS) return null
  const changes = diffWordsWithSpace(before, after, { timeout: MOST_MS })
  if (changes === undefined) return null
  const kept = changes.reduce((sum, { value, added, removed }) => (added || removed ? sum : sum + countLetters(value)), 0)
  if (kept < LEAST_KEPT * Math.min(countLetters(before), countLetters(after)))
    return [
      { text: before, kind: 'removed' },
      { text: `\n\n${after}`, kind: 'added' },
    ]
  return changes.map(({ value, added, removed }) => ({ text: value, kind: added ? 'added' : removed ? 'removed' : 'same' }))
}

function countLetters(text: string): number {
  return text.replace(/\s/g, '').length
}

/** What a run gave as text: the text itself when it is nothing else, or its JSON. */
export function toOutputText(outputs: Readonly<Record<string, unknown>>): string {
  const values = Object.values(outputs)
  const [only] = values
  if (values.length === 1 && typeof only === 'string') return only
  const { content } = outputs
  if (typeof content === 'string' && content !== '') return content
  return values.length === 0 ? '' : JSON.stringify(outputs, null, 2)
}
