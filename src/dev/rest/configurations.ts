/** Configurations, which are prompts with the model they are for. */
import { type DevContext, projectsOf, senderOf, writeAs, type WriteScope } from '../context.js'
import type { App, Call } from '../http/call.js'
import { readObject } from '../http/body.js'
import { badRequest, notFound } from '../http/http-error.js'
import { sendLarge } from '../http/reply.js'
import { isObject, type JsonObject, toNonEmptyText, toStrings } from '../../otlp/json.js'
import type { Reader } from '../store/database.js'
import { addDocument, changeDocument, eachDocument, findDocument, removeDocument, type StoredDocument } from '../store/documents.js'
import { bothVersions, forGeneration, isFirst } from './generations.js'

const FIELDS = ['name', 'type', 'provider', 'parameters', 'env', 'tags', 'user_properties'] as const
const DEFAULTS: JsonObject = { type: 'LLM', env: [], tags: [], user_properties: null }

/** The routes of configurations. */
export function addConfigurationRoutes(app: App, context: DevContext): void {
  app.on('GET', bothVersions('/configurations'), (c) => sendAll(context, c))
  app.on('POST', bothVersions('/configurations'), (c) => create(context, c))
  app.on('PUT', bothVersions('/configurations/:id'), (c) => update(context, c))
  app.on('DELETE', bothVersions('/configurations/:id'), (c) => remove(context, c))
}

function sendAll({ store, ...context }: DevContext, c: Call): Response {
  const projectIds = projectsOf({ store, ...context }, c.env.incoming, c.req.query('project'))
  const found = eachConfiguration(store, projectIds, c)
  // The first generation of clients reads the list itself.
  return isFirst(c) ? c.json([...found]) : sendLarge(c, { configurations: found })
}

function* eachConfiguration(reader: Reader, projectIds: readonly number[], c: Call): Generator<JsonObject> {
  const [name, env] = [c.req.query('name'), c.req.query('env')]
  const tags = [...(c.req.queries('tags[]') ?? []), ...(c.req.queries('tags') ?? [])]
  for (const configuration of eachDocument(reader, 'configuration', projectIds)) {
    const { body } = configuration
    const isWanted =
      (name === undefined || body.name === name) &&
      (env === undefined || toStrings(body.env).includes(env)) &&
      tags.every((tag) => toStrings(body.tags).includes(tag))
    if (isWanted) yield forGeneration(c, toRest(configuration))
  }
}

async function create(context: DevContext, c: Call): Promise<Response> {
  const body = await readObject(c.env.incoming, context.limits)
  const fields = readFields(body)
  for (const field of ['name', 'provider', 'parameters'] as const) if (fields[field] === undefined) throw badRequest(`${field} is required`)
  const { id } = await writeAs(context, senderOf(context, c.env.incoming), ({ tx, projectOf }) =>
    addDocument(tx, 'configuration', projectOf(toNonEmptyText(body.project)), { ...DEFAULTS, ...fields }),
  )
  return c.json({ acknowledged: true, insertedId: id })
}

async function update(context: DevContext, c: Call): Promise<Response> {
  const fields = readFields(await readObject(c.env.incoming, context.limits))
  await writeAs(context, senderOf(context, c.env.incoming), (scope) => {
    const configuration = findConfiguration(scope, c.req.param('id'))
    changeDocument(scope.tx, 'configuration', configuration, { ...configuration.body, ...fields })
  })
  return c.json({ acknowledged: true, modifiedCount: 1, upsertedId: null, upsertedCount: 0, matchedCount: 1 })
}

async function remove(context: DevContext, c: Call): Promise<Response> {
  await writeAs(context, senderOf(context, c.env.incoming), (scope) =>
    removeDocument(scope.tx, 'configuration', findConfiguration(scope, c.req.param('id')).id),
  )
  return c.json({ acknowledged: true, deletedCount: 1 })
}

function readFields(body: JsonObject): JsonObject {
  if (body.name !== undefined && toNonEmptyText(body.name) === undefined) throw badRequest('name must be a text')
  if (body.parameters !== undefined && !isObject(body.parameters)) throw badRequest('parameters must be an object')
  return Object.fromEntries(FIELDS.filter((field) => body[field] !== undefined).map((field) => [field, body[field]]))
}

function findConfiguration({ tx, projectIds }: WriteScope, id: string | undefined): StoredDocument {
  const configuration = findDocument(tx, 'configuration', id ?? '', projectIds())
  if (configuration === undefined) throw notFound('Configuration')
  return configuration
}

function toRest({ id, projectId, createdMs, updatedMs, body }: StoredDocument): JsonObject {
  return {
    ...body,
    id,
    project: String(projectId),
    created_at: new Date(createdMs).toISOString(),
    updated_at: new Date(updatedMs).toISOString(),
  }
}
