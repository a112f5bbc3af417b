import { startDevServer } from 'honeyhive-tracer/dev'

export const dynamic = 'force-dynamic'

export async function GET() {
  const server = await startDevServer({ port: 0, database: ':memory:' })
  const page = await fetch(server.url, { headers: { accept: 'text/html' } })
  const hasPage = (await page.text()).includes('app.js')
  await server.close()
  return Response.json({ status: page.status, hasPage })
}
