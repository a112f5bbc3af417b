import type { HoneyHiveClient, NewMetric } from '../../src/client/index.js'

const EVENT = '00000000-0000-4000-8000-00000000000e'
const SESSION = '00000000-0000-4000-8000-00000000005e'
const RUN = '00000000-0000-4000-8000-0000000000aa'
const OLD_RUN = '00000000-0000-4000-8000-0000000000bb'
const MESSAGES = [{ role: 'system', content: 'Be brief.' }]
const PARAMETERS = { callType: 'chat', model: 'gpt-4o', template: MESSAGES } as const
const METRIC: NewMetric = {
  name: 'length',
  type: 'PYTHON',
  criteria: 'def f(e): return 1',
  returnType: 'float',
  enabledInProd: true,
  threshold: { min: 0.5 },
}

/** One call by its name; what comes back does not count. */
export type NamedCall = readonly [name: string, call: (client: HoneyHiveClient) => Promise<unknown>]

/** What `python/calls.py` does, in its order. */
export const PYTHON_CALLS: readonly NamedCall[] = [
  ['sessions.start', (c) => c.sessions.start({ sessionId: SESSION, sessionName: 'by hand', source: 'ci', inputs: { q: 1 } })],
  [
    'events.create',
    (c) =>
      c.events.create({
        eventId: EVENT,
        eventType: 'tool',
        eventName: 'posted',
        inputs: { q: 1 },
        sessionId: SESSION,
        startTime: new Date(1_700_000_000_000),
        duration: 5.5,
      }),
  ],
  [
    'events.update',
    (c) =>
      c.events.update(EVENT, { metadata: { user_id: 'u' }, outputs: { a: 2 }, feedback: { rating: 5 }, userProperties: { plan: 'pro' } }),
  ],
  [
    'events.createBatch',
    (c) =>
      c.events.createBatch({ events: [{ eventId: EVENT, eventType: 'model', eventName: 'one', inputs: { a_b: 1 }, sessionId: SESSION }] }),
  ],
  ['events.list', (c) => c.events.list({ filters: [{ field: 'session_id', operator: 'is', value: SESSION }], pageSize: 100 }).first()],
  [
    'events.list of a time',
    (c) =>
      c.events
        .list({ dateRange: { from: new Date('2024-01-01'), to: new Date('2024-01-31') }, projections: ['event_name'], page: 2 })
        .first(),
  ],
  ['datasets.list', (c) => c.datasets.list().first()],
  ['datasets.list by name', (c) => c.datasets.list({ datasetId: 'd1', name: 'cities of the world' }).first()],
  ['datasets.create', (c) => c.datasets.create({ name: 'cities', description: 'of the world', datapoints: ['p1'] })],
  ['datasets.update', (c) => c.datasets.update('d1', { name: 'towns' })],
  [
    'datasets.addDatapoints',
    (c) => c.datasets.addDatapoints('d1', { data: [{ q: 1, a: 2 }], mapping: { inputs: ['q'], groundTruth: ['a'], history: [] } }),
  ],
  ['datasets.removeDatapoint', (c) => c.datasets.removeDatapoint('d1', 'p1')],
  ['datasets.delete', (c) => c.datasets.delete('d1')],
  ['datapoints.list', (c) => c.datapoints.list({ datapointIds: ['p1', 'p2'], datasetName: 'cities' }).first()],
  ['datapoints.get', (c) => c.datapoints.get('p1')],
  [
    'datapoints.create',
    (c) =>
      c.datapoints.create({
        inputs: { some_key: 1 },
        history: MESSAGES,
        groundTruth: { a: 2 },
        metadata: { m: 3 },
        linkedDatasets: ['d1'],
      }),
  ],
  ['datapoints.update', (c) => c.datapoints.update('p1', { metadata: { checked: true } })],
  ['datapoints.delete', (c) => c.datapoints.delete('p1')],
  [
    'experiments.createRun',
    (c) =>
      c.experiments.createRun({
        runId: RUN,
        name: 'first',
        status: 'pending',
        eventIds: [],
        datapointIds: ['p1'],
        configuration: { function: 'f' },
        metadata: { m: 1 },
      }),
  ],
  ['experiments.updateRun', (c) => c.experiments.updateRun(RUN, { name: 'first', status: 'completed', eventIds: [SESSION] })],
  ['experiments.getRun', (c) => c.experiments.getRun(RUN)],
  [
    'experiments.listRuns',
    (c) =>
      c.experiments
        .listRuns({ runIds: [RUN, OLD_RUN], name: 'first', status: 'completed', pageSize: 50, sortBy: 'name', sortOrder: 'asc' })
        .first(),
  ],
  ['experiments.getResult', (c) => c.experiments.getResult(RUN, { aggregateFunction: 'median' })],
  ['experiments.compareRuns', (c) => c.experiments.compareRuns(RUN, OLD_RUN, { aggregateFunction: 'average' })],
  [
    'experiments.compareRunEvents',
    (c) => c.experiments.compareRunEvents(RUN, OLD_RUN, { eventName: 'f', eventType: 'chain', pageSize: 10 }).first(),
  ],
  ['experiments.getSchema', (c) => c.experiments.getSchema({ evaluationId: RUN })],
  ['experiments.deleteRun', (c) => c.experiments.deleteRun(RUN)],
  ['configurations.list', (c) => c.configurations.list().first()],
  [
    'configurations.create',
    (c) =>
      c.configurations.create({
        name: 'prompt',
        provider: 'openai',
        parameters: PARAMETERS,
        env: ['dev'],
        tags: ['t'],
        userProperties: { some_key: 1 },
      }),
  ],
  ['configurations.update', (c) => c.configurations.update('c1', { name: 'prompt 2', provider: 'openai', parameters: PARAMETERS })],
  ['configurations.delete', (c) => c.configurations.delete('c1')],
  ['metrics.list', (c) => c.metrics.list({ type: 'PYTHON' }).first()],
  ['metrics.get', (c) => c.metrics.get('m1')],
  ['metrics.create', (c) => c.metrics.create(METRIC)],
  ['metrics.update', (c) => c.metrics.update('m1', { name: 'size', samplingPercentage: 50 })],
  ['metrics.delete', (c) => c.metrics.delete('m1')],
  ['metrics.listVersions', (c) => c.metrics.listVersions('m1').first()],
  ['metrics.createVersion', (c) => c.metrics.createVersion('m1', { message: 'better', content: METRIC, deployImmediately: true })],
  ['metrics.deployVersion', (c) => c.metrics.deployVersion('m1', 'v1')],
]

/** What the Python SDK has no more, and npm's `honeyhive` 1.0.42 has; `official-calls.cjs` does the same. */
export const OFFICIAL_CALLS: readonly NamedCall[] = [
  ['sessions.get', (c) => c.sessions.get(SESSION)],
  ['projects.list', (c) => c.projects.list({ name: 'one' }).first()],
  ['projects.create', (c) => c.projects.create({ name: 'one', description: 'of all' })],
  ['projects.update', (c) => c.projects.update('i1', { name: 'two' })],
  ['projects.delete', (c) => c.projects.delete('two')],
  ['tools.list', (c) => c.tools.list().first()],
  ['tools.create', (c) => c.tools.create({ task: 'one', name: 'lookup', parameters: { type: 'object' }, description: 'd' })],
  ['tools.update', (c) => c.tools.update('t1', { name: 'find', parameters: { type: 'object' } })],
  ['tools.delete', (c) => c.tools.delete('t1')],
]
