import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createPriceTable } from '../../../src/dev/prices/price-table.js'
import type { Transaction } from '../../../src/dev/store/change-queue.js'
import { DatabaseBusyError, DatabaseFullError } from '../../../src/dev/store/database.js'
import { createBody, type EventBody } from '../../../src/dev/store/event-body.js'
import { NO_SPAN } from '../../../src/dev/store/event-record.js'
import { createEventWriter } from '../../../src/dev/store/event-writer.js'
import { createProjectStore } from '../../../src/dev/store/projects.js'
import { applyRetention, readSize, startRetention } from '../../../src/dev/store/retention.js'
import { findRun, saveRun, toNewRun } from '../../../src/dev/store/runs.js'
import { openStore, type Store } from '../../../src/dev/store/store.js'
import { hideRun, hideSession, restoreRun, restoreSession, TRASH_MS } from '../../../src/dev/store/trash.js'

// Before the package is loaded, which keeps the functions that it finds.
vi.hoisted(() => vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
vi.mock('node:timers', () => ({ ...globalThis }))

const AGE_MS = 100_000
let store: Store
let nowMs: number
let project: number

beforeEach(async () => {
  nowMs = 10_000_000
  store = await openStore(':memory:', { now: () => nowMs })
  const projects = await createProjectStore(store, { one: 'key-of-one' })
  project = projects.idsOf(store, projects.identify('key-of-one'))[0] as number
})
afterEach(() => store.close())

const prices = createPriceTable()

/** Puts events in a session; `from` numbers the first. */
const put = (sessionId: string, count = 1, from = 0, more: Partial<EventBody> = {}): Promise<void> =>
  store.change((tx) => {
    const writer = createEventWriter(tx, '', prices)
    for (let n = from; n < from + count; n++)
      writer.put({
        ...NO_SPAN,
        projectId: project,
        id: `${sessionId}-${n}`,
        sessionId,
        parentId: sessionId,
        type: 'tool',
        name: `event ${n}`,
        source: 'test',
        startMs: 1_000 + n,
        endMs: 2_000 + n,
        durationMs: 1_000,
        error: null,
        body: { ...createBody(), ...more },
      })
    writer.finish()
  })

const step = (retention: Parameters<typeof applyRetention>[1] = { maxAgeMs: AGE_MS }): Promise<boolean> =>
  store.change((tx) => applyRetention(tx, retention))
const steps = async (retention?: Parameters<typeof applyRetention>[1]): Promise<void> => {
  while (await step(retention)) {
    // One after another.
  }
}
const sessions = (): unknown[] => store.all('SELECT id FROM sessions WHERE project_id > 0 ORDER BY id').map(({ id }) => id)
const count = (table: string, where = '1 = 1'): number => Number(store.get(`SELECT count(*) AS count FROM ${table} WHERE ${where}`)?.count)

describe('applyRetention', () => {
  it('forgets what was quiet for longer than the age, and no event of another session', async () => {
    await put('old', 2)
    nowMs += 1
    await put('young', 3)
    nowMs += AGE_MS - 1
    expect([await step(), sessions()]).toEqual([false, ['old', 'young']])
    nowMs += 1
    expect([await step(), sessions()]).toEqual([true, ['young']])
    expect([count('events'), count('bodies'), await step()]).toEqual([3, 3, false])
  })

  it('forgets fifty sessions at a time, the oldest first', async () => {
    for (let n = 10; n < 62; n++) {
      nowMs++
      await put(`s${n}`)
    }
    nowMs += 2 * AGE_MS
    expect([await step(), sessions()]).toEqual([true, ['s60', 's61']])
    expect([await step(), sessions(), await step()]).toEqual([true, [], false])
  })

  it('forgets two thousand events at a time; their session goes with the last of them', async () => {
    await put('a', 2_001)
    nowMs++
    await put('b')
    nowMs += 2 * AGE_MS
    const left: unknown[] = []
    while (await step()) left.push([count('events'), sessions()])
    expect(left).toEqual([
      [2, ['a', 'b']],
      [0, []],
    ])
  })

  it('forgets updates whose event never came', async () => {
    const update = (): Promise<void> => store.change((tx) => createEventWriter(tx, '', prices).update([project], '', `e${nowMs}`, {}))
    await update()
    nowMs += 1
    await update()
    nowMs += AGE_MS
    await step()
    expect(store.all('SELECT received_ms FROM pending_updates')).toMatchObject([{ received_ms: 10_000_001 }])
  })

  it('forgets the oldest until the rest fits, and what was deleted before anything else', async () => {
    const text = 'x'.repeat(20_000)
    for (const id of ['a', 'b', 'c']) {
      nowMs++
      await put(id, 5, 0, { inputs: { text } })
    }
    await hideSession(store, project, 'c')
    const maxBytes = await store.change(readSize)
    expect(maxBytes).toBeGreaterThan(15 * 20_000)
    expect([await step({ maxBytes }), count('sessions')]).toEqual([false, 3])
    expect([await step({ maxBytes: maxBytes - 1 }), count('trash'), sessions()]).toEqual([true, 0, ['a', 'b']])
    await steps({ maxBytes: await store.change(readSize) })
    expect(sessions()).toEqual(['a', 'b'])
    await steps({ maxBytes: 1 })
    expect([sessions(), count('events')]).toEqual([[], 0])
  })

  it('keeps what has the default age and size', async () => {
    await put('a')
    nowMs += 2_592_000_000
    expect(await step({})).toBe(false)
    nowMs += 1
    expect(await step({})).toBe(true)
    expect(sessions()).toEqual([])
  })
})

describe('the trash', () => {
  /** Without what an engine adds to rows. */
  const session = (): unknown => ({ ...store.get("SELECT * FROM sessions WHERE id = 'a'"), _metadata: undefined })
  const isHidden = (): boolean => count('events', 'project_id > 0') === 0

  it.each([2_000, 2_001])('takes a session of %i events, and gives it back as it was', async (events) => {
    await put('a', events)
    const before = session()
    expect(await hideSession(store, project, 'a')).toBe(true)
    expect([sessions(), isHidden(), await hideSession(store, project, 'a')]).toEqual([[], true, false])
    expect(await restoreSession(store, project, 'a')).toBe(true)
    expect(session()).toEqual(before)
    expect([count('events', 'project_id > 0'), count('trash'), await restoreSession(store, project, 'a')]).toEqual([events, 0, false])
  })

  it('joins what arrived meanwhile: what came again counts once, as it came last', async () => {
    await put('a', 3, 0, { metadata: { total_tokens: 10 }, feedback: { note: 'x' } })
    await hideSession(store, project, 'a')
    await put('a', 2, 2, { metadata: { total_tokens: 1 } })
    expect(store.get('SELECT events, total_tokens FROM sessions WHERE project_id > 0')).toMatchObject({ events: 2, total_tokens: 2 })
    nowMs += 7
    await restoreSession(store, project, 'a')
    const whole = { events: 4, total_tokens: 22, start_ms: 1_000, end_ms: 2_003, has_feedback: 1, touched_ms: nowMs }
    expect(store.all('SELECT * FROM sessions')).toMatchObject([whole])
    expect([count('events'), count('bodies')]).toEqual([4, 4])
  })

  it('keeps only what was deleted last of one id', async () => {
    await put('a', 3)
    await hideSession(store, project, 'a')
    await put('a', 1, 7)
    await hideSession(store, project, 'a')
    await restoreSession(store, project, 'a')
    expect(store.all('SELECT name FROM events')).toMatchObject([{ name: 'event 7' }])
  })

  it('is emptied after an hour, in steps, the oldest first', async () => {
    await put('a', 2_000)
    await put('b')
    await store.change((tx) => saveRun(tx, toNewRun({ name: 'r', run_id: RUN }, project, tx.nowMs)))
    await hideSession(store, project, 'a')
    nowMs += 1
    await hideSession(store, project, 'b')
    await hideRun(store, project, RUN)
    nowMs += TRASH_MS - 1
    expect(await step({})).toBe(false)
    nowMs += 1
    const left: unknown[] = []
    while (await step({})) left.push([count('events'), count('sessions'), count('trash')])
    expect(left).toEqual([
      [1, 2, 3],
      [1, 1, 2],
    ])
    nowMs += 1
    await steps({})
    expect([count('events'), count('bodies'), count('sessions'), count('trash'), count('runs')]).toEqual([0, 0, 0, 0, 0])
  })

  it('finishes a deletion that was interrupted, before anything else', async () => {
    await put('a', 3)
    await hideSession(store, project, 'a')
    await store.change((tx) => {
      tx.run('UPDATE trash SET up_to = (SELECT max(key) FROM events)')
      tx.run('UPDATE events SET project_id = -project_id WHERE key > 1')
    })
    expect([isHidden(), await step({}), isHidden(), await step({})]).toEqual([false, true, true, false])
  })

  it('takes a run and gives it back; its sessions stay', async () => {
    await store.change((tx) => saveRun(tx, toNewRun({ name: 'r', run_id: RUN }, project, tx.nowMs)))
    const told: unknown[] = []
    store.onCommit(({ runs }) => told.push(...runs.map(({ runId }) => runId)))
    expect([await hideRun(store, project + 1, RUN), await hideRun(store, project, RUN), findRun(store, RUN)]).toEqual([
      false,
      true,
      undefined,
    ])
    expect([await hideRun(store, project, RUN), await restoreRun(store, project, RUN), await restoreRun(store, project, RUN)]).toEqual([
      false,
      true,
      false,
    ])
    expect([findRun(store, RUN)?.name, count('trash'), told]).toEqual(['r', 0, [RUN, RUN]])
  })

  it('tells whoever watches the session, and its run', async () => {
    await put('a', 1, 0, { metadata: { run_id: RUN } })
    const told: unknown[] = []
    store.onCommit(({ sessions: changed, runs }) => {
      for (const ofProject of changed.values()) told.push(...ofProject.keys())
      told.push(...runs.map(({ runId }) => runId))
    })
    await hideSession(store, project, 'a')
    await restoreSession(store, project, 'a')
    expect(told).toEqual(['a', RUN, 'a', RUN])
    await put('b')
    told.length = 0
    await hideSession(store, project, 'b')
    expect(told).toEqual(['b'])
  })
})

const RUN = '00000000-0000-4000-8000-0000000000aa'

describe('startRetention', () => {
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  }

  it('forgets at once and every minute, until it is stopped', async () => {
    const problems: unknown[] = []
    await put('a')
    nowMs += 2 * AGE_MS
    const stop = startRetention(store, { maxAgeMs: AGE_MS }, (error) => problems.push(error))
    await settle()
    expect(sessions()).toEqual([])
    await put('b')
    nowMs += 2 * AGE_MS
    vi.advanceTimersByTime(59_999)
    await settle()
    expect(sessions()).toEqual(['b'])
    vi.advanceTimersByTime(1)
    await settle()
    expect(sessions()).toEqual([])
    await put('c')
    nowMs += 2 * AGE_MS
    stop()
    vi.advanceTimersByTime(60_000)
    await settle()
    expect([sessions(), problems, vi.getTimerCount()]).toEqual([['c'], [], 0])
  })

  it('tells of what it cannot do, but of nothing that passes by itself', async () => {
    const problems: unknown[] = []
    const errors = [new Error('broken'), new DatabaseFullError(new Error('full')), new DatabaseBusyError('busy'), new Error('again')]
    const failing: Store = { ...store, change: <T>(_: (tx: Transaction) => T): Promise<T> => Promise.reject(errors.shift()) }
    const stop = startRetention(failing, {}, (error) => problems.push(error))
    for (let round = 0; round < 3; round++) {
      await settle()
      vi.advanceTimersByTime(60_000)
    }
    stop()
    await settle()
    expect(problems).toEqual([new Error('broken')])
  })
})
