import { CHAT_FEATURES, type Row } from '../row.js'

const noDetails = { cacheReadTokens: 'usageDetails', reasoningTokens: 'usageDetails' }
const noUsage = {
  promptTokens: 'streamUsage',
  completionTokens: 'streamUsage',
  cacheReadTokens: 'streamUsage',
  reasoningTokens: 'streamUsage',
}
const one = { events: { model: 1 }, lacks: noDetails, tokens: 18 }

const traceloop = {
  program: 'llamaindex-traceloop',
  library: 'llamaindex',
  page: 'llamaindex',
  instrumentor: '@traceloop/instrumentation-llamaindex',
  cases: {
    chat: one,
    stream: { events: { model: 1 }, lacks: noUsage },
    chatEngine: one,
    agent: {
      events: { model: 2, tool: 1 },
      features: [...CHAT_FEATURES, 'toolCalls', 'toolResults'],
      lacks: { ...noUsage, outputs: 'tools', toolCalls: 'tools', toolResults: 'tools' },
    },
    query: { events: { chain: 5, model: 1 }, lacks: noDetails, tokens: 18 },
  },
  failures: { refused: 'error', failed: 'error', break: 'ended', abort: 'ended', cut: 'ended' },
  gaps: {
    usageDetails: { fault: 'instrumentor', what: 'there are no cached and reasoning tokens', remedy: 'none' },
    streamUsage: {
      fault: 'library',
      what: 'streams, and the agents that are made of them, have no token counts',
      remedy: 'calls that do not stream',
    },
    tools: {
      fault: 'instrumentor',
      what: 'which tool a model called, and that a message is the result of one, is not said; agents and tools have no spans',
      remedy: 'trace the functions behind the tools',
    },
  },
} as const satisfies Omit<Row, 'format'>

export const rows: readonly Row[] = [
  { ...traceloop, format: 'esm' },
  { ...traceloop, format: 'cjs' },
]
