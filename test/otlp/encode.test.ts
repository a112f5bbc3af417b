import { createTraceState, ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { describe, expect, it } from 'vitest'
import { decodeOtlpJson } from '../../src/otlp/decode.js'
import { decodeOtlpProtobuf } from '../../src/otlp/decode-protobuf.js'
import { toSerializer } from '../../src/otlp/encode.js'
import { toExportable } from '../../src/otlp/span-writer.js'
import { type ProtobufField, readFields, toText } from '../../src/otlp/protobuf.js'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'
const LINKED = '00f067aa0ba902b7'
const DECODING = { maxSpans: 10, nowMs: 0 }

describe('toSerializer', () => {
  it.each([
    ['http/json', 'application/json'],
    ['http/protobuf', 'application/x-protobuf'],
  ] as const)('writes %s', async (protocol, contentType) => {
    expect(toSerializer(protocol).contentType).toBe(contentType)
  })

  it('writes what our own decoder reads back the same from either encoding', async () => {
    const spans = [recordSpan()]
    const json = decodeOtlpJson(JSON.parse(toText(toSerializer('http/json').toBytes(spans.map(toExportable)))), DECODING)
    const protobuf = decodeOtlpProtobuf(toSerializer('http/protobuf').toBytes(spans.map(toExportable)), DECODING)
    expect(protobuf).toEqual(json)
    expect(json.spans).toMatchObject([
      {
        traceId: TRACE,
        parentSpanId: PARENT,
        name: 'work',
        startMs: 1_700_000_000_000.25,
        endMs: 1_700_000_001_000,
        attributes: { text: 'é', whole: 3, half: 0.5, yes: true, list: ['a', 'b'] },
        events: [{ name: 'event', attributes: { kept: 1 } }],
        links: [{ traceId: TRACE, spanId: LINKED, attributes: { kept: 1 } }],
        isError: true,
        statusMessage: 'broken',
        scopeName: 'scope',
        scopeVersion: '1.2',
        resource: { 'service.name': 'app' },
      },
    ])
  })
})

describe.each(['http/json', 'http/protobuf'] as const)('the wire of %s', (protocol) => {
  async function write(span: ReadableSpan): Promise<WireSpan> {
    const bytes = toSerializer(protocol).toBytes([toExportable(span)])
    return protocol === 'http/json' ? fromJson(bytes) : fromProtobuf(bytes)
  }

  it('carries the schema URL of resource and scope', async () => {
    expect(await write(recordSpan())).toMatchObject({
      resourceSchemaUrl: 'https://schema/resource',
      scopeSchemaUrl: 'https://schema/scope',
    })
  })

  it('carries the attributes of a scope that has some', async () => {
    const span = recordSpan()
    const scope = { ...span.instrumentationScope, attributes: { team: 'a' } }
    expect((await write(Object.create(span, { instrumentationScope: { value: scope } }))).scopeAttributes).toEqual(['team'])
    expect((await write(span)).scopeAttributes).toEqual([])
  })

  it('carries the trace state of the span and of its links', async () => {
    expect(await write(recordSpan())).toMatchObject({ traceState: 'vendor=1', linkTraceState: 'linked=1' })
  })

  it.each([
    [true, 0x301],
    [false, 0x101],
  ])('says whether parent and link are remote: %s', async (isRemote, flags) => {
    expect(await write(recordSpan({ isRemote }))).toMatchObject({ flags, linkFlags: flags })
  })

  it('says of a root that its parent is not remote', async () => {
    expect(await write(recordSpan({ isRoot: true }))).toMatchObject({ flags: 0x101, parentSpanId: '' })
  })

  it('carries the dropped counts of span, events and links', async () => {
    expect(await write(recordSpan())).toMatchObject({
      dropped: { attributes: 1, events: 2, links: 1, ofEvent: 2, ofLink: 1 },
    })
  })
})

function recordSpan({ isRemote = false, isRoot = false } = {}): ReadableSpan {
  const exporter = new InMemorySpanExporter()
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'app' }, { schemaUrl: 'https://schema/resource' }),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
    spanLimits: {
      attributeCountLimit: 5,
      eventCountLimit: 1,
      linkCountLimit: 1,
      attributePerEventCountLimit: 1,
      attributePerLinkCountLimit: 1,
    },
  })
  const parent = { traceId: TRACE, spanId: PARENT, traceFlags: TraceFlags.SAMPLED, isRemote, traceState: createTraceState('vendor=1') }
  const linked = { ...parent, spanId: LINKED, traceState: createTraceState('linked=1') }
  const tracer = provider.getTracer('scope', '1.2', { schemaUrl: 'https://schema/scope' })
  const context = isRoot ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent)
  const links = [
    { context: linked, attributes: { dropped: 1 } },
    { context: linked, attributes: { kept: 1, dropped: 2 } },
  ]
  const span = tracer.startSpan('work', { startTime: [1_700_000_000, 250_000], links }, context)
  span.setAttributes({ text: 'é', whole: 3, half: 0.5, yes: true, list: ['a', 'b'], dropped: 1 })
  for (let i = 0; i < 3; i++) span.addEvent('event', { kept: 1, dropped: 2, too: 3 }, [1_700_000_000, 0])
  span.setStatus({ code: 2, message: 'broken' })
  span.end([1_700_000_001, 0])
  const [ended] = exporter.getFinishedSpans()
  if (ended === undefined) throw new Error('nothing was exported')
  return ended
}

