/** Counts the spans of OTLP requests, JSON or protobuf, in a process of its own; `PUT /control` sets how it answers. */
import { createServer } from 'node:http'
import { gunzipSync } from 'node:zlib'

let rules = {}
let setAt = Date.now()
let left = 0
let ids = new Set()
let requests = 0
let open = 0

const server = createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('error', () => undefined)
  request.on('end', () => answer(request, response, Buffer.concat(chunks)))
})
server.keepAliveTimeout = 60_000
server.on('connection', (socket) => {
  open++
  socket.on('error', () => undefined)
  socket.on('close', () => open--)
})

function answer(request, response, raw) {
  if (request.url === '/control') {
    rules = JSON.parse(raw.toString())
    setAt = Date.now()
    left = rules.times ?? Number.POSITIVE_INFINITY
    ids = new Set()
    requests = 0
    return response.end('{}')
  }
  if (request.url === '/seen') return response.end(JSON.stringify({ spans: ids.size, requests, open }))
  if (!request.url.endsWith('/v1/traces')) {
    response.setHeader('content-type', 'application/json')
    return response.end('{"session_id":"s","success":true}')
  }
  requests++
  const isFaulty = left > 0 && (rules.forMs === undefined || Date.now() - setAt < rules.forMs)
  if (isFaulty) left--
  const { hang, status = 200, html, rejected, maxBytes } = isFaulty ? rules : {}
  if (hang === true) return
  if (maxBytes !== undefined && raw.length > maxBytes) return respond(response, 413, 'application/json', '{}')
  if (status !== 200) return respond(response, status, 'application/json', '{}')
  if (html === true) return respond(response, 200, 'text/html', '<html><body>Sign in</body></html>')
  const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw
  const isJson = /json/.test(request.headers['content-type'] ?? '')
  const arrived = isJson ? jsonIds(body) : protobufIds(body)
  const kept = rejected === undefined ? arrived : arrived.slice(rejected)
  for (const id of kept) ids.add(id)
  if (rejected === undefined) return respond(response, 200, isJson ? 'application/json' : 'application/x-protobuf', isJson ? '{}' : '')
  // Field 1 of the reply is the partial success; its field 1 the number of rejected spans.
  const reply = isJson
    ? JSON.stringify({ partialSuccess: { rejectedSpans: String(rejected), errorMessage: 'too old' } })
    : Buffer.from([0x0a, 0x02, 0x08, rejected])
  respond(response, 200, isJson ? 'application/json' : 'application/x-protobuf', reply)
}

function respond(response, status, type, body) {
  response.writeHead(status, { 'content-type': type })
  response.end(body)
}

function jsonIds(body) {
  const { resourceSpans = [] } = JSON.parse(body.toString())
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map(({ spanId }) => spanId)))
}

function protobufIds(body) {
  const found = []
  eachField(body, 1, (resourceSpans) =>
    eachField(resourceSpans, 2, (scopeSpans) =>
      eachField(scopeSpans, 2, (span) => eachField(span, 2, (id) => found.push(id.toString('hex')))),
    ),
  )
  return found
}

function eachField(message, wanted, visit) {
  let at = 0
  const varint = () => {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = message[at++]
      value += (byte & 0x7f) * scale
      scale *= 128
      if (byte < 128) return value
    }
  }
  while (at < message.length) {
    const tag = varint()
    const type = tag & 7
    if (type === 0) varint()
    else if (type === 1) at += 8
    else if (type === 5) at += 4
    else {
      const length = varint()
      if (Math.floor(tag / 8) === wanted) visit(message.subarray(at, at + length))
      at += length
    }
  }
}

server.listen(0, '127.0.0.1', () => process.send?.({ port: server.address().port }))
process.on('disconnect', () => process.exit(0))
