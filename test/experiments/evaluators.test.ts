import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { OFFLINE } from './backend.js'
import { compileJsonSchema } from '../../src/experiments/evaluators/json-schema.js'
import {
  bleuScore,
  cosineSimilarity,
  editSimilarity,
  normalizedTokens,
  rougeLScore,
  tokenOverlap,
  rougeTokens as tokens,
} from '../../src/experiments/evaluators/text-metrics.js'
import {
  bleu,
  embeddingCosine,
  exactMatch,
  includes,
  jsonEquals,
  evaluate,
  jsonSchema,
  levenshtein,
  llmJudge,
  numericTolerance,
  regex,
  rougeL,
  tokenF1,
} from '../../src/experiments/index.js'

describe('text metrics against published values', () => {
  test('edit similarity counts characters, not the halves of them', () => {
    expect(editSimilarity('kitten', 'sitting')).toBeCloseTo(4 / 7, 10)
    expect(editSimilarity('saturday', 'sunday')).toBeCloseTo(5 / 8, 10)
    expect(editSimilarity('', 'abc')).toBe(0)
    expect(editSimilarity('', '')).toBe(1)
    expect(editSimilarity('😀a', 'a')).toBe(0.5)
  })

  test('BLEU clips counts: Papineni et al., 2002, example 2', () => {
    const candidate = tokens('the the the the the the the')
    const references = [tokens('The cat is on the mat'.toLowerCase()), tokens('There is a cat on the mat'.toLowerCase())]
    expect(bleuScore(candidate, references, { maxOrder: 1 })).toBeCloseTo(2 / 7, 10)
  })

  test('BLEU of the two candidates that the NLTK documents use', () => {
    const references = [
      'It is a guide to action that ensures that the military will forever heed Party commands',
      'It is the guiding principle which guarantees the military forces always being under the command of the Party',
      'It is the practical guide for the army always to heed the directions of the party',
    ].map((text) => text.split(' '))
    const good = 'It is a guide to action which ensures that the military always obeys the commands of the party'.split(' ')
    const bad = 'It is to insure the troops forever hearing the activity guidebook that party direct'.split(' ')
    expect(bleuScore(good, references)).toBeCloseTo(0.5046, 4)
    expect(bleuScore(bad, references, { smooth: 'none' })).toBe(0)
    expect(bleuScore(bad, references, { smooth: 'add-one' })).toBeGreaterThan(0)
  })

  test('ROUGE-L: Lin, 2004, section 3', () => {
    const reference = tokens('police killed the gunman')
    expect(rougeLScore(tokens('police kill the gunman'), reference).f1).toBeCloseTo(0.75)
    expect(rougeLScore(tokens('the gunman kill police'), reference).f1).toBeCloseTo(0.5)
  })

  test('token F1 normalises as the SQuAD script does', () => {
    expect(normalizedTokens('The  Eiffel-Tower, in a Paris!')).toEqual(['eiffeltower', 'in', 'paris'])
    const { f1, precision, recall } = tokenOverlap(normalizedTokens('the capital is Paris'), normalizedTokens('Paris'))
    expect([f1, precision, recall]).toEqual([0.5, 1 / 3, 1])
    expect(tokenOverlap([], []).f1).toBe(1)
    expect(tokenOverlap(['a'], []).f1).toBe(0)
  })

  test('cosine', () => {
    expect(cosineSimilarity([1, 0], [0, 1])).toBe(0)
    expect(cosineSimilarity([1, 2, 3], [2, 4, 6])).toBeCloseTo(1)
    expect(cosineSimilarity([0, 0], [1, 1])).toBe(0)
  })
})

