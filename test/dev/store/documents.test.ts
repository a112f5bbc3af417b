import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Transaction } from '../../../src/dev/store/change-queue.js'
import {
  addDocument,
  addPoints,
  changeDocument,
  type DocumentKind,
  eachDocument,
  findDocument,
  listPoints,
  removeDocument,
  removePoint,
  replacePoints,
} from '../../../src/dev/store/documents.js'
import { createProjectStore } from '../../../src/dev/store/projects.js'
import { openStore, type Store } from '../../../src/dev/store/store.js'

let store: Store
let nowMs: number
let projects: readonly [number, number]

beforeEach(async () => {
  nowMs = 1_000
  store = await openStore(':memory:', { now: () => nowMs })
  const found = await createProjectStore(store, { one: 'key-of-one', other: 'key-of-other' })
  projects = ['key-of-one', 'key-of-other'].flatMap((key) => found.idsOf(store, found.identify(key))) as [number, number]
})
afterEach(() => store.close())

const change = <T>(job: (tx: Transaction) => T): Promise<T> => store.change(job)
const each = (kind: DocumentKind, ids: readonly number[]): unknown[] => [...eachDocument(store, kind, ids)].map(({ body }) => body.n)

describe('a document', () => {
  it('is found by kind, id and project, keeps where and when it was made, and says when it was changed', async () => {
    const [one, other] = projects
    const made = await change((tx) => addDocument(tx, 'metric', one, { n: 1 }))
    expect(made).toMatchObject({ projectId: one, createdMs: 1_000, updatedMs: 1_000, body: { n: 1 } })
    nowMs = 2_000
    const changed = await change((tx) => changeDocument(tx, 'metric', { ...made, projectId: other, createdMs: 5 }, { n: 2 }))
    expect(changed).toMatchObject({ id: made.id, updatedMs: 2_000, body: { n: 2 } })
    expect(findDocument(store, 'metric', made.id, projects)).toEqual({ ...made, updatedMs: 2_000, body: { n: 2 } })
    expect(findDocument(store, 'metric', made.id, [one])).toBeDefined()
    expect([findDocument(store, 'metric', made.id, [other]), findDocument(store, 'dataset', made.id, projects)]).toEqual([
      undefined,
      undefined,
    ])
    await change((tx) => removeDocument(tx, 'dataset', made.id))
    expect(findDocument(store, 'metric', made.id, [one])).toBeDefined()
    await change((tx) => removeDocument(tx, 'metric', made.id))
    expect(findDocument(store, 'metric', made.id, [one])).toBeUndefined()
  })

  it.each([499, 500, 1_001])('is listed with the others of its kind, %i of them, oldest first and project by project', async (count) => {
    const [one, other] = projects
    await change((tx) => {
      for (let n = 0; n < count; n++) addDocument(tx, 'datapoint', one, { n })
      addDocument(tx, 'dataset', one, { n: 'of another kind' })
      addDocument(tx, 'datapoint', other, { n: 'other' })
    })
    nowMs = 0
    await change((tx) => addDocument(tx, 'datapoint', one, { n: 'older' }))
    const ofOne = ['older', ...Array.from({ length: count }, (_, n) => n)]
    expect(each('datapoint', [one])).toEqual(ofOne)
    expect(each('datapoint', [other, one])).toEqual(['other', ...ofOne])
    expect([each('metric', projects), each('datapoint', [])]).toEqual([[], []])
  })
})

describe('the rows of a data set', () => {
  it('keep the order in which they were added, each once', async () => {
    await change((tx) => {
      addPoints(tx, 'set', ['c', 'a'])
      addPoints(tx, 'set', ['b', 'c', 'd'])
      addPoints(tx, 'other', ['a'])
    })
    expect(listPoints(store, 'set')).toEqual(['c', 'a', 'b', 'd'])
    expect(await change((tx) => [removePoint(tx, 'set', 'a'), removePoint(tx, 'set', 'a')])).toEqual([true, false])
    await change((tx) => addPoints(tx, 'set', ['a']))
    expect([listPoints(store, 'set'), listPoints(store, 'other')]).toEqual([['c', 'b', 'd', 'a'], ['a']])
    await change((tx) => replacePoints(tx, 'set', ['z', 'c']))
    expect([listPoints(store, 'set'), listPoints(store, 'other')]).toEqual([['z', 'c'], ['a']])
  })

  it('go with the data set, and with their data point', async () => {
    await change((tx) => {
      addPoints(tx, 'set', ['a', 'b'])
      addPoints(tx, 'other', ['a', 'b'])
      removeDocument(tx, 'metric', 'set')
      removeDocument(tx, 'metric', 'a')
    })
    expect(listPoints(store, 'set')).toEqual(['a', 'b'])
    await change((tx) => {
      removeDocument(tx, 'dataset', 'set')
      removeDocument(tx, 'datapoint', 'a')
    })
    expect([listPoints(store, 'set'), listPoints(store, 'other')]).toEqual([[], ['b']])
  })
})
