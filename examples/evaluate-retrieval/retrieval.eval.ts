/** The gate: `npx honeyhive-tracer eval "examples/evaluate-retrieval/*.eval.ts"` fails when the search gets worse than this. */
import { defineExperiment } from 'honeyhive-tracer/experiments'
import { questions } from './corpus.js'
import { hitAt1, oneSearch, reciprocalRank } from './evaluators.js'
import { bm25Stemmed } from './search.js'

export const retrieval = defineExperiment({
  name: 'retrieval',
  dataset: questions,
  function: function answer({ inputs }) {
    return bm25Stemmed(inputs.question)
  },
  evaluators: [hitAt1, reciprocalRank, oneSearch],
  // Just below what was measured, so that a change which loses more than a few questions is noticed.
  thresholds: { hit_at_1: 0.9, reciprocal_rank: 0.93, one_search: { min: 1, aggregate: 'min' }, latencyMs: 100 },
})
