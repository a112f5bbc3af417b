import type { Row } from '../row.js'

export const rows: readonly Row[] = [
  {
    program: 'mcp-traceloop',
    library: '@modelcontextprotocol/sdk',
    page: 'mcp',
    instrumentor: '@traceloop/instrumentation-mcp',
    format: 'esm',
    cases: {
      chat: { events: { chain: 1, tool: 2 }, features: [] },
      shared: { events: { chain: 1, tool: 2 }, features: [], treeGap: 'shared' },
      toolError: { events: { tool: 1 }, features: [], treeGap: 'shared' },
    },
    failures: {},
    gaps: {
      shared: {
        fault: 'instrumentor',
        what: 'it keeps the context in which a client connected, so with plain OpenTelemetry every call of a shared client lies in the request that connected it',
        remedy: 'nothing to do: a call of another tracer or session lies in its own request here',
      },
    },
  },
  {
    program: 'mcp-openinference',
    library: '@modelcontextprotocol/sdk',
    page: 'mcp',
    instrumentor: '@arizeai/openinference-instrumentation-mcp',
    format: 'esm',
    cases: { chat: { events: { tool: 2 }, features: [] } },
    failures: {},
  },
]
