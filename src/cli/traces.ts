import { type Command, InvalidArgumentError } from 'commander'
import type { EventRow, ProjectList, SessionDetail, SessionList } from '../dev/page-api/contract.js'
import { getJson, SERVER_OPTIONS, type ServerFlags, withServer } from './server-api.js'
import { createStyle, type Style } from './style.js'

interface TracesFlags extends ServerFlags {
  readonly project?: string
  readonly limit: number
}

/** `honeyhive-tracer traces`: the newest sessions as trees of text. */
export function addTracesCommand(program: Command): void {
  const command = program.command('traces').description('print the newest traces as trees')
  for (const [flags, description, fallback] of SERVER_OPTIONS) command.option(flags, description, fallback)
  command
    .option('--project <name>', 'only this project')
    .option('--limit <number>', 'sessions for each project', toLimit, 5)
    .action((flags: TracesFlags) => withServer(flags, (baseUrl) => printTraces(baseUrl, flags)))
}

async function printTraces(baseUrl: string, { project, limit }: TracesFlags): Promise<void> {
  const style = createStyle()
  const { projects } = await getJson<ProjectList>(baseUrl, '/api/projects')
  const wanted = projects.filter(({ name, id }) => project === undefined || name === project || id === project)
  if (wanted.length === 0) process.stdout.write('Nothing has arrived yet. Set HH_API_URL and HH_API_KEY in your program and run it.\n')
  for (const { id, name } of wanted) {
    process.stdout.write(`${style.bold(name)}\n`)
    const { sessions } = await getJson<SessionList>(baseUrl, `/api/sessions?project=${encodeURIComponent(id)}&limit=${limit}`)
    for (const session of sessions) await printSession(baseUrl, session.id, id, style)
  }
}

async function printSession(baseUrl: string, sessionId: string, projectId: string, style: Style): Promise<void> {
  const path = `/api/sessions/${encodeURIComponent(sessionId)}?project=${encodeURIComponent(projectId)}`
  const { session, events } = await getJson<SessionDetail>(baseUrl, path)
  const facts = [new Date(session.startMs).toISOString(), session.source, `${session.events} events`, `${session.totalTokens} tokens`]
  process.stdout.write(`  ${session.name} ${style.dim(`${facts.join(' · ')} · ${session.id}`)}\n`)
  const byParent = groupByParent(events)
  const ids = new Set(events.map(({ id }) => id))
  const roots = events.filter(({ parentId }) => parentId === null || !ids.has(parentId))
  printEvents(roots, byParent, '    ', style)
}

function groupByParent(events: readonly EventRow[]): Map<string | null, EventRow[]> {
  const groups = new Map<string | null, EventRow[]>()
  for (const event of events) groups.set(event.parentId, [...(groups.get(event.parentId) ?? []), event])
  return groups
}

function printEvents(
  events: readonly EventRow[],
  byParent: ReadonlyMap<string | null, readonly EventRow[]>,
  indent: string,
  style: Style,
): void {
  for (const [i, event] of events.entries()) {
    const isLast = i === events.length - 1
    const facts = [
      event.type,
      event.model,
      event.totalTokens > 0 ? `${event.totalTokens} tokens` : null,
      `${event.durationMs.toFixed(1)} ms`,
    ]
    const failure = event.error === null ? '' : style.red(`  ${event.error.split('\n', 1)[0] ?? ''}`)
    process.stdout.write(`${indent}${isLast ? '└─' : '├─'} ${event.name} ${style.dim(facts.filter(Boolean).join(' · '))}${failure}\n`)
    printEvents(byParent.get(event.id) ?? [], byParent, `${indent}${isLast ? '   ' : '│  '}`, style)
  }
}

function toLimit(text: string): number {
  const limit = Number(text)
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) throw new InvalidArgumentError('Give a whole number from 1 to 1000.')
  return limit
}
