import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { decodeOtlpJson } from '../../src/otlp/decode.js'
import { decodeOtlpProtobuf } from '../../src/otlp/decode-protobuf.js'
import type { DecodedSpan } from '../../src/otlp/decoded-span.js'

/** Takes what the tracers of all programs deliver. */
export interface SpanReceiver {
  readonly url: string
  /** The spans that came with this key; they are forgotten. */
  take(apiKey: string): DecodedSpan[]
  close(): Promise<void>
}

/** Starts it on a free loopback port; it answers as HoneyHive does. */
export async function startSpanReceiver(): Promise<SpanReceiver> {
  const byKey = new Map<string, DecodedSpan[]>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const raw = Buffer.concat(chunks)
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw
      response.setHeader('content-type', 'application/json')
      if (request.url?.endsWith('/v1/traces') === true) {
        const key = request.headers.authorization?.replace('Bearer ', '') ?? ''
        byKey.set(key, [...(byKey.get(key) ?? []), ...decode(request, body)])
        return void response.end('{}')
      }
      const { session, event, event_id: id } = JSON.parse(body.toString() || '{}')
      response.end(JSON.stringify({ session_id: session?.session_id ?? id, event_id: event?.event_id ?? id, success: true }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take(apiKey) {
      const spans = byKey.get(apiKey) ?? []
      byKey.delete(apiKey)
      return spans
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function decode(request: IncomingMessage, body: Buffer): readonly DecodedSpan[] {
  const options = { maxSpans: 100_000, nowMs: Date.now() }
  const isJson = request.headers['content-type']?.includes('json') === true
  return (isJson ? decodeOtlpJson(JSON.parse(body.toString()), options) : decodeOtlpProtobuf(body, options)).spans
}
