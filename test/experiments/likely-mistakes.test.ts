import { describe, expect, it } from 'vitest'
import type { NamedEvaluator } from '../../src/experiments/evaluator.js'
import { LikelyMistakes } from '../../src/experiments/likely-mistakes.js'
import type { ExperimentRow } from '../../src/experiments/types.js'

const evaluators = (all: Record<string, (...given: never[]) => unknown>): NamedEvaluator[] =>
  Object.entries(all).map(([name, evaluate]) => ({ name, evaluate }) as unknown as NamedEvaluator)
const row = (outputs: unknown, status = 'passed'): ExperimentRow => ({ status, outputs }) as ExperimentRow
const describeAll = (mistakes: LikelyMistakes, ...rows: readonly (readonly [raw: unknown, row: ExperimentRow])[]): string[] => {
  for (const [raw, each] of rows) mistakes.look(raw, each)
  return mistakes.describe()
}

const ofBraintrust = ({ output }: { output: unknown }) => output
const ofLangSmith = ({ outputs, referenceOutputs }: { outputs: unknown; referenceOutputs: unknown }) => outputs === referenceOutputs
const TAKES_ONE = /^Evaluator "(\w+)" takes \{ ([\w, ]+) \} of its first argument/
const named = (lines: readonly string[]): (string | undefined)[][] => lines.map((line) => TAKES_ONE.exec(line)?.slice(1) ?? [line])

describe('evaluators written for one object', () => {
  it('are named with the fields they take, where no output has one of them', () => {
    const mistakes = new LikelyMistakes(evaluators({ ofBraintrust, ofLangSmith }), true)
    expect(named(describeAll(mistakes, [{ inputs: {} }, row('text')], [{ inputs: {} }, row({ answer: 1 })]))).toEqual([
      ['ofBraintrust', 'output'],
      ['ofLangSmith', 'outputs, referenceOutputs'],
    ])
  })

  it('are each judged by themselves: one whose field is there, in one row of several, says nothing of the others', () => {
    const mistakes = new LikelyMistakes(evaluators({ ofBraintrust, ofLangSmith }), true)
    expect(named(describeAll(mistakes, [{}, row('text')], [{}, row({ output: 1 })], [{}, row('text')]))).toEqual([
      ['ofLangSmith', 'outputs, referenceOutputs'],
    ])
  })

  it('are not blamed where every row failed, nor before the first', () => {
    const mistakes = new LikelyMistakes(evaluators({ ofBraintrust }), true)
    expect(mistakes.describe()).toEqual([])
    expect(describeAll(mistakes, [{}, row(undefined, 'failed')], [{}, row(undefined, 'failed')])).toEqual([])
  })

  it('are told by their head alone: plain parameters, other fields and native functions are none', () => {
    const others = evaluators({
      plain: (outputs: unknown) => outputs,
      nested: ({ answer }: { answer: unknown }) => answer,
      second: (_: unknown, { output }: { output: unknown }) => output,
      native: Math.max as never,
    })
    expect(describeAll(new LikelyMistakes(others, true), [{}, row('text')])).toEqual([])
  })
})

describe('a function that returns nothing', () => {
  const NOTHING = ['The function returned nothing for any row. Return what is to be judged.']

  it('is told where that was so in each row: nothing, null, or a function that was not called', () => {
    const rows = [undefined, null, () => 1].map((outputs) => [{}, row(outputs)] as const)
    expect(describeAll(new LikelyMistakes([], true), ...rows)).toEqual(NOTHING)
  })

  it.each([
    ['one row has an answer', [row(undefined), row(0)]],
    ['one row failed', [row(undefined), row(undefined, 'failed'), row(undefined)]],
    ['each row failed', [row(undefined, 'failed')]],
    ['there is no row', []],
  ])('is not told where %s', (_, rows) => {
    expect(describeAll(new LikelyMistakes([], true), ...rows.map((each) => [{}, each] as const))).toEqual([])
  })
})

describe('a field that is meant to be the ground truth', () => {
  const judged = evaluators({ same: (outputs: unknown, _: unknown, truth: unknown) => outputs === truth })

  it.each(['expected', 'expectedOutput', 'groundTruths', 'reference', 'referenceOutputs', 'expected_output'])('is told: %s', (name) => {
    expect(describeAll(new LikelyMistakes(judged, true), [{ inputs: 1, [name]: 2 }, row(1)])).toEqual([
      `Rows have "${name}" and no "groundTruth", which evaluators are given. Rename it, or give "parse".`,
    ])
  })

  it.each([
    ['there is one', { groundTruth: 1, expected: 2 }, true, judged],
    ['there is one as in Python', { ground_truth: 1, expected: 2 }, true, judged],
    ['`parse` reads the rows', { expected: 2 }, false, judged],
    ['nobody judges', { expected: 2 }, true, []],
    ['a row is no object', 'expected', true, judged],
  ])('is not told where %s', (_, raw, isPlain, all) => {
    expect(describeAll(new LikelyMistakes(all, isPlain), [raw, row(1)])).toEqual([])
  })
})
