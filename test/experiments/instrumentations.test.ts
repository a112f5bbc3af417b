import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai'
import OpenAI from 'openai'
import { expect, onTestFinished, test } from 'vitest'
import { startDevServer } from '../../src/dev/server.js'
import { evaluate } from '../../src/experiments/index.js'
import { HoneyHiveTracer } from '../../src/index.js'
import { startModelServer } from '../fixtures/model-server.js'

test('an instrumentation serves run after run, two at once, and the application afterwards', async () => {
  const server = await startDevServer({ port: 0, database: ':memory:', projects: { experiments: 'key-e', app: 'key-app' } })
  const model = await startModelServer()
  onTestFinished(async () => {
    await server.close()
    await model.close()
  })
  const client = new OpenAI({ apiKey: 'none', baseURL: model.url })
  const ask = async (content: string): Promise<unknown> =>
    (await client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content }] })).choices[0]?.message.content
  const instrumentation = new OpenAIInstrumentation()
  instrumentation.manuallyInstrument(OpenAI)
  const run = (name: string): Promise<unknown> =>
    evaluate({
      name,
      apiKey: 'key-e',
      serverUrl: server.url,
      instrumentations: [instrumentation],
      printResults: false,
      progress: false,
      dataset: [{ inputs: { question: `question of ${name}` } }],
      function: ({ inputs }) => ask(inputs.question),
    })

  await run('one')
  await run('two')
  await Promise.all([run('three'), run('four')])
  const app = HoneyHiveTracer.init({ apiKey: 'key-app', serverUrl: server.url })
  await app.startActiveSpan('request', () => ask('question of the application'))
  await app.shutdown()

  const modelCallsIn = (project: string): string[] =>
    server
      .events({ project })
      .flatMap((event) => (event.type === 'model' ? (/question of [a-z ]+/.exec(JSON.stringify(event.inputs)) ?? []) : []))
  expect(modelCallsIn('experiments').sort()).toEqual(['question of four', 'question of one', 'question of three', 'question of two'])
  expect(modelCallsIn('app')).toEqual(['question of the application'])
})
