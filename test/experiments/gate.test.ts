import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect } from 'vitest'
import {
  compareRuns,
  createExperiment,
  defineExperiment,
  defineExperimentTests,
  evaluate,
  evaluator,
  exactMatch,
  mergeResults,
  runEvalFiles,
  scoreRun,
} from '../../src/experiments/index.js'
import { rowKey } from '../../src/experiments/dataset.js'
import { rowSessionId } from '../../src/experiments/run-row.js'
import { toSessionId } from '../../src/semantics/session-id.js'
import { OFFLINE, test as base } from './backend.js'

const test = base.extend<{ folder: string }>({
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'gate-'))
    await use(folder)
    await rm(folder, { recursive: true })
  },
})

interface Row {
  readonly inputs: { readonly i: number }
  readonly groundTruth: number
}
const rows = (count: number): Row[] => Array.from({ length: count }, (_, i) => ({ inputs: { i }, groundTruth: i }))

const crash = (): never => {
  throw new Error('broken')
}

type Score = (output: unknown, inputs: { readonly i: number }) => unknown

/** Each row gives its number; evaluators and all else as asked. */
const run = (count: number, evaluators: Readonly<Record<string, unknown>>, more: object = {}) =>
  evaluate({
    ...OFFLINE,
    dataset: rows(count),
    function: ({ inputs }) => inputs.i,
    evaluators: evaluators as Record<string, (output: unknown) => number>,
    ...more,
  })

/** What a gate against a baseline says. */
async function gate(count: number, before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>, more: object = {}) {
  const baseline = await run(count, before)
  return run(count, after, { baseline, failOnRegression: true, ...more })
}

const UNJUDGED = 'failOnRegression could not be judged: '
const always =
  (score: unknown): Score =>
  () =>
    score

