import type { Case, Row } from '../row.js'

const asked = /^chat /
const one = { events: { chain: 2, model: 2, generic: 1 }, asked, tokens: 18 }
const tools = { events: { chain: 3, model: 3, tool: 2, generic: 3 }, features: ['inputs', 'outputs', 'model'], asked, tokens: 36 } satisfies Case

export const rows: readonly Row[] = [
  {
    program: 'mastra',
    library: '@mastra/core',
    instrumentor: '@mastra/otel-bridge',
    format: 'esm',
    node: '24',
    cases: { chat: one, stream: one, tools, streamTools: tools, structured: { ...one, events: { chain: 2, model: 2, generic: 3 } }, workflow: { ...one, events: { chain: 4, model: 2, generic: 1 } } },
    failures: { refused: 'error', failed: 'error', break: 'ended', abort: 'ended', cut: 'error' },
  },
]
