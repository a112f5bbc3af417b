/** OTLP over HTTP: JSON and protobuf on the same paths. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type DevContext, senderOf, writeAs } from '../context.js'
import { saveDrops } from '../ingest/drops.js'
import { toEvent } from '../event-mapping.js'
import { isRestored, labelOf, storeRestored } from '../ingest/restored.js'
import { storeEvents } from '../ingest/spans.js'
import { decodeOtlpJson } from '../../otlp/decode.js'
import { decodeOtlpProtobuf } from '../../otlp/decode-protobuf.js'
import type { DecodedExport } from '../../otlp/decoded-span.js'
import { sendJson, toHttpError } from '../http/reply.js'
import { mediaTypeOf, parseJson, readBytes, requireType } from '../http/body.js'
import type { Exchange, Route } from '../http/router.js'
import { SECURITY_HEADERS } from '../http/guard.js'

const PROTOBUF = 'application/x-protobuf'
const PATHS = ['/opentelemetry/v1/traces', '/v1/traces', '/nextjs/v1/traces'] as const

/** The ingestion routes. */
export function createOtlpRoutes(context: DevContext): readonly Route[] {
  return PATHS.map((path): Route => ['POST', path, (exchange) => ingest(context, exchange, path.startsWith('/nextjs'))])
}

async function ingest(context: DevContext, { request, response }: Exchange, nextJs: boolean): Promise<void> {
  try {
    const decoded = await decode(context, request)
    const restored = decoded.spans.filter(isRestored)
    const events = decoded.spans.filter((span) => !isRestored(span)).map((span) => toEvent(span, { ...context.mapping, nextJs }))
    const headerLabel = /(?:^|[,;\s])project:\s*([^,;]+)/.exec(String(request.headers['x-honeyhive'] ?? ''))?.[1]?.trim()
    await writeAs(context, senderOf(context, request), (scope) => {
      storeEvents(scope, events, headerLabel)
      storeRestored(scope, restored, headerLabel)
      const projectId = scope.projectOf(events[0]?.projectLabel ?? labelOf(restored[0]) ?? headerLabel)
      saveDrops(scope, request.headers, { projectId, source: events[0]?.source })
    })
    sendAccepted(request, response, decoded)
  } catch (error) {
    if (mediaTypeOf(request) !== PROTOBUF) throw error
    sendProtobufError(response, error)
  }
}

async function decode({ limits, now }: DevContext, request: IncomingMessage): Promise<DecodedExport> {
  requireType(request, ['application/json', PROTOBUF])
  const bytes = await readBytes(request, limits)
  const options = { maxSpans: limits.maxSpans, nowMs: now() }
  return mediaTypeOf(request) === PROTOBUF ? decodeOtlpProtobuf(bytes, options) : decodeOtlpJson(parseJson(bytes), options)
}

function sendAccepted(request: IncomingMessage, response: ServerResponse, { rejected, rejectedBecause }: DecodedExport): void {
  if (mediaTypeOf(request) === PROTOBUF) {
    sendProtobuf(
      response,
      200,
      rejected === 0
        ? Buffer.alloc(0)
        : bytesField(1, Buffer.concat([varintField(1, rejected), bytesField(2, Buffer.from(rejectedBecause))])),
    )
    return
  }
  sendJson(response, rejected === 0 ? {} : { partialSuccess: { rejectedSpans: String(rejected), errorMessage: rejectedBecause } })
}

/** OTLP asks for a `google.rpc.Status` message as the body of errors. */
function sendProtobufError(response: ServerResponse, error: unknown): void {
  const { status, message, headers } = toHttpError(error)
  sendProtobuf(response, status, bytesField(2, Buffer.from(message)), headers)
}

function sendProtobuf(response: ServerResponse, status: number, body: Buffer, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, {
    ...SECURITY_HEADERS,
    ...headers,
    'content-type': PROTOBUF,
    'cache-control': 'no-store',
    'content-length': body.byteLength,
  })
  response.end(body)
}

function bytesField(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.byteLength), bytes])
}

function varintField(number: number, value: number): Buffer {
  return Buffer.concat([varint(number * 8), varint(value)])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80)
  return Buffer.from([...bytes, rest])
}
