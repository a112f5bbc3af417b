import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { type TreeNode, toVisible } from '../model/tree.js'

/** What is chosen and folded in a tree of events, and the ways to change it. */
export interface TreeChoice {
  readonly folded: ReadonlySet<string>
  /** Indexes of the nodes that are not below a fold. */
  readonly visible: readonly number[]
  /** Index of the chosen node, -1 for none. */
  readonly selectedNode: number
  /** Row of the chosen node, -1 when it is not in sight. */
  readonly at: number
  /** Whether the next choice to be shown also takes the focus. */
  readonly wantsFocus: { current: boolean }
  readonly select: (node: number, options?: { readonly focus?: boolean }) => void
  readonly toggle: (id: string) => void
  readonly step: (by: number) => void
  readonly foldAll: () => void
  /** Folds the chosen node, or goes to its parent. */
  readonly fold: () => void
  /** Unfolds the chosen node, or goes to its first child. */
  readonly unfold: () => void
}

/** Keeps the choice visible: a fold above it moves it up, a choice below a fold opens the fold. */
export function useTreeChoice(nodes: readonly TreeNode[], selected: string | null, onSelect: (id: string) => void): TreeChoice {
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set())
  const visible = useMemo(() => toVisible(nodes, folded), [nodes, folded])
  const index = useMemo(() => new Map(nodes.map((node, at) => [node.row.id, at])), [nodes])
  const rowOf = useMemo(() => new Map(visible.map((node, row) => [node, row])), [visible])
  const selectedNode = selected === null ? -1 : (index.get(selected) ?? -1)
  const at = rowOf.get(selectedNode) ?? -1
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
  const toggle = (id: string): void => setFolded((old) => toToggled(old, id))
  useEffect(() => {
    if (selectedNode >= 0 && at < 0) setFolded((old) => withoutAncestors(old, nodes, selectedNode))
  }, [selected, nodes])
  useEffect(() => {
    const ancestor = at < 0 ? toVisibleAncestor(nodes, rowOf, selectedNode) : -1
    if (ancestor >= 0) select(ancestor)
  }, [folded])
  const node = nodes[selectedNode]
  const isParent = node !== undefined && node.end > selectedNode + 1
  const isFolded = node !== undefined && folded.has(node.row.id)
  return {
    folded,
    visible,
    selectedNode,
    at,
    wantsFocus,
    select,
    toggle,
    step: (by) => select(visible[at < 0 ? 0 : Math.min(visible.length - 1, Math.max(0, at + by))] ?? -1),
    foldAll: () => setFolded((old) => (old.size > 0 ? new Set() : toFoldable(nodes))),
    fold: () => (node && isParent && !isFolded ? toggle(node.row.id) : select(node?.parent ?? -1)),
    unfold: () => (node && isFolded ? toggle(node.row.id) : isParent ? select(selectedNode + 1) : undefined),
  }
}

function toVisibleAncestor(nodes: readonly TreeNode[], rowOf: ReadonlyMap<number, number>, from: number): number {
  let at = from
  while (at >= 0 && !rowOf.has(at)) at = nodes[at]?.parent ?? -1
  return at
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
