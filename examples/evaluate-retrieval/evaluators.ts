import { evaluator } from 'honeyhive-tracer/experiments'

/** The right passage comes first. */
export const hitAt1 = evaluator('hit_at_1', (found: readonly string[], _inputs: unknown, expected: string) => found[0] === expected)

/** 1 ÷ position of the right passage, 0 when it is not among the five. */
export const reciprocalRank = evaluator('reciprocal_rank', (found: readonly string[], _inputs: unknown, expected: string) => {
  const position = found.indexOf(expected)
  return { score: position < 0 ? 0 : 1 / (position + 1), explanation: position < 0 ? 'not found' : `at position ${position + 1}` }
})

/** The search was made once, as the recorded spans show. */
export const oneSearch = evaluator(
  'one_search',
  (_found: unknown, _inputs: unknown, _expected: unknown, { trace }) => trace.findAll('retrieve').length === 1,
)
