// The server that the rows ask, in this process or as one of its own over stdio.
import { fileURLToPath } from 'node:url'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { z } from 'zod'

/** A server with one tool; `serve(args, extra, run)` stands around it. */
export function createServer(serve = (_args, _extra, run) => run()) {
  const server = new McpServer({ name: 'weather', version: '1.0.0' })
  const settings = { description: 'Weather of a city', inputSchema: { city: z.string() } }
  server.registerTool('get_weather', settings, (args, extra) =>
    serve(args, extra, async () => {
      if (args.city.startsWith('no ')) throw new Error('no such city')
      return { content: [{ type: 'text', text: JSON.stringify({ weather: args.city }) }] }
    }),
  )
  return server
}

/** How a client starts it. */
export const COMMAND = { command: process.execPath, args: [fileURLToPath(import.meta.url)] }

if (process.argv[1] === COMMAND.args[0]) await createServer().connect(new StdioServerTransport())
