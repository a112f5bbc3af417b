import { describe, expect, test } from 'vitest'
import type { Bindable, Reader, Row } from '../../../src/dev/store/database.js'
import { eachEventPage, inProjects } from '../../../src/dev/store/events.js'

/** Events of projects with these many, several at each time. */
function createReader(counts: Readonly<Record<number, number>>): { readonly reader: Reader; readonly rows: Row[] } {
  const rows = Object.entries(counts).flatMap(([project, count]) =>
    Array.from({ length: count }, (_, i) => ({ project_id: Number(project), start_ms: Math.floor(i / 3), key: 3 * i + Number(project) })),
  )
  const compare = (a: Row, b: Row): number => Number(a.start_ms) - Number(b.start_ms) || Number(a.key) - Number(b.key)
  rows.sort(compare)
  const all = (sql: string, project: Bindable, ...values: readonly Bindable[]): Row[] => {
    const [startMs, key, limit] = values.slice(-3) as [number, number, number]
    const direction = sql.includes('DESC') ? -1 : 1
    const side = sql.includes('> (?, ?)') ? 1 : -1
    const after = rows.filter((row) => row.project_id === project && side * compare(row, { start_ms: startMs, key }) > 0)
    return after.sort((a, b) => direction * compare(a, b)).slice(0, limit)
  }
  return { reader: { all, get: () => undefined }, rows }
}

describe('eachEventPage', () => {
  test.each([
    ['ASC', [1, 2, 3, 4]],
    ['DESC', [4, 1, 3, 2]],
    ['ASC', [1]],
    ['DESC', [1]],
    ['ASC', [3, 4]],
    ['ASC', [2]],
    ['ASC', [2, 4]],
    ['ASC', [5]],
    ['DESC', [4, 5]],
    ['ASC', []],
  ] as const)('gives events %s of the projects %j as one sequence, in pages of 500 that are never empty', (order, projects) => {
    const { reader, rows } = createReader({ 1: 700, 2: 1_000, 3: 3, 4: 0, 5: 1 })
    const pages = [...eachEventPage(reader, inProjects(projects), { order })]
    const expected = rows.filter((row) => (projects as readonly unknown[]).includes(row.project_id))
    if (order === 'DESC') expected.reverse()
    expect(pages.flat()).toEqual(expected)
    const full = Math.floor(expected.length / 500)
    expect(pages.map((page) => page.length)).toEqual([
      ...Array(full).fill(500),
      ...(expected.length % 500 > 0 ? [expected.length % 500] : []),
    ])
  })
})
