/** What the page asks for; see `contract.ts`. */
import { createRouter } from '../http/app.js'
import type { App, Call } from '../http/call.js'
import { HttpError, notFound } from '../http/http-error.js'
import type { LiveFeed } from '../http/live.js'
import { sendLarge } from '../http/reply.js'
import { toFiniteNumber } from '../../otlp/json.js'
import type { Reader } from '../store/database.js'
import { findProject, listProjectIds } from '../store/projects.js'
import { eachCall } from './conversation.js'
import { listProcesses, readEvent, readEventPage, readProcess, readSession } from './events.js'
import { listDatasets, readDataset } from './datasets.js'
import { addEditRoutes, type EditTarget } from './edits.js'
import { addExportRoutes } from './export-routes.js'
import { eachMatch } from './session-search.js'
import type { PriceTable } from '../prices/price-table.js'
import type { RunPages } from './runs.js'
import { findSession, listProjects, listSessions } from './sessions.js'
import { listDrops, readStats } from './stats.js'

/** What these routes read from. */
export interface PageSources {
  readonly reader: Reader
  readonly runs: RunPages
  readonly prices: PriceTable
  /** Without one, there is no news: a file that is only read does not change. */
  readonly live?: LiveFeed
  /** Without one, nothing can be changed. */
  readonly edits?: EditTarget
}

/** The routes under `/api`. */
export function createPageApi({ reader, runs, prices, live, edits }: PageSources): App {
  const app = createRouter()
  const projectOf = (c: Call): number | undefined => readProject(reader, c)
  const projectsOf = (c: Call): number[] => listProjectIds(reader, projectOf(c))
  app.get('/projects', (c) => c.json({ projects: listProjects(reader) }))
  app.get('/sessions', (c) => c.json(listSessions(reader, { ...readFilter(c), projectId: projectOf(c) })))
  app.get('/sessions/:id', (c) => sendLarge(c, { ...found(readSession(reader, c.req.param('id'), projectOf(c)), 'Session') }))
  app.get('/sessions/:id/conversation', (c) =>
    sendLarge(c, { calls: eachCall(reader, found(findSession(reader, c.req.param('id'), projectOf(c)), 'Session')) }),
  )
  app.get('/sessions/:id/search', (c) => {
    const { id, projectId } = found(findSession(reader, c.req.param('id'), projectOf(c)), 'Session')
    return sendLarge(c, { matches: eachMatch(reader, { projectId: Number(projectId), sessionId: id }, c.req.query('q') ?? '') })
  })
  app.get('/events/:id', (c) => c.json(found(readEvent(reader, c.req.param('id'), projectOf(c)), 'Event')))
  app.get('/events/:id/page', (c) => c.json(found(readEventPage(reader, prices, c.req.param('id'), projectOf(c)), 'Event')))
  app.get('/processes', (c) => c.json({ processes: listProcesses(reader) }))
  app.get('/processes/:id', (c) => sendLarge(c, { ...found(readProcess(reader, c.req.param('id'), readRange(c)), 'Process') }))
  app.get('/runs', async (c) => c.json({ runs: await runs.list(projectOf(c)) }))
  app.get('/runs/:id', async (c) => sendLarge(c, { ...(await runs.detail(c.req.param('id'))) }))
  app.get('/comparison', async (c) => sendLarge(c, { ...(await runs.comparison(c.req.queries('run') ?? [])) }))
  app.get('/stats', (c) =>
    c.json(readStats(reader, { ...readRange(c), projectId: projectOf(c), bucketMs: toFiniteNumber(c.req.query('bucketMs')) })),
  )
  app.get('/drops', (c) => c.json(listDrops(reader, projectOf(c))))
  app.get('/datasets', (c) => c.json({ datasets: listDatasets(reader, projectsOf(c)) }))
  app.get('/datasets/:id', (c) => sendLarge(c, { ...found(readDataset(reader, projectsOf(c), c.req.param('id')), 'Dataset') }))
  addExportRoutes(app, { reader, runs, projectOf })
  if (edits !== undefined) addEditRoutes(app, edits)
  app.get('/live', (c) => {
    const stream = live?.open()
    if (stream === undefined) throw new HttpError(503, 'Too many open pages', { headers: { 'retry-after': '5' } })
    c.header('content-type', 'text/event-stream')
    return c.body(stream)
  })
  return app
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw notFound(what)
  return value
}

/** The project a query names by id or name; nothing named means all. @throws HttpError 404 for an unknown one. */
function readProject(reader: Reader, c: Call): number | undefined {
  const name = c.req.query('project') ?? ''
  return name === '' ? undefined : found(findProject(reader, name), 'Project')
}

/** `fromMs` and `toMs` of a query; what is no number counts as not given. */
function readRange(c: Call): { fromMs: number | undefined; toMs: number | undefined } {
  return { fromMs: toFiniteNumber(c.req.query('fromMs')), toMs: toFiniteNumber(c.req.query('toMs')) }
}

/** `1` and `0`; anything else counts as not given. */
function readFlag(text: string | undefined): boolean | undefined {
  return text === '1' ? true : text === '0' ? false : undefined
}

function readFilter(c: Call): Parameters<typeof listSessions>[1] {
  return {
    ...readRange(c),
    q: c.req.query('q'),
    type: c.req.query('type'),
    error: c.req.query('error') === '1',
    source: c.req.query('source'),
    evaluation: readFlag(c.req.query('evaluation')),
    sort: c.req.query('sort'),
    order: c.req.query('order') === 'asc' ? 'asc' : 'desc',
    metadata: c.req.query('metadata'),
    cursor: c.req.query('cursor'),
    limit: toFiniteNumber(c.req.query('limit')),
  }
}
