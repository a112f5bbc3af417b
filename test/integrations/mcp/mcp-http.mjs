// Streamable HTTP: an endpoint without state, as the documentation of the SDK has it.
import { createServer } from 'node:http'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'

/** Starts it on a free port; `connect(request)` makes the server of a request, `within(request, run)` stands around it. */
export async function startHttp({ connect, within = (_request, run) => run() }) {
  const server = createServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined })
    await within(request, async () => {
      await connect(request).connect(transport)
      await transport.handleRequest(request, response, chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : undefined)
    })
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: new URL(`http://127.0.0.1:${server.address().port}/mcp`), close: () => server.closeAllConnections() }
}
