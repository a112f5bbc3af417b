/** A server on loopback that answers as the backends of other SDKs do, and tells what spans they sent. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { decodeOtlpJson } from '../../src/otlp/decode.js'
import { decodeOtlpProtobuf } from '../../src/otlp/decode-protobuf.js'
import { isObject, type JsonObject } from '../../src/otlp/json.js'

/** A span, whoever recorded it. */
export interface SentSpan {
  readonly name: string
  /** Name of the span above it; `undefined` for the first one. */
  readonly parent: string | undefined
}

export interface Backend {
  readonly url: string
  /** In order of names. */
  spans(): readonly SentSpan[]
  /** Everything that was sent, as text. */
  text(): string
  close(): Promise<void>
}

interface Record {
  readonly id: string
  readonly parentId: string | undefined
  readonly name: string
}

export async function startBackend(): Promise<Backend> {
  const records = new Map<string, Record>()
  const texts: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const sent = Buffer.concat(chunks)
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
      texts.push(`${request.method} ${request.url}\n${body.toString('latin1')}`)
      const type = request.headers['content-type'] ?? ''
      for (const record of readRecords(body, type, request.url ?? '')) records.set(record.id, { ...records.get(record.id), ...record })
      response.setHeader('content-type', type.includes('protobuf') ? 'application/x-protobuf' : 'application/json')
      response.end(type.includes('protobuf') ? '' : JSON.stringify(answer(request.url ?? '', request.headers.host ?? '')))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () =>
      [...records.values()]
        .map(({ name, parentId }) => ({ name, parent: parentId === undefined ? undefined : records.get(parentId)?.name }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    text: () => texts.join('\n'),
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** What the clients need of a reply. */
function answer(path: string, host: string): unknown {
  if (path.startsWith('/api/apikey/login'))
    return { org_info: [{ id: 'o1', name: 'otters', api_url: `http://${host}`, proxy_url: `http://${host}` }] }
  if (path.startsWith('/api/project/register')) return { project: { id: 'p1', name: 'otters' }, org_id: 'o1' }
  return {}
}

function readRecords(body: Buffer, type: string, path: string): readonly Record[] {
  if (path.endsWith('/v1/traces')) return readOtlp(body, type)
  if (type.startsWith('multipart/form-data')) return readParts(body)
  try {
    return readRows(JSON.parse(body.toString('utf8')))
  } catch {
    // Requests without JSON record nothing.
    return []
  }
}

function readOtlp(body: Buffer, type: string): readonly Record[] {
  const options = { maxSpans: 1_000, nowMs: Date.now() }
  const { spans } = type.includes('json') ? decodeOtlpJson(JSON.parse(body.toString('utf8')), options) : decodeOtlpProtobuf(body, options)
  return spans.map(({ spanId, parentSpanId, name }) => ({ id: spanId, parentId: parentSpanId || undefined, name }))
}

/** LangSmith: each run is a part of the form, its inputs and outputs are parts of their own. */
function readParts(body: Buffer): readonly Record[] {
  const parts = body.toString('latin1').split(/\r\n--/)
  return parts.flatMap((part) => {
    const [head = '', content = ''] = part.split('\r\n\r\n')
    return /name="(?:post|patch)\.[0-9a-f-]+"/.test(head) ? readRows({ post: [JSON.parse(content)] }) : []
  })
}

/** LangSmith and Braintrust: lists of runs and of rows. */
function readRows(body: unknown): readonly Record[] {
  const { post, patch, rows } = isObject(body) ? body : {}
  return [post, patch, rows].flatMap((list) => (Array.isArray(list) ? list.filter(isObject).flatMap(toRecord) : []))
}

function toRecord({
  id,
  name,
  parent_run_id: parentRun,
  span_id: spanId,
  span_parents: parents,
  span_attributes: attributes,
}: JsonObject): Record[] {
  const known = name ?? (isObject(attributes) ? attributes.name : undefined)
  if (typeof known !== 'string') return []
  const parent: unknown = parentRun ?? (Array.isArray(parents) ? parents[0] : undefined)
  return [{ id: String(spanId ?? id), parentId: typeof parent === 'string' ? parent : undefined, name: known }]
}
