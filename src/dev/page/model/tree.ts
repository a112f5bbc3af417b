import type { EventRow } from '../../page-api/contract.js'

/** One event at its place in the tree; nodes stand in reading order, so a subtree is the slice up to `end`. */
export interface TreeNode {
  readonly row: EventRow
  readonly depth: number
  /** Index of the parent, -1 for a root. */
  readonly parent: number
  /** Index after the last descendant. */
  readonly end: number
  readonly position: number
  readonly siblings: number
  /** Errors in the node and below it. */
  readonly errors: number
}

type Draft = { -readonly [K in keyof TreeNode]: TreeNode[K] }

/** Orders events as a tree in reading order; events whose parent is absent, or is their own descendant, become roots. */
export function toTree(events: readonly EventRow[]): readonly TreeNode[] {
  const children = groupByParent(events)
  const nodes: Draft[] = []
  const seen = new Set<string>()
  const roots = children.get(null) ?? []
  addSubtrees(roots, children, seen, nodes)
  for (const event of events) if (!seen.has(event.id)) addSubtrees([event], children, seen, nodes)
  return nodes
}

function groupByParent(events: readonly EventRow[]): Map<string | null, EventRow[]> {
  const ids = new Set(events.map((event) => event.id))
  const children = new Map<string | null, EventRow[]>()
  for (const event of events) {
    const key = event.parentId !== null && event.parentId !== event.id && ids.has(event.parentId) ? event.parentId : null
    const list = children.get(key)
    if (list) list.push(event)
    else children.set(key, [event])
  }
  for (const list of children.values()) list.sort((a, b) => a.startMs - b.startMs)
  return children
}

interface Frame {
  readonly list: readonly EventRow[]
  readonly owner: number
  readonly depth: number
  next: number
}

function addSubtrees(roots: readonly EventRow[], children: Map<string | null, EventRow[]>, seen: Set<string>, nodes: Draft[]): void {
  const stack: Frame[] = [{ list: roots, owner: -1, depth: 0, next: 0 }]
  for (let frame = stack.at(-1); frame; frame = stack.at(-1)) {
    const row = frame.list[frame.next++]
    if (!row) {
      stack.pop()
      closeNode(nodes, frame.owner)
      continue
    }
    if (seen.has(row.id)) continue
    seen.add(row.id)
    const index = nodes.length
    const errors = row.error === null ? 0 : 1
    nodes.push({ row, depth: frame.depth, parent: frame.owner, end: index + 1, position: frame.next, siblings: frame.list.length, errors })
    stack.push({ list: children.get(row.id) ?? [], owner: index, depth: frame.depth + 1, next: 0 })
  }
}

function closeNode(nodes: Draft[], index: number): void {
  const node = nodes[index]
  if (!node) return
  node.end = nodes.length
  const parent = nodes[node.parent]
  if (parent) parent.errors += node.errors
}

/** Indexes of the nodes to show when the nodes with these ids are folded. */
export function toVisible(nodes: readonly TreeNode[], folded: ReadonlySet<string>): readonly number[] {
  const visible: number[] = []
  for (let index = 0; index < nodes.length; ) {
    const node = nodes[index]
    if (!node) break
    visible.push(index)
    index = folded.has(node.row.id) ? node.end : index + 1
  }
  return visible
}

/** Start of the first and end of the last event, in Unix milliseconds; never empty. */
export function toExtent(events: readonly EventRow[]): { readonly from: number; readonly to: number } {
  let from = Number.POSITIVE_INFINITY
  let to = Number.NEGATIVE_INFINITY
  for (const event of events) {
    from = Math.min(from, event.startMs)
    to = Math.max(to, event.startMs + event.durationMs)
  }
  if (!Number.isFinite(from)) return { from: 0, to: 1 }
  return { from, to: to > from ? to : from + 1 }
}

/**
 * A row for each event such that no two of a row overlap in time and a child stands below its parent.
 *
 * @returns rows by event id, and how many rows there are.
 */
export function toLanes(events: readonly EventRow[]): { readonly rows: ReadonlyMap<string, number>; readonly count: number } {
  const rows = new Map<string, number>()
  const freeFrom: number[] = []
  for (const event of [...events].sort((a, b) => a.startMs - b.startMs || b.durationMs - a.durationMs)) {
    let row = event.parentId === null ? 0 : (rows.get(event.parentId) ?? -1) + 1
    while ((freeFrom[row] ?? Number.NEGATIVE_INFINITY) > event.startMs) row++
    freeFrom[row] = event.startMs + event.durationMs
    rows.set(event.id, row)
  }
  return { rows, count: Math.max(1, freeFrom.length) }
}
