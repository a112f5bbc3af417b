// A program of a user that a bundler joins into one file: a tracer, an evaluator that loads its validator late, the local server.
import { HoneyHiveTracer, loadTracers } from 'honeyhive-tracer'
import { startDevServer } from 'honeyhive-tracer/dev'
import { jsonSchema } from 'honeyhive-tracer/experiments'

async function main() {
  const tracer = HoneyHiveTracer.init({ apiKey: 'test-key', serverUrl: process.env.RECEIVER, protocol: 'http/json' })
  tracer.startActiveSpan('in a bundle', () => 1)
  const isClosed = await tracer.shutdown()

  const tracers = loadTracers('tracers.yaml')
  const { score } = await jsonSchema({ type: 'object' })({}, {}, {})
  const server = await startDevServer({ port: 0, database: ':memory:' })
  const page = await fetch(server.url, { headers: { accept: 'text/html' } })
  const script = await fetch(`${server.url}/app.js`)
  const served = [page.status, (await page.text()).includes('app.js'), script.headers.get('content-type')]
  await server.close()
  console.log(JSON.stringify({ isClosed, exported: tracer.stats().exported, names: [...tracers].map(([name]) => name), score, served }))
}

void main()
