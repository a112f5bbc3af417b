import { type Case, CHAT_FEATURES, type Row } from '../row.js'

const one = { events: { chain: 2, model: 1 } }
const tools = { events: { chain: 3, model: 2, tool: 2 }, features: [...CHAT_FEATURES, 'toolCalls', 'toolResults'] } satisfies Case

export const rows: readonly Row[] = [
  {
    program: 'ai-sdk',
    library: 'ai',
    instrumentor: '@ai-sdk/otel',
    format: 'esm',
    node: '24',
    cases: {
      chat: one,
      stream: one,
      responses: one,
      tools,
      streamTools: tools,
      agent: tools,
      structured: one,
      embeddings: { events: { model: 2 }, features: ['model'] },
      embeddingsMany: { events: { model: 2 }, features: ['model'] },
    },
    failures: { refused: 'error', failed: 'error', break: 'open', abort: 'ended', cut: 'error' },
    gaps: { break: { fault: 'library', what: 'a', remedy: 'b' } },
  },
]
