import type { TracerProvider } from '@opentelemetry/api'
import { describe, expect } from 'vitest'
import { evaluate, evaluator, exactMatch, fromInputs } from '../../src/experiments/index.js'
import { isHoneyHiveError } from '../../src/errors.js'
import { trace } from '../../src/tracer/tracing.js'
import { HoneyHiveTracer } from '../../src/tracer/tracer.js'
import { processState } from '../../src/context/globals.js'
import { OFFLINE, test } from './backend.js'

const DATASET = [
  { inputs: { q: 'a' }, groundTruth: 'A' },
  { inputs: { q: 'b' }, groundTruth: 'B' },
]
const upper = (datapoint: { inputs: { q: string } }): string => datapoint.inputs.q.toUpperCase()

describe('evaluate at the server', () => {
  test('makes the requests of the Python SDK in their order', async ({ backend, online }) => {
    const result = await evaluate({ ...online, name: ' nightly ', dataset: DATASET, function: upper, evaluators: [exactMatch()] })

    const routes = backend.requests.map(({ method, path }) => `${method} ${path.replace(result.runId, '<id>')}`)
    expect(routes[0]).toBe('POST /v1/runs')
    expect(routes.at(-2)).toBe('PUT /v1/runs/<id>')
    expect(routes.at(-1)).toBe('GET /v1/runs/<id>/result?aggregate_function=average')
    expect(routes.filter((route) => route === 'POST /session/start')).toHaveLength(2)
    expect(routes.filter((route) => route === 'PUT /events')).toHaveLength(2)

    expect(backend.sent('POST /v1/runs')[0]?.body).toEqual({
      run_id: result.runId,
      name: 'nightly',
      status: 'pending',
      metadata: { offline_dataset_id: result.datasetId },
      event_ids: [],
      datapoint_ids: result.rows.map((row) => row.datapointId),
      configuration: { function: 'upper', evaluators: ['exact_match'], max_workers: 10, aggregate_function: 'average' },
    })
    expect(backend.sent('PUT /v1/runs')[0]?.body).toMatchObject({
      name: 'nightly',
      status: 'completed',
      event_ids: result.rows.map((row) => row.sessionId),
      metadata: { offline_dataset_id: result.datasetId },
    })
    expect(backend.sent('POST /session/start')[0]?.body).toMatchObject({
      session: {
        session_id: result.rows[0]?.sessionId,
        session_name: 'nightly',
        source: 'evaluation',
        inputs: { q: 'a' },
        metadata: { run_id: result.runId, dataset_id: result.datasetId, datapoint_id: result.rows[0]?.datapointId },
      },
    })
    expect(result).toMatchObject({ status: 'completed', passed: true, success: true, warnings: [] })
    expect(result.server?.metric('exact_match')).toMatchObject({ aggregate: 1, values: [true, true].map(Number) })
  })

  test('D-52 records each row in a session of its own: chain with outputs, scores and evaluator spans inside', async ({
    backend,
    online,
  }) => {
    const retrieve = trace({ eventType: 'tool', eventName: 'retrieve' })(async (q: string) => [q])
    const result = await evaluate({
      ...online,
      dataset: DATASET,
      function: async function answer({ inputs }) {
        await retrieve(inputs.q)
        return { text: inputs.q.toUpperCase() }
      },
      evaluators: [evaluator('first', () => 1), evaluator('second', async () => ({ score: 0.5, explanation: 'half', recall: 0.25 }))],
    })
    for (const row of result.rows) {
      const events = backend.server.events({ sessionId: row.sessionId })
      const chain = events.find((event) => event.type === 'chain')
      expect(chain).toMatchObject({
        name: 'answer',
        inputs: row.inputs,
        outputs: { result: row.outputs },
        feedback: { ground_truth: row.groundTruth },
        metrics: { first: 1, second: 0.5, second_explanation: 'half', second_recall: 0.25 },
      })
      const children = events.filter((event) => event.parentId === chain?.id).map((event) => event.name)
      expect(children.sort()).toEqual(['first', 'retrieve', 'second'])
      for (const event of events) {
        expect(event.metadata).toMatchObject({ run_id: result.runId, dataset_id: result.datasetId, datapoint_id: row.datapointId })
      }
    }
    expect(backend.server.sessions()).toHaveLength(2)
    expect(result.extras['second_recall']?.average).toBe(0.25)
  })

  test('D-53 takes outputs of any shape and keeps them with the ground truth', async ({ backend, online }) => {
    const shapes: unknown[] = ['text', 7, false, [1, 2], { a: 1 }, null]
    const result = await evaluate({
      ...online,
      dataset: shapes.map((shape, i) => ({ id: `s${i}`, inputs: { shape }, groundTruth: shape })),
      function: ({ inputs }) => inputs.shape,
    })
    expect(result.rows.map((row) => row.outputs)).toEqual(shapes)
    const session = (i: number): unknown => {
      const events = backend.server.events({ sessionId: result.rows[i]?.sessionId ?? '' })
      const { outputs, feedback } = events.find((event) => event.type === 'session') ?? {}
      return { outputs, feedback }
    }
    expect(session(0)).toEqual({ outputs: { result: 'text' }, feedback: { ground_truth: 'text' } })
    expect(session(1)).toEqual({ outputs: { result: 7 }, feedback: { ground_truth: 7 } })
    expect(session(2)).toEqual({ outputs: { result: false }, feedback: { ground_truth: false } })
    expect(session(3)).toEqual({ outputs: { result: [1, 2] }, feedback: { ground_truth: [1, 2] } })
    expect(session(4)).toEqual({ outputs: { a: 1 }, feedback: { ground_truth: { a: 1 } } })
  })

  test('D-54 tells the server about rows that failed, on the session, the span and the run', async ({ backend, online }) => {
    const result = await evaluate({
      ...online,
      dataset: DATASET,
      function: ({ inputs }) => {
        if (inputs.q === 'b') throw new RangeError('no such thing')
        return 'A'
      },
      evaluators: [exactMatch()],
    })
    expect(result).toMatchObject({ status: 'failed', passed: false, counts: { succeeded: 1, failed: 1 }, errorRate: 0.5 })
    expect(result.rows[1]).toMatchObject({
      status: 'failed',
      outputs: undefined,
      error: { name: 'RangeError', message: 'no such thing' },
      scores: {},
    })
    expect(backend.sent('PUT /v1/runs')[0]?.body).toMatchObject({ status: 'failed' })
    const events = backend.server.events({ sessionId: result.rows[1]?.sessionId ?? '' })
    expect(events.find((event) => event.type === 'chain')?.error).toContain('no such thing')
    expect(events.find((event) => event.type === 'session')?.metadata).toMatchObject({
      error: 'RangeError: no such thing',
      experiment_status: 'failed',
    })
    expect(events.find((event) => event.type === 'session')?.feedback).toEqual({ ground_truth: 'B' })
  })

  test('D-54 a share of failed rows that the thresholds allow leaves the run completed', async ({ backend, online }) => {
    const result = await evaluate({
      ...online,
      dataset: DATASET,
      function: ({ inputs }) => {
        if (inputs.q === 'b') throw new Error('no')
      },
      thresholds: { errorRate: 0.5 },
    })
    expect(result).toMatchObject({ status: 'completed', passed: true })
    expect(backend.sent('PUT /v1/runs')[0]?.body).toMatchObject({ status: 'completed' })
  })

  test('D-55 a session that could not be started is made from its spans', async ({ backend, online }) => {
    backend.intercept = ({ path }) => (path === '/session/start' ? { status: 400, body: { message: 'no' } } : undefined)
    const result = await evaluate({ ...online, tracerOptions: { logger: quiet() }, dataset: DATASET, function: upper })
    expect(result.status).toBe('completed')
    expect(
      backend.server
        .sessions()
        .map((session) => session.id)
        .sort(),
    ).toEqual(result.rows.map((row) => row.sessionId).sort())
  })

  test('D-58 an incomplete or failing answer never costs the local result', async ({ backend, online }) => {
    for (const body of [{}, { metrics: null, datapoints: 7 }, []]) {
      backend.intercept = ({ path }) => (path.includes('/result') ? { status: 200, body } : undefined)
      const result = await evaluate({ ...online, dataset: DATASET, function: upper, evaluators: [exactMatch()] })
      expect(result.metrics.exact_match.average).toBe(1)
      expect(result.server?.metrics).toEqual([])
    }
    backend.intercept = ({ path }) => (path.startsWith('/v1/runs') ? { status: 500 } : undefined)
    const result = await evaluate({ ...online, dataset: DATASET, function: upper, evaluators: [exactMatch()] })
    expect(result.metrics.exact_match.average).toBe(1)
    expect(result.server).toBeUndefined()
    expect(result.warnings.join('\n')).toMatch(/could not be registered[\s\S]*could not be closed[\s\S]*result could not be read/)
  })

  test('D-58 a function without a name is no obstacle', async ({ online }) => {
    const result = await evaluate({
      ...online,
      dataset: DATASET,
      function: (
        () => (dp: { inputs: { q: string } }) =>
          dp.inputs.q
      )(),
    })
    expect(result).toMatchObject({ status: 'completed', functionName: 'function' })
  })

  test('a refused key is reported before any row runs', async ({ backend, online }) => {
    backend.intercept = () => ({ status: 401 })
    let calls = 0
    const attempt = evaluate({
      ...online,
      dataset: DATASET,
      function: () => {
        calls += 1
      },
    })
    await expect(attempt).rejects.toSatisfy((error) => isHoneyHiveError(error) && error.code === 'HTTP_STATUS')
    expect(calls).toBe(0)
  })

  test('the id the server gives the run replaces our own', async ({ backend, online }) => {
    const own = '11111111-2222-4333-8444-555555555555'
    backend.intercept = ({ method, path }) =>
      method === 'POST' && path === '/v1/runs' ? { status: 200, body: { run_id: own } } : undefined
    const result = await evaluate({ ...online, dataset: DATASET, function: upper })
    expect(result.runId).toBe(own)
    expect(backend.sent(`PUT /v1/runs/${own}`)).toHaveLength(1)
    expect(backend.server.events().every((event) => event.metadata['run_id'] === own)).toBe(true)
  })

  test('auto-instrumented spans join the session of the row that caused them, concurrently', async ({ backend, online }) => {
    let provider: TracerProvider | undefined
    let isDisabled = false
    const instrumentation = {
      setTracerProvider: (given: TracerProvider) => {
        provider = given
      },
      enable: () => undefined,
      disable: () => {
        isDisabled = true
      },
    }
    const result = await evaluate({
      ...online,
      instrumentations: [instrumentation],
      dataset: Array.from({ length: 20 }, (_, i) => ({ inputs: { i } })),
      function: async ({ inputs }) => {
        await new Promise((resolve) => setTimeout(resolve, 20 - inputs.i))
        provider
          ?.getTracer('openai')
          .startSpan(`call ${inputs.i}`, { attributes: { 'gen_ai.usage.input_tokens': 10, 'gen_ai.usage.output_tokens': 5 } })
          .end()
      },
    })
    for (const row of result.rows) {
      const events = backend.server.events({ sessionId: row.sessionId })
      const call = events.find((event) => event.name === `call ${Object(row.inputs).i}`)
      expect(call?.metadata).toMatchObject({ datapoint_id: row.datapointId, run_id: result.runId })
      expect(call?.parentId).toBe(events.find((event) => event.type === 'chain')?.id)
    }
    expect(result.tokens).toEqual({ prompt: 200, completion: 100, total: 300 })
    // Others may record through it: the next run, the application.
    expect(isDisabled).toBe(false)
  })

  test('D-49 a function with a tracer of its own keeps it, and neither session shows in the other', async ({ backend, online }) => {
    const other = HoneyHiveTracer.init({ apiKey: 'hh_other_key', serverUrl: backend.url, project: 'other', sessionName: 'own' })
    const pinned = trace({ tracer: other, eventName: 'pinned' })(() => 1)
    const free = trace({ eventName: 'free' })(() => 2)
    const result = await evaluate({ ...online, dataset: DATASET, function: () => pinned() + free() })
    other.startSpan('outside').end()
    await other.shutdown()
    const own = backend.server.events().filter((event) => event.name === 'pinned' || event.name === 'outside')
    expect(own).toHaveLength(3)
    const sessions = new Set(result.rows.map((row) => row.sessionId))
    for (const event of own) {
      expect(sessions.has(event.sessionId)).toBe(false)
      expect(event.metadata['run_id']).toBeUndefined()
    }
    for (const row of result.rows) {
      expect(backend.server.events({ sessionId: row.sessionId }).map((event) => event.name)).toEqual(
        expect.arrayContaining(['free', 'function']),
      )
    }
  })

  test('D-07 nothing of an experiment is left behind', async ({ online }) => {
    const before = processState.instances.size
    const listeners = process.listenerCount('SIGINT')
    await evaluate({ ...online, dataset: DATASET, function: upper })
    expect(processState.instances.size).toBe(before)
    expect(process.listenerCount('SIGINT')).toBe(listeners)
    expect(process.listenerCount('beforeExit')).toBe(0)
  })

  test('git context goes along without credentials or e-mail, and can be left out', async ({ backend, online }) => {
    await evaluate({ ...online, git: true, dataset: DATASET, function: upper })
    const metadata = Object(backend.sent('POST /v1/runs')[0]?.body['metadata'])
    expect(metadata.git).toMatchObject({
      commit_hash: expect.stringMatching(/^[0-9a-f]{40}$/),
      branch: expect.any(String),
      is_dirty: expect.any(Boolean),
    })
    expect(Object.keys(metadata.git).join()).not.toContain('email')
  })
})

