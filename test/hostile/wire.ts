import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { readFields, toText } from '../../src/otlp/protobuf.js'

/** One request as it arrived. */
export interface WireRequest {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** A real HTTP server that keeps the bytes of what arrives and answers as HoneyHive does. */
export interface Wire {
  readonly url: string
  readonly requests: WireRequest[]
  /** Gives back what arrived since the last call. */
  take(): WireRequest[]
  close(): Promise<void>
}

export async function startWire(): Promise<Wire> {
  const requests: WireRequest[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const raw = Buffer.concat(chunks)
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw
      requests.push({ path: request.url ?? '', headers: request.headers, body })
      response.setHeader('content-type', 'application/json')
      response.end(request.url?.endsWith('/v1/traces') === true ? '{}' : '{"session_id":"s","event_id":"e","success":true}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    take: () => requests.splice(0),
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** Names of the spans of OTLP requests, JSON or protobuf; anything that is not well-formed OTLP is in `faults`. */
export function readWire(requests: readonly WireRequest[]): { names: string[]; faults: string[] } {
  const names: string[] = []
  const faults: string[] = []
  for (const { path, headers, body } of requests) {
    if (!path.endsWith('/v1/traces')) checkRestBody(body, faults)
    else if (headers['content-type'] === 'application/json') readJson(body, names, faults)
    else readProtobuf(body, names, faults)
  }
  return { names, faults }
}

function readProtobuf(body: Buffer, names: string[], faults: string[]): void {
  try {
    readFields(body, (resourceSpans) => {
      readFields(resourceSpans.bytes, (scopeSpans) => {
        if (scopeSpans.number !== 2) return
        readFields(scopeSpans.bytes, (span) => {
          if (span.number !== 2) return
          readFields(span.bytes, ({ number, bytes }) => {
            if (number === 5) names.push(toText(bytes))
          })
        })
      })
    })
  } catch (error) {
    faults.push(`protobuf: ${String(error)}`)
  }
}

function checkRestBody(body: Buffer, faults: string[]): void {
  try {
    const json: unknown = body.length === 0 ? {} : JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
    checkText(json, 'rest', faults)
  } catch (error) {
    faults.push(`rest: ${String(error)}`)
  }
}

function checkText(value: unknown, at: string, faults: string[]): void {
  if (typeof value === 'string' && !value.isWellFormed()) faults.push(`${at}: lone surrogate`)
  if (typeof value !== 'object' || value === null) return
  for (const [key, child] of Object.entries(value)) {
    if (!key.isWellFormed()) faults.push(`${at}: lone surrogate in a key`)
    checkText(child, `${at}.${key.slice(0, 20)}`, faults)
  }
}

// biome-ignore-start lint/suspicious/noExplicitAny: JSON of the wire, checked field by field here
function readJson(body: Buffer, names: string[], faults: string[]): void {
  let json: any
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (error) {
    faults.push(`json: ${String(error)}`)
    return
  }
  for (const { resource, scopeSpans } of json.resourceSpans) {
    checkAttributes(resource?.attributes, 'resource', faults)
    for (const { scope, spans } of scopeSpans) {
      if (typeof scope?.name !== 'string') faults.push('scope name is no text')
      for (const span of spans) {
        names.push(span.name)
        checkSpan(span, faults)
      }
    }
  }
}

function checkSpan(span: any, faults: string[]): void {
  const at = String(span.name).slice(0, 40)
  const fault = (text: string): void => void faults.push(`${at}: ${text}`)
  checkText(span, at, faults)
  if (typeof span.name !== 'string') fault('name is no text')
  if (!/^[0-9a-f]{32}$/.test(span.traceId)) fault('trace id')
  if (!/^[0-9a-f]{16}$/.test(span.spanId)) fault('span id')
  if (span.parentSpanId !== undefined && span.parentSpanId !== '' && !/^[0-9a-f]{16}$/.test(span.parentSpanId)) fault('parent id')
  for (const key of ['startTimeUnixNano', 'endTimeUnixNano']) if (!isInt64(span[key])) fault(`${key} ${String(span[key])}`)
  if (BigInt(span.endTimeUnixNano) < BigInt(span.startTimeUnixNano)) fault('ends before it starts')
  if (!Number.isInteger(span.kind) || span.kind < 0 || span.kind > 5) fault(`kind ${String(span.kind)}`)
  if (span.status !== undefined && ![0, 1, 2, undefined].includes(span.status.code)) fault('status code')
  if (span.status?.message !== undefined && typeof span.status.message !== 'string') fault('status message')
  checkAttributes(span.attributes, at, faults)
  for (const event of span.events ?? []) {
    if (typeof event.name !== 'string') fault('event name')
    if (!isInt64(event.timeUnixNano)) fault('event time')
    checkAttributes(event.attributes, `${at} event`, faults)
  }
  for (const link of span.links ?? []) {
    if (!/^[0-9a-f]{32}$/.test(link.traceId) || !/^[0-9a-f]{16}$/.test(link.spanId)) fault('link ids')
    checkAttributes(link.attributes, `${at} link`, faults)
  }
}

function checkAttributes(attributes: any, at: string, faults: string[]): void {
  for (const { key, value } of attributes ?? []) {
    if (typeof key !== 'string' || key === '') faults.push(`${at}: attribute without a name`)
    checkValue(value, `${at} ${String(key).slice(0, 40)}`, faults)
  }
}

function checkValue(value: any, at: string, faults: string[]): void {
  const [[kind, held] = []] = Object.entries(value ?? {}) as [string, any][]
  if (kind === 'arrayValue') for (const item of held.values ?? []) checkValue(item, at, faults)
  else if (kind === 'stringValue') typeof held === 'string' || faults.push(`${at}: stringValue`)
  else if (kind === 'boolValue') typeof held === 'boolean' || faults.push(`${at}: boolValue`)
  else if (kind === 'intValue') isInt64(held) || faults.push(`${at}: intValue ${String(held)}`)
  else if (kind === 'doubleValue') Number.isFinite(held) || faults.push(`${at}: doubleValue ${String(held)}`)
  else faults.push(`${at}: value ${JSON.stringify(value)}`)
}
// biome-ignore-end lint/suspicious/noExplicitAny: see above

function isInt64(value: unknown): boolean {
  if (typeof value !== 'string' && typeof value !== 'number') return false
  if (!/^-?\d+$/.test(String(value))) return false
  const int = BigInt(value)
  return int >= -(2n ** 63n) && int < 2n ** 63n
}
