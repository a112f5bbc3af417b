import type { JSX, RefObject } from 'preact'
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { toDuration, toTicks } from '../model/format.js'
import { useKeys } from '../model/keys.js'
import { type TreeNode, toVisible } from '../model/tree.js'
import { Icon } from './glyph.js'
import { Minimap } from './minimap.js'
import { readWidth, Splitter } from './splitter.js'
import { TreeRow } from './tree-row.js'

/** Height of one row in pixels; the style sheet holds the same number. */
export const ROW_HEIGHT = 26
const OVERSCAN = 12
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
  readonly onSelect: (id: string) => void
  readonly onClose: () => void
}

/** The tree of events beside their times. Only rows in sight exist in the document, however many events there are. */
export function Waterfall({ nodes, extent, selected, onSelect, onClose }: WaterfallProps): JSX.Element {
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set())
  const [zoom, setZoom] = useState<Extent | null>(null)
  const [text, setText] = useState('')
  const [nameWidth, setNameWidth] = useState(() => readWidth('names', NAME_WIDTH))
  const visible = useMemo(() => toVisible(nodes, folded), [nodes, folded])
  const index = useMemo(() => new Map(nodes.map((node, at) => [node.row.id, at])), [nodes])
  const rows = useMemo(() => nodes.map((node) => node.row), [nodes])
  const matches = useMemo(() => toMatches(nodes, text), [nodes, text])
  const matched = useMemo(() => new Set(matches), [matches])
  const box = useRef<HTMLDivElement>(null)
  const find = useRef<HTMLInputElement>(null)
  const range = zoom ?? extent
  const selectedNode = selected === null ? -1 : (index.get(selected) ?? -1)
  const rowOf = useMemo(() => new Map(visible.map((node, row) => [node, row])), [visible])
  const at = rowOf.get(selectedNode) ?? -1
  const view = useWindow(box, visible.length)
  const wantsFocus = useRef(false)

  const select = useCallback(
    (node: number, { focus = true } = {}): void => {
      const target = nodes[node]
      if (!target) return
      wantsFocus.current = focus
      setFolded((old) => withoutAncestors(old, nodes, node))
      onSelect(target.row.id)
    },
    [nodes, onSelect],
  )
  const toggle = useCallback((id: string): void => setFolded((old) => toToggled(old, id)), [])

  useReveal(box, at, selected, wantsFocus)
  useEffect(() => {
    // A fold above the chosen event takes the choice along, and a deep link opens what hides its event.
    if (selectedNode >= 0 && at < 0) setFolded((old) => withoutAncestors(old, nodes, selectedNode))
  }, [selected, nodes])

  const step = (by: number): void => {
    const next = visible[at < 0 ? 0 : Math.min(visible.length - 1, Math.max(0, at + by))]
    if (next !== undefined) select(next)
  }
  const stepMatch = (by: number): void => {
    const next = toNextMatch(matches, selectedNode, by)
    if (next !== undefined) select(next, { focus: document.activeElement !== find.current })
  }
  const foldAll = (): void => setFolded((old) => (old.size > 0 ? new Set() : toFoldable(nodes)))
  const fold = (): void => {
    const node = nodes[selectedNode]
    if (!node) return
    const isOpen = node.end > selectedNode + 1 && !folded.has(node.row.id)
    if (isOpen) setFolded((old) => new Set(old).add(node.row.id))
    else if (node.parent >= 0) select(node.parent)
  }
  const unfold = (): void => {
    const node = nodes[selectedNode]
    if (!node || node.end === selectedNode + 1) return
    if (folded.has(node.row.id)) toggle(node.row.id)
    else select(selectedNode + 1)
  }
  const zoomToSelected = (): void => {
    const row = nodes[selectedNode]?.row
    setZoom(zoom || !row ? null : padded(row.startMs, row.startMs + row.durationMs, extent))
  }
  const page = (): number => Math.max(1, view.count - OVERSCAN * 2 - 2)
  const onTree =
    (action: () => void) =>
    (event: KeyboardEvent): void => {
      if (isOutside(event, box)) return
      action()
    }
  useKeys({
    j: () => step(1),
    k: () => step(-1),
    n: () => stepMatch(1),
    N: () => stepMatch(-1),
    f: foldAll,
    z: zoomToSelected,
    '/': () => find.current?.focus(),
    Escape: (event) => leave(event, zoom !== null, () => setZoom(null), onClose),
  })
  const keys: Readonly<Record<string, () => void>> = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    PageDown: () => step(page()),
    PageUp: () => step(-page()),
    Home: () => step(-visible.length),
    End: () => step(visible.length),
    ArrowLeft: fold,
    ArrowRight: unfold,
    Enter: focusDetail,
  }
  const press = (event: KeyboardEvent): void => {
    const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key]
    if (!action) return
    event.preventDefault()
    onTree(action)(event)
  }
  const ticks = toTicks(range.from - extent.from, range.to - extent.from, TICKS)
  const shown = toShown(visible, view, at)
  return (
    <section class="waterfall" aria-label="Events" style={{ '--name-width': `${nameWidth}px` }}>
      <div class="waterfall-bar">
        <FindField field={find} text={text} matches={matches} at={matches.indexOf(selectedNode)} onText={setText} onStep={stepMatch} />
        <button type="button" class="toggle" aria-pressed={folded.size > 0} onClick={foldAll} title="Fold or unfold all (f)">
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
                onSelect={() => select(nodeIndex)}
                onToggle={() => toggle(node.row.id)}
              />
            )
          })}
        </div>
      </div>
    </section>
  )
}

