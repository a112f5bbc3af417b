// Programs written for npm's `honeyhive` 1.0.42. Each takes what the import gives, and runs with that package and with `honeyhive-tracer/compat`.

/** Traces, enriches, and tells its session. */
export async function trace({ HoneyHiveTracer, traceTool, enrichSpan, enrichSession }) {
  const tracer = await HoneyHiveTracer.init({ sessionName: 'official session', source: 'ci', inputs: { question: 'weather?' } })
  const lookup = tracer.traceTool(function lookup(city, options, count = 1) {
    enrichSpan({ metadata: { cached: false }, metrics: { distance: 0.5 } })
    return { city, degrees: 21, unit: options.unit, count }
  })
  const weigh = traceTool((grams) => grams * 2, { eventName: 'weigh' })
  const model = tracer.traceModel(
    async function model(messages, temperature = 0.5) {
      enrichSpan({ config: { temperature }, outputs: { role: 'assistant', content: 'sunny' } })
      return { role: 'assistant', content: 'sunny' }
    },
    { config: { model: 'gpt-4o' } },
  )
  const failing = tracer.traceFunction({ eventType: 'tool', eventName: 'failing', metadata: { step: 3 } })(async () => {
    throw new Error('no such city')
  })
  const answer = tracer.traceChain(
    async function answer(city) {
      const found = lookup(city, { unit: 'F' }, 2)
      weigh(4)
      await model([{ role: 'user', content: 'hi' }])
      await failing().catch(() => undefined)
      return found.degrees
    },
    { eventName: 'answer' },
  )
  const result = await tracer.trace(() => answer('Rome'))
  tracer.logModel({ eventName: 'logged', config: { model: 'gpt-4' }, inputs: { prompt: 'p' }, outputs: { text: 't' } })
  await tracer.enrichSession({ metadata: { user: 'u1' }, feedback: { rating: 5 }, outputs: { degrees: 21 } })
  await tracer.trace(() => enrichSession({ sessionId: tracer.sessionId, userProperties: { plan: 'pro' } }))
  await tracer.flush()
  return { sessionId: tracer.sessionId, result }
}

/** Scores two rows. */
export async function evaluateRows({ evaluate, evaluator }) {
  const near = evaluator((outputs, _inputs, truths) => (Math.abs(outputs.doubled - truths.n2) < 2 ? 1 : 0), { name: 'near', repeat: 2 })
  const result = await evaluate({
    apiKey: process.env.HH_API_KEY,
    project: 'official',
    serverUrl: process.env.HH_API_URL,
    name: 'official run',
    function: async (inputs, truths) => ({ doubled: inputs.n * 2, saw: truths !== undefined }),
    evaluators: [
      function isRight(outputs, _inputs, truths) {
        return outputs.doubled === truths.n2
      },
      near,
    ],
    dataset: [
      { inputs: { n: 1 }, ground_truths: { n2: 2 } },
      { inputs: { n: 2 }, ground_truths: { n2: 5 } },
    ],
  })
  return {
    runId: result.runId,
    status: result.status,
    sessions: result.sessionIds.length,
    inputs: result.data.input,
    outputs: result.data.output,
    truths: result.data.ground_truth,
  }
}

