import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { createClient, type HoneyHiveClient } from '../../src/client/index.js'
import { KEY, test } from '../dev/fixtures.js'

const clientFor = (url: string): HoneyHiveClient => createClient({ apiKey: KEY, serverUrl: url, retries: 0 })

describe('createClient, with the local server', () => {
  test('starts a session, adds to it, reads it back as a tree, and deletes it', async ({ server }) => {
    const { sessions } = clientFor(server.url)
    const { sessionId } = await sessions.start({ sessionName: 'by hand', source: 'ci', inputs: { some_key: 1 } })
    const [parent, child] = [randomUUID(), randomUUID()]
    await sessions.addEvents(sessionId, [
      { eventId: parent, eventType: 'chain', eventName: 'answer' },
      { eventId: child, eventType: 'model', eventName: 'ask', parentId: parent, outputs: { content: 'hi' } },
    ])
    await sessions.update(sessionId, { feedback: { rating: 5 }, userProperties: { plan: 'pro' } })
    expect(await sessions.get(sessionId)).toMatchObject({
      eventId: sessionId,
      eventName: 'by hand',
      inputs: { some_key: 1 },
      feedback: { rating: 5 },
      userProperties: { plan: 'pro' },
      children: [{ eventName: 'answer', children: [{ eventName: 'ask', outputs: { content: 'hi' }, children: [] }] }],
    })
    expect(await sessions.list().toArray()).toMatchObject([{ sessionId, eventName: 'by hand' }])
    await sessions.delete(sessionId)
    await expect(sessions.get(sessionId)).rejects.toMatchObject({ code: 'HTTP_STATUS', status: 404 })
  })

  test('makes, changes, reads and finds events', async ({ server }) => {
    const { events } = clientFor(server.url)
    const startTime = new Date('2026-01-02T03:04:05.678Z')
    const { eventId } = await events.create({ eventType: 'tool', eventName: 'posted', inputs: { q: 1 }, startTime, duration: 5 })
    await events.update(eventId, { metadata: { user_id: 'u' }, outputs: { a: 2 } })
    expect(await events.get(eventId)).toMatchObject({
      eventName: 'posted',
      startTime: startTime.getTime(),
      inputs: { q: 1 },
      metadata: { user_id: 'u' },
      outputs: { a: 2 },
    })
    const { eventIds, sessionId } = await events.createBatch({
      singleSession: true,
      events: [
        { eventType: 'tool', eventName: 'one' },
        { eventType: 'tool', eventName: 'two' },
      ],
    })
    expect(eventIds).toHaveLength(2)
    const inSession = { field: 'session_id', operator: 'is', value: sessionId ?? '' } as const
    const found = await events.list({ filters: [inSession, { field: 'event_type', operator: 'is', value: 'tool' }] }).toArray()
    expect(found.map(({ eventName }) => eventName).sort()).toEqual(['one', 'two'])
    expect(await events.list({ dateRange: { from: startTime, to: startTime } }).toArray()).toMatchObject([{ eventId }])
    expect(await events.schema()).toMatchObject({ fields: expect.arrayContaining([{ name: 'outputs.a', eventType: 'tool' }]) as unknown })
  })

  test('reads lists page by page to their end, each item once', async ({ server }) => {
    const { events } = clientFor(server.url)
    const names = Array.from({ length: 7 }, (_, index) => `event ${index}`)
    for (const [index, eventName] of names.entries())
      await events.create({ eventType: 'tool', eventName, startTime: 1_700_000_000_000 + index })
    const ours = { field: 'event_type', operator: 'is', value: 'tool' } as const
    const list = events.list({ filters: [ours], pageSize: 3 })
    const pages: number[] = []
    for await (const page of list.pages()) pages.push(page.items.length)
    expect(pages).toEqual([3, 3, 1])
    const seen: unknown[] = []
    for await (const { eventName } of list) {
      seen.push(eventName)
      // What arrives meanwhile moves the others to later pages.
      if (seen.length === 2) await events.create({ eventType: 'tool', eventName: 'late', startTime: 1_800_000_000_000 })
    }
    expect(seen).toEqual(names.toReversed())
    expect(await list.toArray(2)).toHaveLength(2)
    expect(await list.toArray(0)).toEqual([])
    expect(await list.first()).toMatchObject({ eventName: 'late' })
    expect(await events.list({ filters: [ours], pageSize: 3, page: 4 }).toArray()).toEqual([])
  })

  test('keeps datasets and their datapoints', async ({ server }) => {
    const { datasets, datapoints, events } = clientFor(server.url)
    const { datasetId } = await datasets.create({ name: 'cities' })
    const rows = {
      data: [
        { q: 'Rome?', a: 'Italy', x: 1 },
        { q: 'Paris?', a: 'France' },
      ],
      mapping: { inputs: ['q'], groundTruth: ['a'] },
    }
    const { datapointIds } = await datasets.addDatapoints(datasetId, rows)
    expect(await datapoints.get(datapointIds[0] ?? '')).toMatchObject({ inputs: { q: 'Rome?' }, groundTruth: { a: 'Italy' } })
    const { datapointId } = await datapoints.create({ inputs: { q: 'Bern?' }, linkedDatasets: [datasetId] })
    await datapoints.update(datapointId, { metadata: { checked: true } })
    expect(await datapoints.list({ datasetName: 'cities' }).toArray()).toHaveLength(3)
    expect(await datapoints.list({ datapointIds: [datapointId] }).toArray()).toMatchObject([{ metadata: { checked: true } }])
    // More ids than one address holds.
    const many = [...Array.from({ length: 150 }, () => randomUUID()), datapointId]
    expect(await datapoints.list({ datapointIds: many }).toArray()).toMatchObject([{ id: datapointId }])
    expect(await datapoints.list({ datapointIds: [] }).toArray()).toEqual([])
    expect(await datasets.update(datasetId, { name: 'towns' })).toMatchObject({ id: datasetId, name: 'towns' })
    await datasets.removeDatapoint(datasetId, datapointId)
    expect(await datasets.get(datasetId)).toMatchObject({ name: 'towns', datapoints: datapointIds })
    expect(await datasets.list({ name: 'towns' }).first()).toMatchObject({ id: datasetId })
    const { eventId } = await events.create({ eventType: 'tool', eventName: 'e', inputs: { city: 'Oslo' } })
    const made = await datapoints.createFromEvents({ checkState: { [eventId]: true }, datasetId })
    expect(await datapoints.get(made.datapointIds[0] ?? '')).toMatchObject({ inputs: { city: 'Oslo' } })
    await datapoints.delete(datapointId)
    // The server is the right one: it says what it does not have.
    const message = expect.stringMatching(/HTTP 404\. Check the id or the name that was asked for, then `serverUrl`/)
    await expect(datapoints.get(datapointId)).rejects.toMatchObject({ status: 404, message })
    await datasets.delete(datasetId)
    expect(await datasets.get(datasetId)).toBeUndefined()
  })

  test('keeps runs of experiments', async ({ server }) => {
    const { experiments, sessions, events } = clientFor(server.url)
    const scored = async (name: string, score: number): Promise<string> => {
      const { runId } = await experiments.createRun({ name, configuration: { some_key: 1 } })
      const metadata = { run_id: runId, datapoint_id: 'EXT-1' }
      const { sessionId } = await sessions.start({ sessionName: name, metadata })
      await events.create({ eventType: 'chain', eventName: 'f', sessionId, metadata, metrics: { right: score } })
      return (await experiments.updateRun(runId, { status: 'completed', eventIds: [sessionId] })).runId
    }
    const [before, after] = [await scored('before', 0), await scored('after', 1)]
    expect(await experiments.getRun(after)).toMatchObject({ name: 'after', status: 'completed', configuration: { some_key: 1 } })
    expect(await experiments.listRuns({ pageSize: 1, sortBy: 'name', sortOrder: 'asc' }).toArray()).toMatchObject([
      { name: 'after' },
      { name: 'before' },
    ])
    expect(await experiments.listRuns({ runIds: [...Array.from({ length: 120 }, () => randomUUID()), before] }).toArray()).toMatchObject([
      { runId: before },
    ])
    expect(await experiments.getResult(after, { aggregateFunction: 'max' })).toMatchObject({
      metrics: { details: [{ metric_name: 'right', aggregate: 1 }] },
    })
    expect(await experiments.listRunMetrics(after).toArray()).toMatchObject([
      { eventName: 'after', eventType: 'session', metrics: {} },
      { eventName: 'f', eventType: 'chain', metrics: { right: 1 } },
    ])
    expect(await experiments.compareRuns(after, before)).toMatchObject({
      metrics: [{ metric_name: 'right', old_aggregate: 0, new_aggregate: 1 }],
    })
    expect(await experiments.compareRunEvents(after, before, { eventName: 'f' }).toArray()).toMatchObject([
      { datapointId: 'EXT-1', event1: { metrics: { right: 1 } }, event2: { metrics: { right: 0 } } },
    ])
    expect(await experiments.getSchema({ evaluationId: after })).toMatchObject({
      fields: expect.arrayContaining([{ name: 'metrics.right', eventType: 'chain' }]) as unknown,
    })
    await experiments.deleteRun(before)
    await expect(experiments.getRun(before)).rejects.toMatchObject({ status: 404 })
  })

  test('keeps configurations and metrics', async ({ server }) => {
    const { configurations, metrics } = clientFor(server.url)
    const parameters = { callType: 'chat', model: 'gpt-4o', hyperparameters: { top_p: 1 } } as const
    const { configurationId } = await configurations.create({ name: 'prompt', provider: 'openai', parameters, env: ['prod'], tags: ['a'] })
    await configurations.update(configurationId, { name: 'prompt 2' })
    expect(await configurations.list({ name: 'prompt 2', env: 'prod', tags: ['a'] }).toArray()).toMatchObject([
      { id: configurationId, parameters },
    ])
    expect(await configurations.list({ env: 'dev' }).first()).toBeUndefined()
    await configurations.delete(configurationId)
    expect(await configurations.list().toArray()).toEqual([])

    const { metricId } = await metrics.create({ name: 'length', type: 'PYTHON', criteria: 'c', threshold: { passWhen: true } })
    await metrics.update(metricId, { name: 'size' })
    expect(await metrics.get(metricId)).toMatchObject({ name: 'size', threshold: { passWhen: true }, samplingPercentage: 10 })
    expect(await metrics.list({ type: 'LLM' }).toArray()).toEqual([])
    await metrics.delete(metricId)
    expect(await metrics.get(metricId)).toBeUndefined()
  })

  test('says what the local server does not have', async ({ server }) => {
    const { metrics, projects, tools } = clientFor(server.url)
    const metric = { name: 'm', type: 'LLM', criteria: 'c' } as const
    const calls = [
      () => metrics.run({ metric, event: {} }),
      () => metrics.listVersions('m1').first(),
      () => metrics.createVersion('m1', { message: 'better', content: metric }),
      () => metrics.deployVersion('m1', 'v1'),
      () => projects.list().first(),
      () => projects.create({ name: 'p' }),
      () => projects.update('p1', { name: 'p' }),
      () => projects.delete('p'),
      () => tools.list().first(),
      () => tools.create({ task: 'p', name: 't', parameters: {} }),
      () => tools.update('t1', { name: 't', parameters: {} }),
      () => tools.delete('t1'),
    ]
    for (const call of calls) {
      const message = expect.stringMatching(/The server says: "The local server .*Use HoneyHive itself/) as unknown
      await expect(call()).rejects.toMatchObject({ code: 'HTTP_STATUS', status: 501, message })
    }
  })
})
