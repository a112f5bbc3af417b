import { type Case, CHAT_FEATURES, type Row } from '../row.js'

const withTools = [...CHAT_FEATURES, 'toolCalls', 'toolResults'] as const
const langChain = {
  library: '@langchain/core',
  format: 'esm',
  node: '24',
  env: { LANGCHAIN_CALLBACKS_BACKGROUND: 'false' },
} as const

const openInferenceCases = {
  chat: { events: { chain: 2, model: 1 } },
  stream: { events: { chain: 2, model: 1 } },
  batch: { events: { model: 2 } },
  structured: { events: { chain: 3, model: 1 } },
  responses: { events: { model: 1 } },
  agent: { events: { chain: 7, model: 2, tool: 2 }, features: withTools },
  agentStream: { events: { chain: 7, model: 2, tool: 2 }, features: withTools },
  graph: { events: { chain: 7, model: 2, tool: 2 }, features: withTools },
  graphStream: { events: { chain: 7, model: 2, tool: 2 }, features: withTools },
  embeddings: { events: {}, features: [] },
} satisfies Record<string, Case>

export const rows: readonly Row[] = [
  {
    ...langChain,
    program: 'langchain-openinference',
    instrumentor: '@arizeai/openinference-instrumentation-langchain',
    cases: openInferenceCases,
    failures: { refused: 'error', failed: 'error', break: 'open', abort: 'error', cut: 'error' },
    gaps: {
      break: { fault: 'library', what: 'the callbacks of a stream whose reader stops are never told', remedy: 'x' },
    },
  },
]
