import { describe, expect, test } from 'vitest'
import { toNamedEvaluators } from '../../src/experiments/evaluator.js'
import { evaluator } from '../../src/experiments/index.js'
import { parseScore } from '../../src/experiments/score.js'

describe('evaluator', () => {
  test('D-56 gives back the score itself when it is called', async () => {
    expect(await evaluator('length', (outputs: string) => outputs.length)('abc', {}, null)).toBe(3)
  })

  test('D-56 repeat, transform, aggregate and threshold work together', async () => {
    let calls = 0
    const graded = evaluator('graded', {
      evaluate: (outputs: number) => outputs + calls++,
      repeat: 3,
      transform: (value) => value * 10,
      aggregate: (values) => Math.max(...values),
      threshold: 25,
    })
    expect(await graded(1, {}, null)).toBe(30)
    expect(calls).toBe(3)
    expect(graded.isPassing?.(30, null)).toBe(true)
    expect(graded.isPassing?.(20, null)).toBe(false)
  })

  test('repeated scores are averaged, repeated texts vote', async () => {
    const values = [1, 0, 1, 1]
    expect(await evaluator('mean', { evaluate: () => values.pop() ?? 0, repeat: 4 })('', {}, null)).toBe(0.75)
    const texts = ['warm', 'cold', 'warm']
    expect(await evaluator('tone', { evaluate: () => texts.pop() ?? '', repeat: 3 })('', {}, null)).toBe('warm')
  })

  test('repeated booleans vote, in doubt for what does not pass, and keep the explanation', async () => {
    const say = (values: unknown[], more: object = {}) =>
      evaluator('strict', { evaluate: () => values.shift(), repeat: values.length, ...more })('', {}, null)
    expect(await say([false, false, false])).toBe(false)
    expect(await say([true, false, true])).toBe(true)
    expect(await say([true, false])).toBe(false)
    expect(await say([true, false], { lowerIsBetter: true })).toBe(true)
    expect(await say([true, null, false, true])).toBe(true)
    expect(await say([null, undefined])).toBe(undefined)
    const reasons = [{ score: true, explanation: 'fits' }, { score: false }, { score: false, explanation: 'too long' }]
    expect(await say(reasons)).toEqual({ score: false, explanation: 'too long' })
  })

  test('repeated booleans are their share where a threshold decides, or numbers are among them', async () => {
    const say = (values: unknown[], more: object = {}) =>
      evaluator('strict', { evaluate: () => values.shift(), repeat: values.length, ...more })('', {}, null)
    expect(await say([true, true, true, false], { threshold: 0.9 })).toBe(0.75)
    expect(await say([true, 0.5])).toBe(0.75)
  })

  test('D-57 runs no text as code', () => {
    for (const option of ['transform', 'aggregate', 'threshold'] as const) {
      expect(() => evaluator('x', { evaluate: () => 1, [option]: 'mean(values)' } as never)).toThrow(`Invalid "${option}"`)
    }
    expect(() => evaluator('x', 'value > 0.5' as never)).toThrow('Invalid "evaluate"')
    expect(() => evaluator(' ', () => 1)).toThrow('Invalid "name"')
    expect(() => evaluator('x', { evaluate: () => 1, repeat: 0 })).toThrow('Invalid "repeat"')
  })

  test('an evaluator that wants the tracer outside an experiment is told so', async () => {
    await expect(evaluator('x', (_o, _i, _g, { tracer }) => String(tracer))('', {}, null)).rejects.toThrow(/through evaluate/)
  })
})

describe('toNamedEvaluators', () => {
  test('names functions, classes, objects and entries of an object', () => {
    class Politeness {
      evaluate(): number {
        return 1
      }
    }
    function length(): number {
      return 1
    }
    const list = [length, evaluator('named', () => 1), new Politeness(), { name: 'own', weight: 2, evaluate: () => 1 }, () => 1]
    expect(toNamedEvaluators(list).map(({ name, weight }) => [name, weight])).toEqual([
      ['length', 1],
      ['named', 1],
      ['Politeness', 1],
      ['own', 2],
      ['evaluator_5', 1],
    ])
    expect(toNamedEvaluators({ short: length }).map(({ name }) => name)).toEqual(['short'])
  })

  test('refuses two of the same name and what is no evaluator', () => {
    expect(() => toNamedEvaluators([evaluator('a', () => 1), evaluator('a', () => 1)])).toThrow('Two evaluators are named "a"')
    expect(() => toNamedEvaluators([null] as never)).toThrow('is null')
    expect(() => toNamedEvaluators(new Array(1) as never)).toThrow('Evaluator 1 is a value of type undefined')
    expect(() => toNamedEvaluators([evaluator('__proto__', () => 1)])).toThrow('An evaluator is named "__proto__"')
  })
})

describe('parseScore', () => {
  test('reads every shape an evaluator may return', () => {
    expect(parseScore(0.5)).toMatchObject({ score: { value: 0.5 } })
    expect(parseScore([true])).toMatchObject({ score: { value: true } })
    expect(parseScore('warm')).toMatchObject({ score: { value: 'warm' } })
    expect(parseScore(7n)).toMatchObject({ score: { value: 7 } })
    expect(parseScore({ score: 1, explanation: { why: 'x' }, recall: 0.5, list: [1] })).toEqual({
      kind: 'score',
      score: { value: 1, explanation: '{"why":"x"}', extras: { recall: 0.5 } },
    })
    expect(parseScore(undefined)).toEqual({ kind: 'none' })
    expect(parseScore({ score: null })).toEqual({ kind: 'none' })
  })

  test('H91 says why something is no score: NaN, lists, cycles, getters that throw', () => {
    const cyclic: Record<string, unknown> = { score: 1 }
    cyclic.self = cyclic
    expect(parseScore(cyclic)).toMatchObject({ kind: 'score', score: { extras: {} } })
    expect(parseScore(Number.NaN)).toMatchObject({ kind: 'invalid', reason: expect.stringContaining('NaN') })
    expect(parseScore({ score: 1, recall: Number.NaN })).toMatchObject({
      kind: 'invalid',
      reason: expect.stringContaining('NaN as "recall"'),
    })
    expect(parseScore({ score: 1, loss: Number.POSITIVE_INFINITY })).toMatchObject({ kind: 'invalid' })
    expect(parseScore({ score: 1, explanation: Number.NaN })).toMatchObject({ kind: 'score' })
    expect(parseScore([1, 2])).toMatchObject({ kind: 'invalid' })
    expect(parseScore({})).toMatchObject({ kind: 'invalid', reason: expect.stringContaining('without "score"') })
    expect(
      parseScore({
        get score() {
          throw new Error('no')
        },
      }),
    ).toMatchObject({ kind: 'invalid' })
    expect(parseScore({ score: () => 1 })).toMatchObject({ kind: 'invalid' })
  })
})
