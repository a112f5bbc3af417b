import { EventType } from './attributes.js'

const OPENINFERENCE: Readonly<Record<string, EventType>> = {
  LLM: 'model',
  CHAIN: 'chain',
  AGENT: 'chain',
  TOOL: 'tool',
  RETRIEVER: 'tool',
  EMBEDDING: 'tool',
  RERANKER: 'tool',
  GUARDRAIL: 'tool',
  EVALUATOR: 'chain',
}
const TRACELOOP: Readonly<Record<string, EventType>> = { workflow: 'chain', agent: 'chain', task: 'chain', tool: 'tool' }
const GEN_AI: Readonly<Record<string, EventType>> = {
  chat: 'model',
  text_completion: 'model',
  generate_content: 'model',
  invoke_agent: 'chain',
  create_agent: 'chain',
  execute_tool: 'tool',
  embeddings: 'tool',
}
const AI_SDK_MODEL = /\.do(Generate|Stream)$/
const MODEL_KEYS = [
  'llm.request.type',
  'llm.request.model',
  'llm.model_name',
  'gen_ai.request.model',
  'gen_ai.response.model',
  'ai.model.id',
]

/**
 * The event type of a span that says none: from the semantic conventions it follows, else `tool`.
 * Names are not looked at: matching on words makes "Generate report" a model call.
 *
 * @see HoneyHive ingestion order, openinference.span.kind > traceloop.span.kind > gen_ai.operation.name > model attributes
 */
export function detectEventType(read: (key: string) => unknown): EventType {
  return (
    lookUp(OPENINFERENCE, read('openinference.span.kind'), (text) => text.toUpperCase()) ??
    lookUp(TRACELOOP, read('traceloop.span.kind'), (text) => text.toLowerCase()) ??
    lookUp(GEN_AI, read('gen_ai.operation.name'), (text) => text.toLowerCase()) ??
    fromAiSdk(read('ai.operationId')) ??
    (MODEL_KEYS.some((key) => read(key) !== undefined) ? EventType.model : EventType.tool)
  )
}

function lookUp(table: Readonly<Record<string, EventType>>, value: unknown, normalise: (text: string) => string): EventType | undefined {
  return typeof value === 'string' && Object.hasOwn(table, normalise(value)) ? table[normalise(value)] : undefined
}

function fromAiSdk(operation: unknown): EventType | undefined {
  if (typeof operation !== 'string' || !operation.startsWith('ai.')) return undefined
  if (operation === 'ai.toolCall') return EventType.tool
  return AI_SDK_MODEL.test(operation) ? EventType.model : EventType.chain
}
