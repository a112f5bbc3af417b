// A server of one tenant in a process of its own; WAY says how it goes on with the trace of its client.
import { MCPInstrumentation } from '@arizeai/openinference-instrumentation-mcp'
import { propagation } from '@opentelemetry/api'
import * as serverStdioModule from '@modelcontextprotocol/sdk/server/stdio.js'
import { createRoutingPropagator, HoneyHiveTracer } from 'honeyhive-tracer'
import { createServer } from './mcp-server.mjs'

const { KEY: apiKey, SERVER_URL: serverUrl, WAY } = process.env
const tracer = HoneyHiveTracer.init({ apiKey, serverUrl, sessionName: 'server' })
const serve = (inputs, run) => tracer.startActiveSpan('serve get_weather', { eventType: 'tool', inputs }, run)

if (WAY === 'openinference') {
  propagation.setGlobalPropagator(createRoutingPropagator())
  new MCPInstrumentation().manuallyInstrument({ serverStdioModule })
}
const server = createServer((args, { _meta }, run) =>
  WAY === 'openinference' ? serve(args, run) : tracer.withRemoteContext(_meta, () => serve(args, run)),
)
await server.connect(new serverStdioModule.StdioServerTransport())
