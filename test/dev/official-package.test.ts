import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import type { DevServer } from '../../src/dev/server.js'
import { installOfficialPackage } from '../fixtures/official-package.js'
import { call, test } from './fixtures.js'

const MINUTES = 60_000

/** Runs a CommonJS program beside the installed package, against `server`. */
const runProgram = async (folder: string, server: DevServer, program: string): Promise<string> => {
  const scripts = join(folder, 'programs')
  mkdirSync(scripts, { recursive: true })
  const script = join(scripts, `${process.pid}-${Date.now()}.cjs`)
  writeFileSync(script, program)
  const child = spawn(process.execPath, [script], {
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      TRACELOOP_TELEMETRY: 'false',
      HONEYHIVE_TELEMETRY: 'false',
      HH_API_URL: server.url,
      HH_API_KEY: 'official-key-0042',
      HH_PROJECT: 'official',
    },
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  await new Promise((resolve) => child.on('close', resolve))
  return output
}

const TRACE = `
const { HoneyHiveTracer } = require('honeyhive')
;(async () => {
  const tracer = await HoneyHiveTracer.init({ sessionName: 'official session', source: 'ci', inputs: { question: 'weather?' } })
  const lookup = tracer.traceTool(function lookup(city) { return { city, degrees: 21 } })
  const model = tracer.traceModel(async function model(messages) { return { role: 'assistant', content: 'sunny' } }, { config: { model: 'gpt-4o' } })
  const answer = tracer.traceChain(async function answer(city) { const found = lookup(city); await model([{ role: 'user', content: 'hi' }]); return found.degrees }, { eventName: 'answer' })
  await tracer.trace(() => answer('Rome'))
  await tracer.enrichSession({ metadata: { user: 'u1' }, feedback: { rating: 5 }, outputs: { degrees: 21 } })
  await tracer.flush()
  console.log('SESSION ' + tracer.sessionId)
  process.exit(0)
})()
`

// This version sends its run requests to the public host whatever `serverUrl` says; they are led back here.
const EVALUATE = `
const realFetch = globalThis.fetch
globalThis.fetch = (input, init) => {
  const url = new URL(typeof input === 'string' || input instanceof URL ? input : input.url)
  const local = new URL(url.pathname + url.search, process.env.HH_API_URL)
  return realFetch(input instanceof Request ? new Request(local, input) : local, init)
}
const { evaluate } = require('honeyhive')
evaluate({
  apiKey: process.env.HH_API_KEY, project: 'official', serverUrl: process.env.HH_API_URL, name: 'official run',
  function: async (inputs) => ({ doubled: inputs.n * 2 }),
  evaluators: [function isRight(outputs, inputs, truths) { return outputs.doubled === truths.n2 }],
  dataset: [{ inputs: { n: 1 }, ground_truths: { n2: 2 } }, { inputs: { n: 2 }, ground_truths: { n2: 5 } }],
}).then((result) => { console.log('RUN ' + result.runId + ' ' + result.status); process.exit(0) })
`

const REST = `
const { HoneyHive } = require('honeyhive')
;(async () => {
  const client = new HoneyHive({ bearerAuth: process.env.HH_API_KEY, serverURL: process.env.HH_API_URL })
  const { sessionId } = await client.session.startSession({ session: { project: 'official', sessionName: 'by hand', source: 'ci' } })
  const { eventId } = await client.events.createEvent({ event: { project: 'official', source: 'ci', eventName: 'posted', eventType: 'tool', inputs: { q: 1 }, sessionId, config: {}, duration: 5 } })
  await client.events.updateEvent({ eventId, metadata: { updated: true } })
  const found = await client.events.getEvents({ project: 'official', filters: [{ field: 'event_name', value: 'posted', operator: 'is', type: 'string' }] })
  if (found.events.length !== 1) throw new Error('the event is not found')
  const parameters = { callType: 'chat', model: 'gpt-4o', additionalProperties: {} }
  await client.configurations.createConfiguration({ project: 'official', name: 'prompt', provider: 'openai', parameters })
  const [configuration] = await client.configurations.getConfigurations('official')
  await client.configurations.updateConfiguration({ project: 'official', name: 'prompt 2', provider: 'openai', parameters }, configuration.id)
  await client.configurations.deleteConfiguration(configuration.id)
  await client.metrics.createMetric({ name: 'length', task: 't', type: 'custom', description: 'd', returnType: 'float', criteria: 'c' })
  const [metric] = await client.metrics.getMetrics('official')
  if (metric.type !== 'custom') throw new Error('the metric has another type: ' + metric.type)
  await client.metrics.updateMetric({ metricId: metric.id, name: 'size' })
  await client.metrics.deleteMetric(metric.id)
  const dataset = await client.datasets.createDataset({ project: 'official', name: 'cities' })
  const datasetId = dataset.result.insertedId
  await client.datasets.addDatapoints({ project: 'official', data: [{ q: 1 }], mapping: { inputs: ['q'], groundTruth: [], history: [] } }, datasetId)
  const { testcases } = await client.datasets.getDatasets('official')
  const { datapoints } = await client.datapoints.getDatapoints('official')
  if (testcases.length !== 1 || datapoints.length !== 1) throw new Error('the dataset is not whole')
  await client.datapoints.updateDatapoint({ metadata: { checked: true } }, datapoints[0].id)
  await client.datapoints.getDatapoint(datapoints[0].id)
  await client.datapoints.deleteDatapoint(datapoints[0].id)
  await client.datasets.updateDataset({ datasetId, name: 'towns' })
  await client.datasets.deleteDataset(datasetId)
  const { runId } = await client.experiments.createRun({ project: 'official', name: 'r', eventIds: [sessionId] })
  await client.experiments.updateRun({ status: 'completed' }, runId)
  await client.experiments.getRun(runId)
  await client.experiments.getRuns('official')
  await client.experiments.getExperimentResult(runId, 'official')
  await client.experiments.deleteRun(runId)
  for (const [name, call] of [['tools', () => client.tools.getTools()], ['projects', () => client.projects.getProjects()]])
    await call().then(() => { throw new Error(name + ' are answered') }, (error) => { if (error.statusCode !== 501) throw error })
  console.log('DONE')
  process.exit(0)
})().catch((error) => { console.error('ERROR', error); process.exit(1) })
`

describe('npm honeyhive 1.0.42', () => {
  test('traces and evaluates into the local server', { timeout: 5 * MINUTES }, async ({ server }) => {
    const folder = await installOfficialPackage()
    const traced = await runProgram(folder, server, TRACE)
    const sessionId = /SESSION ([0-9a-f-]{36})/.exec(traced)?.[1]
    expect(sessionId, traced).toBeDefined()
    expect(server.projects()).toMatchObject([{ name: 'official', sessions: 1 }])
    expect(server.sessions()).toMatchObject([
      { id: sessionId, name: 'official session', source: 'ci', events: 3, modelEvents: 1, errors: 0, hasFeedback: true },
    ])
    const events = server.events({ sessionId: sessionId ?? '' })
    expect(events.find(({ type }) => type === 'session')).toMatchObject({
      inputs: { question: 'weather?' },
      outputs: { degrees: 21 },
      metadata: { user: 'u1' },
      feedback: { rating: 5 },
    })
    expect(server.tree(sessionId ?? '')).toMatchObject([
      {
        name: 'answer',
        type: 'chain',
        inputs: { _params_: { city: 'Rome' } },
        outputs: { result: 21 },
        metadata: { instrumentor: 'traceloop' },
        children: [
          { name: 'lookup', type: 'tool', outputs: { result: { city: 'Rome', degrees: 21 } } },
          {
            name: 'model',
            type: 'model',
            config: { model: 'gpt-4o' },
            inputs: { _params_: { messages: [{ role: 'user', content: 'hi' }] } },
            outputs: { result: { role: 'assistant', content: 'sunny' } },
          },
        ],
      },
    ])

    const rest = await runProgram(folder, server, REST)
    expect(rest).toBe('DONE\n')

    const evaluated = await runProgram(folder, server, EVALUATE)
    const runId = /RUN ([0-9a-f-]{36}) completed/.exec(evaluated)?.[1]
    expect(runId, evaluated).toBeDefined()
    expect((await call(server, 'GET', `/api/runs/${runId}`)).body).toMatchObject({
      run: { name: 'official run', status: 'completed', rows: 2, failedRows: 0 },
      rows: expect.arrayContaining([
        expect.objectContaining({ outputs: { doubled: 2 } }),
        expect.objectContaining({ outputs: { doubled: 4 } }),
      ]) as unknown,
    })
  })
})
