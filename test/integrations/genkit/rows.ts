import { type Case, CHAT_FEATURES, type Row } from '../row.js'

const lacks = { cacheReadTokens: 'usageDetails', reasoningTokens: 'usageDetails' }
const one: Case = { events: { chain: 1, model: 1 }, lacks, tokens: 18 }
const tools: Case = { events: { chain: 2, model: 2, tool: 2 }, features: [...CHAT_FEATURES, 'toolCalls', 'toolResults'], lacks, tokens: 36 }

export const rows: readonly Row[] = [
  {
    program: 'genkit',
    library: 'genkit',
    page: 'genkit',
    format: 'esm',
    cases: { chat: one, stream: one, tools, flow: { ...tools, events: { chain: 3, model: 2, tool: 2 } } },
    failures: { refused: 'error', failed: 'error', break: 'ended', abort: 'error', cut: 'error' },
    gaps: {
      usageDetails: {
        fault: 'library',
        what: 'cached and reasoning tokens are left out by the plugin for OpenAI-compatible models',
        remedy: "the plugins of Google's own models have them",
      },
    },
  },
]
