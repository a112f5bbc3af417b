/**
 * Compares three searches over the same 200 questions in the terminal. Runs offline; with HH_API_KEY (and HH_API_URL for a
 * local server) each variant is also a run in HoneyHive.
 */
import { compareRuns, evaluate } from 'honeyhive-tracer/experiments'
import { questions } from './corpus.js'
import { hitAt1, oneSearch, reciprocalRank } from './evaluators.js'
import { bm25, bm25Stemmed, overlap, type Search } from './search.js'

const run = (name: string, search: Search) =>
  evaluate({
    name,
    dataset: questions,
    function: function answer({ inputs }) {
      return search(inputs.question)
    },
    evaluators: [hitAt1, reciprocalRank, oneSearch],
    printResults: false,
    progress: false,
  })

const variants = [await run('word overlap', overlap), await run('bm25', bm25), await run('bm25, stemmed', bm25Stemmed)]
for (const result of variants) {
  const { hit_at_1: hits, reciprocal_rank: rank } = result.metrics
  console.log(
    `${result.name.padEnd(16)} hit@1 ${hits.average?.toFixed(3)}  (${hits.confidence?.low.toFixed(3)} to ${hits.confidence?.high.toFixed(3)})  MRR ${rank.average?.toFixed(3)}`,
  )
}
for (const [i, result] of variants.entries()) {
  const before = variants[i - 1]
  if (before === undefined) continue
  const { metrics, improvedRows, worseRows } = await compareRuns(result, before)
  const change = metrics['hit_at_1']
  if (change === undefined) continue
  console.log(
    `${before.name} -> ${result.name}: ${change.difference >= 0 ? '+' : ''}${change.difference.toFixed(3)}, p = ${change.test.pValue.toFixed(4)}, ` +
      `${improvedRows} rows better, ${worseRows} worse; a change of ${change.minimumDetectableChange?.toFixed(3)} would have been seen`,
  )
}
