import { describe, expect, it } from 'vitest'
import { createPace } from '../../src/export/backoff.js'
import { backoffMs } from '../../src/export/retry.js'

describe('backoffMs', () => {
  it('stays between the base and a ceiling that grows to the cap', () => {
    expect([1, 2, 5, 100].map((failures) => Math.round(backoffMs(failures, () => 1)))).toEqual([750, 1_125, 3_797, 30_000])
    expect([1, 100].map((failures) => backoffMs(failures, () => 0))).toEqual([500, 500])
  })
})

describe('createPace', () => {
  it('pauses all sends, probes with one, and counts failures of one moment once', () => {
    let time = 0
    const pace = createPace(
      4,
      () => time,
      () => 1,
    )
    expect([pace.slots(), pace.waitMs()]).toEqual([4, 0])
    expect(pace.failed(0, undefined)).toBe(750)
    time = 10
    expect(pace.failed(-5, undefined)).toBe(740)
    expect(pace.slots()).toBe(1)
    time = 800
    expect(pace.failed(760, undefined)).toBe(1_125)
    expect(pace.failed(760, 5_000)).toBe(5_000)
    pace.answered()
    expect([pace.slots(), pace.waitMs()]).toEqual([4, 0])
  })
})
