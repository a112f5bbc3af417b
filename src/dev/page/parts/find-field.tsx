import type { JSX, RefObject } from 'preact'
import type { TreeNode } from '../model/tree.js'
import { Icon } from './glyph.js'

interface FindProps {
  readonly field: RefObject<HTMLInputElement>
  readonly text: string
  readonly isLooking: boolean
  readonly matches: readonly number[]
  readonly at: number
  readonly onText: (text: string) => void
  readonly onStep: (by: number) => void
}

/** Finds events in a session; empty, it counts the errors and steps through them. */
export function FindField({ field, text, isLooking, matches, at, onText, onStep }: FindProps): JSX.Element {
  const press = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter') return
    event.preventDefault()
    onStep(event.shiftKey ? -1 : 1)
  }
  const noun = text === '' ? 'error' : 'match'
  return (
    <div class="find">
      <Icon name="search" />
      <input
        ref={field}
        type="search"
        class="field"
        aria-label="Find in names, types, models, inputs and outputs"
        placeholder="Find in this session"
        spellcheck={false}
        value={text}
        onInput={(event) => onText(event.currentTarget.value)}
        onKeyDown={press}
      />
      {(text !== '' || matches.length > 0) && (
        <button
          type="button"
          class={`find-count mono${noun === 'error' ? ' is-bad' : ''}`}
          onClick={() => onStep(1)}
          title="Next (n)"
          disabled={matches.length === 0}
        >
          {at >= 0 ? `${at + 1} of ` : ''}
          {matches.length}
          {isLooking ? '…' : ''} {matches.length === 1 ? noun : noun === 'match' ? 'matches' : 'errors'}
        </button>
      )}
    </div>
  )
}

/** Nodes that match the text by name, type, model or error, or are among those that hold it `inside`; without text those that failed. */
export function toMatches(nodes: readonly TreeNode[], text: string, inside: { has(id: string): boolean } = new Set()): readonly number[] {
  const wanted = text.trim().toLowerCase()
  const isMatch = (node: TreeNode): boolean =>
    wanted === ''
      ? node.row.error !== null
      : inside.has(node.row.id) ||
        `${node.row.name} ${node.row.type} ${node.row.model ?? ''} ${node.row.error ?? ''}`.toLowerCase().includes(wanted)
  const found: number[] = []
  nodes.forEach((node, at) => {
    if (isMatch(node)) found.push(at)
  })
  return found
}

/** The match after (or before) a node, going round at the end. */
export function toNextMatch(matches: readonly number[], from: number, by: number): number | undefined {
  if (by > 0) return matches.find((match) => match > from) ?? matches[0]
  return matches.findLast((match) => match < from) ?? matches.at(-1)
}
