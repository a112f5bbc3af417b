import { type Case, CHAT_FEATURES, type Row } from './row.js'

const one = { events: { chain: 1, model: 1 } }
const tools = { events: { chain: 1, model: 2, tool: 2 }, features: [...CHAT_FEATURES, 'toolCalls', 'toolResults'] } satisfies Case

/** The row of the majors 5 and 6, which take a tracer with each call. */
export function createRow(): Row {
  return {
    program: 'ai-sdk',
    library: 'ai',
    format: 'esm',
    cases: {
      chat: one,
      stream: one,
      responses: one,
      tools,
      streamTools: tools,
      agent: tools,
      structured: one,
      embeddings: { ...one, features: ['inputs', 'outputs', 'model', 'promptTokens'] },
      embeddingsMany: { ...one, features: ['inputs', 'outputs', 'model', 'promptTokens'] },
    },
    failures: { refused: 'error', failed: 'error', break: 'open', abort: 'open', cut: 'open' },
    gaps: {
      break: { fault: 'library', what: 'a', remedy: 'b' },
      abort: { fault: 'library', what: 'a', remedy: 'b' },
      cut: { fault: 'library', what: 'a', remedy: 'b' },
    },
  }
}
