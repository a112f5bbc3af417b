import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { ATTRIBUTE, BUCKET_PREFIX, BUCKETS } from '../semantics/attributes.js'
import type { EventDetail, ProjectList, SessionDetail, SessionList } from '../dev/page-api/contract.js'
import { HoneyHiveError } from '../errors.js'
import { getJson, SERVER_OPTIONS, type ServerFlags, withServer } from './server-api.js'

interface ExportFlags extends ServerFlags {
  readonly project?: string
}

interface ImportFlags {
  readonly url: string
  readonly key: string
}

/** `honeyhive-tracer export` and `import`: traces as lines of OTLP JSON, one request a line. */
export function addTransferCommands(program: Command): void {
  const out = program.command('export').description('write traces to standard output as OTLP JSON, one request a line, one session each')
  for (const [flags, description, fallback] of SERVER_OPTIONS) out.option(flags, description, fallback)
  out
    .option('--project <name>', 'only this project')
    .action((flags: ExportFlags) => withServer(flags, (baseUrl) => exportTraces(baseUrl, flags.project)))
  program
    .command('import <file>')
    .description('send lines of OTLP JSON to a server; - reads standard input')
    .option('--url <url>', 'address of the server', 'http://127.0.0.1:4319')
    .option('--key <key>', 'API key that chooses the project', 'imported')
    .action(importTraces)
}

async function exportTraces(baseUrl: string, project: string | undefined): Promise<void> {
  const { projects } = await getJson<ProjectList>(baseUrl, '/api/projects')
  const wanted = projects.filter(({ name, id }) => project === undefined || name === project || id === project)
  if (project !== undefined && wanted.length === 0) throw new HoneyHiveError('DEV_SERVER', `There is no project "${project}".`)
  for (const { id, name } of wanted) {
    for await (const sessionId of listSessionIds(baseUrl, id)) {
      const request = await toRequest(baseUrl, id, name, sessionId)
      if (request !== undefined) process.stdout.write(`${JSON.stringify(request)}\n`)
    }
  }
}

async function* listSessionIds(baseUrl: string, projectId: string): AsyncGenerator<string> {
  let cursor: string | null = ''
  while (cursor !== null) {
    const query = new URLSearchParams({ project: projectId, limit: '200', ...(cursor === '' ? {} : { cursor }) })
    const page: SessionList = await getJson<SessionList>(baseUrl, `/api/sessions?${query.toString()}`)
    for (const { id } of page.sessions) yield id
    cursor = page.nextCursor
  }
}

async function toRequest(baseUrl: string, projectId: string, project: string, sessionId: string): Promise<object | undefined> {
  const query = `?project=${encodeURIComponent(projectId)}`
  const { session, events } = await getJson<SessionDetail>(baseUrl, `/api/sessions/${encodeURIComponent(sessionId)}${query}`)
  const details = await Promise.all(events.map(({ id }) => getJson<EventDetail>(baseUrl, `/api/events/${encodeURIComponent(id)}${query}`)))
  const spans = details.filter(({ traceId, spanId }) => traceId !== null && spanId !== null)
  if (spans.length === 0) return undefined
  const spanOf = new Map(spans.map((event) => [event.id, event.spanId]))
  const scope = { name: 'honeyhive-tracer' }
  return {
    resourceSpans: [
      { resource: { attributes: [] }, scopeSpans: [{ scope, spans: spans.map((event) => toSpan(event, session.name, project, spanOf)) }] },
    ],
  }
}

function toSpan(event: EventDetail, sessionName: string, project: string, spanOf: ReadonlyMap<string, string | null>): object {
  const attributes: Record<string, string | boolean> = {
    [ATTRIBUTE.sessionId]: event.sessionId,
    [ATTRIBUTE.sessionAutoCreate]: true,
    [ATTRIBUTE.sessionName]: sessionName,
    [ATTRIBUTE.project]: project,
    [ATTRIBUTE.source]: event.source,
    [ATTRIBUTE.eventType]: event.type,
    [ATTRIBUTE.eventId]: event.id,
    ...(event.error === null ? {} : { [ATTRIBUTE.error]: event.error }),
  }
  for (const bucket of BUCKETS) if (Object.keys(event[bucket]).length > 0) attributes[BUCKET_PREFIX[bucket]] = JSON.stringify(event[bucket])
  const parentSpanId = event.parentId === null ? undefined : spanOf.get(event.parentId)
  return {
    traceId: event.traceId,
    spanId: event.spanId,
    ...(parentSpanId === undefined || parentSpanId === null ? {} : { parentSpanId }),
    name: event.name,
    kind: 1,
    startTimeUnixNano: toNanos(event.startMs),
    endTimeUnixNano: toNanos(event.startMs + event.durationMs),
    attributes: Object.entries(attributes).map(([key, value]) => ({
      key,
      value: typeof value === 'string' ? { stringValue: value } : { boolValue: value },
    })),
    links: event.linked.filter(({ direction }) => direction === 'to').map(toLink),
    status: event.error === null ? {} : { code: 2, message: event.error },
  }
}

function toLink({ traceId, spanId, kind }: EventDetail['linked'][number]): object {
  return { traceId, spanId, attributes: kind === null ? [] : [{ key: ATTRIBUTE.link, value: { stringValue: kind } }] }
}

function toNanos(unixMs: number): string {
  return String(BigInt(Math.round(unixMs * 1000)) * 1000n)
}

async function importTraces(file: string, { url, key }: ImportFlags): Promise<void> {
  const lines = createInterface({ input: file === '-' ? process.stdin : createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })
  let sent = 0
  let lineNumber = 0
  for await (const line of lines) {
    lineNumber++
    if (line.trim() === '') continue
    await sendLine(line, `${url.replace(/\/+$/, '')}/opentelemetry/v1/traces`, key, `${file}:${lineNumber}`)
    sent++
  }
  process.stdout.write(`sent ${sent} request${sent === 1 ? '' : 's'} to ${url}\n`)
}

async function sendLine(body: string, target: string, key: string, where: string): Promise<void> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` }
  const response = await fetch(target, { method: 'POST', headers, body }).catch((cause: unknown) => {
    throw new HoneyHiveError('HTTP_NETWORK', `${target} does not answer. Nothing after ${where} was sent.`, { cause })
  })
  if (!response.ok)
    throw new HoneyHiveError('HTTP_STATUS', `${where} was refused with status ${response.status}. Lines before it were sent.`)
}