describe('a regression gate that cannot tell', () => {
  test('fails where too few rows got worse to be significant, and passes where none did', async () => {
    expect((await gate(3, { m: always(1) }, { m: always(0) })).failures).toEqual([
      `${UNJUDGED}m: worse over 3 rows, too few for it to be significant`,
    ])
    expect(await gate(3, { m: always(0.5) }, { m: always(0.7) })).toMatchObject({ passed: true })
    expect(await gate(3, { m: always(0.5) }, { m: always(0.5) })).toMatchObject({ passed: true })
    expect(await gate(1, { m: always(1) }, { m: always(1) })).toMatchObject({ passed: true })
    expect((await gate(1, { m: always(1) }, { m: always(0) })).passed).toBe(false)
  })

  test('fails for a score that the baseline has and the run does not, and only warns of a new one', async () => {
    const lost = await gate(20, { m: always(1), safe: always(1) }, { m: always(1) })
    expect(lost.failures).toEqual([`${UNJUDGED}safe: the baseline has this score and the run does not`])
    const added = await gate(20, { m: always(1) }, { m: always(1), safe: always(1) })
    expect(added.passed).toBe(true)
    expect(added.warnings.join()).toContain('Scores that only one of the runs has were not compared: safe')
  })

  test.for([
    ['nothing', undefined],
    ['texts', 'good'],
    ['null', null],
  ] as const)('fails where an evaluator that gave numbers gives %s', async ([, given]) => {
    const result = await gate(20, { m: always(1), other: always(1) }, { m: always(given), other: always(1) })
    expect(result.failures).toEqual([`${UNJUDGED}m: no row has a number or a boolean in both runs`])
  })

  test('fails where so many rows lost their score that with the worst one the run would be worse', async () => {
    const partly =
      (count: number): Score =>
      (_, { i }) =>
        i < count ? undefined : 1
    expect((await gate(40, { m: always(1) }, { m: partly(15) })).failures.join()).toContain('m: 15 rows that had a score have none')
    expect(await gate(40, { m: always(1) }, { m: partly(2) })).toMatchObject({ passed: true })
    expect(await gate(40, { m: partly(15) }, { m: always(1) })).toMatchObject({ passed: true })
  })

  test('fails where the runs disagree about what is better, unless the comparison is told', async () => {
    const less = evaluator('m', { evaluate: always(0.2) as never, lowerIsBetter: true })
    // By its own direction the run is better.
    expect((await gate(20, { m: always(0.3) }, { m: less })).failures).toEqual([
      `${UNJUDGED}m: less is better in one of the runs and more in the other`,
    ])
    const told = await gate(20, { m: always(0.1) }, { m: less }, { comparison: { lowerIsBetter: ['m'] } })
    expect(told.failures.join()).toContain('m: worse than the baseline')
  })

  test('fails where the rows of the baseline only have the same ids, and warns where some have changed', async () => {
    const named = (offset: number, changed = 20) =>
      rows(20).map((row, i) => ({ ...row, id: i, inputs: { i: i < changed ? i + offset : i } }))
    const baseline = await run(20, { m: always(1) }, { dataset: named(0) })
    const other = await run(20, { m: always(1) }, { dataset: named(500), baseline, failOnRegression: true })
    expect(other.failures.join()).toContain('every row that has the id of a row of the baseline has other inputs')
    const some = await run(20, { m: always(1) }, { dataset: named(500, 3), baseline, failOnRegression: true })
    expect(some).toMatchObject({ passed: true })
    expect(some.warnings.join()).toContain('3 of 20 rows have the id of a row of the baseline and other inputs')
  })

  test('knows rows again whose secrets a report masked, by id and by content', async () => {
    const secret = (offset: number) =>
      Array.from({ length: 12 }, (_, i) => ({ inputs: { i: i + offset, password: `hunter${i}-secret` }, groundTruth: i }))
    const baseline = JSON.parse(JSON.stringify(await run(12, { m: always(1) }, { dataset: secret(0) })))
    expect(JSON.stringify(baseline)).not.toContain('hunter3')
    const inserted = await run(13, { m: always(1) }, { dataset: [...rows(1), ...secret(0)], baseline, failOnRegression: true })
    expect(inserted).toMatchObject({ passed: true, comparison: { commonDatapoints: 12, pairedByContent: 12 } })
    const withIds = (list: object[]) => list.map((row, id) => ({ ...row, id }))
    const named = JSON.parse(JSON.stringify(await run(12, { m: always(1) }, { dataset: withIds(secret(0)) })))
    const again = await run(12, { m: always(1) }, { dataset: withIds(secret(0)), baseline: named, failOnRegression: true })
    expect(again).toMatchObject({ passed: true, comparison: { commonDatapoints: 12, warnings: [] } })
  })

  test('fails where rows are not in memory to be compared', async () => {
    const baseline = await run(30, { m: always(1) })
    const result = await run(30, { m: always(1) }, { baseline, failOnRegression: true, maxRows: 10 })
    expect(result.failures).toEqual([`${UNJUDGED}20 rows were not compared; raise maxRows to keep all of them`])
  })

  describe('fails where rows of the baseline are not there to be compared', () => {
    const good = { m: always(1) }
    /** Worse from the tenth row on: the rows that are there are as good as before. */
    const worse: Readonly<Record<string, Score>> = { m: (_, { i }) => Number(i < 10) }
    const judge = (baseline: object) => run(40, worse, { baseline: JSON.parse(JSON.stringify(baseline)), failOnRegression: true })
    const stopAt = (at: number) => {
      const stop = new AbortController()
      const fn = ({ inputs }: Row): number => {
        if (inputs.i === at) stop.abort()
        return inputs.i
      }
      return { function: fn, signal: stop.signal, maxConcurrency: 1 }
    }

    test('because its result left them out', async () => {
      const baseline = await run(40, good, { maxRows: 10, maxConcurrency: 1 })
      const reason = '30 rows of the baseline are not in its result; raise maxRows where it is made'
      const result = await judge(baseline)
      expect(result.failures).toEqual([`${UNJUDGED}${reason}`])
      expect(result.warnings).toContain(`Comparison: Not all rows were compared: ${reason}.`)
      expect(mergeResults([await run(40, worse)], { baseline, failOnRegression: true }).failures).toContain(`${UNJUDGED}${reason}`)
      expect((await compareRuns(result, baseline)).unjudged).toEqual([reason])
    })

    test('because it was stopped, as its result or the rows in its journal say', async ({ folder }) => {
      const stopped = `${UNJUDGED}the baseline was stopped before all of its rows had run`
      const baseline = await run(40, good, { ...stopAt(8), journal: folder })
      expect((await judge(baseline)).failures).toEqual([stopped])
      const byId = await run(40, worse, { baselineRunId: baseline.runId, journal: folder, failOnRegression: true })
      expect(byId.failures).toEqual([stopped])
    })

    test('because it was stopped, as the server says', async ({ online }) => {
      const baseline = await run(12, good, { ...online, ...stopAt(10) })
      const result = await run(12, worse, { ...online, baselineRunId: baseline.runId, failOnRegression: true })
      expect(result.failures).toContain(`${UNJUDGED}the baseline was stopped before all of its rows had run`)
    })

    test('because its process ended in the middle, as its journal says', async ({ folder }) => {
      const baseline = await run(40, good, { journal: folder })
      const file = join(folder, `${baseline.runId}.jsonl`)
      const lines = (await readFile(file, 'utf8')).split('\n')
      await writeFile(file, `${lines.slice(0, 11).join('\n')}\n${lines[11]?.slice(0, 40)}`)
      const gate = { baselineRunId: baseline.runId, journal: folder, failOnRegression: true }
      expect((await run(40, worse, gate)).failures).toEqual([`${UNJUDGED}the baseline did not run all rows of its dataset`])
      await run(40, good, { runId: baseline.runId, journal: folder })
      expect((await run(40, good, gate)).failures).toEqual([])
    })

    test('because its process ended in the middle, as the server says', async ({ online }) => {
      const open = await createExperiment({
        ...online,
        name: 'broken off',
        dataset: rows(40),
        function: () => 1,
        evaluators: { m: () => 1 },
      })
      for (const [index, row] of rows(10).entries()) await open.runDatapoint(row, index)
      const gate = { ...online, baselineRunId: open.runId, failOnRegression: true }
      const reason = 'the server was not told of the end of the baseline: it is still running, or was broken off'
      const early = await run(40, worse, gate)
      expect(early.failures).toContain(`${UNJUDGED}${reason}`)
      expect(early.warnings).toContain(`Comparison: Not all rows were compared: ${reason}.`)
      for (const [index, row] of rows(40).slice(10).entries()) await open.runDatapoint(row, index + 10)
      await open.finish()
      expect((await run(40, good, gate)).failures).toEqual([])
    })

    test('because its dataset was not read to its end, or nobody ran them', async () => {
      async function* broken(): AsyncGenerator<Row> {
        yield* rows(10)
        throw new Error('gone')
      }
      const notRun = [`${UNJUDGED}the baseline did not run all rows of its dataset`]
      expect((await judge(await run(0, good, { dataset: broken() }))).failures).toEqual(notRun)
      const open = await createExperiment({ ...OFFLINE, dataset: rows(40), function: () => 1, evaluators: { m: () => 1 } })
      for (const [index, row] of rows(10).entries()) await open.runDatapoint(row, index)
      expect((await judge(await open.finish())).failures).toEqual(notRun)
    })

    test('and passes where all are, also in a baseline that failed for its rows', async () => {
      const failing = { function: ({ inputs }: Row) => (inputs.i === 0 ? crash() : inputs.i) }
      const baseline = await run(12, good, failing)
      expect(baseline.status).toBe('failed')
      expect((await run(12, good, { baseline, failOnRegression: true })).failures).toEqual([])
      const stream = await run(12, good, { dataset: new Set(rows(12)) })
      expect((await run(12, good, { baseline: stream, failOnRegression: true })).failures).toEqual([])
    })
  })

  test('fails where the run is its own baseline', async ({ folder }) => {
    const runId = crypto.randomUUID()
    await run(9, { m: always(1) }, { runId, journal: folder })
    const again = await run(9, { m: always(0) }, { runId, journal: folder, baselineRunId: runId, failOnRegression: true })
    expect(again.failures.join()).toContain('the baseline is this run itself')
  })

  test('a tolerance hides small changes of rows, not large changes of some of them', async () => {
    const third: Score = (_, { i }) => (i % 3 === 0 ? 0 : 1)
    const tolerant = { comparison: { tolerance: 0.5 } }
    expect((await gate(30, { m: always(1) }, { m: third }, tolerant)).failures.join()).toContain('m: worse than the baseline')
    expect(await gate(30, { m: always(0.9) }, { m: always(0.6) }, tolerant)).toMatchObject({ passed: true })
  })

  test('options of a comparison that would switch it off are refused', async () => {
    const baseline = await run(3, { m: always(1) })
    for (const alpha of [0, 1, -1, '0.05', Number.NaN]) {
      await expect(run(3, { m: always(1) }, { baseline, comparison: { alpha } })).rejects.toThrow('alpha')
      await expect(compareRuns(baseline, baseline, { alpha } as never)).rejects.toThrow('alpha')
    }
    await expect(compareRuns(baseline, baseline, { lowerIsBetter: 'm' } as never)).rejects.toThrow('lowerIsBetter')
    await expect(run(3, { m: always(1) }, { baseline, comparison: { lowerIsBetter: ['mm'] } })).rejects.toThrow('no evaluator "mm"')
    expect((await compareRuns(baseline, baseline, { lowerIsBetter: ['mm'] })).warnings.join()).toContain(
      'names "mm", which neither run has',
    )
  })

  test('trials of different numbers, also of a run at the server, are means of their rows', async ({ online }) => {
    const flaky =
      (good: number) =>
      (_: unknown, __: unknown, ___: unknown, { index }: { index: number }) =>
        Number(index % 10 < good)
    const alternating = {
      function: ({ inputs }: Row, { trial }: { trial: number }) => (trial % 2 === 0 ? inputs.i : crash()),
      thresholds: { errorRate: 1 },
    }
    const baseline = await run(12, { m: flaky(10) }, { ...online, trials: 4 })
    const result = await run(12, { m: flaky(10) }, { ...online, ...alternating, trials: 2, baselineRunId: baseline.runId })
    expect(result.comparison?.metrics['m']).toMatchObject({ oldAverage: 1, newAverage: 0.5, verdict: 'worse', pairs: 12 })
    const halves = await run(12, { m: flaky(10) }, { ...online, ...alternating, trials: 4 })
    const back = await compareRuns(baseline.runId, halves.runId, { apiKey: online.apiKey, serverUrl: online.serverUrl })
    expect(back.metrics['m']).toMatchObject({ oldAverage: 0.5, newAverage: 1 })
  })
})

