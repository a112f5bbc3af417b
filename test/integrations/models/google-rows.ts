import { CHAT_FEATURES, type Gap, type Row, TOOL_FEATURES } from '../row.js'

const model = { events: { model: 1 }, features: CHAT_FEATURES } as const
const embeddings: Gap = { fault: 'instrumentor', what: 'embeddings are not recorded', remedy: 'wrap the call with `traceFn`' }

const traceloop: Omit<Row, 'format'> = {
  program: 'google-traceloop',
  page: 'google',
  library: '@google/genai',
  instrumentor: '@traceloop/instrumentation-google-generativeai',
  cases: {
    chat: model,
    stream: model,
    tools: { events: { model: 2, tool: 1 }, features: TOOL_FEATURES },
    structured: model,
    chatSession: model,
    embeddings: { events: {}, gap: 'embeddings' },
  },
  failures: { refused: 'error', failed: 'error', break: 'ended', abort: 'error', cut: 'error' },
  gaps: { embeddings },
}

export const googleRows: readonly Row[] = [
  { ...traceloop, format: 'esm' },
  { ...traceloop, format: 'cjs' },
]
