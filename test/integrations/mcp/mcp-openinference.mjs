import { MCPInstrumentation } from '@arizeai/openinference-instrumentation-mcp'
import { propagation } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import * as clientStreamableHTTPModule from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import * as serverStreamableHTTPModule from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { createRoutingPropagator } from 'honeyhive-tracer'
import { startHttp } from './mcp-http.mjs'
import { createServer } from './mcp-server.mjs'

const instrumentation = new MCPInstrumentation()
export const instrumentations = [instrumentation]

export async function setup({ tracers, traced }) {
  propagation.setGlobalPropagator(tracers === undefined ? new W3CTraceContextPropagator() : createRoutingPropagator())
  instrumentation.manuallyInstrument({ clientStreamableHTTPModule, serverStreamableHTTPModule })

  // The server knows its tenants by a header, as it would by a key; nothing of the request it came from surrounds it.
  const tracerOf = (request) => tracers?.[request.headers['x-tenant']]
  const serve = traced('serve get_weather', (_args, run) => run())
  const http = await startHttp({
    connect: () => createServer((args, _extra, run) => serve(args, run)),
    within: (request, run) => (tracers === undefined ? run() : tracerOf(request).withSession({ sessionName: 'server' }, run)),
  })
  const call = traced('call get_weather', async (tenant, city) => {
    const client = new Client({ name: 'application', version: '1.0.0' })
    await client.connect(
      new clientStreamableHTTPModule.StreamableHTTPClientTransport(http.url, { requestInit: { headers: { 'x-tenant': tenant } } }),
    )
    const result = await client.callTool({ name: 'get_weather', arguments: { city } })
    await client.close()
    return result
  })
  return {
    chat: ({ marker }) => call(marker.split('-')[1], marker),
    close: () => http.close(),
  }
}
