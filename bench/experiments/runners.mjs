/**
 * The runners. Each entry loads its library and gives a function that runs rows `{ id, question, answer }` and returns the
 * average of the score. Concurrency is 10 everywhere.
 */
const answer = (question) => question.toUpperCase()
const score = (output, expected) => (output === expected ? 1 : 0)
const mean = (values) => values.reduce((total, value) => total + value, 0) / values.length

async function honeyhive(options) {
  const { evaluate } = await import('../../dist/experiments.js')
  return async (rows) => {
    const result = await evaluate({
      ...options,
      dataset: rows.map(({ id, question, answer: groundTruth }) => ({ id, inputs: { question }, groundTruth })),
      function: async ({ inputs }) => answer(inputs.question),
      evaluators: { exact: (output, _inputs, expected) => score(output, expected) },
      maxConcurrency: 10,
      printResults: false,
      progress: false,
      git: false,
    })
    return result.metrics.exact.average
  }
}

export const runners = {
  /** No runner: what the function and the score cost by themselves. */
  'plain loop': async () => async (rows) => mean(await Promise.all(rows.map(async (row) => score(await answer(row.question), row.answer)))),

  /** Everything is recorded, nothing is sent. */
  'honeyhive offline': () => honeyhive({ apiKey: '' }),

  /** Sessions, spans and updates are sent, and the run waits until all of them are acknowledged. */
  'honeyhive online': (url) => honeyhive({ apiKey: 'hh_bench_key', serverUrl: url }),

  /** Its own way to run without an account. */
  'braintrust offline': async () => {
    const { Eval } = await import('braintrust')
    const quiet = { start: () => undefined, stop: () => undefined, increment: () => undefined }
    return async (rows) => {
      const { results } = await Eval(
        'bench',
        {
          data: () => rows.map(({ question, answer: expected }) => ({ input: question, expected })),
          task: async (input) => answer(input),
          scores: [({ output, expected }) => ({ name: 'exact', score: score(output, expected) })],
          maxConcurrency: 10,
        },
        { noSendLogs: true, progress: quiet, reporter: { name: 'none', reportEval: () => true, reportRun: () => true } },
      )
      return mean(results.map(({ scores }) => scores.exact))
    }
  },

  /** Rows are sent to the stub. */
  'langsmith online': async (url) => {
    process.env.LANGSMITH_TRACING = 'true'
    const { Client } = await import('langsmith')
    const { evaluate } = await import('langsmith/evaluation')
    const client = new Client({ apiUrl: url, apiKey: 'bench', autoBatchTracing: true })
    return async (rows) => {
      const id = '00000000-0000-4000-8000-000000000000'
      const data = rows.map(({ question, answer: expected }, i) => ({
        id: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
        inputs: { question },
        outputs: { expected },
        dataset_id: id,
        created_at: new Date(0).toISOString(),
        modified_at: new Date(0).toISOString(),
        runs: [],
      }))
      const results = await evaluate(async ({ question }) => ({ output: answer(question) }), {
        data,
        client,
        maxConcurrency: 10,
        evaluators: [({ outputs, referenceOutputs }) => ({ key: 'exact', score: score(outputs.output, referenceOutputs.expected) })],
      })
      await client.awaitPendingTraceBatches()
      return mean(results.results.map(({ evaluationResults }) => evaluationResults.results[0].score))
    }
  },
}
