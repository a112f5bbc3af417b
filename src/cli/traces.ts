import { setTimeout as pause } from 'node:timers/promises'
import { type Command, InvalidArgumentError } from 'commander'
import type {
  EventDetail,
  EventRow,
  ProjectList,
  ProjectSummary,
  SessionDetail,
  SessionList,
  SessionSummary,
} from '../dev/page-api/contract.js'
import { HoneyHiveError } from '../errors.js'
import { SERVER_OPTIONS, type ServerFlags, type TraceSource, withSource } from './server-api.js'
import { toOneLine } from '../terminal-text.js'
import { createStyle, type Style } from './style.js'

interface TracesFlags extends ServerFlags {
  readonly project?: string
  readonly limit: number
  readonly json?: boolean
  readonly follow?: boolean
}

/** How often `--follow` looks. */
const FOLLOW_MS = 500
/** Sessions asked for at once while following. */
const NEWS_PAGE = 200
/** A session is printed when nothing came for it for this long. */
const QUIET_MS = 1_000
const MAX_TEXT = 100

/** `honeyhive-tracer traces`: the newest sessions as trees of text. */
export function addTracesCommand(program: Command): void {
  const command = program.command('traces').description('print the newest traces as trees: what went in, what came out, and what failed')
  for (const [flags, description, fallback] of SERVER_OPTIONS) command.option(flags, description, fallback)
  command
    .option('--project <name>', 'only this project')
    .option('--limit <number>', 'sessions for each project', toLimit, 5)
    .option('--json', 'one JSON object a line for each session, with every event in full')
    .option('--follow', 'go on and print each session once it has been quiet for a second')
    .action((flags: TracesFlags) => withSource(flags, (source) => run(source, flags)))
}

async function run(source: TraceSource, flags: TracesFlags): Promise<void> {
  const print = flags.json === true ? printJson : createPrinter(createStyle())
  const printed = new Map<string, string>()
  const found = await findSessions(source, flags)
  for (const one of found) await print(source, one)
  for (const one of found) printed.set(keyOf(one.session), stateOf(one.session))
  // What is older than the ones shown is no news either.
  const sinceMs = Date.now()
  for (const { session } of flags.follow === true ? await findNews(source, flags, sinceMs) : [])
    if (!printed.has(keyOf(session))) printed.set(keyOf(session), stateOf(session))
  if (found.length === 0 && flags.json !== true && flags.follow !== true)
    process.stdout.write('Nothing has arrived yet. Set HH_API_URL and HH_API_KEY in your program and run it.\n')
  if (flags.follow === true) await follow(source, flags, { print, printed, sinceMs })
}

interface Found {
  readonly project: ProjectSummary
  readonly session: SessionSummary
}

type Print = (source: TraceSource, found: Found) => Promise<void>

async function findSessions(source: TraceSource, flags: TracesFlags): Promise<Found[]> {
  const found: Found[] = []
  for (const project of await findProjects(source, flags)) {
    const { sessions } = await listSessions(source, project, flags.limit)
    found.push(...sessions.map((session) => ({ project, session })))
  }
  return found
}

async function findProjects(source: TraceSource, { project }: TracesFlags): Promise<readonly ProjectSummary[]> {
  const { projects } = await source.getJson<ProjectList>('/projects')
  const wanted = projects.filter(({ name, id }) => project === undefined || name === project || id === project)
  if (project !== undefined && wanted.length === 0) throw new HoneyHiveError('DEV_SERVER', `There is no project "${project}".`)
  return wanted
}

function listSessions(source: TraceSource, { id }: ProjectSummary, limit: number, cursor = ''): Promise<SessionList> {
  return source.getJson<SessionList>(`/sessions?project=${encodeURIComponent(id)}&limit=${limit}&cursor=${encodeURIComponent(cursor)}`)
}

/** The newest sessions, and all that began after `sinceMs`: of a burst none is passed over. Oldest first. */
async function findNews(source: TraceSource, flags: TracesFlags, sinceMs: number): Promise<Found[]> {
  const found: Found[] = []
  for (const project of await findProjects(source, flags)) {
    let cursor: string | null = ''
    while (cursor !== null) {
      const page: SessionList = await listSessions(source, project, NEWS_PAGE, cursor)
      found.push(...page.sessions.map((session) => ({ project, session })))
      cursor = (page.sessions.at(-1)?.startMs ?? 0) < sinceMs ? null : page.nextCursor
    }
  }
  return found.reverse()
}

interface Following {
  readonly print: Print
  /** What was printed of which session, or was there before. */
  readonly printed: Map<string, string>
  /** Unix milliseconds. */
  readonly sinceMs: number
}

/** Prints what is new until the process is ended; a server that restarts is waited for. */
async function follow(source: TraceSource, flags: TracesFlags, { print, printed, sinceMs }: Following): Promise<void> {
  const quietSince = new Map<string, { state: string; sinceMs: number }>()
  for (;;) {
    await pause(FOLLOW_MS)
    for (const one of await findNews(source, flags, sinceMs).catch(ignoreAbsence)) {
      const [key, state] = [keyOf(one.session), stateOf(one.session)]
      if (printed.get(key) === state) continue
      const seen = quietSince.get(key)
      if (seen?.state !== state) quietSince.set(key, { state, sinceMs: performance.now() })
      else if (performance.now() - seen.sinceMs >= QUIET_MS) {
        await print(source, one)
        printed.set(key, state)
        quietSince.delete(key)
      }
    }
  }
}

