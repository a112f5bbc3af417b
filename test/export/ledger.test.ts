import { describe, expect, it } from 'vitest'
import { DROP_REASONS } from '../../src/semantics/attributes.js'
import { createDiagnostics } from '../../src/diagnostics.js'
import { createLedger, type LedgerOptions } from '../../src/export/ledger.js'
import { isBalanced } from '../faults/rig.js'

function open(options: Partial<LedgerOptions> = {}) {
  const lines: string[] = []
  const push = (line: string): void => void lines.push(line)
  const diagnostics = createDiagnostics({ logger: { debug: push, warn: push, error: push }, now: options.now })
  const ledger = createLedger({ diagnostics, ...options })
  return { lines, ledger }
}

const span = (name: string) => ({ name, spanId: `id-${name}` })

describe('createLedger', () => {
  it('balances at every moment', () => {
    const { ledger } = open()
    for (const step of [ledger.started, ledger.started, ledger.ended, ledger.ended] as const) {
      step()
      expect(isBalanced(ledger.stats())).toBe(true)
    }
    expect(ledger.stats()).toMatchObject({ started: 2, ended: 2, open: 0, pending: 2, exported: 0 })
    ledger.exported([span('a')])
    ledger.dropped('tooLarge', [span('b')], 'too big')
    expect(ledger.stats()).toMatchObject({ pending: 0, exported: 1, dropped: { tooLarge: 1 } })
    expect(Object.keys(ledger.stats().dropped)).toEqual([...DROP_REASONS])
  })

  it('tells the hook of each loss and survives a hook that throws, rejects or causes losses itself', async () => {
    const seen: [string, number][] = []
    const { ledger } = open({
      onDrop({ reason, count }) {
        seen.push([reason, count])
        if (seen.length === 1) ledger.dropped('queueFull', [span('inner')], '')
        if (seen.length === 2) throw new Error('hook')
        return Promise.reject(new Error('hook')) as unknown as undefined
      },
    })
    for (let i = 0; i < 3; i++) ledger.dropped('queueFull', [span(`outer${i}`)], '')
    await new Promise((resolve) => setImmediate(resolve))
    expect(seen).toEqual([
      ['queueFull', 1],
      ['queueFull', 2],
      ['queueFull', 1],
    ])
    expect(ledger.stats().dropped.queueFull).toBe(4)
  })

  it('warns once per reason and minute, and not about what the user chose', () => {
    let time = 0
    const { ledger, lines } = open({ now: () => time })
    for (let i = 0; i < 3; i++) ledger.droppedOne('queueFull', span('a'), 'full')
    ledger.droppedOne('unsampled', span('b'), '')
    ledger.droppedOne('filtered', span('c'), '')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('batch.maxQueueSize')
    time = 60_000
    ledger.droppedOne('queueFull', span('a'), 'full')
    expect(lines).toHaveLength(2)
    expect(lines[1]).toContain('4 so far')
  })

  it('names losses in the header and leaves chosen ones out of the loss count', () => {
    const { ledger } = open()
    ledger.droppedOne('unsampled', span('a'), '')
    expect(ledger.lossCount()).toBe(0)
    expect(ledger.dropHeader()).toBeUndefined()
    ledger.droppedOne('tooLarge', span('b'), '')
    ledger.droppedOne('internal', span('c'), '')
    expect(ledger.lossCount()).toBe(2)
    expect(ledger.dropHeader()).toBe('tooLarge=1;unsampled=1;internal=1')
  })

  it('explains the latest decision and forgets old ones', () => {
    const { ledger } = open({ now: () => Date.UTC(2026, 0, 2) })
    ledger.droppedOne('unsampled', span('one'), 'sampleRate 0.1')
    expect(ledger.explain('one')).toBe('dropped: unsampled at 2026-01-02T00:00:00.000Z: one (id-one): sampleRate 0.1')
    ledger.exported([span('one')])
    expect(ledger.explain('id-one')).toMatch(/^exported at/)
    ledger.exported(Array.from({ length: 1_000 }, (_, i) => span(`n${i}`)))
    expect(ledger.explain('one')).toMatch(/^unknown: /)
    expect(ledger.explain('n0')).toMatch(/^exported at/)
  })
})
