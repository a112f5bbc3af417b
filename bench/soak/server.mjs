// The server of the soak, in a process of its own: what it remembers is not what is measured. One second in five it answers with 503;
// each tenant has a key that can be rotated; spans that come twice count once.
import { createServer } from 'node:http'
import { gunzipSync } from 'node:zlib'

const keys = new Map()
const arrived = new Set()
let refusals = 0
let isHealed = false

const isGood = (key) => {
  const [, tenant] = /^key-(tenant-\d+)-\d+$/.exec(key) ?? []
  return tenant === undefined || (keys.get(tenant) ?? key) === key
}

function take({ resourceSpans }) {
  for (const { scopeSpans } of resourceSpans) for (const { spans } of scopeSpans) for (const { spanId } of spans) arrived.add(spanId)
}

const server = createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    const isDown = !isHealed && Math.floor(performance.now() / 1_000) % 5 === 0
    if (isDown) return response.writeHead(503).end()
    if (!isGood(request.headers.authorization?.replace('Bearer ', '') ?? '')) {
      refusals++
      return response.writeHead(401).end()
    }
    const bytes = Buffer.concat(chunks)
    const body = JSON.parse(request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes)
    const isTraces = request.url.endsWith('/v1/traces')
    if (isTraces) take(body)
    const id = body.session?.session_id ?? body.event_id
    response.setHeader('content-type', 'application/json').end(JSON.stringify(isTraces ? {} : { session_id: id, event_id: id }))
  })
})

process.on('message', ({ rotate, heal, ask }) => {
  if (rotate !== undefined) keys.set(rotate.tenant, rotate.key)
  if (heal === true) isHealed = true
  if (ask === true) process.send({ spans: arrived.size, refusals })
})
server.listen(0, '127.0.0.1', () => process.send({ url: `http://127.0.0.1:${server.address().port}` }))
