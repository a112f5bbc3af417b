import { isObject } from '../otlp/json.js'
import { type Fields, fromWire, NAME, OBJECT, oneOf, required, TEXT, toPathPart, toReplyId, toWire } from './fields.js'
import type { RequestOptions, Send } from './request.js'
import { createWhole, type Results } from './results.js'

/** What can be said of a tool. */
export interface ToolChanges {
  readonly name: string
  /** JSON schema of its arguments. */
  readonly parameters: Readonly<Record<string, unknown>>
  readonly description?: string
}

/** A new tool. */
export interface NewTool extends ToolChanges {
  /** Name of the project. */
  readonly task: string
  /** @defaultValue `'function'` */
  readonly type?: 'function' | 'tool'
}

/** A tool as the server has it. */
export interface Tool extends ToolChanges {
  readonly id?: string
  readonly task?: string
  readonly toolType?: string
  readonly [field: string]: unknown
}

/** Tools that models may call. Newer servers have none, and answer with 404; the local server answers with 501. */
export interface ToolsResource {
  /** `GET /tools`. @throws HoneyHiveRequestError while it is read */
  list(options?: RequestOptions): Results<Tool>
  /** `POST /tools`. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  create(tool: NewTool, options?: RequestOptions): Promise<{ toolId: string }>
  /** `PUT /tools`. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  update(toolId: string, changes: ToolChanges, options?: RequestOptions): Promise<void>
  /** `DELETE /tools`. @throws HoneyHiveRequestError */
  delete(toolId: string, options?: RequestOptions): Promise<void>
}

const CHANGES: Fields<ToolChanges> = { name: required(NAME), parameters: required(OBJECT), description: TEXT }
const NEW: Fields<NewTool> = { ...CHANGES, task: required(NAME), type: oneOf(['function', 'tool']) }

const PATH = '/tools'

/** The resource over `send`. */
export function createTools(send: Send): ToolsResource {
  return {
    list: (options) =>
      createWhole(async () => {
        const reply = await send({ method: 'GET', path: PATH }, options)
        const listed: unknown = isObject(reply) ? reply.tools : reply
        return Array.isArray(listed) ? listed.map(toTool) : []
      }),
    async create(tool, options) {
      const body = { type: 'function', ...toWire(tool, NEW, 'tools.create') }
      const reply = await send({ method: 'POST', path: PATH, body }, options)
      const result = isObject(reply) && isObject(reply.result) ? reply.result : {}
      return { toolId: toReplyId(result.insertedId, `POST ${PATH}`) }
    },
    async update(toolId, changes, options) {
      toPathPart(toolId, 'toolId', 'tools.update')
      await send({ method: 'PUT', path: PATH, body: { id: toolId, ...toWire(changes, CHANGES, 'tools.update') } }, options)
    },
    async delete(toolId, options) {
      toPathPart(toolId, 'toolId', 'tools.delete')
      await send({ method: 'DELETE', path: PATH, query: { function_id: toolId } }, options)
    },
  }
}

/** Of the first generation, whose ids are `_id`. */
function toTool(record: unknown): Tool {
  const { _id: id, ...tool } = fromWire<Tool & { readonly _id?: string }>(record)
  return id === undefined ? tool : { ...tool, id }
}
