import { EventType } from './attributes.js'

type Attributes = Readonly<Record<string, unknown>>
type Table = Readonly<Record<string, EventType>>

const OPENINFERENCE_KINDS: Table = {
  LLM: 'model',
  EMBEDDING: 'model',
  CHAIN: 'chain',
  AGENT: 'chain',
  EVALUATOR: 'chain',
  PROMPT: 'chain',
  TOOL: 'tool',
  RETRIEVER: 'tool',
  RERANKER: 'tool',
  GUARDRAIL: 'tool',
}
const LANGSMITH_KINDS: Table = {
  LLM: 'model',
  EMBEDDING: 'model',
  CHAIN: 'chain',
  PROMPT: 'chain',
  PARSER: 'chain',
  TOOL: 'tool',
  RETRIEVER: 'tool',
}
const TRACELOOP_KINDS: Table = { WORKFLOW: 'chain', AGENT: 'chain', SESSION: 'chain', TOOL: 'tool' }
/** What Traceloop also calls the calls of tools: the operation says more. */
const TRACELOOP_STEPS: Table = { TASK: 'chain' }
const MASTRA_KINDS: Table = {
  AGENT_RUN: 'chain',
  WORKFLOW_RUN: 'chain',
  WORKFLOW_STEP: 'chain',
  MODEL_GENERATION: 'model',
  MODEL_STEP: 'chain',
  MODEL_INFERENCE: 'model',
  MODEL_CHUNK: 'generic',
  RAG_EMBEDDING: 'model',
  TOOL_CALL: 'tool',
  MCP_TOOL_CALL: 'tool',
}
/** What Genkit calls the kinds of its actions. */
const GENKIT_ACTIONS: Table = {
  MODEL: 'model',
  'BACKGROUND-MODEL': 'model',
  EMBEDDER: 'model',
  TOOL: 'tool',
  'TOOL.V2': 'tool',
  RETRIEVER: 'tool',
  INDEXER: 'tool',
  RERANKER: 'tool',
  RESOURCE: 'tool',
}
const GENKIT_TYPES: Table = { ACTION: 'chain', FLOW: 'chain', FLOWSTEP: 'chain', UTIL: 'chain', PROMPT: 'chain' }
/** The well-known operations of the conventions, and the steps that agent libraries name in their place. */
const GEN_AI_OPERATIONS: Table = {
  CHAT: 'model',
  TEXT_COMPLETION: 'model',
  GENERATE_CONTENT: 'model',
  EMBEDDINGS: 'model',
  INVOKE_AGENT: 'chain',
  CREATE_AGENT: 'chain',
  INVOKE_WORKFLOW: 'chain',
  AGENT_STEP: 'chain',
  EXECUTE_EVENT_LOOP_CYCLE: 'chain',
  PLAN: 'chain',
  EXECUTE_TOOL: 'tool',
  RETRIEVAL: 'tool',
  RERANK: 'tool',
}

/** What says a span's kind in so many words; the first that is known decides. */
const KINDS: readonly (readonly [key: string, table: Table])[] = [
  ['openinference.span.kind', OPENINFERENCE_KINDS],
  ['traceloop.span.kind', TRACELOOP_KINDS],
  ['langsmith.span.kind', LANGSMITH_KINDS],
  ['mastra.span.type', MASTRA_KINDS],
  ['gen_ai.operation.name', GEN_AI_OPERATIONS],
  ['traceloop.span.kind', TRACELOOP_STEPS],
  ['genkit:metadata:subtype', GENKIT_ACTIONS],
  ['genkit:type', GENKIT_TYPES],
]

/** Attributes whose presence alone means a model call. */
const MODEL_KEYS = [
  'llm.request.type',
  'llm.request.model',
  'llm.model_name',
  'llm.input_messages',
  'llm.output_messages',
  'gen_ai.request.model',
  'gen_ai.response.model',
  'gen_ai.input.messages',
  'gen_ai.output.messages',
  'gen_ai.prompt',
  'gen_ai.completion',
  'ai.model.id',
  'ai.prompt.messages',
  'embedding.model_name',
]
const MODEL_PREFIXES = [
  'gen_ai.prompt.',
  'gen_ai.completion.',
  'llm.input_messages.',
  'llm.output_messages.',
  'llm.prompts.',
  'llm.completions.',
  'embedding.embeddings.',
]
const MODEL_SPAN_EVENTS: ReadonlySet<string> = new Set([
  'gen_ai.user.message',
  'gen_ai.choice',
  'gen_ai.input.message',
  'gen_ai.output.message',
  'gen_ai.client.inference.operation.details',
])
const TOOL_KEYS = ['gen_ai.tool.name', 'gen_ai.tool.call.id', 'tool.name', 'ai.toolCall.name', 'mcp.tool.name']

