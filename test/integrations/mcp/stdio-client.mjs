// Two tenants, each with a server of its own over stdio, and interleaved requests.
import { fileURLToPath } from 'node:url'
import { MCPInstrumentation } from '@arizeai/openinference-instrumentation-mcp'
import { propagation } from '@opentelemetry/api'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import * as clientStdioModule from '@modelcontextprotocol/sdk/client/stdio.js'
import { createRoutingPropagator, HoneyHiveTracer, shutdownAll } from 'honeyhive-tracer'

const { RUN, SERVER_URL: serverUrl, WAY } = process.env
const isByHand = WAY === 'by hand'
if (!isByHand) {
  propagation.setGlobalPropagator(createRoutingPropagator())
  new MCPInstrumentation().manuallyInstrument({ clientStdioModule })
}

async function createTenant(name) {
  const apiKey = `${name}-${RUN}`
  const args = [fileURLToPath(new URL('stdio-server.mjs', import.meta.url))]
  const client = new Client({ name: 'application', version: '1.0.0' })
  const env = { KEY: apiKey, SERVER_URL: serverUrl, WAY }
  await client.connect(new clientStdioModule.StdioClientTransport({ command: process.execPath, args, env }))
  return { name, client, tracer: HoneyHiveTracer.init({ apiKey, serverUrl }) }
}

function ask({ name, client, tracer }, index) {
  const city = `marker-${name}-${index}`
  const call = { name: 'get_weather', arguments: { city } }
  return tracer.withSession({ sessionId: city, sessionName: city }, () =>
    tracer.startActiveSpan(`request tools ${city}`, { eventType: 'chain' }, () =>
      client.callTool(isByHand ? { ...call, _meta: tracer.injectContext({}) } : call),
    ),
  )
}

const tenants = await Promise.all(['A', 'B'].map(createTenant))
await Promise.all(Array.from({ length: 20 }, (_, index) => ask(tenants[index % 2], index)))
await Promise.all(tenants.map(({ client }) => client.close()))
await shutdownAll()
