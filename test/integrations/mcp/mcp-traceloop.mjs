import * as clientModule from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpInstrumentation } from '@traceloop/instrumentation-mcp'
import { startHttp } from './mcp-http.mjs'
import { COMMAND, createServer } from './mcp-server.mjs'

const instrumentation = new McpInstrumentation()
export const instrumentations = [instrumentation]

async function connect(transport) {
  const client = new clientModule.Client({ name: 'application', version: '1.0.0' })
  await client.connect(transport)
  return client
}

const ask = (client, city) => client.callTool({ name: 'get_weather', arguments: { city } })

export async function setup() {
  instrumentation.manuallyInstrument(clientModule)
  const http = await startHttp({ connect: () => createServer() })
  let shared
  return {
    // A client of the request's own.
    async chat({ marker }) {
      const client = await connect(new StreamableHTTPClientTransport(http.url))
      const result = await ask(client, marker)
      await client.close()
      return result
    },
    // One client for everybody, which the first request connects.
    async shared({ marker }) {
      shared ??= connect(new StdioClientTransport(COMMAND))
      return ask(await shared, marker)
    },
    async toolError({ marker }) {
      shared ??= connect(new StdioClientTransport(COMMAND))
      const { content, isError } = await ask(await shared, `no ${marker}`)
      return isError && content[0].text === 'no such city' ? marker : content
    },
    async close() {
      await (await shared)?.close()
      http.close()
    },
  }
}
