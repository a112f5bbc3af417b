import { type Case, CHAT_FEATURES, type Row } from '../row.js'

const noDetails = { cacheReadTokens: 'usageDetails', reasoningTokens: 'usageDetails' }
const one = { events: { chain: 1, model: 1 }, lacks: noDetails, tokens: 18 }
const tools = { events: { chain: 2, model: 2, tool: 2 }, features: [...CHAT_FEATURES, 'toolCalls', 'toolResults'], lacks: noDetails, tokens: 36 } satisfies Case

export const rows: readonly Row[] = [
  {
    program: 'genkit',
    library: 'genkit',
    format: 'esm',
    cases: { chat: one, stream: one, tools, flow: { ...tools, events: { chain: 3, model: 2, tool: 2 } } },
    failures: { refused: 'error', failed: 'error', break: 'ended', abort: 'error', cut: 'error' },
    gaps: { usageDetails: { fault: 'library', what: 'a', remedy: 'b' } },
  },
]
