import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { DropList, ProjectSummary } from '../../page-api/contract.js'
import { toPath, useApi } from '../model/api.js'
import { useNow } from '../model/clock.js'
import { toAgo, toCount } from '../model/format.js'
import { useKeys } from '../model/keys.js'
import { useLive, useLiveState } from '../model/live.js'
import { useProjects } from '../model/projects.js'
import { type Route, toHash } from '../model/route.js'
import { applyTheme, readTheme, type Theme } from '../model/settings.js'
import { Icon, Mark, TenantCell } from './glyph.js'

const MANY_PROJECTS = 8
const RECENT_MS = 15_000
const SECTIONS = [
  { id: 'sessions', label: 'Sessions', key: 's' },
  { id: 'runs', label: 'Runs', key: 'r' },
  { id: 'datasets', label: 'Data sets', key: 'a' },
  { id: 'trends', label: 'Trends', key: 't' },
  { id: 'drops', label: 'Losses', key: 'd' },
] as const
const THEMES: readonly Theme[] = ['system', 'dark', 'light']

interface RailProps {
  /** Null until the server has answered. */
  readonly projects: readonly ProjectSummary[] | null
  readonly route: Route
  readonly onHelp: () => void
}

/** The column of projects: which tenant one looks at is never in doubt. */
export function Rail({ projects, route, onHelp }: RailProps): JSX.Element {
  const live = useLiveState()
  const nowMs = useNow()
  const { colourOf } = useProjects()
  const [area, current, section = 'sessions'] = route.parts
  const kept = section === 'compare' ? 'runs' : section
  const [wanted, setWanted] = useState('')
  const [isOpen, setOpen] = useState(false)
  // Whatever was chosen is what one wants to see.
  useEffect(() => setOpen(false), [route])
  const field = useRef<HTMLInputElement>(null)
  const shown = projects?.filter((project) => project.name.toLowerCase().includes(wanted.trim().toLowerCase()))
  useKeys({ p: () => field.current?.focus() })
  return (
    <nav class={`rail${isOpen ? ' is-open' : ''}`} aria-label="Projects">
      <a class="brand" href="#/">
        <Mark />
        <span>
          Local <b>hive</b>
        </span>
      </a>
      <button type="button" class="rail-toggle" aria-expanded={isOpen} aria-controls="rail-body" onClick={() => setOpen(!isOpen)}>
        {area === 'p' ? (projects?.find(({ id }) => id === current)?.name ?? 'Projects') : area === 'processes' ? 'Processes' : 'Projects'}
        <Icon name="chevron" />
      </button>
      <div class="rail-body" id="rail-body">
        <h2 id="rail-projects">Projects</h2>
        {(projects?.length ?? 0) > MANY_PROJECTS && (
          <input
            ref={field}
            type="search"
            class="rail-search"
            aria-label="Find a project"
            placeholder={`Find in ${projects?.length}  ( p )`}
            value={wanted}
            onInput={(event) => setWanted(event.currentTarget.value)}
          />
        )}
        <ul aria-labelledby="rail-projects">
          {shown?.map((project) => (
            <li key={project.id}>
              <a
                class="rail-item"
                href={toHash(['p', project.id, kept])}
                aria-current={area === 'p' && current === project.id ? 'page' : undefined}
                title={`${project.name}: ${project.sessions} sessions, ${project.events} events, ${project.runs} runs`}
              >
                <TenantCell colour={colourOf(project.id)} isLive={nowMs - (project.lastSeenMs ?? 0) < RECENT_MS} />
                <span class="rail-name">{project.name}</span>
                <span class="rail-count mono">{toCount(project.sessions)}</span>
                <span class="rail-seen mono">{project.lastSeenMs === null ? '' : toAgo(project.lastSeenMs, nowMs)}</span>
              </a>
            </li>
          ))}
          {shown?.length === 0 && <li class="rail-none">{wanted ? 'No such project' : 'None yet'}</li>}
        </ul>
        <h2>Across projects</h2>
        <a class="rail-item is-plain" href={toHash(['processes'])} aria-current={area === 'processes' ? 'page' : undefined}>
          <span class="rail-lanes" aria-hidden="true" />
          <span class="rail-name">Processes</span>
        </a>
        <div class="rail-foot">
          <span class={`live is-${live}`} role="status">
            {live === 'live' ? 'Live' : live === 'lost' ? 'Connection lost' : 'Connecting'}
          </span>
          <ThemeButton />
          <button type="button" class="rail-button" onClick={onHelp} aria-label="Keyboard help" title="Keyboard help (?)">
            ?
          </button>
        </div>
      </div>
    </nav>
  )
}

/** Goes from system to dark to light and round again. */
export function nextTheme(): void {
  applyTheme(THEMES[(THEMES.indexOf(readTheme()) + 1) % THEMES.length] ?? 'system')
}

function ThemeButton(): JSX.Element {
  const [theme, setTheme] = useState(readTheme)
  const label = `Theme: ${theme === 'system' ? 'as the system' : theme}. Change it.`
  const change = (): void => {
    nextTheme()
    setTheme(readTheme())
  }
  return (
    <button type="button" class="rail-button" onClick={change} aria-label={label} title={`${label} (T)`}>
      <Icon name={theme === 'dark' ? 'moon' : theme === 'light' ? 'sun' : 'auto'} />
    </button>
  )
}

/** The head of a project: its name, its sections, and whether anything of it was lost. */
export function ProjectTabs({ route }: { readonly route: Route }): JSX.Element | null {
  const [area, project, section = 'sessions', id] = route.parts
  const { nameOf, colourOf } = useProjects()
  const drops = useApi<DropList>(area === 'p' && project ? toPath('/api/drops', { project }) : null)
  useLive((message) => message.projectId === project, drops.reload, 4000)
  if (area !== 'p' || !project) return null
  const lost = drops.data?.drops.reduce((sum, drop) => sum + drop.count, 0) ?? 0
  const active = section === 'compare' ? 'runs' : section
  return (
    <header class="project-head" style={{ '--tenant': `var(${colourOf(project)})` }}>
      <h1>
        <TenantCell colour={colourOf(project)} />
        {nameOf(project)}
      </h1>
      <ul class="tabs">
        {SECTIONS.map((one) => (
          <li key={one.id}>
            <a
              href={toHash(['p', project, one.id])}
              aria-current={active === one.id ? (id ? 'true' : 'page') : undefined}
              title={`${one.label} (g ${one.key})`}
            >
              {one.label}
              {one.id === 'drops' && lost > 0 && <span class="badge is-bad">{toCount(lost)}</span>}
            </a>
          </li>
        ))}
      </ul>
    </header>
  )
}
