import type { Case, Row } from '../row.js'

/** The whole generation. The model events inside, one for each call, say what came back and nothing else. */
const asked = /^chat /
const one: Case = { events: { chain: 2, model: 2, generic: 1 }, asked, tokens: 18 }
const tools: Case = {
  events: { chain: 3, model: 3, tool: 2, generic: 3 },
  asked,
  // Its usage is that of both calls, its answer the last.
  features: ['inputs', 'outputs', 'model', 'toolCalls', 'toolResults'],
  lacks: { toolCalls: 'generation', toolResults: 'generation' },
  tokens: 36,
}

export const rows: readonly Row[] = [
  {
    program: 'mastra',
    library: '@mastra/core',
    page: 'mastra',
    instrumentor: '@mastra/otel-bridge',
    format: 'esm',
    node: '24',
    cases: {
      chat: one,
      stream: one,
      tools,
      streamTools: tools,
      structured: { ...one, events: { chain: 2, model: 2, generic: 3 } },
      workflow: { ...one, events: { chain: 4, model: 2, generic: 1 } },
    },
    failures: { refused: 'error', failed: 'error', break: 'ended', abort: 'ended', cut: 'error' },
    gaps: {
      generation: {
        fault: 'library',
        what: 'model and tokens stand on the generation around all calls of a run; what was asked stands on each step, and which tool was called on each call',
        remedy: 'read the steps; a model event per call has the answer of that call',
      },
    },
  },
]
