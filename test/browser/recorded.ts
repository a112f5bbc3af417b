/** The spans that real instrumentations wrote, sent as they would send them: one session for each library. */
import { readFixture } from '../semantics/fixtures/read-fixture.js'
import { post } from './send.js'
import { toHex, toUuid } from './traffic.js'

/** The project they arrive in. */
export const RECORDED = 'recorded'
/** Libraries, by the name of their recording. */
export const LIBRARIES = [
  'ai-sdk-5',
  'ai-sdk-6',
  'ai-sdk-7',
  'openinference-openai',
  'openinference-anthropic',
  'openinference-langchain',
  'opentelemetry-openai',
  'traceloop-openai',
  'traceloop-anthropic',
] as const

/** Sends every recording. */
export async function sendRecorded(url: string, nowMs: number): Promise<void> {
  for (const library of LIBRARIES) await sendRecording(url, library, nowMs)
}

async function sendRecording(url: string, library: string, nowMs: number): Promise<void> {
  const attributes = toKeyValues({ 'service.name': library, 'process.pid': 42, 'host.name': 'recorder' })
  const scopeSpans = readFixture(library).map((span) => ({
    scope: { name: span.scope },
    spans: [
      {
        traceId: toHex(library, 32),
        spanId: toHex(`${library} ${span.id}`, 16),
        ...(span.parent < 0 ? {} : { parentSpanId: toHex(`${library} ${span.parent}`, 16) }),
        name: span.name,
        kind: 1,
        startTimeUnixNano: `${nowMs + span.id * 10}000000`,
        endTimeUnixNano: `${nowMs + span.id * 10 + 900}000000`,
        attributes: toKeyValues({
          ...span.attributes,
          'honeyhive.project': RECORDED,
          'honeyhive.session_id': toUuid(library),
          'honeyhive.session_name': library,
          'honeyhive.session_auto_create': true,
        }),
        events: span.events.map(({ name, attributes }) => ({
          name,
          timeUnixNano: `${nowMs + span.id * 10 + 300}000000`,
          attributes: toKeyValues(attributes),
        })),
      },
    ],
  }))
  await post(url, '/v1/traces', { resourceSpans: [{ resource: { attributes }, scopeSpans }] })
}

function toKeyValues(values: object): unknown[] {
  return Object.entries(values).map(([key, value]: [string, unknown]) => ({ key, value: toAnyValue(value) }))
}

function toAnyValue(value: unknown): object {
  if (Array.isArray(value)) return { arrayValue: { values: value.map(toAnyValue) } }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
  return { stringValue: String(value) }
}
