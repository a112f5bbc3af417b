const { createServer } = require('node:http')
const { gunzipSync } = require('node:zlib')

/** Answers as HoneyHive does, and keeps the names of the spans that arrive as JSON. */
exports.startReceiver = async () => {
  const names = []
  const server = createServer((request, response) => {
    const chunks = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const raw = Buffer.concat(chunks)
      const body = JSON.parse(request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw)
      for (const { scopeSpans } of body.resourceSpans ?? [])
        for (const { spans } of scopeSpans) for (const { name } of spans) names.push(name)
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ session_id: body.session?.session_id }))
    })
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${server.address().port}`, names, close: () => new Promise((resolve) => server.close(resolve)) }
}
