import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type ChangeQueue, createChangeQueue } from '../../../src/dev/store/change-queue.js'
import { connect, type Database, DatabaseBusyError, DatabaseFullError } from '../../../src/dev/store/database.js'

// The package keeps the clock that it finds when it is loaded. The queue measures by it; its turns and pauses are real.
const clock = vi.hoisted(() => {
  const { now } = performance
  const replaced = { nowMs: 0, restore: () => Object.assign(performance, { now }) }
  performance.now = () => replaced.nowMs
  return replaced
})
clock.restore()

let database: Database
let queue: ChangeQueue
let commits: number

beforeEach(async () => {
  database = await connect(':memory:')
  database.exec('CREATE TABLE names (name TEXT)')
  commits = 0
  queue = createChangeQueue(database, { now: () => 42, onCommit: () => commits++ })
})
afterEach(async () => {
  await queue.close()
  database.close()
})

const names = (): unknown[] => database.all('SELECT name FROM names ORDER BY rowid').map(({ name }) => name)
const insert = (name: string): Promise<string> =>
  queue.change((tx) => {
    tx.run('INSERT INTO names VALUES (?)', name)
    return name
  })

describe('a change', () => {
  it('shares a commit with those of its turn, in their order, and answers in that order', async () => {
    const answered: string[] = []
    await Promise.all(['a', 'b', 'c'].map((name) => insert(name).then((answer) => answered.push(answer))))
    expect([names(), answered, commits]).toEqual([['a', 'b', 'c'], ['a', 'b', 'c'], 1])
    expect(await queue.change(({ nowMs }) => nowMs)).toBe(42)
  })

  it('of those that take long waits for the next transaction, so that other work gets its turn', async () => {
    const slow = (name: string, tookMs: number): Promise<void> =>
      queue.change((tx) => {
        tx.run('INSERT INTO names VALUES (?)', name)
        clock.nowMs += tookMs
      })
    await Promise.all([slow('a', 50), slow('b', 1), insert('c'), insert('d')])
    expect([names(), commits]).toEqual([['a', 'b', 'c', 'd'], 2])
  })

  it('that throws is undone alone, whatever it had written', async () => {
    const failing = queue.change((tx) => {
      tx.run("INSERT INTO names VALUES ('of nobody')")
      throw new RangeError('no')
    })
    const outcomes = await Promise.allSettled([insert('a'), failing, insert('b')])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    await expect(failing).rejects.toThrow(RangeError)
    expect([names(), commits]).toEqual([['a', 'b'], 1])
  })

  it('is refused with the others of its transaction when the disk is full, and the queue goes on', async () => {
    const full = queue.change(() => {
      throw new DatabaseFullError(new Error('disk'))
    })
    const outcomes = await Promise.allSettled([insert('a'), full, insert('b')])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect([names(), commits]).toEqual([[], 0])
    expect(await insert('c')).toBe('c')
    expect(names()).toEqual(['c'])
  })

  it('runs again, with the others, while the file is held', async () => {
    let runs = 0
    const held = queue.change(() => {
      if (++runs < 3) throw new DatabaseBusyError('held')
    })
    await Promise.all([insert('a'), held, insert('b')])
    expect([runs, names(), commits]).toEqual([3, ['a', 'b'], 1])
  })

  it('is given up when the file was held for two seconds, and one that came later is not', async () => {
    let runs = 0
    const held = queue.change(() => {
      clock.nowMs += 500
      if (runs++ === 0) later = insert('later')
      throw new DatabaseBusyError('held')
    })
    let later: Promise<string> | undefined
    await expect(held).rejects.toThrow('held')
    expect(runs).toBe(4)
    expect(await later).toBe('later')
    expect(names()).toEqual(['later'])
  })

  it('that is begun inside of another comes after those that wait', async () => {
    let inner: Promise<string> | undefined
    const outer = queue.change(() => {
      inner = insert('inner')
    })
    await Promise.all([outer, insert('beside')])
    expect([await inner, names(), commits]).toEqual(['inner', ['beside', 'inner'], 2])
  })

  it('is finished when the queue is closed, and none is taken afterwards', async () => {
    const last = insert('last')
    await queue.close()
    expect([await last, names()]).toEqual(['last', ['last']])
    await expect(insert('late')).rejects.toThrow(DatabaseBusyError)
    await expect(insert('late')).rejects.toThrow('closing')
    expect(names()).toEqual(['last'])
  })
})