describe('bounds', () => {
  const failing = (from: number) => ({ function: ({ inputs }: Row) => (inputs.i < from ? inputs.i : crash()) })

  test('count rows that failed as the worst for the side they look from', async () => {
    const size = { size: (output: unknown) => Number(output) }
    const most = await run(10, size, { ...failing(6), thresholds: { size: { max: 3 }, errorRate: 1 } })
    // 0 to 5 and four times the highest, 5.
    expect(most.thresholds[0]).toMatchObject({ actual: 3.5, passed: false })
    expect((await run(10, size, { thresholds: { size: { max: 4.5 } } })).passed).toBe(true)
    const both = await run(10, size, { ...failing(6), thresholds: { size: { min: 1.5, max: 3.5 }, errorRate: 1 } })
    expect(both.thresholds[0]).toMatchObject({ actual: 1.5, passed: true })
    const stated = { size: evaluator('size', { evaluate: (output: unknown) => Number(output), failedScore: 2 }) }
    const told = await run(10, stated, { ...failing(6), thresholds: { size: { max: 3 }, errorRate: 1 } })
    expect(told.thresholds[0]).toMatchObject({ actual: 2.3, passed: true })
  })

  test('on extras count rows that failed too, before and after the first one that has them', async () => {
    const details = { f1: () => ({ score: 1, recall: 1 }) }
    const late = await run(10, details, { ...failing(4), thresholds: { f1_recall: 0.5, errorRate: 1 } })
    expect(late.extras['f1_recall']).toMatchObject({ average: 0.4, count: 10, failedRows: 6 })
    expect(late.passed).toBe(false)
    const early = { function: ({ inputs }: Row) => (inputs.i < 6 ? crash() : 1) }
    expect((await run(10, details, { ...early, maxConcurrency: 1, thresholds: { errorRate: 1 } })).extras['f1_recall']).toMatchObject({
      average: 0.4,
    })
  })

  test.for([{ min: 0 }, { max: 1 }, { min: -1, max: 2 }])('that no row was scored for are not met: %o', async (bound) => {
    const result = await run(5, { m: always(1) }, { ...failing(0), thresholds: { m: bound, errorRate: 1 } })
    expect(result.thresholds[0]).toMatchObject({ actual: null, passed: false })
  })

  test('on numbers among texts are not met: the texts may be the bad rows', async () => {
    const mixed: Score = (_, { i }) => (i < 2 ? 1 : 'cannot say')
    const result = await run(10, { m: mixed }, { thresholds: { m: 0.9 } })
    expect(result.thresholds[0]).toMatchObject({ actual: null, passed: false })
    expect(result.metrics['m']).toMatchObject({ type: 'category', average: null, categories: { 'cannot say': 8 } })
  })

  test('of names that could mean two things are refused', async () => {
    await expect(run(2, { cost: always(1) }, { thresholds: { cost: 0.9 } })).rejects.toThrow('"cost" is a figure of every run')
    await expect(run(2, { f1: always(1) }, { summaryEvaluators: { f1: () => 0 }, thresholds: { f1: 0.9 } })).rejects.toThrow(
      'An evaluator is named "f1" too',
    )
    expect((await run(2, { cost: always(1) })).passed).toBe(true)
  })

  test('say when they were given as undefined, and how many rows have no score', async () => {
    const result = await run(4, { m: (_: unknown, { i }: { i: number }) => (i === 0 ? 1 : undefined) }, { thresholds: { m: undefined } })
    expect(result.warnings).toContain('Bounds that are undefined were not checked: m.')
    expect(result.warnings).toContain('m gave no score for 3 of 4 rows; they are in none of its figures.')
  })
})

