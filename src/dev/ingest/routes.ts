/** OTLP over HTTP: JSON and protobuf on the same paths. */
import type { IncomingMessage } from 'node:http'
import { decodeOtlpJson } from '../../otlp/decode.js'
import { decodeOtlpProtobuf } from '../../otlp/decode-protobuf.js'
import type { DecodedExport, DecodedSpan } from '../../otlp/decoded-span.js'
import { type DevContext, senderOf, writeAs } from '../context.js'
import { toEvent } from './event-mapping.js'
import { mediaTypeOf, parseJson, readBytes, requireType } from '../http/body.js'
import type { App, Call } from '../http/call.js'
import { toHttpError } from '../http/reply.js'
import { saveDrops } from './drops.js'
import { isRestored, labelOf, storeRestored } from './restored.js'
import { storeEvents } from './spans.js'

const PROTOBUF = 'application/x-protobuf'
const SPANS_PER_COMMIT = 1_000
const PATHS = ['/opentelemetry/v1/traces', '/v1/traces', '/nextjs/v1/traces'] as const

/** The ingestion routes. */
export function addIngestRoutes(app: App, context: DevContext): void {
  for (const path of PATHS) app.post(path, (c) => ingest(context, c, path.startsWith('/nextjs')))
}

async function ingest(context: DevContext, c: Call, nextJs: boolean): Promise<Response> {
  const request = c.env.incoming
  try {
    const decoded = await decode(context, request)
    const headerLabel = /(?:^|[,;\s])project:\s*([^,;]+)/.exec(String(request.headers['x-honeyhive'] ?? ''))?.[1]?.trim()
    // A large request is stored in several commits, so that others get their turn; sent again, what is there already stays one.
    for (let at = 0; at === 0 || at < decoded.spans.length; at += SPANS_PER_COMMIT)
      await store(context, c, decoded.spans.slice(at, at + SPANS_PER_COMMIT), { nextJs, headerLabel })
    return sendAccepted(c, decoded)
  } catch (error) {
    if (mediaTypeOf(request) !== PROTOBUF) throw error
    return sendProtobufError(c, error)
  }
}

/** Stores spans of one request in one commit. */
function store(
  context: DevContext,
  c: Call,
  spans: readonly DecodedSpan[],
  { nextJs, headerLabel }: { readonly nextJs: boolean; readonly headerLabel: string | undefined },
): Promise<void> {
  const { headers } = c.env.incoming
  const restored = spans.filter(isRestored)
  const events = spans.filter((span) => !isRestored(span)).map((span) => toEvent(span, { ...context.mapping, nextJs }))
  return writeAs(context, senderOf(context, c.env.incoming), (scope) => {
    storeEvents(scope, events, headerLabel)
    storeRestored(scope, restored, headerLabel)
    const projectId = scope.projectOf(events[0]?.projectLabel ?? labelOf(restored[0]) ?? headerLabel)
    saveDrops(scope, headers, { projectId, source: events[0]?.source })
  })
}

async function decode({ limits, now }: DevContext, request: IncomingMessage): Promise<DecodedExport> {
  requireType(request, ['application/json', PROTOBUF])
  const bytes = await readBytes(request, limits)
  const options = { maxSpans: limits.maxSpans, nowMs: now() }
  return mediaTypeOf(request) === PROTOBUF ? decodeOtlpProtobuf(bytes, options) : decodeOtlpJson(parseJson(bytes), options)
}

function sendAccepted(c: Call, { rejected, rejectedBecause }: DecodedExport): Response {
  if (mediaTypeOf(c.env.incoming) !== PROTOBUF)
    return c.json(rejected === 0 ? {} : { partialSuccess: { rejectedSpans: String(rejected), errorMessage: rejectedBecause } })
  const partial = Buffer.concat([varintField(1, rejected), bytesField(2, Buffer.from(rejectedBecause))])
  return sendProtobuf(c, 200, rejected === 0 ? Buffer.alloc(0) : bytesField(1, partial))
}

/** OTLP asks for a `google.rpc.Status` message as the body of errors. */
function sendProtobufError(c: Call, error: unknown): Response {
  const { status, message, headers } = toHttpError(error)
  for (const [name, value] of Object.entries(headers)) c.header(name, value)
  return sendProtobuf(c, status, bytesField(2, Buffer.from(message)))
}

function sendProtobuf(c: Call, status: number, body: Buffer): Response {
  c.header('content-type', PROTOBUF)
  return c.body(new Uint8Array(body), status as 200)
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
