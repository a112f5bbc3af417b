import { isObject, type JsonObject } from '../otlp/json.js'
import { isMapLike } from '../options/spec.js'
import {
  type Fields,
  type FieldSpec,
  fromWire,
  NAME,
  OBJECT,
  oneOf,
  required,
  TEXT,
  TEXTS,
  toPathPart,
  toReplyId,
  toWire,
} from './fields.js'
import type { Query, RequestOptions, Send } from './request.js'
import { createWhole, type Results } from './results.js'

/** How a model is called. Further fields travel as they are. */
export interface ConfigurationParameters {
  readonly callType: 'chat' | 'completion'
  readonly model: string
  readonly hyperparameters?: Readonly<Record<string, unknown>>
  readonly responseFormat?: Readonly<Record<string, unknown>>
  readonly selectedFunctions?: readonly Readonly<Record<string, unknown>>[]
  readonly functionCallParams?: 'none' | 'auto' | 'force'
  readonly forceFunction?: Readonly<Record<string, unknown>>
  /** The prompt: messages with `{{variables}}`, or one text. */
  readonly template?: readonly { readonly role: string; readonly content: string }[] | string
  readonly [field: string]: unknown
}

/** What can be said of a configuration. */
export interface ConfigurationChanges {
  readonly name: string
  readonly provider?: string
  readonly parameters?: ConfigurationParameters
  /** @defaultValue `'LLM'` */
  readonly type?: 'LLM' | 'pipeline'
  readonly env?: readonly ('dev' | 'staging' | 'prod')[]
  readonly tags?: readonly string[]
  readonly userProperties?: Readonly<Record<string, unknown>>
}

/** A new configuration. */
export interface NewConfiguration extends ConfigurationChanges {
  readonly provider: string
  readonly parameters: ConfigurationParameters
}

/** A configuration as the server has it: a prompt and the model it is for. */
export interface Configuration extends NewConfiguration {
  readonly id: string
  readonly createdAt?: string
  readonly updatedAt?: string
  readonly [field: string]: unknown
}

/** Which configurations are listed. */
export interface ListConfigurations {
  readonly name?: string
  readonly env?: 'dev' | 'staging' | 'prod'
  readonly tags?: readonly string[]
}

/** Prompts and the models they are for. */
export interface ConfigurationsResource {
  /** `GET /v1/configurations`. @throws HoneyHiveConfigError at once, HoneyHiveRequestError while it is read */
  list(query?: ListConfigurations, options?: RequestOptions): Results<Configuration>
  /** `POST /v1/configurations`. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  create(configuration: NewConfiguration, options?: RequestOptions): Promise<{ configurationId: string }>
  /** `PUT /v1/configurations/{id}`; each field that is given replaces the one there was. @throws HoneyHiveRequestError, HoneyHiveConfigError */
  update(configurationId: string, changes: ConfigurationChanges, options?: RequestOptions): Promise<void>
  /** `DELETE /v1/configurations/{id}`. @throws HoneyHiveRequestError */
  delete(configurationId: string, options?: RequestOptions): Promise<void>
}

const PARAMETERS: FieldSpec = {
  accepts: (value) => isMapLike(value) && ['chat', 'completion'].includes(String(value['callType'])) && typeof value['model'] === 'string',
  expected: 'an object with callType "chat" or "completion", and a model',
  remedy: "Give e.g. { callType: 'chat', model: 'gpt-4o' }.",
  secret: true,
  write: (value) => {
    const { callType, ...rest } = value as ConfigurationParameters
    return { call_type: callType, ...rest }
  },
}
const CHANGES: Fields<ConfigurationChanges> = {
  name: required(NAME),
  provider: TEXT,
  parameters: PARAMETERS,
  type: oneOf(['LLM', 'pipeline']),
  env: TEXTS,
  tags: TEXTS,
  userProperties: OBJECT,
}
const NEW: Fields<NewConfiguration> = { ...CHANGES, provider: required(TEXT), parameters: required(PARAMETERS) }
const LIST: Fields<ListConfigurations> = { name: TEXT, env: oneOf(['dev', 'staging', 'prod']), tags: { ...TEXTS, wire: 'tags[]' } }

const PATH = '/v1/configurations'

/** The resource over `send`. */
export function createConfigurations(send: Send): ConfigurationsResource {
  return {
    list(query = {}, options) {
      const wire = toWire(query, LIST, 'configurations.list')
      return createWhole(async () => {
        const reply = await send({ method: 'GET', path: PATH, query: wire as Query }, options)
        const listed = isObject(reply) ? reply.configurations : reply
        return Array.isArray(listed) ? listed.map(toConfiguration) : []
      })
    },
    async create(configuration, options) {
      const reply = await send({ method: 'POST', path: PATH, body: toWire(configuration, NEW, 'configurations.create') }, options)
      return { configurationId: toReplyId(isObject(reply) ? reply.insertedId : undefined, `POST ${PATH}`) }
    },
    async update(configurationId, changes, options) {
      const body = toWire(changes, CHANGES, 'configurations.update')
      await send({ method: 'PUT', path: toPath(configurationId, 'configurations.update'), body }, options)
    },
    async delete(configurationId, options) {
      await send({ method: 'DELETE', path: toPath(configurationId, 'configurations.delete') }, options)
    },
  }
}

function toConfiguration(record: unknown): Configuration {
  const configuration = fromWire<Configuration>(record)
  const { call_type: callType, ...rest }: JsonObject = { ...configuration.parameters }
  return { ...configuration, parameters: { ...rest, callType } as ConfigurationParameters }
}

function toPath(configurationId: string, where: string): string {
  return `${PATH}/${toPathPart(configurationId, 'configurationId', where)}`
}
