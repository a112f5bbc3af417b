import { describe, expect, it } from 'vitest'
import { Backoff, backoffMs } from '../../src/export/backoff.js'

describe('backoffMs', () => {
  it('stays between the base and a ceiling that grows to the cap', () => {
    expect([1, 2, 5, 100].map((failures) => Math.round(backoffMs(failures, () => 1)))).toEqual([750, 1_125, 3_797, 30_000])
    expect([1, 100].map((failures) => backoffMs(failures, () => 0))).toEqual([500, 500])
  })
})

describe('Backoff', () => {
  it('pauses all sends, probes with one, and counts failures of one moment once', () => {
    let time = 0
    const backoff = new Backoff(
      4,
      () => time,
      () => 1,
    )
    expect([backoff.slots, backoff.waitMs]).toEqual([4, 0])
    expect(backoff.failed(0, undefined)).toBe(750)
    expect(backoff.waitMs).toBe(750)
    time = 10
    expect(backoff.waitMs).toBe(740)
    expect(backoff.failed(-5, undefined)).toBe(740)
    expect(backoff.slots).toBe(1)
    time = 800
    expect(backoff.waitMs).toBe(0)
    expect(backoff.failed(760, undefined)).toBe(1_125)
    expect(backoff.failed(760, 5_000)).toBe(5_000)
    backoff.answered()
    expect([backoff.slots, backoff.waitMs]).toEqual([4, 0])
  })

  it('counts the failure of an attempt that began as the pause did, and after an answer that of any', () => {
    let time = 0
    const backoff = new Backoff(
      4,
      () => time,
      () => 1,
    )
    expect([backoff.failed(0, undefined), backoff.failed(0, undefined)]).toEqual([750, 1_125])
    expect([backoff.failed(-1, 100), backoff.failed(-1, 2_000)]).toEqual([1_125, 2_000])
    time = 5_000
    backoff.answered()
    expect(backoff.failed(-1, undefined)).toBe(750)
  })
})