describe('evaluators', () => {
  test.for(['toString', 'constructor', 'valueOf', 'hasOwnProperty'])(
    'that are named as what every object has run and decide: %s',
    async (name) => {
      const no = { [name]: always(false) }
      const result = await run(3, no)
      expect(result).toMatchObject({ passed: false, failures: [`${name}: 3 rows did not pass`] })
      expect(Object.hasOwn(result.metrics, name)).toBe(true)
      expect(result.metric(name)).toMatchObject({ average: 0, failed: 3 })
      const bounded = await run(12, { [name]: always(0.25) }, { thresholds: { [name]: 0.5 } })
      expect(bounded.thresholds).toMatchObject([{ name, actual: 0.25, passed: false }])
      const broken = await run(12, { [name]: always(1) }, { function: crash, thresholds: { errorRate: 1 } })
      expect(broken.metric(name)).toMatchObject({ count: 12, failedRows: 12 })
      for (const report of [broken.toMarkdown(), broken.toHTML(), broken.toTable(), broken.toJUnit()])
        expect(report).not.toContain('native code')
      const worse = await gate(12, { [name]: always(1) }, { [name]: always(0) })
      expect(worse.failures.join()).toContain(`${name}: worse than the baseline, 1 to 0`)
      expect((await gate(12, { m: always(1), [name]: always(1) }, { m: always(1) })).failures.join()).toContain(
        `${name}: the baseline has this score and the run does not`,
      )
      expect((await run(2, { m: always(1) })).metric(name)).toBe(undefined)
    },
  )

  test('that are named as what every object has are run again with a resumed run, merged, and scored anew', async ({ folder }) => {
    const runId = crypto.randomUUID()
    await run(3, { m: always(1) }, { runId, journal: folder })
    const both = await run(3, { m: always(1), toString: always(false) }, { resume: runId, journal: folder })
    expect(both.failures).toEqual(['toString: 3 rows did not pass'])
    const shards = await Promise.all(
      [0, 1].map((index) => run(4, { toString: always(false) }, { runId, shard: { index, count: 2 }, maxRows: 0 })),
    )
    expect(mergeResults(shards).failures).toEqual(['toString: 4 rows did not pass'])
  })

  test('are refused where nobody would see them: in a promise, a map, a set, a class', async () => {
    class Judges {
      strict(): boolean {
        return false
      }
    }
    const strict = always(false)
    const given: Record<string, unknown> = {
      'a promise': Promise.resolve({ strict }),
      'an object of the class Map': new Map([['strict', strict]]),
      'an object of the class Set': new Set([strict]),
      'an object of a class': new Judges(),
      '"strict"': 'strict',
      'a function': strict,
    }
    for (const [found, evaluators] of Object.entries(given)) {
      const message = `Invalid "evaluators": expected a list or an object of evaluators, got ${found} from code. Give e.g. [exact] or { exact }`
      await expect(run(2, evaluators as never), found).rejects.toThrow(message)
    }
    await expect(run(2, Object.create({ strict }))).rejects.toThrow('Invalid "evaluators"')
    await expect(run(2, { m: always(1) }, { summaryEvaluators: new Judges() })).rejects.toThrow('Invalid "summaryEvaluators"')
    await expect(run(2, { m: always(1) }, { thresholds: Object.create({ m: 2 }) })).rejects.toThrow('Invalid "thresholds"')
    const none = Object.assign(Object.create(null), { strict })
    expect((await run(2, none)).failures).toEqual(['strict: 2 rows did not pass'])
  })

  test('that are repeated decide as they do alone', async () => {
    const repeated = { strict: evaluator('strict', { evaluate: () => ({ score: false, explanation: 'too long' }), repeat: 3 }) }
    const result = await run(2, repeated)
    expect(result.failures).toEqual(['strict: 2 rows did not pass'])
    expect(result.rows[0]?.metrics).toEqual({ strict: false, strict_explanation: 'too long' })
  })

  const undecided: readonly (readonly [string, () => unknown])[] = [
    ['nothing', () => undefined],
    ['a promise', async () => false],
    ['a number', () => 0],
  ]

  test.for(undecided)('whose threshold gives %s fail instead of letting rows through', async ([, threshold]) => {
    const result = await run(3, { m: evaluator('m', { evaluate: always(0.1) as never, threshold: threshold as never }) })
    expect(result).toMatchObject({ passed: false, failures: ['3 evaluations failed'] })
    expect(result.rows[0]?.evaluatorErrors['m']).toContain('threshold of "m" gave')
  })

  test('keep their score whatever extras others give', async () => {
    const evaluators = {
      a_b: always(0),
      a: async () => {
        await new Promise(setImmediate)
        return { score: 1, b: 1, explanation: 'x' }
      },
      a_explanation: always(0),
    }
    const result = await run(3, evaluators, { thresholds: { a_b: 0.5, a_explanation: 0.5 } })
    expect(result.thresholds.map(({ actual }) => actual)).toEqual([0, 0])
  })

  test('of a class have the settings of any other, checked alike', async () => {
    class Parent {
      threshold = 0.5
      get lowerIsBetter(): boolean {
        return true
      }
    }
    class Judge extends Parent {
      failedScore = 9
      evaluate(): number {
        return 0.7
      }
    }
    expect(await run(2, [new Judge()] as never)).toMatchObject({
      passed: false,
      failures: ['Judge: 2 rows did not pass'],
      evaluators: [{ name: 'Judge', lowerIsBetter: true, failedScore: 9 }],
    })
    await expect(run(1, [Object.assign(new Judge(), { weight: '2' })] as never)).rejects.toThrow('weight')
  })
})

