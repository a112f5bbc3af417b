// What is outside of the program, in a thread of its own in which nothing is patched: the callers, and the service it calls.
import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import { parentPort } from 'node:worker_threads'

const service = createServer(({ headers }, response) => response.end(JSON.stringify(headers)))
service.listen(0, '127.0.0.1')
await once(service, 'listening')

const agent = new Agent({ keepAlive: true, maxSockets: 8 })

async function call(url) {
  const asked = request(url, { agent })
  asked.end()
  const [response] = await once(asked, 'response')
  await once(response.resume(), 'end')
  return response.statusCode
}

parentPort.on('message', async ({ id, url }) => parentPort.postMessage({ id, answer: await call(url).catch(String) }))
parentPort.postMessage({ service: `http://127.0.0.1:${service.address().port}` })
