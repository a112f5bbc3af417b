import { describe, expect, it } from 'vitest'
import { isRetryableStatus, toRetryAfterMs } from '../../src/otlp/retry.js'

const NOW = Date.UTC(2026, 0, 1)

describe('isRetryableStatus', () => {
  it('is true for the four statuses of the OTLP specification alone', () => {
    const retryable = Array.from({ length: 600 }, (_, status) => status).filter(isRetryableStatus)
    expect(retryable).toEqual([429, 502, 503, 504])
  })
})

describe('toRetryAfterMs', () => {
  it.each([
    ['1', 1_000],
    ['30', 30_000],
    ['0', 500],
    ['-5', 500],
    ['1e9', 60_000],
    ['99999999999', 60_000],
    ['0.7', 700],
    [new Date(NOW + 3_000).toUTCString(), 3_000],
    [new Date(NOW - 3_000).toUTCString(), 500],
  ])('F04 reads %j as %i ms', (header, waitMs) => {
    expect(toRetryAfterMs(header, NOW)).toBe(waitMs)
  })

  it.each([undefined, '', ' ', 'soon', 'tomorrow 12', '12:30'])('F04 ignores %j', (header) => {
    expect(toRetryAfterMs(header, NOW)).toBeUndefined()
  })
})
