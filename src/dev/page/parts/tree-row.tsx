import type { JSX } from 'preact'
import { toCount, toDuration } from '../model/format.js'
import type { TreeNode } from '../model/tree.js'
import { Icon, TypeGlyph, toKnownType } from './glyph.js'
import type { Extent } from './waterfall.js'

const INDENT = 14
const MAX_INDENTS = 18
const MIN_BAR_PERCENT = 0.15

interface TreeRowProps {
  readonly node: TreeNode
  readonly top: number
  readonly isParent: boolean
  /** How many events a fold hides; 0 when unfolded. */
  readonly hidden: number
  readonly isSelected: boolean
  readonly isTabStop: boolean
  readonly isMatch: boolean
  readonly isFaded: boolean
  readonly range: Extent
  readonly onSelect: () => void
  readonly onToggle: () => void
}

/** One event: name at its depth on the left, its bar in time on the right. */
export function TreeRow(props: TreeRowProps): JSX.Element {
  const { node, top, isParent, hidden, isSelected, isTabStop, range, onSelect, onToggle } = props
  const { row } = node
  const isOrigin = row.error !== null && node.errors === 1
  const classes = [
    'tree-row',
    isSelected && 'is-selected',
    props.isMatch && 'is-match',
    props.isFaded && 'is-faded',
    row.error !== null && 'has-error',
    isOrigin && 'is-origin',
  ]
    .filter(Boolean)
    .join(' ')
  const level = Math.min(node.depth, MAX_INDENTS)
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree around it listens to keys
    <div
      class={classes}
      role="treeitem"
      data-event={row.id}
      aria-level={node.depth + 1}
      aria-setsize={node.siblings}
      aria-posinset={node.position}
      aria-selected={isSelected}
      aria-expanded={isParent ? hidden === 0 : undefined}
      tabIndex={isTabStop ? 0 : -1}
      style={{ transform: `translateY(${top}px)` }}
      onClick={onSelect}
    >
      <span class="tree-name">
        <span class="tree-guides" style={{ width: `${level * INDENT}px` }} />
        {isParent ? (
          <button
            type="button"
            class={`tree-fold${hidden > 0 ? ' is-folded' : ''}`}
            tabIndex={-1}
            aria-hidden="true"
            onClick={(event) => {
              event.stopPropagation()
              onToggle()
            }}
          >
            <Icon name="chevron" />
          </button>
        ) : (
          <span class="tree-fold" />
        )}
        <TypeGlyph type={row.type} isError={row.error !== null} />
        <span class="tree-label">{row.name}</span>
        <span class="sr">{row.error === null ? row.type : `${row.type}, failed`}</span>
        {hidden > 0 && <span class="tree-hidden mono">+{toCount(hidden)}</span>}
        {row.error === null && hidden > 0 && node.errors > 0 && <span class="dot is-bad" title={`${node.errors} errors inside`} />}
        {row.links > 0 && (
          <span class="tree-links" title={`${row.links} link${row.links === 1 ? '' : 's'} to other traces`}>
            <Icon name="link" />
          </span>
        )}
        <span class="tree-extra">{row.model ?? ''}</span>
        {row.totalTokens > 0 && <span class="tree-tokens mono">{toCount(row.totalTokens)}</span>}
      </span>
      <Bar node={node} range={range} />
    </div>
  )
}

function Bar({ node, range }: { readonly node: TreeNode; readonly range: Extent }): JSX.Element {
  const { row } = node
  const span = range.to - range.from
  const left = ((row.startMs - range.from) / span) * 100
  const right = left + (row.durationMs / span) * 100
  const from = Math.max(0, left)
  const width = Math.max(MIN_BAR_PERCENT, Math.min(100, right) - from)
  const isInside = right >= 0 && left <= 100
  return (
    <span class="tree-time">
      {isInside && (
        <span class="tree-scale">
          <span class={`tree-bar type-${toKnownType(row.type)}`} style={{ left: `${from}%`, width: `${width}%` }} />
          <span class="tree-duration mono" style={{ left: `${from + width}%` }}>
            {toDuration(row.durationMs)}
          </span>
        </span>
      )}
    </span>
  )
}
