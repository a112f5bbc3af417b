import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createProjectStore, findProject, listProjectIds, type ProjectStore } from '../../../src/dev/store/projects.js'
import { openStore, type Store } from '../../../src/dev/store/store.js'

let store: Store
let projects: ProjectStore

beforeEach(async () => {
  store = await openStore(':memory:')
  projects = await createProjectStore(store, { fixed: ' key-of-fixed ' })
})
afterEach(() => store.close())

/** The name of the project that a key and a label have. */
async function nameOf(apiKey: string | undefined, label?: string): Promise<unknown> {
  const id = await store.change((tx) => projects.resolve(tx, projects.identify(apiKey), label))
  return findName(id)
}

const findName = (id: number): unknown => store.get('SELECT name FROM projects WHERE id = ?', id)?.name

describe('a project', () => {
  it.each([
    ['abcd', 'key a…'],
    ['abcde', 'key ab…e'],
    ['abcdefghijk', 'key ab…k'],
    ['abcdefghijkl', 'key …ijkl'],
    ['local', 'local'],
    [' local ', 'local'],
    ['', 'no key'],
    [undefined, 'no key'],
  ])('of the key %j without a label is called %j', async (key, name) => {
    expect([await nameOf(key), await nameOf(key)]).toEqual([name, name])
  })

  it('of a key that looks like another says more of it, and in the end a number', async () => {
    expect([await nameOf('aaaa-------9999'), await nameOf('bbbb-------9999')]).toEqual(['key …9999', 'key …9999 of 15'])
    expect([await nameOf('cccc--------9999'), await nameOf('cccc-+------9999')]).toEqual(['key cccc…9999', 'key cccc…9999 #2'])
    expect(await nameOf('cccc-++-----9999')).toBe('key cccc…9999 #3')
  })

  it('of a label has its name, with the key beside it where another key has it already', async () => {
    expect([await nameOf('abcdefghijkl', 'shop'), await nameOf('abcdefghijkl', 'shop')]).toEqual(['shop', 'shop'])
    expect([await nameOf(undefined, 'shop'), await nameOf('local', 'shop')]).toEqual(['shop (no key)', 'shop (local)'])
    expect([await nameOf('abcdefghijkl'), await nameOf('abcdefghijkl', '')]).toEqual(['key …ijkl', 'key …ijkl'])
    const ids = projects.idsOf(store, projects.identify('abcdefghijkl'), 'shop')
    expect(ids.map(findName)).toEqual(['shop', 'key …ijkl'])
    expect(projects.idsOf(store, projects.identify('abcdefghijkl')).map(findName)).toEqual(['key …ijkl', 'shop'])
    expect(projects.idsOf(store, projects.identify('unknown key'))).toEqual([])
  })

  it('of a known key is the one that was given, whatever the label', async () => {
    expect([await nameOf('key-of-fixed'), await nameOf('key-of-fixed', 'shop')]).toEqual(['fixed', 'fixed'])
    expect(projects.idsOf(store, projects.identify('key-of-fixed'), 'shop')).toEqual([findProject(store, 'fixed')])
    await expect(createProjectStore(store, { a: 'same', b: ' same' })).rejects.toThrow(/^Project "b" has the same key/)
  })

  it('is found by name, then by id', async () => {
    const fixed = findProject(store, 'fixed') as number
    expect(findProject(store, String(fixed))).toBe(fixed)
    await nameOf('abcdefghijkl', String(fixed))
    expect(findName(findProject(store, String(fixed)) as number)).toBe(String(fixed))
    expect(['none', '', '9'.repeat(15), '9'.repeat(16), `${fixed}.0`].map((name) => findProject(store, name))).toEqual(
      Array(5).fill(undefined),
    )
    expect([listProjectIds(store, 7), listProjectIds(store, undefined).sort()]).toEqual([[7], [fixed, fixed + 1]])
  })
})
