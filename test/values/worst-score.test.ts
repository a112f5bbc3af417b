import { describe, expect, test } from 'vitest'
import { worstScore } from '../../src/values/worst-score.js'

describe('worstScore', () => {
  test('is 0, or the lowest score seen when that is below', () => {
    expect([worstScore({}, 0.2, 0.9), worstScore({}, -3, 0.9), worstScore({ lowerIsBetter: false }, 5, 9)]).toEqual([0, -3, 0])
  })

  test('where less is better it is 1, or the highest score seen when that is above', () => {
    const rule = { lowerIsBetter: true }
    expect([worstScore(rule, 0.2, 0.9), worstScore(rule, 0, 1.5), worstScore(rule, -9, -5)]).toEqual([1, 1.5, 1])
  })

  test('a stated score comes first', () => {
    expect([worstScore({ failedScore: 0.5 }, -1, 1), worstScore({ failedScore: 0, lowerIsBetter: true }, 0, 7)]).toEqual([0.5, 0])
  })
})
