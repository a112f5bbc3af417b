import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { ProjectSummary } from '../../page-api/contract.js'

/** The projects of the server, for names and colours anywhere in the page. */
export const Projects: ReturnType<typeof createContext<readonly ProjectSummary[]>> = createContext<readonly ProjectSummary[]>([])

const COLOURS = 10

/** Names by project id, colours by id or name. A colour is stable for a name as long as no two names want the same one. */
export function useProjects(): { readonly nameOf: (id: string) => string; readonly colourOf: (id: string) => string } {
  const projects = useContext(Projects)
  const slots = toSlots(projects)
  return {
    nameOf: (id) => projects.find((project) => project.id === id)?.name ?? id,
    colourOf: (id) => `--tenant-${slots.get(id) ?? 0}`,
  }
}

function toSlots(projects: readonly ProjectSummary[]): ReadonlyMap<string, number> {
  const taken = new Set<number>()
  const slots = new Map<string, number>()
  for (const project of [...projects].sort((a, b) => a.name.localeCompare(b.name))) {
    let slot = hash(project.name) % COLOURS
    for (let tries = 0; taken.has(slot) && tries < COLOURS; tries++) slot = (slot + 1) % COLOURS
    taken.add(slot)
    slots.set(project.id, slot)
    slots.set(project.name, slot)
  }
  return slots
}

function hash(text: string): number {
  let sum = 7
  for (const char of text) sum = (sum * 31 + char.charCodeAt(0)) >>> 0
  return sum
}
