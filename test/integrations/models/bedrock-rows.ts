import type { Case, Feature, Gap, Row } from '../row.js'

type Lacks = NonNullable<Case['lacks']>

// Bedrock does not say what went into thinking.
const FEATURES: readonly Feature[] = [
  'inputs',
  'outputs',
  'model',
  'promptTokens',
  'completionTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
]
const model = { events: { model: 1 }, features: FEATURES } as const
const tools = { events: { model: 2, tool: 1 }, features: [...FEATURES, 'toolCalls', 'toolResults'] } as const
const embeddings = { events: { model: 1 }, features: ['inputs', 'outputs', 'model', 'promptTokens'] } as const

const cached = (gap: string): Lacks => ({ promptTokens: gap, cacheReadTokens: gap, cacheWriteTokens: gap })
const all = (gap: string): Lacks => ({ ...cached(gap), completionTokens: gap, inputs: gap, outputs: gap })
const fault = (what: string, remedy: string): Gap => ({ fault: 'instrumentor', what, remedy })

const openInference: Omit<Row, 'format'> = {
  program: 'bedrock-openinference',
  page: 'bedrock',
  library: '@aws-sdk/client-bedrock-runtime',
  instrumentor: '@arizeai/openinference-instrumentation-bedrock',
  cases: {
    chat: model,
    stream: { ...model, lacks: cached('streamCache') },
    tools: { ...tools, lacks: { toolResults: 'jsonResults' } },
    invoke: model,
    invokeStream: model,
    embeddings,
  },
  failures: { refused: 'error', failed: 'error', break: 'ended', abort: 'ended', cut: 'error' },
  gaps: {
    streamCache: fault(
      '`ConverseStream` leaves the tokens of the cache out, and out of the input',
      'use `Converse` where the count matters',
    ),
    jsonResults: fault('what a tool gave back as `json` is not recorded', 'give it as `text`'),
  },
}

const traceloop: Omit<Row, 'format'> = {
  program: 'bedrock-traceloop',
  page: 'bedrock',
  library: '@aws-sdk/client-bedrock-runtime',
  instrumentor: '@traceloop/instrumentation-bedrock',
  cases: {
    chat: { ...model, lacks: all('converse') },
    stream: { ...model, lacks: all('converse') },
    tools: { ...tools, lacks: { ...all('converse'), toolCalls: 'converse', toolResults: 'converse' } },
    invoke: { ...model, lacks: cached('cache') },
    invokeStream: { ...model, lacks: { ...cached('stream'), completionTokens: 'stream', outputs: 'stream' }, answerGap: 'stream' },
    embeddings: { ...embeddings, lacks: { outputs: 'embeddings' } },
  },
  failures: { refused: 'error', failed: 'error', break: 'ended', abort: 'ended', cut: 'ended' },
  gaps: {
    converse: fault('`Converse` and `ConverseStream` leave a span with the model and nothing else', 'use OpenInference'),
    cache: fault('the tokens of the cache are left out, and out of the input', 'use OpenInference'),
    stream: fault(
      'it reads the stream of `InvokeModelWithResponseStream` to its end, so the application gets nothing',
      'do not use it where you stream',
    ),
    embeddings: fault('the size of an embedding is not recorded', 'use OpenInference'),
  },
}

const openTelemetry: Omit<Row, 'format'> = {
  program: 'bedrock-opentelemetry',
  page: 'bedrock',
  library: '@aws-sdk/client-bedrock-runtime',
  instrumentor: '@opentelemetry/instrumentation-aws-sdk',
  cases: {
    chat: { ...model, lacks: { ...cached('cache'), inputs: 'messages', outputs: 'messages' } },
    stream: { ...model, lacks: { ...cached('cache'), inputs: 'messages', outputs: 'messages' } },
    tools: {
      ...tools,
      lacks: { ...cached('cache'), inputs: 'messages', outputs: 'messages', toolCalls: 'messages', toolResults: 'messages' },
    },
    invoke: { ...model, lacks: { ...cached('cache'), inputs: 'messages', outputs: 'messages' } },
    invokeStream: { ...model, lacks: { ...cached('cache'), completionTokens: 'invokeStream', inputs: 'messages', outputs: 'messages' } },
    embeddings: { ...embeddings, lacks: { inputs: 'messages', outputs: 'messages' } },
  },
  failures: { refused: 'error', failed: 'error', break: 'ended', abort: 'ended', cut: 'ended' },
  gaps: {
    messages: fault('messages are not recorded', 'use OpenInference'),
    cache: fault('the tokens of the cache are left out, and out of the input', 'use OpenInference'),
    invokeStream: fault('`InvokeModelWithResponseStream` has no token counts', 'use `ConverseStream`'),
  },
}

export const bedrockRows: readonly Row[] = [
  { ...openInference, format: 'esm' },
  { ...openInference, format: 'cjs' },
  { ...traceloop, format: 'esm' },
  { ...traceloop, format: 'cjs' },
  { ...openTelemetry, format: 'esm', nodeArguments: ['--import', './loader-hook.mjs'] },
  { ...openTelemetry, format: 'cjs' },
]