/** Every method of the REST client once, and what is read of the replies. */
export async function rest({ HoneyHive }) {
  const client = new HoneyHive({ bearerAuth: process.env.HH_API_KEY, serverURL: process.env.HH_API_URL })
  const { sessionId } = await client.session.startSession({ session: { project: 'official', sessionName: 'by hand', source: 'ci' } })
  const event = { project: 'official', source: 'ci', eventType: 'tool', inputs: { some_key: 1 }, sessionId, config: {}, duration: 5 }
  const { eventId } = await client.events.createEvent({ event: { ...event, eventName: 'posted' } })
  await client.events.updateEvent({ eventId, metadata: { updated_at: true }, userProperties: { plan: 'pro' } })
  await client.events.createEventBatch({ events: [{ ...event, eventName: 'batched' }] })
  await client.events.createModelEvent({
    modelEvent: {
      project: 'official',
      model: 'gpt-4o',
      provider: 'openai',
      messages: [{ role: 'user', content: 'hi' }],
      response: { role: 'assistant', content: 'ho' },
      sessionId,
      duration: 1,
      usage: { prompt_tokens: 1 },
      cost: 0.1,
    },
  })
  await client.events.createModelEventBatch({
    modelEvents: [
      { project: 'official', model: 'gpt-4o', provider: 'openai', messages: [], sessionId, duration: 1, response: {}, usage: {} },
    ],
  })
  const filters = [{ field: 'event_name', value: 'posted', operator: 'is', type: 'string' }]
  const found = await client.events.getEvents({ project: 'official', filters, limit: 10 })
  const session = await client.session.getSession(sessionId)
  const parameters = { callType: 'chat', model: 'gpt-4o', hyperparameters: { top_p: 1 }, additionalProperties: { some_key: 1 } }
  await client.configurations.createConfiguration({
    project: 'official',
    name: 'prompt',
    provider: 'openai',
    parameters,
    userProperties: { some_key: 1 },
  })
  const [configuration] = await client.configurations.getConfigurations('official')
  await client.configurations.updateConfiguration(
    { project: 'official', name: 'prompt 2', provider: 'openai', parameters },
    configuration.id,
  )
  await client.configurations.deleteConfiguration(configuration.id)
  await client.metrics.createMetric({ name: 'length', task: 't', type: 'custom', description: 'd', returnType: 'float', criteria: 'c' })
  const [metric] = await client.metrics.getMetrics('official')
  await client.metrics.updateMetric({ metricId: metric.id, name: 'size' })
  await client.metrics.deleteMetric(metric.id)
  const { result } = await client.datasets.createDataset({ project: 'official', name: 'cities' })
  const datasetId = result.insertedId
  await client.datasets.addDatapoints(
    { project: 'official', data: [{ q: 1 }], mapping: { inputs: ['q'], groundTruth: [], history: [] } },
    datasetId,
  )
  const { testcases } = await client.datasets.getDatasets('official')
  const created = await client.datapoints.createDatapoint({
    project: 'official',
    inputs: { some_key: 2 },
    groundTruth: { a: 1 },
    linkedDatasets: [datasetId],
  })
  const { datapoints } = await client.datapoints.getDatapoints('official', undefined, 'cities')
  await client.datapoints.updateDatapoint({ metadata: { is_checked: true } }, datapoints[0].id)
  const { datapoint } = await client.datapoints.getDatapoint(datapoints[0].id)
  await client.datapoints.deleteDatapoint(datapoints[0].id)
  await client.datasets.updateDataset({ datasetId, name: 'towns' })
  await client.datasets.deleteDataset(datasetId)
  const { runId } = await client.experiments.createRun({ project: 'official', name: 'r', eventIds: [sessionId] })
  const { runId: otherId } = await client.experiments.createRun({ project: 'official', name: 's', eventIds: [] })
  await client.experiments.updateRun({ status: 'completed' }, runId)
  const { evaluation } = await client.experiments.getRun(runId)
  const { evaluations } = await client.experiments.getRuns('official')
  const outcome = await client.experiments.getExperimentResult(runId, 'official', 'average')
  const comparison = await client.experiments.getExperimentComparison(runId, otherId, 'official')
  await client.experiments.deleteRun(runId)
  const refused = []
  const calls = {
    getTools: () => client.tools.getTools(),
    createTool: () => client.tools.createTool({ task: 'official', name: 't', parameters: {}, type: 'function' }),
    updateTool: () => client.tools.updateTool({ id: 't1', name: 't', parameters: {} }),
    deleteTool: () => client.tools.deleteTool('t1'),
    getProjects: () => client.projects.getProjects(),
    createProject: () => client.projects.createProject({ name: 'p' }),
    updateProject: () => client.projects.updateProject({ projectId: 'p1', name: 'p' }),
    deleteProject: () => client.projects.deleteProject('p'),
  }
  for (const [name, call] of Object.entries(calls)) await call().catch((error) => refused.push(`${name} ${error.statusCode}`))
  return {
    found: found.events.map(({ eventName, eventType, inputs, metadata, userProperties }) => ({
      eventName,
      eventType,
      inputs,
      metadata: metadata.updated_at,
      userProperties,
    })),
    total: found.totalEvents,
    session: session.eventName,
    configuration: [configuration.name, configuration.parameters.callType, configuration.parameters.hyperparameters],
    metric: [metric.name, metric.type, metric.returnType],
    testcases: testcases.map(({ name, datapoints: ids }) => [name, ids.length]),
    created: typeof created.result.insertedId,
    datapoints: datapoints.map(({ inputs, groundTruth }) => ({ inputs, groundTruth })),
    datapoint: datapoint.map(({ metadata }) => metadata),
    run: [evaluation.name, evaluation.status, evaluation.eventIds.length],
    runs: evaluations.map(({ name }) => name).sort(),
    outcome: outcome.status,
    comparison: Object.keys(comparison).includes('commonDatapoints'),
    refused,
  }
}