function ignoreAbsence(error: unknown): readonly Found[] {
  if (error instanceof HoneyHiveError && error.code === 'HTTP_NETWORK') return []
  throw error
}

function keyOf({ projectId, id }: SessionSummary): string {
  return `${projectId} ${id}`
}

function stateOf({ events, endMs, errors, name }: SessionSummary): string {
  return JSON.stringify([events, endMs, errors, name])
}

async function readSession(source: TraceSource, { project, session }: Found): Promise<SessionDetail> {
  return source.getJson<SessionDetail>(`/sessions/${encodeURIComponent(session.id)}?project=${encodeURIComponent(project.id)}`)
}

function readEvent(source: TraceSource, { id, projectId }: EventRow): Promise<EventDetail> {
  return source.getJson<EventDetail>(`/events/${encodeURIComponent(id)}?project=${encodeURIComponent(projectId)}`)
}

async function printJson(source: TraceSource, found: Found): Promise<void> {
  const { session, event, events } = await readSession(source, found)
  const details: EventDetail[] = []
  for (const row of events) details.push({ ...(await readEvent(source, row)), parentId: row.parentId })
  process.stdout.write(`${JSON.stringify({ project: found.project.name, session, event, events: details })}\n`)
}

function createPrinter(style: Style): Print {
  let lastProject: string | undefined
  return async (source, found) => {
    const { session, events } = await readSession(source, found)
    if (lastProject !== found.project.id) process.stdout.write(`${style.bold(toOneLine(found.project.name))}\n`)
    lastProject = found.project.id
    const facts = [new Date(session.startMs).toISOString(), session.source, `${session.events} events`, `${session.totalTokens} tokens`]
    process.stdout.write(`  ${toOneLine(session.name)} ${style.dim(toOneLine(`${facts.join(' · ')} · ${session.id}`))}\n`)
    const byParent = groupByParent(events)
    const ids = new Set(events.map(({ id }) => id))
    const roots = events.filter(({ parentId }) => parentId === null || !ids.has(parentId))
    await printEvents(source, roots, byParent, style)
  }
}

function groupByParent(events: readonly EventRow[]): Map<string | null, EventRow[]> {
  const groups = new Map<string | null, EventRow[]>()
  for (const event of events) {
    const group = groups.get(event.parentId)
    if (group === undefined) groups.set(event.parentId, [event])
    else group.push(event)
  }
  return groups
}

/** By a list of what is left to print, not by calls: a trace may be nested deeper than the stack. */
async function printEvents(
  source: TraceSource,
  roots: readonly EventRow[],
  byParent: ReadonlyMap<string | null, readonly EventRow[]>,
  style: Style,
): Promise<void> {
  const toEntries = (events: readonly EventRow[], indent: string): { event: EventRow; indent: string; isLast: boolean }[] =>
    events.map((event, i) => ({ event, indent, isLast: i === events.length - 1 })).reverse()
  const left = toEntries(roots, '    ')
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { event, indent, isLast } = next
    const below = `${indent}${isLast ? '   ' : '│  '}`
    process.stdout.write(`${indent}${isLast ? '└─' : '├─'} ${toLine(event, style)}\n`)
    const children = byParent.get(event.id) ?? []
    const detail = await readEvent(source, event)
    for (const [mark, content] of [
      ['in ', detail.inputs],
      ['out', detail.outputs],
    ] as const)
      if (Object.keys(content).length > 0)
        process.stdout.write(`${below}${children.length > 0 ? '│ ' : '  '}${style.dim(`${mark} ${shorten(JSON.stringify(content))}`)}\n`)
    for (const link of detail.linked) {
      const arrow = link.direction === 'to' ? 'opened inside' : 'contains'
      const other = link.event === null ? `span ${link.spanId}` : `"${link.event.name}"`
      process.stdout.write(`${below}${children.length > 0 ? '│ ' : '  '}${style.dim(toOneLine(`⇄ ${arrow} ${other} of another tracer`))}\n`)
    }
    left.push(...toEntries(children, below))
  }
}

function toLine(event: EventRow, style: Style): string {
  const facts = [event.type, event.model, event.totalTokens > 0 ? `${event.totalTokens} tokens` : null, `${event.durationMs.toFixed(1)} ms`]
  const failure = event.error === null ? '' : style.red(`  ${toOneLine(event.error.split('\n', 1)[0] ?? '')}`)
  return `${toOneLine(event.name)} ${style.dim(toOneLine(facts.filter(Boolean).join(' · ')))}${failure}`
}

function shorten(text: string): string {
  const shown = toOneLine(text)
  return shown.length <= MAX_TEXT ? shown : `${shown.slice(0, MAX_TEXT)}…`
}

function toLimit(text: string): number {
  const limit = Number(text)
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) throw new InvalidArgumentError('Give a whole number from 1 to 1000.')
  return limit
}
