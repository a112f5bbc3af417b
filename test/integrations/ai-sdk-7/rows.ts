import { type Case, CHAT_FEATURES, type Row } from '../row.js'

const withTools = [...CHAT_FEATURES, 'toolCalls', 'toolResults'] as const
const lacks = { reasoningTokens: 'reasoning' }
const one: Case = { events: { chain: 2, model: 1 }, lacks, tokens: 18 }
const tools: Case = { events: { chain: 3, model: 2, tool: 2 }, features: withTools, lacks, tokens: 36 }
const embeddings: Case = {
  events: { model: 2 },
  features: ['inputs', 'outputs', 'model'],
  lacks: { inputs: 'embeddingContent', outputs: 'embeddingContent' },
  tokens: 11,
}

const aiSdk = { library: 'ai', page: 'ai-sdk', instrumentor: '@ai-sdk/otel', format: 'esm', node: '24' } as const

const stopped = {
  fault: 'library',
  what: 'the spans of a stream whose reader stops are never ended',
  remedy: 'they arrive at shutdown, marked unfinished; abort the call instead, which ends them',
} as const

const legacyOne: Case = { events: { chain: 1, model: 1 }, tokens: 18 }
const legacyTools: Case = { events: { chain: 1, model: 2, tool: 2 }, features: withTools, tokens: 36 }
const legacyEmbeddings: Case = { events: { chain: 1, model: 1 }, features: ['inputs', 'outputs', 'model', 'promptTokens'], tokens: 11 }

export const rows: readonly Row[] = [
  {
    ...aiSdk,
    program: 'ai-sdk',
    cases: {
      chat: one,
      stream: one,
      responses: one,
      tools,
      streamTools: tools,
      agent: tools,
      structured: { ...one, events: { chain: 1, model: 1 } },
      embeddings,
      embeddingsMany: embeddings,
    },
    failures: { refused: 'error', failed: 'error', break: 'open', abort: 'ended', cut: 'error' },
    gaps: {
      reasoning: {
        fault: 'instrumentor',
        what: 'there are no reasoning tokens',
        remedy: '`LegacyOpenTelemetry` of the same package has them',
      },
      embeddingContent: {
        fault: 'instrumentor',
        what: 'embeddings have neither their texts nor the size of their vectors',
        remedy: '`LegacyOpenTelemetry` of the same package has them',
      },
      break: stopped,
    },
  },
  {
    ...aiSdk,
    program: 'ai-sdk-legacy',
    variant: '`LegacyOpenTelemetry`',
    cases: {
      chat: legacyOne,
      stream: legacyOne,
      responses: legacyOne,
      tools: legacyTools,
      streamTools: legacyTools,
      agent: legacyTools,
      structured: legacyOne,
      embeddings: legacyEmbeddings,
      embeddingsMany: { ...legacyEmbeddings, features: ['inputs', 'model', 'promptTokens'] },
    },
    failures: { refused: 'error', failed: 'error', break: 'open', abort: 'ended', cut: 'error' },
    gaps: { break: stopped },
  },
]
