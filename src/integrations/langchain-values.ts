/** Reads what LangChain hands to a callback into what HoneyHive shows. Declared by shape: LangChain need not be installed. */
import { isMapLike } from '../options/spec.js'
import type { EventType } from '../semantics/attributes.js'
import { toFiniteNumber, toNonEmptyText } from '../semantics/json.js'
import { toToolResult } from '../semantics/message-parts.js'
import { type ChatMessage, toMessage } from '../semantics/messages.js'
import type { Enrichment } from '../tracer/enrich.js'

type Fields = Readonly<Record<string, unknown>>

/** LangChain has methods of their own for runs of these kinds; what others build on it may not use them. */
const CHAIN_TYPES: ReadonlyMap<unknown, EventType> = new Map([
  ['llm', 'model'],
  ['tool', 'tool'],
  ['retriever', 'tool'],
])

/** The kind of event a chain of this type is. */
export function readChainType(runType: unknown): EventType {
  return CHAIN_TYPES.get(runType) ?? 'chain'
}

/** The name LangChain's own tracers give to a run. */
export function readName(serialized: unknown, runName: unknown): string {
  const { name, id } = toFields(serialized)
  return [runName, Array.isArray(id) ? id.at(-1) : undefined, name].find(isFilled) ?? 'LangChain'
}

/** Whether a node of a graph stopped to ask, or to hand over, which LangGraph does by throwing. */
export function isInterrupt(error: unknown): error is { readonly interrupts?: unknown; readonly name?: unknown } {
  return typeof error === 'object' && error !== null && Reflect.get(error, 'is_bubble_up') === true
}

/** The messages, or the texts, of one call of a model; LangChain makes a run of each prompt of a batch. */
export function readPrompts(batches: unknown): Fields {
  const prompts = Array.isArray(batches) ? (batches as unknown[]).flat() : []
  return { chat_history: prompts.map((prompt) => (isMessage(prompt) ? readMessage(prompt) : { role: 'user', content: prompt })) }
}

/** Model, provider and settings of a call. */
export function readModelSettings(extra: unknown, metadata: unknown): Fields | undefined {
  const { ls_model_name: named, ls_provider: provider, ls_temperature: temperature, ls_max_tokens: maxTokens } = toFields(metadata)
  const params = Object.entries(toFields(toFields(extra)['invocation_params'])).filter(([, value]) => value !== undefined)
  const { model_name: modelName, ...settings } = Object.fromEntries(params)
  const model = settings['model'] ?? modelName ?? named
  const found = withoutGaps({ temperature, max_tokens: maxTokens, ...settings, model, provider })
  return Object.keys(found).length > 0 ? found : undefined
}

/** The answer of a model, what it used, and how it ended. */
export function readAnswer(result: unknown): Enrichment {
  const { generations, llmOutput } = toFields(result)
  const candidates = (Array.isArray(generations) ? (generations as unknown[]).flat() : []).map(toFields)
  const messages = candidates.map(readCandidate)
  const [first] = candidates
  const { response_metadata: about, id } = toFields(first?.['message'])
  const { model_name: modelName, model, id: responseId } = toFields(about)
  return {
    outputs: messages.length > 1 ? { chat_history: messages } : { ...messages[0] },
    metadata: withoutGaps({
      ...readTokens(candidates, toFields(llmOutput)),
      response_model: modelName ?? model,
      response_id: responseId ?? id,
      finish_reason: messages[0]?.finish_reason,
    }),
  }
}

function readCandidate({ message, text, generationInfo }: Fields): ChatMessage {
  const about = { ...toFields(generationInfo), ...toFields(toFields(message)['response_metadata']) }
  const finish = [about['finish_reason'], about['stop_reason'], about['finishReason'], about['done_reason']].find(isFilled)
  const read = isMessage(message) ? readMessage(message) : { role: 'assistant', content: text ?? '' }
  return finish === undefined ? read : { ...read, finish_reason: finish }
}

