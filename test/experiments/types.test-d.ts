// Checked by `tsc -p test`: each `@ts-expect-error` fails the check when the line under it is accepted.
import {
  defineExperiment,
  evaluate,
  evaluator,
  exactMatch,
  fromInputs,
  llmJudge,
  type ExperimentResult,
  type ScoreDetails,
} from '../../src/experiments/index.js'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<A, B>(..._equal: Equal<A, B> extends true ? [] : [never]): void {}

const dataset = [{ id: 'x', inputs: { question: 'q' }, groundTruth: { answer: 'a' }, tag: 1 }]

export async function rowTypesFlow(): Promise<void> {
  const result = await evaluate({
    dataset,
    function: async (datapoint, { tracer, signal, index }) => {
      same<typeof datapoint.inputs, { question: string }>()
      same<typeof datapoint.groundTruth, { answer: string }>()
      same<typeof datapoint.tag, number>()
      same<typeof index, number>()
      // @ts-expect-error a wrong input
      datapoint.inputs.qestion
      signal.throwIfAborted()
      return { text: datapoint.inputs.question, session: tracer.sessionId }
    },
    evaluators: {
      correct: (outputs, inputs, groundTruth) => {
        same<typeof outputs, { text: string; session: string }>()
        same<typeof inputs, { question: string }>()
        same<typeof groundTruth, { answer: string }>()
        return outputs.text === groundTruth.answer
      },
      similarity: async (_outputs, _inputs, _groundTruth, { trace }) => ({ score: trace.spans.length, explanation: 'because' }),
    },
  })
  same<(typeof result.rows)[number]['outputs'], { text: string; session: string } | undefined>()
  same<(typeof result.rows)[number]['groundTruth'], { answer: string }>()
}

export async function scoreNamesAreKnown(): Promise<void> {
  const result = await evaluate({
    dataset,
    function: ({ inputs }) => inputs.question,
    evaluators: { correct: () => true, similarity: async () => ({ score: 0.5 }) },
    thresholds: { correct: 0.9, latencyMs: 100, errorRate: { max: 0.1 } },
  })
  result.metrics.correct.average
  result.metrics.similarity.p95
  // @ts-expect-error a misspelt score
  result.metrics.corect
  const row = result.rows[0]
  same<NonNullable<typeof row>['scores']['correct'], boolean | undefined>()
  same<NonNullable<typeof row>['scores']['similarity'], number | undefined>()
  // @ts-expect-error a misspelt score on a row
  row?.scores.corect
}

export async function thresholdNamesAreChecked(): Promise<void> {
  await evaluate({
    dataset,
    function: ({ inputs }) => inputs.question,
    evaluators: { correct: () => true },
    // @ts-expect-error a threshold for a score that does not exist
    thresholds: { corect: 0.9 },
  })
}

export async function listsOfNamedEvaluators(): Promise<void> {
  const result = await evaluate({
    dataset,
    function: ({ inputs }) => inputs.question,
    evaluators: [
      exactMatch(),
      evaluator('length', (outputs: string) => outputs.length),
      evaluator('label', { evaluate: (outputs: string) => outputs.length, transform: (value) => String(value) }),
      llmJudge({ name: 'judge', model: () => 'correct' }),
    ],
  })
  same<keyof typeof result.metrics, 'exact_match' | 'length' | 'label' | 'judge'>()
  const scores = result.rows[0]?.scores
  same<NonNullable<typeof scores>['length'], number | undefined>()
  same<NonNullable<typeof scores>['label'], string | undefined>()
  // @ts-expect-error a misspelt score of a list
  result.metrics.lenght
}

