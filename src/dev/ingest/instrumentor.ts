import type { SpanAttributes } from './span-attributes.js'
import { ASSOCIATION_PREFIX } from '../../semantics/vocabulary.js'

/** Which family of instrumentation wrote a span, by its scope name first and its attributes second; `unknown` otherwise. */
export function detectInstrumentor(scopeName: string, attributes: SpanAttributes, spanEventNames: readonly string[]): string {
  return fromScope(scopeName) ?? fromAttributes(attributes, spanEventNames) ?? 'unknown'
}

function fromScope(scopeName: string): string | undefined {
  if (/openinference[.-]instrumentation/.test(scopeName)) return 'openinference'
  if (scopeName === 'ai' || scopeName.startsWith('@vercel/otel')) return 'vercel-ai'
  if (scopeName.startsWith('opentelemetry.instrumentation.') || scopeName.startsWith('@traceloop/')) return 'traceloop'
  return undefined
}

function fromAttributes(attributes: SpanAttributes, spanEventNames: readonly string[]): string | undefined {
  if (['openinference.span.kind', 'llm.input_messages', 'llm.output_messages'].some((key) => attributes.has(key))) return 'openinference'
  if (attributes.has('traceloop.span.kind') || attributes.has('traceloop.workflow.name') || attributes.hasPrefix(ASSOCIATION_PREFIX))
    return 'traceloop'
  if (attributes.hasPrefix('gen_ai.agent.') && attributes.has('workflow.type')) return 'openlit'
  if (attributes.has('ai.operationId') || attributes.has('ai.prompt.messages')) return 'vercel-ai'
  if (spanEventNames.some((name) => name.startsWith('gen_ai.'))) return 'aws-strands'
  if (attributes.hasPrefix('gcp.vertex.agent.')) return 'google-adk'
  if (countGenAi(attributes) >= 2) return 'standard-genai'
  return undefined
}

function countGenAi(attributes: SpanAttributes): number {
  return attributes.keys().filter((key) => key.startsWith('gen_ai.')).length
}
