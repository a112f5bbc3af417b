/** What the page asks for; see `page-api.ts`. */
import type { Database } from '../store/database.js'
import { listProcesses, readEvent, readProcess, readSession } from './events.js'
import { HttpError, notFound } from '../http/http-error.js'
import { toFiniteNumber } from '../../otlp/json.js'
import type { LiveFeed } from '../http/live.js'
import type { ProjectStore } from '../store/projects.js'
import { sendJson } from '../http/reply.js'
import type { RunPages } from './runs.js'
import type { Exchange, Route } from '../http/router.js'
import { listProjects, listSessions } from './sessions.js'
import { listDrops, readStats } from './stats.js'

/** What these routes read from. */
export interface PageSources {
  readonly database: Database
  readonly projects: ProjectStore
  readonly live: LiveFeed
  readonly runs: RunPages
}

/** The routes under `/api`. */
export function createPageRoutes({ database, projects, live, runs }: PageSources): readonly Route[] {
  const projectOf = (query: URLSearchParams): number | undefined => readProject(projects, query)
  return [
    ['GET', '/api/projects', ({ response }) => sendJson(response, { projects: listProjects(database) })],
    [
      'GET',
      '/api/sessions',
      ({ response, query }) => sendJson(response, listSessions(database, { ...readFilter(query), projectId: projectOf(query) })),
    ],
    [
      'GET',
      '/api/sessions/:id',
      ({ response, params, query }) => sendFound(response, readSession(database, params.id ?? '', projectOf(query)), 'Session'),
    ],
    [
      'GET',
      '/api/events/:id',
      ({ response, params, query }) => sendFound(response, readEvent(database, params.id ?? '', projectOf(query)), 'Event'),
    ],
    ['GET', '/api/processes', ({ response }) => sendJson(response, { processes: listProcesses(database) })],
    [
      'GET',
      '/api/processes/:id',
      ({ response, params, query }) => sendFound(response, readProcess(database, params.id ?? '', readRange(query)), 'Process'),
    ],
    ['GET', '/api/runs', ({ response, query }) => sendJson(response, { runs: runs.list(projectOf(query)) })],
    ['GET', '/api/runs/:id', ({ response, params }) => sendJson(response, runs.detail(params.id ?? ''))],
    [
      'GET',
      '/api/runs/:newId/compare/:oldId',
      ({ response, params }) => sendJson(response, runs.compare(params.newId ?? '', params.oldId ?? '')),
    ],
    [
      'GET',
      '/api/stats',
      ({ response, query }) =>
        sendJson(
          response,
          readStats(database, { ...readRange(query), projectId: projectOf(query), bucketMs: toFiniteNumber(query.get('bucketMs')) }),
        ),
    ],
    ['GET', '/api/drops', ({ response, query }) => sendJson(response, listDrops(database, projectOf(query)))],
    ['GET', '/api/live', ({ response }) => openLive(live, response)],
  ]
}

function openLive(live: LiveFeed, response: Exchange['response']): void {
  if (!live.open(response)) throw new HttpError(503, 'Too many open pages', { headers: { 'retry-after': '5' } })
}

function sendFound(response: Exchange['response'], found: unknown, what: string): void {
  if (found === undefined) throw notFound(what)
  sendJson(response, found)
}

/** The project a query names by id or name; nothing named means all. @throws HttpError 404 for an unknown one. */
export function readProject(projects: ProjectStore, query: URLSearchParams): number | undefined {
  const name = query.get('project') ?? ''
  if (name === '') return undefined
  const id = projects.find(name)
  if (id === undefined) throw notFound('Project')
  return id
}

/** `fromMs` and `toMs` of a query; what is no number counts as not given. */
export function readRange(query: URLSearchParams): { fromMs: number | undefined; toMs: number | undefined } {
  return { fromMs: toFiniteNumber(query.get('fromMs')), toMs: toFiniteNumber(query.get('toMs')) }
}

function readFilter(query: URLSearchParams): Parameters<typeof listSessions>[1] {
  const text = (name: string): string | undefined => query.get(name) ?? undefined
  return {
    ...readRange(query),
    q: text('q'),
    type: text('type'),
    error: query.get('error') === '1',
    source: text('source'),
    metadata: text('metadata'),
    cursor: text('cursor'),
    limit: toFiniteNumber(query.get('limit')),
  }
}
