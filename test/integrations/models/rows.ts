import { type Case, CHAT_FEATURES, type Row } from '../row.js'

const model = { model: 1 }
const tools = { events: { model: 2, tool: 1 }, features: [...CHAT_FEATURES, 'toolCalls', 'toolResults'] } as const
const embeddings = {
  events: model,
  features: ['inputs', 'outputs', 'model', 'promptTokens'],
  lacks: { promptTokens: 'embeddingUsage' },
} as const

/** None of the counts, by this gap. */
const noUsage = (gap: string): NonNullable<Case['lacks']> => ({
  promptTokens: gap,
  completionTokens: gap,
  cacheReadTokens: gap,
  reasoningTokens: gap,
})

const openInference = {
  program: 'openai-openinference',
  library: 'openai',
  instrumentor: '@arizeai/openinference-instrumentation-openai',
  cases: {
    chat: { events: model },
    stream: { events: model, lacks: noUsage('streamUsage') },
    tools,
    structured: { events: model },
    responses: { events: model },
    responsesStream: { events: model },
    responsesTools: tools,
    embeddings,
  },
  failures: { refused: 'open', failed: 'open', break: 'ended', abort: 'ended', cut: 'crash' },
  gaps: {
    streamUsage: {
      fault: 'instrumentor',
      what: 'chat completions that are streamed have no token counts, also with `include_usage`',
      remedy: 'use `responses`, which has them',
    },
    embeddingUsage: { fault: 'instrumentor', what: 'embeddings have no token counts', remedy: 'none' },
    refused: {
      fault: 'instrumentor',
      what: 'the span of a call that is refused is never ended',
      remedy: 'it arrives at shutdown, marked unfinished',
    },
    failed: {
      fault: 'instrumentor',
      what: 'the span of a call that fails is never ended',
      remedy: 'it arrives at shutdown, marked unfinished',
    },
    cut: {
      fault: 'instrumentor',
      what: 'a connection that breaks in the middle of a stream ends the process: the copy of the stream that it reads has no handler',
      remedy: "`process.on('unhandledRejection', …)`, or no instrumentor for streams",
    },
  },
} as const satisfies Omit<Row, 'format'>

export const rows: readonly Row[] = [
  { ...openInference, format: 'esm' },
  { ...openInference, format: 'cjs' },
]
