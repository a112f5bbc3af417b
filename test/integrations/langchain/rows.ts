import { type Case, CHAT_FEATURES, type Gap, type Row } from '../row.js'

const withTools = [...CHAT_FEATURES, 'toolCalls', 'toolResults'] as const

const langChain = {
  library: '@langchain/core',
  page: 'langchain',
  format: 'esm',
  node: '24',
  env: { LANGCHAIN_CALLBACKS_BACKGROUND: 'false' },
} as const

const gaps = {
  embeddings: {
    fault: 'library',
    what: 'embeddings have no callbacks, so there is no event',
    remedy: 'an instrumentation of the model client beside it',
  },
  break: {
    fault: 'library',
    what: 'the callbacks of a stream whose reader stops are not called, and its spans never ended',
    remedy: 'they arrive at shutdown, marked unfinished; abort the call instead',
  },
} as const satisfies Record<string, Gap>

const one = (chain: number): Case => ({ events: { chain, model: 1 }, tokens: 18 })
const agent: Case = { events: { chain: 7, model: 2, tool: 2 }, features: withTools, tokens: 36 }

const usageDetails = { cacheReadTokens: 'usageDetails', reasoningTokens: 'usageDetails' }
const traced = (given: Case, features: Case['lacks'] = {}): Case => ({ ...given, lacks: { ...usageDetails, ...features } })
const tracedAgent = traced(agent, { outputs: 'tools', toolCalls: 'tools' })
const noUsage = { promptTokens: 'responses', completionTokens: 'responses', cacheReadTokens: 'responses', reasoningTokens: 'responses' }

export const rows: readonly Row[] = [
  {
    ...langChain,
    program: 'langchain-openinference',
    instrumentor: '@arizeai/openinference-instrumentation-langchain',
    cases: {
      chat: one(2),
      stream: one(2),
      batch: { events: { model: 2 }, tokens: 36 },
      structured: one(3),
      responses: { events: { model: 1 }, tokens: 18 },
      agent,
      agentStream: agent,
      graph: agent,
      graphStream: agent,
      embeddings: { events: {}, features: [], gap: 'embeddings' },
    },
    failures: { refused: 'error', failed: 'error', break: 'open', abort: 'error', cut: 'error' },
    gaps,
  },
  {
    ...langChain,
    program: 'langchain-traceloop',
    instrumentor: '@traceloop/instrumentation-langchain',
    cases: {
      chat: traced(one(2)),
      stream: traced(one(2)),
      batch: traced({ events: { model: 2 }, tokens: 36 }),
      structured: traced(one(3)),
      responses: { events: { model: 1 }, lacks: noUsage },
      agent: tracedAgent,
      agentStream: tracedAgent,
      graph: tracedAgent,
      graphStream: tracedAgent,
      embeddings: { events: {}, features: [], gap: 'embeddings' },
    },
    failures: { refused: 'error', failed: 'error', break: 'open', abort: 'error', cut: 'error' },
    gaps: {
      ...gaps,
      usageDetails: { fault: 'instrumentor', what: 'there are no cached and reasoning tokens', remedy: 'OpenInference' },
      responses: { fault: 'instrumentor', what: "OpenAI's responses have no token counts", remedy: 'OpenInference' },
      tools: {
        fault: 'instrumentor',
        what: 'messages do not say which tool was called; the tree is flat, with plain OpenTelemetry too',
        remedy: 'OpenInference',
      },
    },
  },
]