interface FindProps {
  readonly field: RefObject<HTMLInputElement>
  readonly text: string
  readonly matches: readonly number[]
  readonly at: number
  readonly onText: (text: string) => void
  readonly onStep: (by: number) => void
}

function FindField({ field, text, matches, at, onText, onStep }: FindProps): JSX.Element {
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
        aria-label="Find an event by name, type or model"
        placeholder="Find an event"
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
          {matches.length} {matches.length === 1 ? noun : noun === 'match' ? 'matches' : 'errors'}
        </button>
      )}
    </div>
  )
}

interface WindowOfRows {
  readonly first: number
  readonly count: number
}

/** Which rows are in sight of the scrolling box. */
function useWindow(box: RefObject<HTMLDivElement>, total: number): WindowOfRows {
  const [view, setView] = useState<WindowOfRows>({ first: 0, count: 60 })
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
function toShown(visible: readonly number[], view: WindowOfRows, at: number): readonly number[] {
  const last = Math.min(visible.length, view.first + view.count)
  const rows = Array.from({ length: Math.max(0, last - view.first) }, (_, offset) => view.first + offset)
  return at >= 0 && (at < view.first || at >= last) ? [...rows, at] : rows
}

function useReveal(box: RefObject<HTMLDivElement>, at: number, selected: string | null, wantsFocus: { current: boolean }): void {
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

function toMatches(nodes: readonly TreeNode[], text: string): readonly number[] {
  const wanted = text.trim().toLowerCase()
  const isMatch = (node: TreeNode): boolean =>
    wanted === ''
      ? node.row.error !== null
      : `${node.row.name} ${node.row.type} ${node.row.model ?? ''} ${node.row.error ?? ''}`.toLowerCase().includes(wanted)
  const found: number[] = []
  nodes.forEach((node, at) => {
    if (isMatch(node)) found.push(at)
  })
  return found
}

function toNextMatch(matches: readonly number[], from: number, by: number): number | undefined {
  if (by > 0) return matches.find((match) => match > from) ?? matches[0]
  return matches.findLast((match) => match < from) ?? matches.at(-1)
}

function toFoldable(nodes: readonly TreeNode[]): ReadonlySet<string> {
  return new Set(nodes.filter((node, at) => node.depth > 0 && node.end > at + 1).map((node) => node.row.id))
}

function withoutAncestors(folded: ReadonlySet<string>, nodes: readonly TreeNode[], at: number): ReadonlySet<string> {
  const next = new Set(folded)
  for (let parent = nodes[nodes[at]?.parent ?? -1]; parent; parent = nodes[parent.parent]) next.delete(parent.row.id)
  return next.size === folded.size ? folded : next
}

function toToggled(folded: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(folded)
  if (!next.delete(id)) next.add(id)
  return next
}

/** Where a time stands in a stretch, in percent. */
export function toShare(ms: number, range: Extent): number {
  return ((ms - range.from) / (range.to - range.from)) * 100
}

function padded(from: number, to: number, extent: Extent): Extent {
  const pad = Math.max((to - from) * 0.08, (extent.to - extent.from) * 1e-6, 1e-3)
  return { from: Math.max(extent.from, from - pad), to: Math.min(extent.to, to + pad) }
}

function isOutside(event: KeyboardEvent, box: RefObject<HTMLDivElement>): boolean {
  return !(event.target instanceof Node && box.current?.contains(event.target))
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
