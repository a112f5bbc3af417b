import { isObject } from '../otlp/json.js'
import { type Fields, fromWire, fromWireList, NAME, required, TEXT, toPathPart, toWire } from './fields.js'
import type { Query, RequestOptions, Send } from './request.js'
import { createWhole, type Results } from './results.js'

/** A project as the server has it. */
export interface Project {
  readonly id?: string
  readonly name: string
  readonly description?: string
  readonly [field: string]: unknown
}

/** Which projects are listed. */
export interface ListProjects {
  readonly name?: string
}

/** A new project. */
export interface NewProject {
  readonly name: string
  readonly description?: string
}

/** Projects. Newer servers have them in their control plane, and answer here with 404; the local server answers with 501. */
export interface ProjectsResource {
  /** `GET /projects`. @throws HoneyHiveConfigError at once, HoneyHiveRequestError while it is read */
  list(query?: ListProjects, options?: RequestOptions): Results<Project>
  /** `POST /projects`. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  create(project: NewProject, options?: RequestOptions): Promise<Project>
  /** `PUT /projects`. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  update(projectId: string, changes: Partial<NewProject>, options?: RequestOptions): Promise<void>
  /** `DELETE /projects`: by name, as the API has it. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  delete(name: string, options?: RequestOptions): Promise<void>
}

const LIST: Fields<ListProjects> = { name: TEXT }
const CHANGES: Fields<Partial<NewProject>> = { name: NAME, description: TEXT }
const NEW: Fields<NewProject> = { name: required(NAME), description: TEXT }

const PATH = '/projects'

/** The resource over `send`. */
export function createProjects(send: Send): ProjectsResource {
  return {
    list(query = {}, options) {
      const wire = toWire(query, LIST, 'projects.list')
      return createWhole(async () => {
        const reply = await send({ method: 'GET', path: PATH, query: wire as Query }, options)
        return fromWireList<Project>(isObject(reply) ? reply.projects : reply)
      })
    },
    async create(project, options) {
      return fromWire<Project>(await send({ method: 'POST', path: PATH, body: toWire(project, NEW, 'projects.create') }, options))
    },
    async update(projectId, changes, options) {
      toPathPart(projectId, 'projectId', 'projects.update')
      const body = { project_id: projectId, ...toWire(changes, CHANGES, 'projects.update') }
      await send({ method: 'PUT', path: PATH, body }, options)
    },
    async delete(name, options) {
      toPathPart(name, 'name', 'projects.delete')
      await send({ method: 'DELETE', path: PATH, query: { name } }, options)
    },
  }
}
