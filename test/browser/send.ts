/** Sends the made-up traffic over the wire, as a tracer and the experiments client would. */
import { type Traffic, type TrafficRun, type TrafficSession, type TrafficSpan, toHex, toUuid } from './traffic.js'

const SPANS_PER_REQUEST = 2_000
const SENDERS = 16
const BUCKETS = ['inputs', 'outputs', 'config', 'metadata', 'metrics', 'feedback'] as const

type AnyValue =
  | { readonly stringValue: string }
  | { readonly doubleValue: number }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
interface KeyValue {
  readonly key: string
  readonly value: AnyValue
}

/** Posts JSON; a refusal fails the test with the server's words. */
export async function post(
  url: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
  method: 'POST' | 'PUT' = 'POST',
): Promise<unknown> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { 'content-type': 'application/json', authorization: 'Bearer local', ...headers },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return response.json()
}

/** Sessions first, then their spans, then the runs. */
export async function sendTraffic(url: string, traffic: Traffic): Promise<void> {
  const owners = new Map(traffic.sessions.flatMap((session) => session.spans.map((span) => [span.key, session] as const)))
  const waiting = [...traffic.sessions]
  const work = async (): Promise<void> => {
    for (let session = waiting.shift(); session; session = waiting.shift()) await sendSession(url, session, owners)
  }
  await Promise.all(Array.from({ length: SENDERS }, work))
  for (const run of traffic.runs) await sendRun(url, run)
}

/** One session with all its spans. */
export async function sendSession(
  url: string,
  session: TrafficSession,
  owners: ReadonlyMap<string, TrafficSession> = new Map(),
): Promise<void> {
  const { id, project, name, source, startMs, metadata = {}, inputs = {}, outputs = {}, feedback = {} } = session
  await post(url, '/session/start', {
    session: { project, session_id: id, session_name: name, source, start_time: startMs, metadata, inputs, outputs, feedback },
  })
  for (let at = 0; at < session.spans.length; at += SPANS_PER_REQUEST) {
    await sendSpans(url, session, session.spans.slice(at, at + SPANS_PER_REQUEST), owners)
  }
}

/** Some spans of a session, in one export request. */
export async function sendSpans(
  url: string,
  session: TrafficSession,
  spans: readonly TrafficSpan[],
  owners: ReadonlyMap<string, TrafficSession> = new Map(),
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const resource = { attributes: toKeyValues({ 'service.name': session.service, 'host.name': 'build-7', 'process.pid': session.pid }) }
  const body = {
    resourceSpans: [
      { resource, scopeSpans: [{ scope: { name: 'honeyhive-tracer' }, spans: spans.map((span) => toOtlp(span, session, owners)) }] },
    ],
  }
  await post(url, '/opentelemetry/v1/traces', body, headers)
}

function toOtlp(span: TrafficSpan, session: TrafficSession, owners: ReadonlyMap<string, TrafficSession>): unknown {
  const buckets = BUCKETS.flatMap((bucket) =>
    Object.entries(span[bucket] ?? {}).map(
      ([key, value]) => [`honeyhive_${bucket}.${key}`, typeof value === 'object' ? JSON.stringify(value) : value] as const,
    ),
  )
  const target = span.link === undefined ? undefined : owners.get(span.link)
  return {
    traceId: toHex(session.id, 32),
    spanId: toHex(span.key, 16),
    ...(span.parent === null ? {} : { parentSpanId: toHex(span.parent, 16) }),
    name: span.name,
    kind: 1,
    startTimeUnixNano: toNano(span.startMs),
    endTimeUnixNano: toNano(span.startMs + span.durationMs),
    attributes: toKeyValues({
      'honeyhive.session_id': session.id,
      'honeyhive.project': session.project,
      'honeyhive.source': session.source,
      'honeyhive.session_name': session.name,
      honeyhive_event_type: span.type,
      honeyhive_event_id: toUuid(span.key),
      ...Object.fromEntries(buckets),
      ...(span.error === undefined ? {} : { honeyhive_error: span.error }),
    }),
    ...(target && span.link !== undefined
      ? {
          links: [
            { traceId: toHex(target.id, 32), spanId: toHex(span.link, 16), attributes: toKeyValues({ 'honeyhive.link': 'cross-tracer' }) },
          ],
        }
      : {}),
    status: span.error === undefined ? {} : { code: 2, message: span.error.split('\n')[0] },
  }
}

async function sendRun(url: string, run: TrafficRun): Promise<void> {
  await post(url, '/v1/runs', {
    project: run.project,
    run_id: run.id,
    name: run.name,
    status: 'pending',
    event_ids: [],
    configuration: run.configuration,
    metadata: { offline_dataset_id: 'EXT-helpdesk40' },
  })
  await post(url, `/v1/runs/${run.id}`, { status: 'completed', name: run.name, event_ids: run.sessionIds }, {}, 'PUT')
}

function toNano(ms: number): string {
  return `${Math.floor(ms)}${String(Math.floor((ms % 1) * 1e6)).padStart(6, '0')}`
}

function toKeyValues(values: Readonly<Record<string, unknown>>): readonly KeyValue[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: toAnyValue(value) }))
}

function toAnyValue(value: unknown): AnyValue {
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
  return { stringValue: String(value) }
}
