// Every way to read a result of the AI SDK, traced by one wrapper; prints what the spans say. Runs in the folder of a version.
import { pathToFileURL } from 'node:url'

const here = pathToFileURL(`${process.cwd()}/`).href
const load = (name) => import(import.meta.resolve(name, here))
const { simulateReadableStream, streamObject, streamText, tool, ...others } = await load('ai')
const mocks = await load('ai/test')
const { z } = await load('zod')
const { traceFn } = await load('honeyhive-tracer')
const { createTestTracer } = await load('honeyhive-tracer/testing')

const Model = mocks.MockLanguageModelV4 ?? mocks.MockLanguageModelV3 ?? mocks.MockLanguageModelV2
const isFlat = Model === mocks.MockLanguageModelV2
const usage = isFlat ? { inputTokens: 3, outputTokens: 2, totalTokens: 5 } : { inputTokens: { total: 3 }, outputTokens: { total: 2 } }
const finish = (reason) => ({ type: 'finish', finishReason: isFlat ? reason : { unified: reason, raw: reason }, usage })
const text = (...deltas) => [
  { type: 'stream-start', warnings: [] },
  { type: 'text-start', id: '1' },
  ...deltas.map((delta) => ({ type: 'text-delta', id: '1', delta })),
  { type: 'text-end', id: '1' },
  finish('stop'),
]
const modelOf = (...answers) => {
  let asked = 0
  const doStream = async () => ({ stream: simulateReadableStream({ chunks: answers[asked++], initialDelayInMs: 1, chunkDelayInMs: 1 }) })
  return new Model({ doStream })
}

const tracer = createTestTracer()
const collect = async (items) => {
  const got = []
  for await (const item of items) got.push(item)
  return got
}
const ask = () => streamText({ model: modelOf(text('the final ', 'text')), prompt: 'hi' })
const down = () =>
  streamText({
    model: new Model({ doStream: () => Promise.reject(new Error('model is down')) }),
    prompt: 'hi',
    maxRetries: 0,
    onError() {},
  })
const object = () =>
  streamObject({ model: modelOf(text('{"a":', '1,"b', '":"x"}')), prompt: 'hi', schema: z.object({ a: z.number(), b: z.string() }) })
const withTool = () =>
  streamText({
    model: modelOf(
      [
        { type: 'stream-start', warnings: [] },
        { type: 'tool-call', toolCallId: 'c1', toolName: 'add', input: '{"a":1}' },
        finish('tool-calls'),
      ],
      text('two'),
    ),
    prompt: 'hi',
    tools: { add: tool({ inputSchema: z.object({ a: z.number() }), execute: traceFn(tracer, ({ a }) => a + 1, { eventName: 'add' }) }) },
    stopWhen: (others.stepCountIs ?? others.isStepCount)(3),
  })

/** What is made and how it is read. */
const WAYS = {
  textStream: [ask, (result) => collect(result.textStream)],
  fullStream: [ask, async (result) => (await collect(result.fullStream)).length],
  text: [ask, (result) => result.text],
  promises: [ask, async (result) => await Promise.all([result.text, result.finishReason])],
  consumeStream: [ask, (result) => result.consumeStream()],
  textResponse: [ask, (result) => result.toTextStreamResponse().text()],
  pageResponse: [ask, async (result) => (await result.toUIMessageStreamResponse().text()).length > 0],
  halves: [ask, async (result) => Promise.all(result.textStream.tee().map(collect))],
  early: [
    ask,
    async (result) => {
      for await (const piece of result.textStream) return piece
    },
  ],
  inPromise: [async () => ask(), async (result) => collect((await result).textStream)],
  inField: [() => ({ result: ask() }), ({ result }) => collect(result.textStream)],
  tools: [withTool, (result) => collect(result.textStream)],
  partialObjects: [object, async (result) => (await collect(result.partialObjectStream)).at(-1)],
  objectText: [object, async (result) => (await collect(result.textStream)).join('')],
  failing: [down, (result) => collect(result.textStream)],
  failingPromise: [down, (result) => result.text.then(String, () => 'rejected')],
}

const seen = {}
for (const [way, [make, read]] of Object.entries(WAYS)) {
  tracer.clear()
  let made
  const result = traceFn(tracer, () => (made = make()), { eventName: 'ask' })()
  const keys = Object.keys(made)
  const got = await read(result)
  for (let turn = 0; turn < 50 && !tracer.spans.some(({ name }) => name === 'ask'); turn++)
    await new Promise((done) => setTimeout(done, 10))
  const span = tracer.spans.find(({ name }) => name === 'ask')
  const outputs = Object.fromEntries(Object.entries(span?.attributes ?? {}).filter(([key]) => key.startsWith('honeyhive_outputs.')))
  seen[way] = {
    isSame: result === made || way === 'inPromise',
    hasSameKeys: Object.keys(made).join() === keys.join(),
    got,
    status: span?.status.code,
    error: span?.attributes.honeyhive_error,
    chunks: span?.attributes['honeyhive_metrics.chunk_count'],
    outputs,
    tree: tracer.tree(),
  }
}
process.stdout.write(JSON.stringify({ seen, open: tracer.stats().open }))