describe('evaluators in evaluate', () => {
  test('D-50 awaits any thenable, from sync and async evaluators alike', async () => {
    const thenable = { then: (resolve: (value: number) => void) => resolve(0.25) }
    const result = await evaluate({
      ...OFFLINE,
      dataset: DATASET,
      function: upper,
      evaluators: { plain: () => 1, promised: async () => 0.5, thenable: () => thenable },
    })
    expect(result.rows[0]?.metrics).toEqual({ plain: 1, promised: 0.5, thenable: 0.25 })
  })

  test('D-51 always passes outputs, inputs, ground truth and context, labelled or not', async () => {
    const seen: unknown[][] = []
    const result = await evaluate({
      ...OFFLINE,
      dataset: [{ inputs: { q: 'x' }, groundTruth: 'X' }, { inputs: { q: 'y' } }],
      function: ({ inputs }) => inputs.q,
      evaluators: [
        function spy(...args: unknown[]) {
          seen.push(args)
          return 1
        },
        function two(outputs: unknown, inputs: unknown) {
          return outputs === Object(inputs).q
        },
      ],
      maxConcurrency: 1,
    })
    expect(seen.map((args) => args.slice(0, 3))).toEqual([
      ['x', { q: 'x' }, 'X'],
      ['y', { q: 'y' }, undefined],
    ])
    expect(seen[0]?.[3]).toMatchObject({ index: 0, runId: result.runId })
    expect(result.rows.map((row) => row.metrics['two'])).toEqual([true, true])
  })

  test('D-51 H91 an evaluator that throws, hangs, or gives NaN or a cycle is named on the row and in the result', async () => {
    const cyclic: Record<string, unknown> = {}
    cyclic.self = cyclic
    const result = await evaluate({
      ...OFFLINE,
      dataset: DATASET.slice(0, 1),
      function: upper,
      timeoutMs: 50,
      evaluators: {
        throws: () => {
          throw new Error('broken judge')
        },
        rejects: () => Promise.reject('just text'),
        hangs: () => new Promise<number>(() => undefined),
        nan: () => Number.NaN,
        cycle: () => cyclic,
        big: () => 2n ** 70n,
        good: () => 1,
        none: () => undefined,
      },
    })
    expect(result.rows[0]?.evaluatorErrors).toEqual({
      throws: 'Error: broken judge',
      rejects: 'just text',
      hangs: expect.stringContaining('longer than timeoutMs (50 ms)'),
      nan: expect.stringContaining('returned NaN'),
      cycle: expect.stringContaining('without "score"'),
    })
    expect(result.rows[0]?.metrics).toEqual({ good: 1, big: '1180591620717411303424' })
    expect(result).toMatchObject({ status: 'completed', passed: false, counts: { evaluatorErrors: 5 } })
    expect(result.toTable()).toContain('5 evaluator errors')
  })

  test('read the spans of their own row, as a tree, without the other evaluators', async () => {
    const search = trace({ eventName: 'search', eventType: 'tool' })(async (q: string) => ({ hits: [q] }))
    const retrieve = trace({ eventName: 'retrieve', eventType: 'chain' })(async (q: string) => (await search(q)).hits)
    const result = await evaluate({
      ...OFFLINE,
      dataset: Array.from({ length: 10 }, (_, i) => ({ inputs: { q: `q${i}` } })),
      function: async ({ inputs }) => retrieve(inputs.q),
      evaluators: {
        tree: (_outputs, inputs, _groundTruth, { trace: spans }) => {
          const root = spans.find('retrieve')
          const child = root?.children[0]
          const own = Object(child?.outputs).result.hits[0] === inputs.q && spans.spans.length === 2 && spans.roots[0] === root
          return own && spans.findAll(/^sea/).length === 1 && spans.find((span) => span.eventType === 'tool') === child
        },
        other: () => 1,
      },
    })
    expect(result.metrics.tree).toMatchObject({ average: 1, count: 10 })
  })

  test('an evaluator may keep what it learned of the row in the session', async ({ backend, online }) => {
    const result = await evaluate({
      ...online,
      dataset: DATASET.slice(0, 1),
      function: upper,
      evaluators: { note: (_o, _i, _g, { tracer }) => tracer.enrichSpan({ metadata: { seen: true } }) },
    })
    const events = backend.server.events({ sessionId: result.rows[0]?.sessionId ?? '' })
    expect(events.find((event) => event.name === 'note')?.metadata).toMatchObject({ seen: true })
  })
})