/** The fields that our own decoder does not read. */
interface WireSpan {
  readonly resourceSchemaUrl: string
  readonly scopeSchemaUrl: string
  readonly scopeAttributes: readonly string[]
  readonly parentSpanId: string
  readonly traceState: string
  readonly linkTraceState: string
  readonly flags: number
  readonly linkFlags: number
  readonly dropped: Readonly<Record<'attributes' | 'events' | 'links' | 'ofEvent' | 'ofLink', number>>
}

/** The JSON of the wire, looked at field by field. */
type Wire = any

function fromJson(bytes: Uint8Array): WireSpan {
  const [resource]: Wire = JSON.parse(toText(bytes)).resourceSpans
  const [scope] = resource.scopeSpans
  const [span] = scope.spans
  return {
    resourceSchemaUrl: resource.schemaUrl,
    scopeSchemaUrl: scope.schemaUrl,
    scopeAttributes: (scope.scope.attributes ?? []).map(({ key }: Wire) => key),
    parentSpanId: span.parentSpanId ?? '',
    traceState: span.traceState,
    linkTraceState: span.links[0].traceState,
    flags: span.flags,
    linkFlags: span.links[0].flags,
    dropped: {
      attributes: span.droppedAttributesCount,
      events: span.droppedEventsCount,
      links: span.droppedLinksCount,
      ofEvent: span.events[0].droppedAttributesCount,
      ofLink: span.links[0].droppedAttributesCount,
    },
  }
}

/** By the field numbers of opentelemetry/proto/trace/v1/trace.proto. */
function fromProtobuf(bytes: Uint8Array): WireSpan {
  const resource = messageAt(bytes, 1)
  const scope = messageAt(resource, 2)
  const span = messageAt(scope, 2)
  const event = messageAt(span, 11)
  const link = messageAt(span, 13)
  return {
    resourceSchemaUrl: textAt(resource, 3),
    scopeSchemaUrl: textAt(scope, 3),
    scopeAttributes: fieldsAt(messageAt(scope, 1), 3).map((attribute) => textAt(attribute.bytes, 1)),
    parentSpanId: Buffer.from(messageAt(span, 4)).toString('hex'),
    traceState: textAt(span, 3),
    linkTraceState: textAt(link, 3),
    flags: numberAt(span, 16),
    linkFlags: numberAt(link, 6),
    dropped: {
      attributes: numberAt(span, 10),
      events: numberAt(span, 12),
      links: numberAt(span, 14),
      ofEvent: numberAt(event, 4),
      ofLink: numberAt(link, 5),
    },
  }
}

function fieldsAt(message: Uint8Array, number: number): ProtobufField[] {
  const found: ProtobufField[] = []
  readFields(message, (field) => {
    if (field.number === number) found.push(field)
  })
  return found
}

function messageAt(message: Uint8Array, number: number): Uint8Array {
  return fieldsAt(message, number).at(-1)?.bytes ?? new Uint8Array()
}

function textAt(message: Uint8Array, number: number): string {
  return toText(messageAt(message, number))
}

function numberAt(message: Uint8Array, number: number): number {
  return Number(fieldsAt(message, number).at(-1)?.integer ?? -1n)
}
