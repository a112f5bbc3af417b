import { CHAT_FEATURES, type Row } from '../row.js'

const noDetails = { cacheReadTokens: 'usageDetails', reasoningTokens: 'usageDetails' }
const noUsage = { promptTokens: 'streamUsage', completionTokens: 'streamUsage', cacheReadTokens: 'streamUsage', reasoningTokens: 'streamUsage' }
const one = { events: { model: 1 }, lacks: noDetails, tokens: 18 }

const traceloop = {
  program: 'llamaindex-traceloop',
  library: 'llamaindex',
  instrumentor: '@traceloop/instrumentation-llamaindex',
  cases: {
    chat: one,
    stream: { events: { model: 1 }, lacks: noUsage },
    chatEngine: one,
    agent: { events: { model: 2, tool: 1 }, features: [...CHAT_FEATURES, 'toolCalls', 'toolResults'], lacks: { ...noUsage, toolCalls: 'tools', toolResults: 'tools' } },
    query: { events: { chain: 5, model: 1 }, lacks: noDetails },
  },
  failures: { refused: 'error', failed: 'error', break: 'ended', abort: 'ended', cut: 'ended' },
  gaps: {
    usageDetails: { fault: 'instrumentor', what: 'a', remedy: 'b' },
    streamUsage: { fault: 'instrumentor', what: 'a', remedy: 'b' },
    tools: { fault: 'instrumentor', what: 'a', remedy: 'b' },
  },
} as const satisfies Omit<Row, 'format'>

export const rows: readonly Row[] = [
  { ...traceloop, format: 'esm' },
  { ...traceloop, format: 'cjs' },
]
