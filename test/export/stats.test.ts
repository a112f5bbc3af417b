import { describe, expect, it } from 'vitest'
import { DROP_REASONS } from '../../src/semantics/attributes.js'
import { createDiagnostics } from '../../src/diagnostics.js'
import { SpanStats, type SpanStatsOptions } from '../../src/export/stats.js'
import { isBalanced } from '../faults/rig.js'

function open(options: Partial<SpanStatsOptions> = {}) {
  const lines: string[] = []
  const push = (line: string): void => void lines.push(line)
  const diagnostics = createDiagnostics({ logger: { debug: push, warn: push, error: push }, now: options.now })
  const stats = new SpanStats({ diagnostics, ...options })
  return { lines, stats }
}

const span = (name: string) => ({ name, spanId: `id-${name}` })

describe('SpanStats', () => {
  it('balances at every moment', () => {
    const { stats } = open()
    for (const step of ['started', 'started', 'ended', 'ended'] as const) {
      stats[step]()
      expect(isBalanced(stats.snapshot())).toBe(true)
    }
    expect(stats.snapshot()).toMatchObject({ started: 2, ended: 2, open: 0, unfinished: 0, pending: 2, exported: 0 })
    stats.exported([span('a')])
    stats.dropped('tooLarge', [span('b')], 'too big')
    expect(stats.snapshot()).toMatchObject({ pending: 0, exported: 1, dropped: { tooLarge: 1 } })
    expect(Object.keys(stats.snapshot().dropped)).toEqual([...DROP_REASONS])
  })

  it('tells the hook of each loss and survives a hook that throws, rejects or causes losses itself', async () => {
    const seen: [string, number][] = []
    const { stats } = open({
      onDrop({ reason, count }) {
        seen.push([reason, count])
        if (seen.length === 1) stats.dropped('queueFull', [span('inner')], '')
        if (seen.length === 2) throw new Error('hook')
        return Promise.reject(new Error('hook')) as unknown as undefined
      },
    })
    for (let i = 0; i < 3; i++) stats.dropped('queueFull', [span(`outer${i}`)], '')
    await new Promise((resolve) => setImmediate(resolve))
    expect(seen).toEqual([
      ['queueFull', 1],
      ['queueFull', 2],
      ['queueFull', 1],
    ])
    expect(stats.snapshot().dropped.queueFull).toBe(4)
  })

  it('warns once per reason and minute, and not about what the user chose', () => {
    let time = 0
    const { stats, lines } = open({ now: () => time })
    for (let i = 0; i < 3; i++) stats.droppedOne('queueFull', span('a'), 'full')
    stats.droppedOne('unsampled', span('b'), '')
    stats.droppedOne('filtered', span('c'), '')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('batch.maxQueueSize')
    time = 60_000
    stats.droppedOne('queueFull', span('a'), 'full')
    expect(lines).toHaveLength(2)
    expect(lines[1]).toContain('4 so far')
  })

  it('names losses in the header and leaves chosen ones out of the loss count', () => {
    const { stats } = open()
    stats.droppedOne('unsampled', span('a'), '')
    expect(stats.losses).toBe(0)
    expect(stats.dropHeader()).toBeUndefined()
    stats.droppedOne('tooLarge', span('b'), '')
    stats.droppedOne('internal', span('c'), '')
    expect(stats.losses).toBe(2)
    expect(stats.dropHeader()).toBe('tooLarge=1;unsampled=1;internal=1')
  })

  it('explains the latest decision and forgets old ones', () => {
    const { stats } = open({ now: () => Date.UTC(2026, 0, 2) })
    stats.droppedOne('unsampled', span('one'), 'sampleRate 0.1')
    expect(stats.explain('one')).toBe('dropped: unsampled at 2026-01-02T00:00:00.000Z: one (id-one): sampleRate 0.1')
    stats.exported([span('one')])
    expect(stats.explain('id-one')).toMatch(/^exported at/)
    stats.exported(Array.from({ length: 1_000 }, (_, i) => span(`n${i}`)))
    expect(stats.explain('one')).toMatch(/^unknown: /)
    expect(stats.explain('n0')).toMatch(/^exported at/)
  })

  it('says of an open span how long it is open, who began it, and what was decided of others of its name', () => {
    let openMs = 999
    const named = (name: string) => ({ name, spanId: `id-${name}`, library: 'pg', openMs })
    const { stats } = open({ now: () => Date.UTC(2026, 0, 2) })
    stats.watchOpen({
      summary: () => ({ oldestOpen: named('query'), openByLibrary: { pg: 2 } }),
      find: (wanted) => (wanted === 'query' ? [named('query'), named('query')] : wanted === 'id-query' ? [named('query')] : []),
    })
    expect(stats.explain('id-query')).toBe('open: query (id-query) has not ended, begun 999 ms ago by pg')
    openMs = 1_000
    expect(stats.explain('id-query')).toMatch(/ 1\.0 s ago by pg$/)
    openMs = 60_000
    expect(stats.explain('query')).toBe('open: query (id-query) has not ended, begun 60.0 s ago by pg; 2 of this name have not ended')
    stats.droppedOne('tooLarge', span('query'), '')
    expect(stats.explain('id-query')).toMatch(/^dropped: tooLarge at 2026-01-02T00:00:00.000Z: query \(id-query\); open: query /)
    stats.watchPending({ explain: (wanted) => (wanted === 'id-query' ? 'pending: being sent' : undefined) })
    expect(stats.explain('id-query')).toMatch(/^pending: being sent; open: query /)
    expect(stats.explain('other')).toMatch(/^unknown: /)
    expect(stats.snapshot()).toMatchObject({ oldestOpen: { openMs: 60_000 }, openByLibrary: { pg: 2 } })
  })

  it('shows no more than 100 characters of what it does not know', () => {
    const { stats } = open()
    expect(stats.explain('x'.repeat(100))).toBe(`unknown: no recent span has the id or name "${'x'.repeat(100)}"`)
    expect(stats.explain('x'.repeat(101))).toBe(`unknown: no recent span has the id or name "${'x'.repeat(100)}…"`)
  })

  it('counts a span that never began as begun and ended, and one that is let go once nobody can end it', () => {
    const { stats } = open()
    stats.refused('afterShutdown', span('late'), 'shut down')
    expect(stats.snapshot()).toMatchObject({ started: 1, ended: 1, dropped: { afterShutdown: 1 } })
    expect(stats.explain('late')).toMatch(/^dropped: afterShutdown .*: shut down$/)
    stats.started()
    stats.started()
    stats.letGo(span('held'))
    stats.ended(true)
    stats.exported([{ ...span('ended'), note: 'unfinished' }])
    expect([stats.explain('held'), stats.open]).toEqual(['open: held (id-held) has not ended: more spans are open than are kept', 1])
    expect(stats.explain('ended')).toMatch(/^exported at .*: unfinished$/)
    stats.lostOpen(1, 'the tracer ended')
    expect(stats.explain('held')).toMatch(/^dropped: queueFull .*: held \(id-held\): the tracer ended$/)
    expect(stats.explain('ended')).toMatch(/^exported at /)
    expect(stats.snapshot()).toMatchObject({ started: 3, ended: 3, unfinished: 1, exported: 1, pending: 0, dropped: { queueFull: 1 } })
  })

  it('keeps the books of spans that an earlier process left, and leaves telling of their loss to the caller', () => {
    const { stats, lines } = open()
    stats.tookOver(5)
    expect([stats.spooled, stats.snapshot()]).toMatchObject([5, { started: 5, ended: 5, pending: 5 }])
    stats.exportedFromSpool(2)
    stats.droppedFromSpool('serverRejected', 0, '')
    stats.droppedFromSpool('httpStatus', 3, 'HTTP 400')
    expect([stats.spooled, stats.losses, stats.snapshot()]).toMatchObject([0, 3, { exported: 2, pending: 0, dropped: { httpStatus: 3 } }])
    stats.dropped('tooLarge', [], '')
    stats.dropped('internal', [span('a')], '', true)
    expect(lines).toEqual([])
    stats.dropped('internal', [span('a')], '')
    expect(lines).toHaveLength(1)
  })

  it('counts what is still pending as lost once nothing will deliver it', () => {
    const { stats } = open()
    for (const step of ['started', 'ended', 'started', 'ended', 'started', 'ended'] as const) stats[step]()
    stats.exported([span('a')])
    stats.droppedOne('filtered', span('b'), '')
    stats.abandon('a fault')
    stats.abandon('a fault')
    expect(stats.snapshot()).toMatchObject({ pending: 0, exported: 1, dropped: { filtered: 1, internal: 1 } })
  })

  it('masks what it shows, and says what it lost to a verbose logger', () => {
    const details: string[] = []
    const said: string[] = []
    const diagnostics = createDiagnostics({
      verbose: true,
      logger: { debug: (line) => said.push(line), warn: () => undefined, error: () => undefined },
    })
    const mask = (text: string): string => text.replaceAll('secret', '***')
    const redactor = { label: mask, line: (_: string, text: string) => mask(text) }
    const { stats } = open({ diagnostics, redactor, onDrop: ({ detail }) => details.push(detail) })
    stats.failed('HTTP 401 secret')
    stats.droppedOne('httpStatus', span('secret'), 'secret')
    stats.dropped('httpStatus', [span('a'), span('b')], '')
    expect(stats.explain('a')).toMatch(/^dropped: httpStatus at .*: a \(id-a\)$/)
    expect([stats.lastError, stats.snapshot().lastError, details]).toEqual(['HTTP 401 ***', 'HTTP 401 ***', ['***', '']])
    expect(stats.explain('secret')).toMatch(/: \*\*\* \(id-\*\*\*\): \*\*\*$/)
    expect(said).toEqual([
      expect.stringMatching(/dropped \(httpStatus\): 1 of 1 so far, secret$/),
      expect.stringMatching(/dropped \(httpStatus\): 2 of 3 so far$/),
    ])
  })

  it('keeps its books while the log of decisions fails, and has what it counts without one', () => {
    let isBroken = false
    const { stats } = open({
      now() {
        if (isBroken) throw new RangeError('the stack is used up')
        return 0
      },
    })
    stats.started()
    stats.sessionStarted()
    stats.requestMade()
    stats.ended()
    isBroken = true
    stats.droppedOne('queueFull', span('a'), 'full')
    isBroken = false
    expect(stats.snapshot()).toMatchObject({ ended: 1, pending: 0, sessions: 1, requests: 1, dropped: { queueFull: 1 } })
  })
})
