import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { ProjectList, ProjectSummary } from '../page-api/contract.js'
import { type Loaded, useApi } from './model/api.js'
import { useKeys } from './model/keys.js'
import { useLive } from './model/live.js'
import { Projects, useProjects } from './model/projects.js'
import { navigate, type Route, readRoute, toHash, useRoute } from './model/route.js'
import { Help } from './parts/help.js'
import { later } from './parts/later.js'
import { ConnectSteps, Empty, Failure, Loading } from './parts/notice.js'
import { nextTheme, ProjectTabs, Rail } from './parts/shell.js'
import { Toasts } from './parts/toasts.js'
import { DropsView } from './views/drops.js'
import { EventRedirect } from './views/event-redirect.js'
import { ProcessView } from './views/process.js'
import { ProcessesView } from './views/processes.js'
import { RunView } from './views/run.js'
import { RunsView } from './views/runs.js'
import { SessionView } from './views/session.js'
import { SessionsView } from './views/sessions.js'

const PROJECTS_EVERY_MS = 1500
const CompareView = later('the comparison', async () => (await import('./views/compare.js')).CompareView)
const DatasetView = later('the data set', async () => (await import('./views/datasets.js')).DatasetView)
const DatasetsView = later('the data sets', async () => (await import('./views/datasets.js')).DatasetsView)
const TrendsView = later('the trends', async () => (await import('./views/trends.js')).TrendsView)
const SECTIONS = { s: 'sessions', r: 'runs', a: 'datasets', t: 'trends', d: 'drops' } as const

/** The whole page: projects at the left, the view that the address names beside them. */
export function App(): JSX.Element {
  const route = useRoute()
  const projects = useApi<ProjectList>('/api/projects')
  const main = useRef<HTMLElement>(null)
  const [isHelpOpen, setHelpOpen] = useState(false)
  const list = projects.data?.projects ?? []
  useLive(() => true, projects.reload, PROJECTS_EVERY_MS)
  useFirstProject(route, list)
  useTitle(route, list)
  useGlobalKeys(list, () => setHelpOpen((old) => !old))
  return (
    <Projects.Provider value={list}>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the view
      </button>
      <div class="shell">
        <Rail projects={projects.data ? list : null} route={route} onHelp={() => setHelpOpen(true)} />
        <main ref={main} tabIndex={-1} class={`view-${route.parts[2] ?? route.parts[0] ?? 'home'}`}>
          {isKnownProject(route, list) ? <ProjectTabs route={route} /> : <h1 class="sr">{toHeading(route)}</h1>}
          <View route={route} projects={projects} />
        </main>
      </div>
      <Toasts />
      {isHelpOpen && <Help onClose={() => setHelpOpen(false)} />}
    </Projects.Provider>
  )
}

function View({ route, projects }: { readonly route: Route; readonly projects: Loaded<ProjectList> }): JSX.Element {
  const [area, project = '', section = 'sessions', id] = route.parts
  if (area === 'processes') return project ? <ProcessView key={project} id={project} route={route} /> : <ProcessesView />
  if (area === 'events' && project) return <EventRedirect key={project} id={project} project={route.query.get('project')} />
  if (area === undefined) return <Home projects={projects} />
  if (area !== 'p' || (section !== undefined && !SECTION_NAMES.has(section))) return <Unknown projects={projects} />
  if (!isKnownProject(route, projects.data?.projects ?? [])) {
    if (projects.error) return <Failure error={projects.error} onRetry={projects.reload} />
    return projects.data ? <Unknown projects={projects} project={project} /> : <Loading what="the projects" />
  }
  if (section === 'sessions')
    return id ? (
      <SessionView key={id} project={project} id={id} route={route} />
    ) : (
      <SessionsView key={project} project={project} route={route} />
    )
  if (section === 'runs')
    return id ? <RunView key={id} project={project} id={id} /> : <RunsView key={project} project={project} route={route} />
  const compared = section === 'compare' ? route.parts.slice(3) : []
  if (compared.length > 1) return <CompareView key={compared.join(' ')} project={project} ids={compared} route={route} />
  if (section === 'datasets')
    return id ? <DatasetView key={id} project={project} id={id} /> : <DatasetsView key={project} project={project} />
  if (section === 'trends') return <TrendsView key={project} project={project} route={route} />
  if (section === 'drops') return <DropsView key={project} project={project} />
  return <Unknown projects={projects} />
}

