import { type Case, CHAT_FEATURES, type Gap, type Row } from './row.js'

/** What differs between the majors 5 and 6. */
export interface AiSdkMajor {
  /** What the calls lack that do not stream. */
  readonly lacks?: Case['lacks']
}

const EMBEDDING_FEATURES = ['inputs', 'outputs', 'model', 'promptTokens'] as const

const neverEnded = (what: string): Gap => ({
  fault: 'library',
  what: `the spans of a stream ${what} are never ended`,
  remedy: 'they arrive at shutdown, marked unfinished; version 7 with `@ai-sdk/otel` ends them, but for a reader who stops',
})

const noDetails = { cacheReadTokens: 'usageDetails', reasoningTokens: 'usageDetails' } as const

/** The row of the majors 5 and 6, which take a tracer with each call. */
export function createAiSdkRow({ lacks = {} }: AiSdkMajor = {}): Row {
  const events = { chain: 1, model: 1 }
  const one: Case = { events, tokens: 18 }
  const tools: Case = { events: { chain: 1, model: 2, tool: 2 }, features: [...CHAT_FEATURES, 'toolCalls', 'toolResults'], tokens: 36 }
  return {
    program: 'ai-sdk',
    library: 'ai',
    page: 'ai-sdk',
    format: 'esm',
    cases: {
      chat: { ...one, lacks },
      stream: one,
      responses: { ...one, lacks },
      tools: { ...tools, lacks },
      streamTools: tools,
      agent: { ...tools, lacks },
      structured: { ...one, lacks: noDetails },
      embeddings: { events, features: EMBEDDING_FEATURES, tokens: 11 },
      embeddingsMany: { events, features: ['inputs', 'model', 'promptTokens'], tokens: 11 },
    },
    failures: { refused: 'error', failed: 'error', break: 'open', abort: 'open', cut: 'open' },
    gaps: {
      usageDetails: {
        fault: 'library',
        what: 'cached and reasoning tokens are said for streams only (5), or not for objects (6)',
        remedy: 'version 6 or 7; `generateText` with `Output.object` for objects',
      },
      break: neverEnded('whose reader stops'),
      abort: neverEnded('that is aborted'),
      cut: neverEnded('whose connection breaks'),
    },
  }
}

/** What calls that do not stream lack in major 5. */
export const MAJOR_5: AiSdkMajor = { lacks: noDetails }
