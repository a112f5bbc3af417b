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

  /** Without an OpenTelemetry provider nothing is recorded; scores go to the stub. */
  'langfuse, no spans': async (url) => {
    const { LangfuseClient } = await import('@langfuse/client')
    const langfuse = new LangfuseClient({ publicKey: 'pk-bench', secretKey: 'sk-bench', baseUrl: url })
    return async (rows) => {
      const { itemResults } = await langfuse.experiment.run({
        name: 'bench',
        data: rows.map(({ question, answer: expectedOutput }) => ({ input: question, expectedOutput })),
        task: async ({ input }) => answer(input),
        evaluators: [async ({ output, expectedOutput }) => ({ name: 'exact', value: score(output, expectedOutput) })],
        maxConcurrency: 10,
      })
      return mean(itemResults.map(({ evaluations }) => evaluations[0].value))
    }
  },

  /** Its library call with a function as provider, without cache, file or database. */
  promptfoo: async () => {
    process.env.PROMPTFOO_DISABLE_TELEMETRY = '1'
    process.env.PROMPTFOO_DISABLE_UPDATE = '1'
    const { default: promptfoo } = await import('promptfoo')
    return async (rows) => {
      const { results } = await promptfoo.evaluate(
        {
          prompts: ['{{question}}'],
          providers: [async (question) => ({ output: answer(question) })],
          tests: rows.map(({ question, answer: value }) => ({ vars: { question }, assert: [{ type: 'equals', value }] })),
          writeLatestResults: false,
          sharing: false,
        },
        { maxConcurrency: 10, cache: false, showProgressBar: false },
      )
      return mean(results.map(({ score: one }) => one))
    }
  },
}
