import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  bleuScore,
  bleuTokens,
  cosineSimilarity,
  editDistance,
  normalizedTokens,
  rougeLScore,
  rougeNScore,
  rougeTokens,
  tokenOverlap,
} from '../../src/experiments/evaluators/text-metrics.js'

type Three = [precision: number, recall: number, f1: number]

/** Made by `reference/make_text.py`, which names its command: raw texts with punctuation, entities, other scripts and emoji. */
const cases = JSON.parse(readFileSync(new URL('reference/text.json', import.meta.url), 'utf8')) as {
  text: string
  reference: string
  other: string
  bleu: number
  bleuNone: number
  bleuAddOne: number
  bleuOrder2: number
  bleuTwo: number
  rouge1: Three
  rouge2: Three
  rougeL: Three
  squad: number
}[]

describe('on raw text', () => {
  test('BLEU is that of sacrebleu, with every smoothing, order and several references', () => {
    for (const { text, reference, other, ...wanted } of cases) {
      const score = (options: object, ...references: string[]) => bleuScore(bleuTokens(text), references.map(bleuTokens), options)
      const found = {
        bleu: score({}, reference),
        bleuNone: score({ smooth: 'none' }, reference),
        bleuAddOne: score({ smooth: 'add-one' }, reference),
        bleuOrder2: score({ maxOrder: 2 }, reference),
        bleuTwo: score({}, reference, other),
      }
      for (const [name, value] of Object.entries(found)) {
        expect(value, `${name} of ${JSON.stringify(text)} against ${JSON.stringify(reference)}`).toBeCloseTo(wanted[name as 'bleu'], 7)
      }
    }
  })

  test('ROUGE-1, ROUGE-2 and ROUGE-L are those of rouge-score', () => {
    for (const { text, reference, ...wanted } of cases) {
      const [own, other] = [rougeTokens(text), rougeTokens(reference)]
      const found = { rouge1: rougeNScore(own, other, 1), rouge2: rougeNScore(own, other, 2), rougeL: rougeLScore(own, other) }
      for (const [name, { precision, recall, f1 }] of Object.entries(found)) {
        const [p, r, f] = wanted[name as 'rouge1']
        expect(
          [precision, recall, f1].map((value) => value.toFixed(7)),
          `${name} of ${text}`,
        ).toEqual([p, r, f].map((value) => value.toFixed(7)))
      }
    }
  })

  test('token F1 is that of the SQuAD script', () => {
    for (const { text, reference, squad } of cases) {
      expect(tokenOverlap(normalizedTokens(text), normalizedTokens(reference)).f1, text).toBeCloseTo(squad, 7)
    }
  })
})

describe('editDistance', () => {
  test('counts characters, not UTF-16 units', () => {
    expect(editDistance('kitten', 'sitting')).toBe(3)
    expect(editDistance('a😀b', 'a😁b')).toBe(1)
    expect(editDistance('😀😀', '')).toBe(2)
    expect(editDistance('abc', 'a😀c')).toBe(1)
  })
})

describe('cosineSimilarity', () => {
  test('holds for numbers whose squares do not fit', () => {
    expect(cosineSimilarity([1e200, 1e200], [1e200, 1e200])).toBeCloseTo(1, 12)
    expect(cosineSimilarity([1e-200, 0], [1e-200, 1e-200])).toBeCloseTo(Math.SQRT1_2, 12)
    expect(cosineSimilarity([0, 0], [1, 2])).toBe(0)
  })
})