/** What the provider reported: on the message, else beside the answers. */
function readTokens(candidates: readonly Fields[], llmOutput: Fields): Fields {
  const usage = toFields(candidates.map(({ message }) => toFields(message)['usage_metadata']).find((found) => isMapLike(found)))
  const { cache_read: cacheRead, cache_creation: cacheWrite } = toFields(usage['input_token_details'])
  const reported = { ...toFields(llmOutput['usage']), ...toFields(llmOutput['tokenUsage']), ...toFields(llmOutput['estimatedTokenUsage']) }
  const count = (...values: readonly unknown[]): number | undefined => values.map(toFiniteNumber).find((value) => value !== undefined)
  const input = count(usage['input_tokens'], reported['promptTokens'], reported['prompt_tokens'], reported['input_tokens'])
  const output = count(usage['output_tokens'], reported['completionTokens'], reported['completion_tokens'], reported['output_tokens'])
  const sum = input === undefined && output === undefined ? undefined : (input ?? 0) + (output ?? 0)
  return withoutGaps({
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: count(usage['total_tokens'], reported['totalTokens'], reported['total_tokens']) ?? sum,
    cache_read_input_tokens: count(cacheRead),
    cache_write_input_tokens: count(cacheWrite),
    reasoning_tokens: count(toFields(usage['output_token_details'])['reasoning']),
  })
}

/** What goes into a chain or comes out of it, as fields; anything else stands under `key`. */
export function readChainValues(value: unknown, key: string): Fields {
  const read = readValue(value, MAX_DEPTH)
  return isMapLike(read) && !isMessage(value) ? read : { [key]: read }
}

/** What went into a chain that was streamed to, known at its end. */
export function readLateInputs(extra: unknown): Enrichment {
  const { inputs } = toFields(extra)
  return inputs === undefined ? {} : { inputs: readChainValues(inputs, 'input') }
}

/** What a tool was called with: LangChain hands it on as text. */
export function readToolInput(input: unknown): Fields {
  const value = toToolResult(input)
  return isMapLike(value) ? value : { input: value }
}

/** Which tool was called, and by which call of a model. */
export function readToolCall(tool: unknown, runName: unknown, toolCallId: unknown): Fields {
  return { tool_name: readName(tool, runName), ...(isFilled(toolCallId) ? { tool_call_id: toolCallId } : {}) }
}

/** What a tool gave back: the content of its message. */
export function readToolOutput(output: unknown): Fields {
  const value = isMessage(output) ? readMessage(output).content : readValue(output, MAX_DEPTH)
  return { result: toToolResult(value) }
}

/** The documents a retriever found, without their class. */
export function readDocuments(documents: unknown): unknown {
  if (!Array.isArray(documents)) return documents
  return documents.map((document: unknown) => {
    const { pageContent, metadata, id } = toFields(document)
    return pageContent === undefined ? document : withoutGaps({ content: pageContent, metadata, id })
  })
}

/** Messages stand in the state of a graph, in a command, or alone; further down the copy of the value shows them as it can. */
const MAX_DEPTH = 4

function readValue(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth === 0) return value
  if (isMessage(value)) return readMessage(value)
  if (Array.isArray(value)) return value.map((item: unknown) => readValue(item, depth - 1))
  const { toChatMessages } = value as { readonly toChatMessages?: unknown }
  if (typeof toChatMessages === 'function') return { messages: readValue(Reflect.apply(toChatMessages, value, []), depth - 1) }
  if (!isPlain(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, readValue(item, depth - 1)]))
}

/** A class of its own says itself how it is shown; a command of LangGraph is as good as plain. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null || 'lg_name' in value
}

interface Message {
  readonly content: unknown
}

/** A message of LangChain, of any version, chunks included. */
function isMessage(value: unknown): value is Message {
  if (typeof value !== 'object' || value === null || !('content' in value)) return false
  return typeof Reflect.get(value, '_getType') === 'function' || typeof Reflect.get(value, 'getType') === 'function'
}

const ROLES: Readonly<Record<string, string>> = { human: 'user', ai: 'assistant', function: 'tool' }

function readMessage(message: Message): ChatMessage {
  const { content, name, tool_calls, tool_call_id, additional_kwargs: more, role: named } = message as Fields & Message
  const { tool_calls: rawCalls, function_call, reasoning_content, refusal } = toFields(more)
  const type = readType(message)
  const role = ROLES[type] ?? (type === 'generic' ? toNonEmptyText(named) : undefined) ?? type
  const calls = Array.isArray(tool_calls) && tool_calls.length > 0 ? tool_calls : rawCalls
  return toMessage({ role, content, name, tool_calls: calls, tool_call_id, function_call, reasoning_content, refusal }, 'user')
}

function readType(message: object): string {
  const { getType, _getType, type } = message as Record<'getType' | '_getType' | 'type', unknown>
  const read = typeof getType === 'function' ? getType : _getType
  return String(typeof read === 'function' ? Reflect.apply(read, message, []) : type)
}

function withoutGaps(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null))
}

function isFilled(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** The fields of any object, of a class too; nothing of a scalar. */
function toFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}
