import { describe, expect, it, vi } from 'vitest'
import { FlushBarrier } from '../../src/export/flush-barrier.js'

// Before the package is loaded, which keeps the functions that it finds.
vi.hoisted(() => vi.useFakeTimers())
vi.mock('node:timers', () => ({ ...globalThis }))

function admit(barrier: FlushBarrier, count: number): number[] {
  return Array.from({ length: count }, () => barrier.admit())
}

async function stateOf(waiting: Promise<boolean>): Promise<boolean | 'waiting'> {
  await Promise.resolve()
  return Promise.race([waiting, Promise.resolve<'waiting'>('waiting')])
}

describe('FlushBarrier', () => {
  it('counts only the items before the flush in a batch that straddles it', async () => {
    const barrier = new FlushBarrier()
    admit(barrier, 3)
    const flushed = barrier.wait(1_000)
    admit(barrier, 3)
    barrier.settle([1, 2, 3, 4])
    expect(await stateOf(flushed)).toBe('waiting')
    expect(barrier.unsettled).toBe(2)
    barrier.settle([5])
    expect(await stateOf(flushed)).toBe('waiting')
    barrier.settle([0])
    expect(await stateOf(flushed)).toBe(true)
  })

  it('is passed at once where nothing is unsettled', async () => {
    const barrier = new FlushBarrier()
    expect([await barrier.wait(0), barrier.awaitedSeq]).toEqual([true, 0])
    barrier.settle(admit(barrier, 2))
    expect([await barrier.wait(0), barrier.awaitedSeq, vi.getTimerCount()]).toEqual([true, 0, 0])
  })

  it('names the point somebody waits for until nobody does', async () => {
    const barrier = new FlushBarrier()
    admit(barrier, 2)
    const first = barrier.wait(1_000)
    admit(barrier, 2)
    const second = barrier.wait(1_000)
    expect(barrier.awaitedSeq).toBe(4)
    barrier.settle([0, 1])
    expect(await first).toBe(true)
    expect(barrier.awaitedSeq).toBe(4)
    barrier.settle([2, 3])
    expect(await second).toBe(true)
    expect(barrier.awaitedSeq).toBe(0)
  })

  it('resolves to false at its deadline, and waits for ever with Infinity', async () => {
    const barrier = new FlushBarrier()
    const [seq = 0] = admit(barrier, 1)
    const limited = barrier.wait(50)
    const endless = barrier.wait(Number.POSITIVE_INFINITY)
    await vi.advanceTimersByTimeAsync(86_400_000)
    expect(await limited).toBe(false)
    expect(await stateOf(endless)).toBe('waiting')
    barrier.settle([seq])
    expect(await endless).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })
})