describe('evaluate offline', () => {
  test('computes the same summary without a key and opens no connection', async ({ backend, online }) => {
    const options = { dataset: DATASET, function: upper, evaluators: [exactMatch()] as const, name: 'same' }
    const onlineResult = await evaluate({ ...online, ...options })
    const made = backend.requests.length
    const offline = await evaluate({ ...OFFLINE, serverUrl: backend.url, ...options })
    expect(backend.requests).toHaveLength(made)
    expect(offline.metrics).toEqual(onlineResult.metrics)
    expect(offline.datasetId).toBe(onlineResult.datasetId)
    expect(offline.warnings).toEqual([expect.stringContaining('offline')])
  })

  test('the function receives the datapoint, its tracer, a signal and the index; ground_truth and own ids are kept', async () => {
    const seen: unknown[] = []
    const result = await evaluate({
      ...OFFLINE,
      dataset: [{ id: 'one', inputs: { q: 1 }, ground_truth: 'g', tag: 'x' }],
      function: (datapoint, { tracer, signal, index, attempt }) => {
        seen.push(datapoint, tracer.sessionId, signal.aborted, index, attempt)
      },
    })
    expect(seen).toEqual([
      { id: 'one', datapointId: 'EXT-one', inputs: { q: 1 }, groundTruth: 'g', ground_truth: 'g', tag: 'x' },
      result.rows[0]?.sessionId,
      false,
      0,
      1,
    ])
    expect(result.rows[0]?.groundTruth).toBe('g')
  })

  test('fromInputs calls a function with inputs and ground truth and keeps its name', async () => {
    async function answer(inputs: { q: string }, groundTruth: string): Promise<string> {
      return `${inputs.q}${groundTruth}`
    }
    const result = await evaluate({ ...OFFLINE, dataset: DATASET, function: fromInputs(answer) })
    expect(result.functionName).toBe('answer')
    expect(result.rows.map((row) => row.outputs)).toEqual(['aA', 'bB'])
  })

  test('H91 empty datasets, undefined rows, throwing getters and duplicate ids are survived and counted', async () => {
    const empty = await evaluate({ ...OFFLINE, dataset: [], function: () => 1 })
    expect(empty).toMatchObject({ status: 'completed', passed: false, counts: { total: 0 } })
    expect(empty.warnings.join()).toContain('empty')

    const bad = {
      get inputs(): { q: string } {
        throw new Error('locked')
      },
    }
    const rows = [undefined, bad, { inputs: { q: 'ok' } }, { id: 'same', inputs: { q: '1' } }, { id: 'same', inputs: { q: '2' } }]
    const result = await evaluate({ ...OFFLINE, dataset: rows as { inputs: { q: string } }[], function: ({ inputs }) => inputs.q })
    expect(result.rows.map((row) => row.status)).toEqual(['failed', 'failed', 'success', 'success', 'success'])
    expect(result.rows[0]?.error?.message).toContain('Row 0 of the dataset is of type undefined')
    expect(result.rows[1]?.error?.message).toBe('locked')
    expect(result.rows.slice(3).map((row) => row.datapointId)).toEqual(['EXT-same', 'EXT-same#2'])
    expect(new Set(result.rows.map((row) => row.sessionId)).size).toBe(5)
  })

  test('parse checks and types the rows', async () => {
    const result = await evaluate({
      ...OFFLINE,
      dataset: JSON.parse('[{"inputs":{"n":"1"}},{"inputs":{"n":"x"}}]') as { inputs: { n: number } }[],
      parse: (row) => {
        const n = Number(Object(row).inputs.n)
        if (Number.isNaN(n)) throw new TypeError('n is no number')
        return { inputs: { n } }
      },
      function: ({ inputs }) => inputs.n + 1,
    })
    expect(result.rows.map((row) => row.outputs)).toEqual([2, undefined])
    expect(result.rows[1]?.error?.message).toBe('n is no number')
  })

  test('wrong options are reported together, before anything runs', async () => {
    const wrong = {
      ...OFFLINE,
      function: 'x',
      dataset: [],
      datasetId: 'd',
      maxConcurrency: 0,
      shard: { index: 2, count: 2 },
      aggregate: 'mean',
      runId: 'r',
      retires: 2,
    }
    await expect(evaluate(wrong as never)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      problems: [
        { option: 'function' },
        { option: 'maxConcurrency' },
        { option: 'shard' },
        { option: 'aggregate' },
        { option: 'runId' },
        { option: 'retires', message: 'Unknown option "retires" from code. Did you mean "retries"?' },
        { option: 'dataset' },
      ],
    })
    await expect(evaluate({ ...OFFLINE, function: () => 1 } as never)).rejects.toThrow('neither was given')
    await expect(evaluate({ ...OFFLINE, datasetId: 'd', function: () => 1 })).rejects.toThrow('needs an API key')
  })

  test('thresholds decide whether the result passed, and a figure that is missing never passes', async () => {
    const run = (thresholds: object) =>
      evaluate({ ...OFFLINE, dataset: DATASET, function: () => 'A', evaluators: [exactMatch()], thresholds })
    expect((await run({ exact_match: 0.5 })).passed).toBe(true)
    const failed = await run({ exact_match: { min: 0.4, aggregate: 'min' }, latencyMs: 60_000 })
    expect(failed.passed).toBe(false)
    expect(failed.thresholds).toMatchObject([
      { name: 'exact_match', aggregate: 'min', actual: 0, passed: false },
      { name: 'latencyMs', passed: true },
    ])
    expect((await run({ unknown: 0 })).thresholds).toMatchObject([{ actual: null, passed: false }])
  })

  test.each([[{ mins: 0.9 }], [{}], ['0.9'], [Number.NaN], [null], [{ min: 0.9, aggregate: 'p97' }], [{ max: '5' }]])(
    'a bound that cannot be read is refused instead of being met: %j',
    async (bound) => {
      const options = { ...OFFLINE, dataset: DATASET, function: () => 'A', thresholds: { exact_match: bound } }
      await expect(evaluate(options as never)).rejects.toMatchObject({ problems: [{ option: 'thresholds.exact_match' }] })
    },
  )

  test('the weighted average follows the weights', async () => {
    const result = await evaluate({
      ...OFFLINE,
      dataset: DATASET,
      function: upper,
      evaluators: [evaluator('one', { evaluate: () => 1, weight: 3 }), evaluator('zero', () => false)],
    })
    expect(result.weightedAverage).toBe(0.75)
    expect(result.metrics.zero.failed).toBe(2)
    expect(result.counts.passed).toBe(0)
  })
})

function quiet(): { debug: () => void; warn: () => void; error: () => void } {
  const silent = (): void => undefined
  return { debug: silent, warn: silent, error: silent }
}