describe('built-in evaluators', () => {
  test('exactMatch', async () => {
    expect(await exactMatch()('Paris ', {}, 'Paris')).toBe(true)
    expect(await exactMatch({ trim: false })('Paris ', {}, 'Paris')).toBe(false)
    expect(await exactMatch({ ignoreCase: true, select: (outputs) => Object(outputs).answer })({ answer: 'PARIS' }, {}, 'paris')).toBe(true)
  })

  test.for([[undefined], [null], [''], [[]], [[undefined]]])(
    'includes and regex do not pass where nothing is expected: %o',
    async ([none]) => {
      for (const make of [includes, regex]) {
        if (make === regex && Array.isArray(none)) continue
        expect(await make()('the answer', {}, none)).toBe(false)
        expect(await make({ lowerIsBetter: true })('the answer', {}, none)).toBe(true)
      }
      expect(await regex({ pattern: /answer/ })('the answer', {}, none)).toBe(true)
      expect(await regex()('the answer', {}, /(?:)/)).toBe(false)
    },
  )

  test('what is selected, or expected, may have to be awaited', async () => {
    const late = exactMatch({ select: async (outputs) => outputs, expected: async (groundTruth) => groundTruth })
    expect([await late('a', {}, 'a'), await late('a', {}, 'b')]).toEqual([true, false])
  })

  test('includes and regex', async () => {
    expect(await includes()('the answer is 42', {}, ['answer', '42'])).toBe(true)
    expect(await includes()('the answer', {}, ['answer', '42'])).toBe(false)
    const digits = regex({ pattern: /\d+/g })
    expect([await digits('a1', {}, null), await digits('a1', {}, null), await digits('a', {}, null)]).toEqual([true, true, false])
    expect(await regex()('abc', {}, '^a.c$')).toBe(true)
  })

  test('jsonEquals ignores the order of keys', async () => {
    expect(await jsonEquals()('{"a":1,"b":[2]}', {}, { b: [2], a: 1 })).toBe(true)
    expect(await jsonEquals()({ a: 1 }, {}, { a: 2 })).toBe(false)
  })

  test('numericTolerance', async () => {
    expect(await numericTolerance({ absolute: 0.5 })('1,000.4', {}, 1000)).toMatchObject({ score: true })
    expect(await numericTolerance({ relative: 0.01 })(102, {}, 100)).toMatchObject({ score: false, difference: 2 })
    expect(await numericTolerance()('many', {}, 1)).toEqual({ score: false, explanation: 'not two numbers' })
  })

  test('levenshtein, tokenF1, bleu and rougeL', async () => {
    expect(await levenshtein()('kitten', {}, 'sitting')).toBeCloseTo(4 / 7)
    expect(await tokenF1()('the capital is Paris', {}, 'Paris')).toMatchObject({ score: 0.5, recall: 1 })
    expect(await bleu()('a b c d e', {}, ['x y', 'a b c d e'])).toBe(1)
    expect(await rougeL()('Police kill the gunman', {}, 'police killed the gunman')).toMatchObject({ score: 0.75 })
  })

  test('embeddingCosine', async () => {
    const embed = (text: string): number[] => [text.length, 1]
    expect(await embeddingCosine(embed)('abc', {}, 'xyz')).toBeCloseTo(1)
    await expect(embeddingCosine((text) => (text === 'a' ? [1] : [1, 2]))('a', {}, 'b')).rejects.toThrow(/1 and 2 numbers/)
  })

  test('jsonSchema takes JSON Schema and Standard Schema and explains', async () => {
    const schema = jsonSchema({
      type: 'object',
      required: ['answer'],
      properties: { answer: { type: 'string', minLength: 2 } },
      additionalProperties: false,
    })
    expect(await schema('{"answer":"ok"}', {}, null)).toEqual({ score: true })
    expect(await schema({ answer: 'x', more: 1 }, {}, null)).toEqual({
      score: false,
      explanation: 'the value must NOT have additional properties "more"; /answer must NOT have fewer than 2 characters',
    })
    expect(await schema('not json', {}, null)).toEqual({ score: false, explanation: 'the outputs are not JSON' })
    const standard = jsonSchema(z.object({ n: z.number() }), { name: 'shape' })
    expect(await standard({ n: 1 }, {}, null)).toEqual({ score: true })
    expect(await standard({ n: 'x' }, {}, null)).toMatchObject({ score: false, explanation: expect.stringContaining('n: ') })
    expect(standard.evaluatorName).toBe('shape')
  })

  test('JSON Schema: what tools write is checked whole, and a schema that is wrong is refused before the first row', async () => {
    const problems = (schema: object, value: unknown) => Math.min(compileJsonSchema(schema as never, true)(value).length, 1)
    const draft7 = 'http://json-schema.org/draft-07/schema#'
    expect(problems({ propertyNames: { pattern: '^a' } }, { b: 1 })).toBe(1)
    expect(problems({ $schema: draft7, items: [{ type: 'string' }], additionalItems: false }, ['a', 1])).toBe(1)
    expect(problems({ if: { const: 1 }, then: false }, 1)).toBe(1)
    expect(problems({ type: 'object', dependentRequired: { a: ['b'] } }, { a: 1 })).toBe(1)
    expect(problems({ $schema: draft7, dependencies: { a: ['b'] } }, { a: 1 })).toBe(1)
    expect(problems({ contains: { type: 'number' }, minContains: 2 }, [1, 'a'])).toBeGreaterThan(0)
    expect(problems({ properties: { a: true }, unevaluatedProperties: false }, { b: 1 })).toBe(1)
    expect(problems({ $ref: '#foo', $defs: { x: { $anchor: 'foo', type: 'number' } } }, 'a')).toBe(1)
    expect(problems({ format: 'date' }, '2024-13-45')).toBe(1)
    expect(compileJsonSchema({ format: 'date' }, false)('2024-13-45')).toEqual([])
    expect([
      problems({ multipleOf: 1 }, 1e-10),
      problems({ multipleOf: 0.1 }, 0.3),
      problems({ multipleOf: 0.5 }, 1e308),
      problems({ multipleOf: 0.123456789 }, 1e308),
    ]).toEqual([1, 0, 0, 1])
    expect(problems({ enum: [0] }, -0)).toBe(0)
    let calls = 0
    for (const schema of [
      { type: 'foo' },
      { minimum: 'a' },
      { $ref: '#/nowhere' },
      { $schema: 'http://json-schema.org/draft-03/schema#' },
    ]) {
      const run = evaluate({ ...OFFLINE, dataset: [{ inputs: {} }], function: () => ++calls, evaluators: [jsonSchema(schema)] })
      await expect(run).rejects.toThrow('jsonSchema: the schema cannot be used')
    }
    expect(calls).toBe(0)
  })
  test('llmJudge reads the choice, keeps the reason and asks with the material fenced off', async () => {
    const asked: string[] = []
    const judge = llmJudge({
      model: (prompt) => {
        asked.push(prompt)
        return 'Sure! {"explanation": "half right", "choice": "Partial"}'
      },
    })
    expect(await judge('Paris and Rome', { q: 'capital?' }, 'Paris')).toEqual({ score: 0.5, choice: 'partial', explanation: 'half right' })
    expect(asked[0]).toContain('<answer>\nParis and Rome\n</answer>')
  })

  test('llmJudge fails on an answer without a choice instead of scoring 0, and averages repeats', async () => {
    await expect(llmJudge({ model: () => 'I like it' })('a', {}, 'b')).rejects.toThrow(/chose none of correct, partial, incorrect/)
    const replies = ['correct', 'incorrect']
    const judge = llmJudge({ name: 'verdict', model: () => replies.pop() ?? '', repeat: 2 })
    expect(await judge('a', {}, 'b')).toMatchObject({ score: 0.5 })
  })
})