/**
 * The event type that a span's attributes and the names of its span events imply by the conventions they follow;
 * `undefined` when they say nothing. The span's name is not looked at: matching on words makes "Generate report" a model call.
 *
 * @see HoneyHive ingestion order, openinference.span.kind > traceloop.span.kind > gen_ai.operation.name > model attributes
 */
export function inferEventType(attributes: Attributes, spanEventNames: readonly string[] = []): EventType | undefined {
  for (const [key, table] of KINDS) {
    const type = lookUp(table, attributes[key])
    if (type !== undefined) return type
  }
  return (
    fromAiSdk(attributes['ai.operationId']) ??
    fromRole(attributes) ??
    (isModelCall(attributes, spanEventNames) ? EventType.model : undefined)
  )
}

/** Like {@link inferEventType}; a span that says nothing is a tool. */
export function detectEventType(attributes: Attributes, spanEventNames: readonly string[] = []): EventType {
  return inferEventType(attributes, spanEventNames) ?? EventType.tool
}

/** Attributes that every span of an LLM vocabulary has, whatever its kind. */
const LLM_KEYS = ['gen_ai.system', 'gen_ai.provider.name', 'honeyhive_event_type']

/**
 * Whether a span tells of an LLM application by the conventions it follows: model calls, and the agents, chains, tools and
 * retrievals around them; not the requests, queries and timers of the service they run in.
 */
export function isLlmSpan(attributes: Attributes, spanEventNames: readonly string[] = []): boolean {
  if (KINDS.some(([key]) => isNonEmpty(attributes[key])) || LLM_KEYS.some((key) => isNonEmpty(attributes[key]))) return true
  return inferEventType(attributes, spanEventNames) !== undefined
}

/** The event type that `value` names, in any case; `undefined` when it names none. */
export function toEventType(value: unknown): EventType | undefined {
  const name = typeof value === 'string' ? value.toLowerCase() : ''
  return Object.hasOwn(EventType, name) ? EventType[name as keyof typeof EventType] : undefined
}

function lookUp(table: Table, value: unknown): EventType | undefined {
  const name = typeof value === 'string' ? value.toUpperCase() : ''
  return Object.hasOwn(table, name) ? table[name] : undefined
}

/** The AI SDK wraps each `.doX`, which calls the model, in a span of the same name without it. */
function fromAiSdk(operation: unknown): EventType | undefined {
  if (typeof operation !== 'string' || !operation.startsWith('ai.')) return undefined
  if (operation === 'ai.toolCall' || operation.endsWith('.doRerank')) return EventType.tool
  return /\.do[A-Z]\w*$/.test(operation) ? EventType.model : EventType.chain
}

function fromRole(attributes: Attributes): EventType | undefined {
  if (isNonEmpty(attributes['gen_ai.request.model'])) return undefined
  if (TOOL_KEYS.some((key) => isNonEmpty(attributes[key]))) return EventType.tool
  return isNonEmpty(attributes['gen_ai.agent.name']) || isNonEmpty(attributes.agent_name) ? EventType.chain : undefined
}

function isModelCall(attributes: Attributes, spanEventNames: readonly string[]): boolean {
  if (MODEL_KEYS.some((key) => attributes[key] !== undefined)) return true
  if (isNonEmpty(attributes['input.value']) || isNonEmpty(attributes['output.value'])) return true
  if (spanEventNames.some((name) => MODEL_SPAN_EVENTS.has(name))) return true
  return Object.keys(attributes).some((key) => MODEL_PREFIXES.some((prefix) => key.startsWith(prefix)))
}

function isNonEmpty(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}
