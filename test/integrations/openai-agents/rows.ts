import { type Case, CHAT_FEATURES, type Row } from '../row.js'

const one = { events: { chain: 4, model: 1 }, tokens: 18 }
const tools = { events: { chain: 5, model: 2, tool: 2 }, features: [...CHAT_FEATURES, 'toolCalls', 'toolResults'], tokens: 36 } satisfies Case

export const rows: readonly Row[] = [
  {
    program: 'agents',
    env: { NODE_ENV: 'production' },
    library: '@openai/agents',
    instrumentor: '@arizeai/openinference-instrumentation-openai-agents',
    format: 'esm',
    node: '24',
    cases: { chat: one, stream: one, tools, streamTools: tools, structured: one, handoffs: { ...tools, events: { chain: 6, model: 2, tool: 1 } }, completions: tools },
    failures: { refused: 'open', failed: 'open', break: 'ended', abort: 'error', cut: 'error' },
    gaps: { refused: { fault: 'instrumentor', what: 'a', remedy: 'b' }, failed: { fault: 'instrumentor', what: 'a', remedy: 'b' } },
  },
]
