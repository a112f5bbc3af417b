import type { JSX } from 'preact'
import { useMemo, useRef, useState } from 'preact/hooks'
import { toDuration, toTicks } from '../model/format.js'
import type { Find } from '../model/find.js'
import { useKeys } from '../model/keys.js'
import type { TreeNode } from '../model/tree.js'
import { FindField, toMatches, toNextMatch } from './find-field.js'
import { Icon } from './glyph.js'
import { Minimap } from './minimap.js'
import { ROW_HEIGHT, toPageSize, toShown, useReveal, useRowWindow } from './row-window.js'
import { readWidth, Splitter } from './splitter.js'
import { useTreeChoice } from './tree-choice.js'
import { TreeRow } from './tree-row.js'

const NAME_WIDTH = 380
const TICKS = 6

/** A stretch of time in Unix milliseconds. */
export interface Extent {
  readonly from: number
  readonly to: number
}
interface WaterfallProps {
  readonly nodes: readonly TreeNode[]
  readonly extent: Extent
  readonly selected: string | null
  readonly find: Find
  readonly onSelect: (id: string) => void
  readonly onClose: () => void
}

/** The tree of events beside their times. Only rows in sight exist in the document, however many events there are. */
export function Waterfall({ nodes, extent, selected, find, onSelect, onClose }: WaterfallProps): JSX.Element {
  const choice = useTreeChoice(nodes, selected, onSelect)
  const { visible, at, selectedNode, folded } = choice
  const [zoom, setZoom] = useState<Extent | null>(null)
  const { text, setText, inside } = find
  const [nameWidth, setNameWidth] = useState(() => readWidth('names', NAME_WIDTH))
  const rows = useMemo(() => nodes.map((node) => node.row), [nodes])
  const matches = useMemo(() => toMatches(nodes, text, inside), [nodes, text, inside])
  const matched = useMemo(() => new Set(matches), [matches])
  const box = useRef<HTMLDivElement>(null)
  const field = useRef<HTMLInputElement>(null)
  const range = zoom ?? extent
  const view = useRowWindow(box, visible.length)
  useReveal(box, at, selected, choice.wantsFocus)

  const stepMatch = (by: number): void => {
    const next = toNextMatch(matches, selectedNode, by)
    if (next !== undefined) choice.select(next, { focus: document.activeElement !== field.current })
  }
  const zoomToSelected = (): void => {
    const row = nodes[selectedNode]?.row
    setZoom(zoom || !row ? null : padded(row.startMs, row.startMs + row.durationMs, extent))
  }
  useKeys({
    j: () => choice.step(1),
    k: () => choice.step(-1),
    n: () => stepMatch(1),
    N: () => stepMatch(-1),
    f: choice.foldAll,
    z: zoomToSelected,
    '/': () => field.current?.focus(),
    Escape: (event) => leave(event, zoom !== null, () => setZoom(null), onClose),
  })
  const press = toPress({
    ArrowDown: () => choice.step(1),
    ArrowUp: () => choice.step(-1),
    PageDown: () => choice.step(toPageSize(view)),
    PageUp: () => choice.step(-toPageSize(view)),
    Home: () => choice.step(-visible.length),
    End: () => choice.step(visible.length),
    ArrowLeft: choice.fold,
    ArrowRight: choice.unfold,
    Enter: focusDetail,
  })
  const ticks = toTicks(range.from - extent.from, range.to - extent.from, TICKS)
  const shown = toShown(visible, view, at)
  return (
    <section class="waterfall" aria-label="Events" style={{ '--name-width': `${nameWidth}px` }}>
      <div class="waterfall-bar">
        <FindField
          field={field}
          text={text}
          isLooking={find.isLooking}
          matches={matches}
          at={matches.indexOf(selectedNode)}
          onText={setText}
          onStep={stepMatch}
        />
        <button type="button" class="toggle" aria-pressed={folded.size > 0} onClick={choice.foldAll} title="Fold or unfold all (f)">
          {folded.size > 0 ? 'Unfold all' : 'Fold all'}
        </button>
        {zoom && (
          <button type="button" class="toggle" aria-pressed="true" onClick={() => setZoom(null)} title="Show the whole session (z)">
            {toDuration(zoom.to - zoom.from)} shown
            <Icon name="close" />
          </button>
        )}
      </div>
      <Minimap rows={rows} extent={extent} zoom={zoom} onZoom={setZoom} />
      <div class="waterfall-axis" aria-hidden="true">
        {ticks.map((tick) => (
          <span key={tick} class="mono" style={{ left: `${toShare(extent.from + tick, range)}%` }}>
            {toDuration(tick)}
          </span>
        ))}
      </div>
      <div class="waterfall-grid" aria-hidden="true">
        {ticks.map((tick) => (
          <span key={tick} style={{ left: `${toShare(extent.from + tick, range)}%` }} />
        ))}
      </div>
      <Splitter name="names" label="Width of the names" width={nameWidth} min={180} max={700} direction={1} onWidth={setNameWidth} />
      <div class="waterfall-rows" ref={box} role="tree" aria-label="Events of the session" tabIndex={-1} onKeyDown={press}>
        <div class="waterfall-canvas" role="none" style={{ height: `${visible.length * ROW_HEIGHT}px` }}>
          {shown.map((row) => {
            const nodeIndex = visible[row] ?? -1
            const node = nodes[nodeIndex]
            if (!node) return null
            return (
              <TreeRow
                key={node.row.id}
                node={node}
                top={row * ROW_HEIGHT}
                isParent={node.end > nodeIndex + 1}
                hidden={folded.has(node.row.id) ? node.end - nodeIndex - 1 : 0}
                isSelected={nodeIndex === selectedNode}
                isTabStop={nodeIndex === selectedNode || (at < 0 && row === 0)}
                isMatch={text !== '' && matched.has(nodeIndex)}
                isFaded={text !== '' && !matched.has(nodeIndex)}
                range={range}
                onSelect={() => choice.select(nodeIndex)}
                onToggle={() => choice.toggle(node.row.id)}
              />
            )
          })}
        </div>
      </div>
    </section>
  )
}

/** Where a time stands in a stretch, in percent. */
export function toShare(ms: number, range: Extent): number {
  return ((ms - range.from) / (range.to - range.from)) * 100
}

function padded(from: number, to: number, extent: Extent): Extent {
  const pad = Math.max((to - from) * 0.08, (extent.to - extent.from) * 1e-6, 1e-3)
  return { from: Math.max(extent.from, from - pad), to: Math.min(extent.to, to + pad) }
}

/** Keys of the tree itself; they reach it only from inside. */
function toPress(keys: Readonly<Record<string, () => void>>): (event: KeyboardEvent) => void {
  return (event) => {
    const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key]
    if (!action) return
    event.preventDefault()
    action()
  }
}

function focusDetail(): void {
  document.querySelector<HTMLElement>('.event-pane')?.focus()
}

function leave(event: KeyboardEvent, isZoomed: boolean, unzoom: () => void, close: () => void): void {
  const target = event.target
  if (target instanceof HTMLElement && (target.tagName === 'INPUT' || target.closest('.event-pane'))) {
    target.blur()
    document.querySelector<HTMLElement>('.waterfall-rows [tabindex="0"]')?.focus()
    return
  }
  if (isZoomed) unzoom()
  else close()
}