const SECTION_NAMES: ReadonlySet<string> = new Set(['sessions', 'runs', 'compare', 'datasets', 'trends', 'drops'])

/** A name stands for its id until the address is put right. */
function isKnownProject({ parts: [area, project] }: Route, projects: readonly ProjectSummary[]): boolean {
  return area === 'p' && projects.some(({ id, name }) => id === project || name === project)
}

function toHeading({ parts: [area] }: Route): string {
  return area === 'processes' ? 'Processes' : 'Local hive'
}

interface UnknownProps {
  readonly projects: Loaded<ProjectList>
  /** The project that is not there, when the address is fine but for that. */
  readonly project?: string
}

/** An address that leads nowhere says so, and where one can go from here. */
function Unknown({ projects, project }: UnknownProps): JSX.Element {
  const { nameOf } = useProjects()
  const list = projects.data?.projects ?? []
  return (
    <Empty title={project === undefined ? 'There is nothing at this address' : 'There is no such project here'}>
      <p class="mono unknown-address">{location.hash}</p>
      <p>
        {project === undefined
          ? 'It may be misspelt, or of another version of this page.'
          : 'It may be of another database: this server has the projects below.'}
      </p>
      <ul class="tenants">
        {list.slice(0, 20).map(({ id }) => (
          <li key={id}>
            <a class="button" href={toHash(['p', id, 'sessions'])}>
              {nameOf(id)}
            </a>
          </li>
        ))}
      </ul>
      {list.length === 0 && (
        <a class="button" href="#/">
          Go to the start
        </a>
      )}
    </Empty>
  )
}

function Home({ projects }: { readonly projects: Loaded<ProjectList> }): JSX.Element {
  if (projects.error) return <Failure error={projects.error} onRetry={projects.reload} />
  if (!projects.data) return <Loading what="the projects" />
  return (
    <Empty title="Nothing has arrived yet">
      <ConnectSteps />
    </Empty>
  )
}

/** Without a project in the address the one seen last; a name in the place of an id is replaced by the id. */
function useFirstProject(route: Route, projects: readonly ProjectSummary[]): void {
  useEffect(() => {
    const newest = [...projects].sort((a, b) => (b.lastSeenMs ?? 0) - (a.lastSeenMs ?? 0))[0]
    const named = projects.find((project) => project.name === route.parts[1])
    if (route.parts[0] === 'p' && named && !projects.some((project) => project.id === route.parts[1])) {
      navigate(toHash(['p', named.id, ...route.parts.slice(2)], Object.fromEntries(route.query)), { replace: true })
    }
    if (route.parts.length === 0 && newest) navigate(toHash(['p', newest.id, 'sessions']), { replace: true })
  }, [route, projects])
}

function useTitle(route: Route, projects: readonly ProjectSummary[]): void {
  useEffect(() => {
    const name = projects.find((project) => project.id === route.parts[1])?.name
    const section = route.parts[0] === 'processes' ? 'processes' : (route.parts[2] ?? null)
    document.title = [section, name, 'Local hive'].filter(Boolean).join(' · ')
  }, [route, projects])
}

function useGlobalKeys(projects: readonly ProjectSummary[], toggleHelp: () => void): void {
  const go = (section: string): void => {
    const [area, project] = readRoute().parts
    const target = area === 'p' ? project : projects[0]?.id
    if (target) navigate(toHash(['p', target, section]))
  }
  const step = (by: number): void => {
    const parts = readRoute().parts
    const at = projects.findIndex((project) => project.id === parts[1])
    const next = projects[(at + by + projects.length) % projects.length]
    if (next) navigate(toHash(['p', next.id, parts[2] === 'compare' ? 'runs' : (parts[2] ?? 'sessions')]))
  }
  useKeys({
    '?': toggleHelp,
    'g s': () => go(SECTIONS.s),
    'g r': () => go(SECTIONS.r),
    'g a': () => go(SECTIONS.a),
    'g t': () => go(SECTIONS.t),
    'g d': () => go(SECTIONS.d),
    'g p': () => navigate(toHash(['processes'])),
    ']': () => step(1),
    '[': () => step(-1),
    T: nextTheme,
  })
}
