import type { Feature, Row } from '../row.js'

// Anthropic does not say what went into thinking.
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

const openInference: Omit<Row, 'format'> = {
  program: 'anthropic-openinference',
  page: 'anthropic',
  library: '@anthropic-ai/sdk',
  instrumentor: '@arizeai/openinference-instrumentation-anthropic',
  cases: {
    chat: model,
    stream: model,
    streamHelper: model,
    tools: { events: { model: 2, tool: 1 }, features: [...FEATURES, 'toolCalls', 'toolResults'] },
    streamTools: { events: { model: 1 }, features: [...FEATURES, 'toolCalls'] },
    beta: model,
  },
  failures: { refused: 'error', failed: 'error', break: 'ended', abort: 'ended', cut: 'crash' },
  gaps: {
    cut: {
      fault: 'instrumentor',
      what: 'a connection that breaks in the middle of a stream ends the process: the copy of the stream that it reads has no handler',
      remedy: 'listen for `unhandledRejection`, or do not stream',
    },
  },
}

const traceloop: Omit<Row, 'format'> = {
  program: 'anthropic-traceloop',
  page: 'anthropic',
  library: '@anthropic-ai/sdk',
  instrumentor: '@traceloop/instrumentation-anthropic',
  cases: {},
  failures: {},
  broken: {
    how: 'dies',
    fault: 'instrumentor',
    what: 'it looks for `Anthropic.Completions`, which version 1 of the SDK no longer has, and throws where the SDK is loaded',
    remedy: 'use OpenInference',
  },
}

export const anthropicRows: readonly Row[] = [
  { ...openInference, format: 'esm' },
  { ...openInference, format: 'cjs' },
  { ...traceloop, format: 'esm' },
  { ...traceloop, format: 'cjs' },
]