describe('a verdict over fewer rows than there are', () => {
  test('fails for rows that a hosted data set names and the server does not give', async ({ backend, online }) => {
    const post = (path: string, body: object): Promise<Record<string, string[]>> =>
      fetch(`${backend.url}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${online.apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }).then((reply) => reply.json())
    const { result } = (await post('/v1/datasets', { name: 'hosted' })) as unknown as { result: { insertedId: string } }
    const data = rows(60).map(({ inputs }) => inputs)
    await post(`/v1/datasets/${result.insertedId}/datapoints`, { data, mapping: { inputs: ['i'], history: [], ground_truth: [] } })
    let pages = 0
    backend.intercept = ({ path }) => {
      if (path.startsWith('/v1/datapoints?')) pages += 1
      return path.startsWith('/v1/datapoints') && pages > 1 ? { status: 404 } : undefined
    }
    const hosted = await evaluate({ ...online, datasetId: result.insertedId, function: () => 1 })
    expect(hosted).toMatchObject({ status: 'failed', passed: false, counts: { total: 50 } })
    expect(hosted.failures).toContain('10 of 60 rows were not run')
  })

  test('fails for rows of a list that nobody ran, and for no rows at all', async () => {
    const experiment = await createExperiment({ ...OFFLINE, dataset: rows(5), function: () => 1 })
    await experiment.runDatapoint(rows(5)[0], 0)
    expect((await experiment.finish()).failures).toEqual(['4 of 5 rows were not run'])
    expect((await run(0, {})).failures).toEqual(['no row was run'])
    expect((await run(4, {}, { filter: () => false })).failures).toEqual(['no row was run'])
  })

  test('is refused where the rows to score or to run again are not all known', async () => {
    const earlier = await run(6, { m: always(false) }, { maxRows: 2 })
    await expect(scoreRun(earlier, { evaluators: {} })).rejects.toThrow('4 rows of the run are not in its result')
    await expect(run(6, { m: always(1) }, { onlyFailedOf: JSON.parse(JSON.stringify(earlier)) })).rejects.toThrow(
      '4 rows of the run are not',
    )
  })

  test('passes for a shard without rows of a data set that has some', async () => {
    const parts = await Promise.all([0, 1, 2].map((index) => run(2, { m: always(1) }, { runId: RUN_ID, shard: { index, count: 3 } })))
    expect(parts.map(({ passed, counts }) => [passed, counts.total])).toEqual([
      [true, 1],
      [true, 1],
      [true, 0],
    ])
    expect(mergeResults(parts)).toMatchObject({ passed: true, counts: { total: 2 } })
    expect((await run(0, { m: always(1) }, { shard: { index: 0, count: 3 } })).passed).toBe(false)
  })

  test('rows of a stream that bring the same id are rows of their own', async () => {
    const dataset = (async function* () {
      for (const row of [...rows(3), ...rows(3)]) yield { ...row, id: row.inputs.i }
    })()
    const result = await run(0, { m: exactMatch() }, { dataset })
    expect(result.rows.map(({ datapointId }) => datapointId)).toEqual(['EXT-0', 'EXT-1', 'EXT-2', 'EXT-0#2', 'EXT-1#2', 'EXT-2#2'])
    expect(new Set(result.rows.map(({ sessionId }) => sessionId)).size).toBe(6)
  })
})

const RUN_ID = '6f6b3f3e-6c3c-4d55-9d28-4a2f6f6ab0c1'

describe('merging', () => {
  const part = (index: number, evaluators: Readonly<Record<string, unknown>>, more: object = {}) =>
    run(8, evaluators, { runId: RUN_ID, shard: { index, count: 2 }, ...more })
  const both = (evaluators: Readonly<Record<string, unknown>>, more: object = {}) =>
    Promise.all([part(0, evaluators, more), part(1, evaluators, more)])

  test('asks the whole how many rows may fail', async () => {
    const oneSide = { function: ({ inputs }: Row) => (inputs.i === 0 ? crash() : 1), thresholds: { errorRate: 0.2 } }
    const parts = await both({ m: always(1) }, oneSide)
    expect(parts.map(({ status }) => status)).toEqual(['failed', 'completed'])
    expect(mergeResults(parts)).toMatchObject({ status: 'completed', passed: true })
    expect(mergeResults(parts, { thresholds: { m: 0.5 } })).toMatchObject({ status: 'failed', passed: false })
    expect(mergeResults(parts, { thresholds: { errorRate: 0.1 } }).passed).toBe(false)
  })

  test('keeps a part that did not reach its end from passing', async () => {
    const cut = (async function* () {
      yield* rows(3)
      crash()
    })()
    const parts = [await part(0, { m: always(1) }), await part(1, { m: always(1) }, { dataset: cut })]
    const same = parts.map((one) => ({ ...one, datasetId: 'd', selectedRows: 8 }))
    expect(mergeResults(same, { allow: ['holes', 'strangers'] })).toMatchObject({ status: 'failed', passed: false })
  })

  test('refuses parts whose evaluators count otherwise, and what is no result', async () => {
    const [one] = await both({ m: always(1) })
    const [, less] = await both({ m: evaluator('m', { evaluate: always(1) as never, lowerIsBetter: true }) })
    expect(() => mergeResults([one, less])).toThrow(/stranger.*m \(less is better\)/)
    expect(() => mergeResults([one, { rows: [] }] as never)).toThrow('part 2 is no result')
    expect(() => mergeResults([{ ...one, format: 'other/9' }] as never)).toThrow('part 1 is no result')
  })

  test('does not pass where a score of the whole data set decided by itself', async () => {
    const parts = await both({ m: always(1) }, { summaryEvaluators: { fair: () => true, size: (all: unknown[]) => all.length } })
    expect(mergeResults(parts).failures).toEqual(['fair: the score of the whole data set could not be judged from those of its parts'])
  })

  test('gives no interval to trials whose rows are not kept', async () => {
    const options = { trials: 3, maxRows: 2, thresholds: { m: 0.5 } }
    const merged = mergeResults(await both({ m: always(1) }, options))
    expect(merged.metrics['m']).toMatchObject({ count: 24, confidence: null })
  })
})

describe('rows that a resumed run has had', () => {
  const ran: unknown[] = []
  const resumed = async (folder: string, before: readonly object[], now: readonly object[], more: object = {}) => {
    const runId = crypto.randomUUID()
    const options = { evaluators: [exactMatch({ select: () => 'x' })], journal: folder, thresholds: { exact_match: 0 }, ...more }
    const fn = (datapoint: { inputs: unknown }) => {
      ran.push(datapoint.inputs)
      return 'x'
    }
    await run(0, {}, { ...options, dataset: before, function: fn, runId })
    ran.length = 0
    return run(0, {}, { ...options, dataset: now, function: fn, resume: runId })
  }

  test('run again where their inputs or their ground truth are others now, and the result says so', async ({ folder }) => {
    const kept = { id: 'kept', inputs: { city: 'Oslo' }, groundTruth: 'x' }
    const before = [{ id: 'p', inputs: { city: 'Paris' }, groundTruth: 'x' }, { id: 'q', inputs: { city: 'Bonn' }, groundTruth: 'x' }, kept]
    const now = [{ id: 'p', inputs: { city: 'Rome' }, groundTruth: 'x' }, { id: 'q', inputs: { city: 'Bonn' }, groundTruth: 'y' }, kept]
    const result = await resumed(folder, before, now)
    expect(ran).toEqual([{ city: 'Rome' }, { city: 'Bonn' }])
    expect(result.rows.map(({ origin, scores }) => [origin, scores])).toEqual([
      ['run', { exact_match: true }],
      ['run', { exact_match: false }],
      ['resumed', { exact_match: true }],
    ])
    expect(result.warnings).toContain('2 rows have other inputs or another ground truth than when they ran, and ran again: EXT-p, EXT-q.')
  })

  test('are known again whatever a journal makes of them', async ({ folder }) => {
    const inputs = () => ({
      when: new Date(7),
      big: 10n,
      gone: undefined,
      map: new Map([[1, 2]]),
      z: { b: 1, a: 2 },
      mail: 'ann@example.com',
    })
    const dataset = () => [
      { id: 'a', inputs: inputs(), groundTruth: null },
      { id: 'b', inputs: 'text' },
      { id: 'c', inputs: {} },
    ]
    const result = await resumed(folder, dataset(), dataset(), { tracerOptions: { redact: { keys: ['mail'] } } })
    expect(ran).toEqual([])
    expect(result.counts.resumed).toBe(3)
  })

  test('are told apart by ids that end as those of trials do', async ({ folder }) => {
    const dataset = [
      { id: 'doc', inputs: { a: 'first' } },
      { id: 'doc/2', inputs: { a: 'second' } },
    ]
    const result = await resumed(folder, dataset, dataset, { trials: 2 })
    expect(ran).toEqual([])
    expect(result.rows.map(({ inputs, trial }) => [inputs, trial])).toEqual([
      [{ a: 'first' }, 1],
      [{ a: 'first' }, 2],
      [{ a: 'second' }, 1],
      [{ a: 'second' }, 2],
    ])
    expect(new Set(result.rows.map(({ sessionId }) => sessionId)).size).toBe(4)
  })
})

describe('ids of rows', () => {
  test('of their own are numbered where they come again, past ids that look numbered', async () => {
    const ids = async (...own: string[]) => {
      const result = await run(0, {}, { dataset: own.map((id, i) => ({ id, inputs: { i } })) })
      return result.rows.map(({ datapointId }) => datapointId.slice(4))
    }
    expect(await ids('x', 'x', 'x')).toEqual(['x', 'x#2', 'x#3'])
    expect(await ids('x', 'x', 'x#2', 'x')).toEqual(['x', 'x#2', 'x#2#2', 'x#3'])
    expect(await ids('x#2', 'x', 'x', 'x#2')).toEqual(['x#2', 'x', 'x#3', 'x#2#2'])
  })

  test('that are ordinary make the keys and sessions they always made', () => {
    expect([rowKey({ datapointId: 'EXT-a' }), rowKey({ datapointId: 'EXT-a', trial: 2 })]).toEqual(['EXT-a', 'EXT-a/2'])
    expect([rowKey({ datapointId: 'a/2' }), rowKey({ datapointId: 'a/2', trial: 3 })]).toEqual(['a/2/1', 'a/2/3'])
    const runId = '11111111-1111-4111-8111-111111111111'
    expect(rowSessionId(runId, { datapointId: 'EXT-a', trial: 2 })).toBe(toSessionId(`${runId}/EXT-a/2`))
    expect(rowSessionId(runId, { datapointId: 'EXT-docs/a', trial: 1 })).toBe(toSessionId(`${runId}/EXT-docs/a`))
  })
})

describe('rows that are delivered', () => {
  const open = (dataset: readonly object[], more: object = {}) =>
    createExperiment({ ...OFFLINE, dataset, function: () => 1, evaluators: { m: () => 1 }, ...more } as never)

  test('again count once, so that one that never came is missed', async () => {
    const dataset = rows(2).map((row, i) => ({ id: `r${i}`, ...row }))
    const experiment = await open(dataset)
    await Promise.all([experiment.runDatapoint(dataset[0], 0), experiment.runDatapoint(dataset[0], 0)])
    const result = await experiment.finish()
    expect(result).toMatchObject({ passed: false, counts: { total: 1 }, failures: ['1 of 2 rows were not run'] })
    expect(result.warnings).toContain('1 rows were delivered again; each counts once, with its first result: EXT-r0.')
  })

  test('with the same id count each, and as often as there are trials', async () => {
    const twins = [
      { id: 'x', inputs: { i: 0 } },
      { id: 'x', inputs: { i: 1 } },
    ]
    const experiment = await open(twins, { trials: 2 })
    for (const [index, row] of [...twins.entries(), ...twins.entries()]) await experiment.runDatapoint(row, index)
    const result = await experiment.finish()
    expect(result.rows.map(({ datapointId, trial }) => `${datapointId} ${trial}`)).toEqual(['EXT-x 1', 'EXT-x 2', 'EXT-x#2 1', 'EXT-x#2 2'])
    expect(result).toMatchObject({ passed: true, counts: { total: 4 } })
  })
})

describe('a shard without rows', () => {
  const low = { evaluators: [evaluator('toxicity', { evaluate: always(0.05), lowerIsBetter: true })], thresholds: { toxicity: 0.2 } }

  test('leaves bounds, regressions and scores of the data set to the whole, which looks the right way', async () => {
    const runId = crypto.randomUUID()
    const baseline = await run(1, {}, low)
    const summary = { summaryEvaluators: { first: ([row]: readonly { index: number }[]) => (row as { index: number }).index } }
    const parts = await Promise.all(
      [0, 1].map((index) => run(1, {}, { ...low, ...summary, runId, baseline, failOnRegression: true, shard: { index, count: 2 } })),
    )
    expect(parts.map(({ passed }) => passed)).toEqual([true, true])
    expect(parts[1]).toMatchObject({ failures: [], thresholds: [{ name: 'toxicity', max: 0.2, actual: null, passed: true }] })
    expect(parts[1]?.toJUnit()).toContain('failures="0"')
    const plain = await Promise.all([0, 1].map((index) => run(1, {}, { ...low, runId, shard: { index, count: 2 } })))
    expect(mergeResults(plain)).toMatchObject({ passed: true, thresholds: [{ max: 0.2, actual: 0.05, passed: true }] })
    expect(mergeResults(plain, { thresholds: { toxicity: 0.04 } })).toMatchObject({ passed: false, thresholds: [{ max: 0.04 }] })
    expect(mergeResults([plain[1] as never], { allow: ['holes'] }).passed).toBe(false)
  })
})

describe('a run to compare with', () => {
  test.for([
    ['whose row 0 is null', { rows: [null] }],
    ['whose row 1 has no datapointId', { rows: [{ datapointId: 'a', scores: {} }, {}] }],
    ['whose row 0 (EXT-r0) has no scores', { rows: [{ datapointId: 'EXT-r0' }] }],
    ['whose evaluators are no list', { rows: [], evaluators: {} }],
    ['whose evaluator 0 has no name', { rows: [], evaluators: [null] }],
    ['without rows', {}],
  ] as const)('is refused before the first row when it is an object %s', async ([damage, more], { folder }) => {
    let ran = 0
    const baseline = { runId: 'x', name: 'x', ...more } as never
    const fn = { function: () => ++ran }
    await expect(run(3, { m: always(1) }, { ...fn, baseline })).rejects.toThrow(
      `Invalid "baseline": expected a result or its JSON, got an object ${damage} from code. Give what evaluate gave, or a JSON report.`,
    )
    await expect(run(3, { m: always(1) }, { ...fn, onlyFailedOf: baseline })).rejects.toThrow(`Invalid "onlyFailedOf"`)
    expect(ran).toBe(0)
    expect(() => mergeResults([], { baseline })).toThrow(`Invalid "baseline"`)
    const whole = await run(1, { m: always(1) })
    await expect(compareRuns(whole, baseline)).rejects.toThrow(`compareRuns: the second run is an object ${damage}.`)
    const runId = crypto.randomUUID()
    await writeFile(join(folder, `${runId}.jsonl`), '{"datapointId":"EXT-r0"}\n')
    const result = await run(1, { m: always(1) }, { baselineRunId: runId, journal: folder, failOnRegression: true })
    expect(result.failures).toEqual([`${UNJUDGED}there is no baseline to compare with`])
    expect(result.warnings.join()).toContain('whose row 0 (EXT-r0) has no scores')
  })
})

describe('what a row throws', () => {
  const thrown = {
    'a name that is a symbol': Object.assign(new Error('boom'), { name: Symbol('Boom') }),
    'a message that throws': Object.defineProperty(new Error('boom'), 'message', { get: crash }),
    'a message that is no text': Object.assign(new Error('boom'), { message: { code: 7 } }),
    'a proxy': new Proxy(new Error('boom'), { get: crash, getPrototypeOf: crash, has: crash, ownKeys: crash }),
    'a text that throws': { toString: crash },
  }

  test.for(Object.entries(thrown))('is told whatever it is, and costs that row alone: %s', async ([, error]) => {
    const fail = (): never => {
      throw error
    }
    const fn = ({ inputs }: Row): number => (inputs.i === 1 ? fail() : inputs.i)
    const result = await run(4, { m: always(1) }, { function: fn, thresholds: { errorRate: 0.5 } })
    expect(result).toMatchObject({ passed: true, counts: { total: 4, succeeded: 3, failed: 1 } })
    expect(result.rows[1]?.error).toEqual({ name: expect.any(String), message: expect.any(String), ...stackOf(result.rows[1]?.error) })
    expect(result.toTable()).toContain('m')
    const judged = await run(4, { m: (_: unknown, { i }: { i: number }) => (i === 1 ? fail() : 1) })
    expect(judged).toMatchObject({ failures: ['1 evaluation failed'], counts: { total: 4 } })
  })

  test('may be the row itself, which cannot be looked at', async () => {
    const closed = new Proxy({ id: 'closed', inputs: { i: 1 } }, { has: crash })
    const result = await run(0, { m: always(1) }, { dataset: new Set([{ id: 'open', inputs: { i: 0 } }, closed]) })
    expect(result).toMatchObject({ passed: true, counts: { total: 2 } })
  })
})

function stackOf(error: { readonly stack?: string } | undefined): object {
  return error?.stack === undefined ? {} : { stack: expect.any(String) }
}

describe('taking rows over', () => {
  test('decides again by the evaluators of now', async ({ folder }) => {
    const runId = crypto.randomUUID()
    const strict = (threshold: number) => evaluator('m', { evaluate: always(0.6) as never, threshold })
    await run(4, { m: strict(0.5), gone: always(false) }, { runId, journal: folder })
    const resumed = await run(4, { m: strict(0.7) }, { resume: runId, journal: folder })
    expect(resumed).toMatchObject({ counts: { resumed: 4, passed: 0 }, failures: ['m: 4 rows did not pass'], extras: {} })
    expect(await run(4, { m: strict(0.5) }, { resume: runId, journal: folder })).toMatchObject({ passed: true, counts: { passed: 4 } })
  })
})

describe('runners', () => {
  const source = new URL('../../src/experiments/index.ts', import.meta.url).href

  /** A folder of a project, which has `tsx`: Node 20 loads no TypeScript by itself. */
  const inProject = test.extend<{ folder: string }>({
    folder: async ({ folder }, use) => {
      await symlink(resolve('node_modules'), join(folder, 'node_modules'))
      await use(folder)
    },
  })

  inProject('say so when the filter matches nothing, or they were stopped between files', async ({ folder }) => {
    const file = (name: string): string =>
      `import { defineExperiment } from '${source}'\nexport const ${name} = defineExperiment({ apiKey: '', git: false, progress: false, dataset: [{ inputs: 1 }], function: () => 1 })\n`
    await writeFile(join(folder, 'a.eval.ts'), file('one'))
    await writeFile(join(folder, 'b.eval.ts'), file('two'))
    const options = { directory: folder, reporters: [], write: () => undefined }
    const none = await runEvalFiles({ ...options, filter: 'three' })
    expect(none).toMatchObject({ passed: false, failures: [{ message: 'No experiment matches the filter three.' }] })
    const stop = new AbortController()
    const settings = { onProgress: () => setTimeout(() => stop.abort()), printResults: false }
    const stopped = await runEvalFiles({ ...options, settings, signal: stop.signal })
    expect(stopped.passed).toBe(false)
    expect(stopped.failures.at(-1)?.message).toContain('was not run')
  })

  inProject('a baseline on the command line wins over that of the file', async ({ folder }) => {
    const baseline = await run(8, { m: always(1) })
    await writeFile(join(folder, 'base.json'), JSON.stringify(baseline))
    await writeFile(
      join(folder, 'a.eval.ts'),
      `import { defineExperiment } from '${source}'\nexport const one = defineExperiment({ apiKey: '', git: false, progress: false, baselineRunId: 'x', dataset: Array.from({ length: 8 }, (_, i) => ({ inputs: { i }, groundTruth: i })), function: () => 1, evaluators: { m: () => 0 } })\n`,
    )
    const { runs } = await runEvalFiles({ directory: folder, reporters: [], write: () => undefined, baseline: 'base.json' })
    expect(runs[0]?.result.failures.join()).toContain('m: worse than the baseline')
  })

  test.each([
    ['a regression', 'm: worse than the baseline', {}],
    ['a baseline that is the run itself', 'the baseline is this run itself', { isItself: true }],
  ])('tests made of an experiment fail for %s', async (_, message, { isItself = false }: { isItself?: boolean }) => {
    const baseline = await run(8, { m: always(1) })
    const experiment = defineExperiment({
      ...OFFLINE,
      ...(isItself ? { runId: baseline.runId } : {}),
      dataset: rows(8),
      function: () => 1,
      evaluators: { m: () => 0 },
      baseline: baseline as never,
      failOnRegression: true,
    })
    const hooks: (() => Promise<void>)[] = []
    const keep = (_: unknown, hook?: () => Promise<void>): void => void hooks.push(hook ?? (_ as () => Promise<void>))
    defineExperimentTests(experiment, {
      describe: (_name, define) => define(),
      test: keep,
      beforeAll: (hook) => void hooks.unshift(hook),
      afterAll: (hook) => void hooks.push(hook),
    })
    const last = hooks.pop()
    for (const hook of hooks) await hook()
    await expect(last?.()).rejects.toThrow(message)
  })
})