export async function evaluatorsMadeElsewhere(): Promise<void> {
  const hit = evaluator('hit', (found: readonly string[], _inputs: unknown, expected: { answer: string }) => found[0] === expected.answer)
  const inList = await evaluate({ dataset, function: ({ inputs }) => [inputs.question], evaluators: [hit] })
  same<keyof typeof inList.metrics, 'hit'>()
  same<(typeof inList.rows)[number]['outputs'], string[] | undefined>()
  const named = await evaluate({
    dataset,
    function: async ({ inputs }) => [inputs.question],
    evaluators: { hit, other: (outputs) => outputs.length },
  })
  same<keyof typeof named.metrics, 'hit' | 'other'>()
  await evaluate({
    dataset,
    function: ({ inputs }) => inputs.question.length,
    // @ts-expect-error the evaluator takes lists, the function gives a number
    evaluators: [hit],
  })
}

export async function evaluatorsMustFitTheFunction(): Promise<void> {
  await evaluate({
    dataset,
    function: ({ inputs }) => inputs.question,
    // @ts-expect-error the evaluator takes numbers, the function gives text
    evaluators: [evaluator('double', (outputs: number) => outputs * 2)],
  })
  await evaluate({
    dataset,
    function: ({ inputs }) => inputs.question,
    // @ts-expect-error the evaluator wants other inputs
    evaluators: { topic: (_outputs: string, inputs: { topic: string }) => inputs.topic },
  })
}

export async function evaluatorsMustFitTheGroundTruth(): Promise<void> {
  await evaluate({
    dataset,
    function: ({ inputs }) => inputs.question,
    // @ts-expect-error the ground truth is an object with an answer
    evaluators: { wrong: (_outputs: string, _inputs: unknown, groundTruth: number) => groundTruth },
  })
  await evaluate({
    dataset,
    function: ({ inputs }) => inputs.question,
    // @ts-expect-error the ground truth has no such field
    evaluators: { wrong: (_outputs, _inputs, groundTruth) => groundTruth.anser },
  })
}

export async function functionsMustFitTheDataset(): Promise<void> {
  await evaluate({
    dataset,
    // @ts-expect-error the dataset has no input of that name
    function: (datapoint: { inputs: { topic: string } }) => datapoint.inputs.topic,
  })
  await evaluate({
    dataset,
    function: fromInputs((inputs: { question: string }, groundTruth: { answer: string }) => inputs.question + groundTruth.answer),
  })
  await evaluate({
    dataset,
    // @ts-expect-error an adapter over other inputs
    function: fromInputs((inputs: { topic: string }) => inputs.topic),
  })
}

export async function otherSources(): Promise<void> {
  async function* stream(): AsyncGenerator<{ inputs: { n: number }; ground_truth: string }> {
    yield { inputs: { n: 1 }, ground_truth: 'one' }
  }
  const streamed = await evaluate({ dataset: stream(), function: ({ inputs, groundTruth }) => groundTruth.repeat(inputs.n) })
  same<(typeof streamed.rows)[number]['groundTruth'], string>()
  const hosted = await evaluate({
    datasetId: 'd',
    parse: (row) => row as { inputs: { n: number }; groundTruth: boolean },
    function: ({ inputs, groundTruth }) => (groundTruth ? inputs.n : -inputs.n),
  })
  same<(typeof hosted.rows)[number]['inputs'], { n: number }>()
}

export function definitionsKeepTheTypes(): void {
  const experiment = defineExperiment({
    dataset,
    function: ({ inputs }) => inputs.question.length,
    evaluators: { even: (outputs) => outputs % 2 === 0 },
  })
  type Result = Awaited<ReturnType<typeof experiment.run>>
  same<keyof Result['metrics'], 'even'>()
  const asAny: (result: Result) => ExperimentResult<never, unknown, never> = (result) => result as never
  void asAny
}

export async function directCallsGiveTheScore(): Promise<void> {
  const length = evaluator('length', (outputs: string) => outputs.length)
  const score = await length('abc', {}, null)
  same<typeof score, number>()
  const judge = llmJudge({ model: () => '' })
  const verdict = await judge('a', {}, 'b')
  same<typeof verdict, ScoreDetails<number>>()
  // @ts-expect-error the outputs are text
  await length(3, {}, null)
}
