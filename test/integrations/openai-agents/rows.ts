import { type Case, CHAT_FEATURES, type Gap, type Row } from '../row.js'

const one: Case = { events: { chain: 4, model: 1 }, tokens: 18 }
const tools: Case = {
  events: { chain: 5, model: 2, tool: 2 },
  features: [...CHAT_FEATURES, 'toolCalls', 'toolResults'],
  tokens: 36,
}
const neverEnded: Gap = {
  fault: 'instrumentor',
  what: 'the outermost span, "Agent workflow", of a run that is refused or fails without streaming is never ended; those inside are, with the error',
  remedy: 'it arrives at shutdown, marked unfinished',
}

export const rows: readonly Row[] = [
  {
    program: 'agents',
    library: '@openai/agents',
    page: 'openai-agents',
    instrumentor: '@arizeai/openinference-instrumentation-openai-agents',
    format: 'esm',
    node: '24',
    // The SDK traces nothing where NODE_ENV is "test".
    env: { NODE_ENV: 'production' },
    cases: {
      chat: one,
      stream: one,
      tools,
      streamTools: tools,
      structured: one,
      handoffs: { ...tools, events: { chain: 6, model: 2, tool: 1 }, features: ['inputs', 'model', 'promptTokens', 'toolCalls'] },
      completions: tools,
    },
    failures: { refused: 'open', failed: 'open', break: 'ended', abort: 'error', cut: 'error' },
    gaps: { refused: neverEnded, failed: neverEnded },
  },
]
