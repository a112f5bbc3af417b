import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { jsonSchema } from '../../src/experiments/index.js'

type Group = [file: string, schema: boolean | Record<string, unknown>, cases: [data: unknown, valid: boolean][]]

/** Made by `reference/make-json-schema.mjs`, which names its command. */
const suite = JSON.parse(readFileSync(new URL('reference/json-schema.json', import.meta.url), 'utf8')) as Record<string, Group[]>

const DRAFTS = [
  ['draft7', 'http://json-schema.org/draft-07/schema#', 927, 900],
  ['draft2020-12', 'https://json-schema.org/draft/2020-12/schema', 1_299, 1_198],
] as const

interface Outcome {
  readonly right: number
  readonly total: number
  /** Cases by what became of them and where they stand, without those that were right. */
  readonly missed: Readonly<Record<string, number>>
}

async function runSuite(groups: readonly Group[], uri: string): Promise<Outcome> {
  let [right, total] = [0, 0]
  const missed: Record<string, number> = {}
  for (const [file, schema, cases] of groups) {
    // By default a draft takes `format` for a description.
    const evaluator = jsonSchema(typeof schema === 'object' ? { $schema: uri, ...schema } : schema, { formats: false })
    for (const [data, valid] of cases) {
      total += 1
      // As text: a string of the suite is a value, not JSON.
      const score = await evaluator(JSON.stringify(data), {}, undefined).then(
        (details) => details.score,
        () => undefined,
      )
      if (score === valid) right += 1
      else {
        const what = `${score === undefined ? 'refused' : 'wrong'}: ${file}`
        missed[what] = (missed[what] ?? 0) + 1
      }
    }
  }
  return { right, total, missed }
}

describe('jsonSchema on the official test suite', () => {
  test.for(DRAFTS)('%s', { timeout: 120_000 }, async ([draft, uri, cases, least]) => {
    const { right, total, missed } = await runSuite(suite[draft] ?? [], uri)
    expect(total).toBeGreaterThanOrEqual(cases)
    expect(right / total, JSON.stringify({ right, total, missed })).toBeGreaterThanOrEqual(least / cases)
    console.log(draft, right, total, missed)
  })
})
