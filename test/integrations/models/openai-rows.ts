import { type Case, type Gap, noUsage, type Row, TOOL_FEATURES } from '../row.js'

type Base = Omit<Row, 'format' | 'node'>

const model = { events: { model: 1 } } as const
const tools = { events: { model: 2, tool: 1 }, features: TOOL_FEATURES } as const
const embeddings = { events: { model: 1 }, features: ['inputs', 'outputs', 'model', 'promptTokens'] } as const
const nothing: Case = { events: {} }
const unended = 'it arrives at shutdown, marked unfinished'

const openInference: Base = {
  program: 'openai-openinference',
  page: 'openai',
  library: 'openai',
  instrumentor: '@arizeai/openinference-instrumentation-openai',
  cases: {
    chat: model,
    stream: { ...model, lacks: noUsage('streamUsage') },
    tools,
    structured: model,
    responses: model,
    responsesStream: model,
    responsesTools: tools,
    embeddings: { ...embeddings, lacks: { promptTokens: 'embeddingUsage' } },
  },
  failures: { refused: 'open', failed: 'open', break: 'ended', abort: 'ended', cut: 'crash' },
  gaps: {
    streamUsage: instrumentor(
      'streamed chat completions have no token counts, also with `include_usage`',
      'use `responses`, which has them',
    ),
    embeddingUsage: instrumentor('embeddings have no token counts', 'none'),
    refused: instrumentor('the span of a call that is refused is never ended', unended),
    failed: instrumentor('the span of a call that fails is never ended', unended),
    cut: instrumentor(
      'a connection that breaks in the middle of a stream ends the process: the copy of the stream that it reads has no handler',
      'listen for `unhandledRejection`, or do not stream',
    ),
  },
}

const details = { cacheReadTokens: 'usageDetails', reasoningTokens: 'usageDetails' } as const

const traceloop: Base = {
  program: 'openai-traceloop',
  page: 'openai',
  library: 'openai',
  instrumentor: '@traceloop/instrumentation-openai',
  cases: {
    chat: { ...model, lacks: details },
    stream: { ...model, lacks: noUsage('streamUsage') },
    tools: { ...tools, lacks: details },
    structured: { ...model, lacks: details },
    responses: { ...model, lacks: details },
    responsesStream: { ...model, lacks: { ...noUsage('responses'), outputs: 'responses' } },
    responsesTools: { ...tools, lacks: { ...details, outputs: 'responses', toolCalls: 'responses', toolResults: 'responses' } },
    embeddings: { ...nothing, gap: 'embeddings' },
  },
  failures: { refused: 'open', failed: 'open', break: 'open', abort: 'ended', cut: 'open' },
  gaps: {
    usageDetails: instrumentor('cached and reasoning tokens are not recorded', 'OpenInference has them'),
    streamUsage: instrumentor('streamed calls have no token counts', 'OpenInference has them for `responses`'),
    responses: instrumentor('`responses`: a stream has no answer, tool calls and results are not recorded', 'OpenInference has them'),
    embeddings: instrumentor('embeddings are not recorded', 'OpenInference has them'),
    refused: instrumentor('the span of a call that is refused is never ended', unended),
    failed: instrumentor('the span of a call that fails is never ended', unended),
    break: instrumentor('the span of a stream that is not read to its end is never ended', unended),
    cut: instrumentor('the span of a stream whose connection breaks is never ended', unended),
  },
}

const openTelemetry: Base = {
  program: 'openai-opentelemetry',
  page: 'openai',
  library: 'openai',
  instrumentor: '@opentelemetry/instrumentation-openai',
  cases: {
    chat: { ...model, lacks: details },
    stream: { ...model, lacks: details },
    tools: { ...tools, lacks: details },
    structured: { ...model, lacks: details, answerGap: 'structured' },
    embeddings: { ...embeddings, lacks: { inputs: 'embeddings', outputs: 'embeddings' } },
  },
  failures: { refused: 'error', failed: 'error', break: 'open', abort: 'ended', cut: 'open' },
  gaps: {
    embeddings: instrumentor('what was embedded, and how much came out, is not recorded', 'OpenInference has it'),
    usageDetails: instrumentor('cached and reasoning tokens are not recorded', 'OpenInference has them'),
    structured: instrumentor('`chat.completions.parse` throws "Body has already been read"', 'use `create` and parse its answer'),
    break: instrumentor('the span of a stream that is not read to its end is never ended', unended),
    cut: instrumentor('the span of a stream whose connection breaks is never ended', unended),
  },
}

function instrumentor(what: string, remedy: string): Gap {
  return { fault: 'instrumentor', what, remedy }
}

export const openAiRows: readonly Row[] = [
  { ...openInference, format: 'esm' },
  { ...openInference, format: 'cjs' },
  { ...traceloop, format: 'esm' },
  { ...traceloop, format: 'cjs' },
  { ...openTelemetry, format: 'esm', nodeArguments: ['--import', './loader-hook.mjs'] },
  { ...openTelemetry, format: 'cjs' },
]

const outOfRange: Gap = instrumentor('its require hook takes openai below 7 only: nothing is recorded', 'stay with openai 6')

/** The same with the next major, which two of the three hooks do not take. */
export const openAi7Rows: readonly Row[] = [
  { ...openInference, format: 'esm', node: '24' },
  { ...openInference, format: 'cjs', node: '24' },
  { ...traceloop, format: 'esm', node: '24' },
  { ...traceloop, format: 'cjs', node: '24', broken: { ...outOfRange, how: 'nothing', remedy: 'call `manuallyInstrument(OpenAI)`' } },
  { ...openTelemetry, format: 'cjs', node: '24', broken: { ...outOfRange, how: 'nothing' } },
]
