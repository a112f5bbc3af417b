/** Reads what Genkit says of an action into the names of the conventions. */
import { isObject, type JsonObject, toObject } from './json.js'
import { readJsonText } from './message-parts.js'

/**
 * Genkit writes what went in and out of each action as JSON of its own (`genkit:input`, `genkit:output`). Given back under the
 * names of the conventions; the attributes of anybody else come back unchanged.
 */
export function translateGenkit(attributes: JsonObject): JsonObject {
  if (typeof attributes['genkit:type'] !== 'string') return attributes
  const { 'genkit:input': input, 'genkit:output': output, ...rest } = attributes
  const kind = String(attributes['genkit:metadata:subtype'] ?? attributes['genkit:type'])
  const write = Object.hasOwn(WRITERS, kind) ? WRITERS[kind] : toValues
  return { ...rest, ...write?.(readJsonText(input), readJsonText(output), attributes['genkit:name']) }
}

type Write = (input: unknown, output: unknown, name: unknown) => JsonObject

const WRITERS: Readonly<Record<string, Write>> = {
  model: toModelCall,
  'background-model': toModelCall,
  embedder: toEmbedding,
  tool: toToolCall,
  'tool.v2': toToolCall,
  util: toGeneration,
}

function toModelCall(input: unknown, output: unknown, name: unknown): JsonObject {
  const { messages, tools, config } = toObject(input)
  return {
    ...toModel(name),
    'gen_ai.input.messages': messages,
    ...(Array.isArray(tools) && tools.length > 0 ? { 'gen_ai.tool.definitions': tools } : {}),
    ...(isObject(config) ? { 'llm.invocation_parameters': config } : {}),
    ...toAnswer(output),
    ...toUsage(toObject(toObject(output).usage)),
  }
}

/** `plugin/model` */
function toModel(name: unknown): JsonObject {
  const provider = typeof name === 'string' ? /^([^/]+)\//.exec(name)?.[1] : undefined
  return { 'gen_ai.request.model': name, ...(provider === undefined ? {} : { 'gen_ai.provider.name': provider }) }
}

/** The answer alone: a response of Genkit repeats the request it answers. */
function toAnswer(output: unknown): JsonObject {
  const { message, finishReason, candidates } = toObject(output)
  const answer = message ?? toObject(Array.isArray(candidates) ? candidates[0] : undefined).message
  return {
    ...(answer === undefined ? {} : { 'gen_ai.output.messages': [answer] }),
    ...(finishReason === undefined ? {} : { 'gen_ai.response.finish_reasons': [finishReason] }),
  }
}

const USAGE: Readonly<Record<string, string>> = {
  inputTokens: 'input_tokens',
  outputTokens: 'output_tokens',
  totalTokens: 'total_tokens',
  thoughtsTokens: 'reasoning.output_tokens',
  cachedContentTokens: 'cache_read.input_tokens',
}

function toUsage(usage: JsonObject): JsonObject {
  const told = Object.entries(USAGE).filter(([name]) => typeof usage[name] === 'number')
  return Object.fromEntries(told.map(([name, key]) => [`gen_ai.usage.${key}`, usage[name]]))
}

/** The wrapper around a model and its tools; what it used is said by the calls inside. */
function toGeneration(input: unknown, output: unknown): JsonObject {
  const answer = toAnswer(output)
  return answer['gen_ai.output.messages'] === undefined ? toValues(input, output) : { ...toValues(input, undefined), ...answer }
}

function toToolCall(input: unknown, output: unknown, name: unknown): JsonObject {
  return {
    'gen_ai.tool.name': name,
    ...(input === undefined ? {} : { 'gen_ai.tool.call.arguments': input }),
    ...(output === undefined ? {} : { 'gen_ai.tool.call.result': output }),
  }
}

function toEmbedding(input: unknown, output: unknown, name: unknown): JsonObject {
  const { input: documents, options } = toObject(input)
  const textOf = ({ content }: JsonObject): unknown =>
    Array.isArray(content) ? content.map((part) => toObject(part).text ?? '').join('') : content
  return {
    ...toModel(name),
    ...(isObject(options) ? { 'llm.invocation_parameters': options } : {}),
    ...toIndexed(documents, 'text', textOf),
    ...toIndexed(toObject(output).embeddings, 'vector', ({ embedding }) => embedding),
  }
}

function toIndexed(list: unknown, key: string, read: (item: JsonObject) => unknown): JsonObject {
  const items = Array.isArray(list) ? list : []
  return Object.fromEntries(items.map((item, index) => [`embedding.embeddings.${index}.embedding.${key}`, read(toObject(item))]))
}

function toValues(input: unknown, output: unknown): JsonObject {
  return { ...(input === undefined ? {} : { 'input.value': input }), ...(output === undefined ? {} : { 'output.value': output }) }
}
