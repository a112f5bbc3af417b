import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

/** `docs/opentelemetry.md` names a test for each row it says yes to: as `test/file.ts` followed by the test's name in quotes. */

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, root)), 'utf8')
const rows = read('docs/opentelemetry.md')
  .split('\n')
  .filter((line) => /^\| .* \| (yes|no)\b/.test(line))

/** Files by the letter the page gives them. */
const files = new Map(
  [...read('docs/opentelemetry.md').matchAll(/^\| (\w+) \| `(test\/[^`]+)` \|$/gm)].map(([, letter, path]) => [letter, path]),
)

describe('docs/opentelemetry.md', () => {
  test('has a row for each feature of the matrix', () => {
    expect(rows.length).toBeGreaterThan(120)
  })

  test('every row names a test, or says which part does it and why not', () => {
    expect(rows.filter((row) => (row.split(' | ').at(-1) ?? '').trim().length < 12)).toEqual([])
  })

  test('every test it names exists', () => {
    const named = rows.flatMap((row) =>
      [...row.matchAll(/\b([A-Z]\w*): “([^”]+)”/g)].map(([, letter, name]) => ({ letter, name: name ?? '' })),
    )
    const missing = named.filter(({ letter, name }) => !read(files.get(letter) ?? 'package.json').includes(name))
    expect(named.length).toBeGreaterThan(90)
    expect(missing).toEqual([])
  })
})
