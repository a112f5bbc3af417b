import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { PAGE, PLACE, renderPage, SERVER_PLACE } from './docs-table.js'
import { readGroups } from './row.js'

describe('docs/integrations.md', () => {
  // After a change of the rows: npx tsx test/integrations/write-docs.ts
  test('says what the rows of the integrations say', async () => {
    const page = readFileSync(PAGE, 'utf8')
    expect(page).toMatch(PLACE)
    expect(page).toMatch(SERVER_PLACE)
    expect(await renderPage(page)).toBe(page)
  })

  test('has a page for each row that names one, and a row for each gap that is named', async () => {
    for (const { rows } of await readGroups()) {
      for (const { page, gaps = {}, cases, failures } of rows) {
        if (page !== undefined) expect(existsSync(join(PAGE, '../integrations', `${page}.md`)), page).toBe(true)
        const used = Object.values(cases).flatMap(({ lacks = {}, ...rest }) => [
          ...Object.values(lacks),
          rest.gap,
          rest.answerGap,
          rest.treeGap,
        ])
        expect(Object.keys(gaps).filter((gap) => !used.includes(gap) && !(gap in failures))).toEqual([])
      }
    }
  })
})
