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
    expect(stats.snapshot()).toMatchObject({ started: 2, ended: 2, open: 0, pending: 2, exported: 0 })
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
})
