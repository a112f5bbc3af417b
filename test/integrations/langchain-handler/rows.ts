import { type Case, CHAT_FEATURES, type Row, TOOL_FEATURES } from '../row.js'

const one = (chain: number): Case => ({ events: { chain, model: 1 }, tokens: 18 })
const agent: Case = { events: { chain: 7, model: 2, tool: 1 }, features: TOOL_FEATURES, tokens: 36 }

export const rows: readonly Row[] = [
  {
    program: 'langchain-handler',
    page: 'langchain-handler',
    format: 'esm',
    node: '24',
    library: '@langchain/core',
    cases: {
      chat: one(2),
      stream: one(2),
      streamEvents: one(2),
      batch: { events: { model: 2 }, tokens: 36 },
      structured: one(3),
      responses: { events: { model: 1 }, features: CHAT_FEATURES, tokens: 18 },
      agent,
      agentStream: agent,
      messagesStream: agent,
      graph: agent,
      graphStream: agent,
    },
    failures: { refused: 'error', failed: 'error', break: 'open', abort: 'error', cut: 'error' },
    gaps: {
      break: {
        fault: 'library',
        what: 'the callbacks of a stream whose reader stops are not called',
        remedy: 'the runs arrive at shutdown, marked unfinished; abort the call instead',
      },
    },
  },
]
