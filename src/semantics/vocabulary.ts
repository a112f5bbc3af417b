/** What other vocabularies' attributes mean in an event. Data only: the first source of a row that is present fills the targets. */

import { METRIC } from './attributes.js'
import { USAGE_KEYS } from './usage.js'

/** A row of {@link ATTRIBUTE_RULES}: sources by priority, targets as `bucket.key`. */
export interface AttributeRule {
  readonly from: readonly string[]
  readonly to: readonly string[]
}

/** Attributes with a target of their own. */
export const ATTRIBUTE_RULES: readonly AttributeRule[] = [
  {
    from: ['gen_ai.request.model', 'llm.model_name', 'llm.request.model', 'llm.request.model_name', 'ai.model.id', 'embedding.model_name'],
    to: ['config.model'],
  },
  { from: ['gen_ai.provider.name', 'llm.provider', 'ai.model.provider'], to: ['config.provider', 'metadata.provider'] },
  { from: ['gen_ai.system', 'llm.system'], to: ['metadata.system', 'config.provider'] },
  { from: ['gen_ai.request.max_tokens'], to: ['config.max_completion_tokens'] },
  { from: ['llm.tools', 'gen_ai.tool.definitions', 'ai.prompt.tools'], to: ['config.tools'] },
  { from: ['llm.user'], to: ['config.user'] },
  { from: ['llm.headers'], to: ['config.headers'] },
  { from: ['llm.temperature'], to: ['config.temperature'] },
  { from: ['llm.max_tokens'], to: ['config.max_tokens'] },
  { from: ['llm.top_p'], to: ['config.top_p'] },
  { from: ['llm.frequency_penalty'], to: ['config.frequency_penalty'] },
  { from: ['llm.presence_penalty'], to: ['config.presence_penalty'] },
  { from: ['llm.prompt_template.template'], to: ['config.template'] },
  { from: ['llm.prompt_template.version'], to: ['config.template_version'] },
  { from: ['db.system', 'db.system.name'], to: ['config.db_vendor'] },
  { from: ['gen_ai.operation.name'], to: ['metadata.operation_name'] },
  { from: ['llm.request.type'], to: ['metadata.request_type'] },

  {
    from: ['gen_ai.response.model', 'llm.response.model', 'llm.response.model_name', 'ai.response.model'],
    to: ['metadata.response_model', 'metadata.model_name'],
  },
  { from: ['gen_ai.response.id', 'ai.response.id'], to: ['metadata.response_id'] },
  { from: ['gen_ai.response.finish_reason', 'llm.finish_reason', 'ai.response.finishReason'], to: ['metadata.finish_reason'] },
  { from: USAGE_KEYS.input, to: ['metadata.input_tokens', 'metadata.prompt_tokens'] },
  { from: USAGE_KEYS.prompt, to: ['metadata.prompt_tokens'] },
  { from: USAGE_KEYS.output, to: ['metadata.output_tokens', 'metadata.completion_tokens'] },
  { from: USAGE_KEYS.completion, to: ['metadata.completion_tokens'] },
  { from: USAGE_KEYS.total, to: ['metadata.total_tokens'] },
  { from: USAGE_KEYS.cacheRead, to: ['metadata.cache_read_input_tokens'] },
  { from: USAGE_KEYS.cacheWrite, to: ['metadata.cache_write_input_tokens'] },
  { from: USAGE_KEYS.reasoning, to: ['metadata.reasoning_tokens'] },
  { from: USAGE_KEYS.cost, to: ['metrics.cost'] },
  { from: ['gen_ai.embeddings.dimension.count'], to: ['outputs.dimensions'] },
  { from: ['gen_ai.server.ttft', 'ai.response.msToFirstChunk'], to: [`metrics.${METRIC.timeToFirstTokenMs}`] },
  { from: ['gen_ai.server.tbt'], to: ['metrics.tbt_ms'] },
  { from: ['gen_ai.openai.api_base'], to: ['metadata.openai_api_base'] },
  { from: ['gen_ai.openai.system_fingerprint'], to: ['metadata.openai_system_fingerprint'] },
  { from: ['http.status_code', 'http.response.status_code'], to: ['metadata.status_code'] },

  { from: ['gen_ai.system_instructions'], to: ['inputs.system_prompt'] },
  { from: ['input.mime_type'], to: ['metadata.input_mime_type'] },
  { from: ['output.mime_type'], to: ['metadata.output_mime_type'] },

  { from: ['gen_ai.tool.name', 'tool.name', 'ai.toolCall.name'], to: ['metadata.tool_name', 'config.tool_name'] },
  { from: ['gen_ai.tool.description', 'tool.description'], to: ['config.tool_description'] },
  { from: ['gen_ai.tool.call.id', 'tool_call.id', 'ai.toolCall.id'], to: ['metadata.tool_call_id'] },
  { from: ['gen_ai.agent.name', 'agent_name', 'agent.name'], to: ['metadata.agent_name'] },
  { from: ['gen_ai.agent.id'], to: ['metadata.agent_id'] },
  { from: ['gen_ai.agent.description'], to: ['metadata.agent_description'] },
  { from: ['openinference.span.kind', 'traceloop.span.kind', 'gen_ai.agent.type'], to: ['metadata.span_kind'] },
  { from: ['mcp.client.name'], to: ['metadata.mcp_client_name'] },
  { from: ['mcp.server.name'], to: ['metadata.mcp_server_name'] },
  { from: ['mcp.tool.name'], to: ['metadata.mcp_tool_name'] },
  { from: ['mcp.request.type', 'mcp.method.name'], to: ['metadata.mcp_request_type'] },
  { from: ['mcp.session.id'], to: ['metadata.mcp_session_id'] },

  { from: ['user.id'], to: ['metadata.user_id'] },
  { from: ['session.id'], to: ['metadata.session_id'] },
  { from: ['gen_ai.conversation.id'], to: ['metadata.conversation_id'] },
  { from: ['messaging.destination.name', 'messaging.destination'], to: ['config.destination', 'metadata.messaging_destination'] },
]

/** A row of {@link PREFIX_RULES}: what follows `prefix` is put after `to`. */
export interface PrefixRule {
  readonly prefix: string
  readonly to: string
}

/** Families of attributes; longer prefixes stand before shorter ones. */
export const PREFIX_RULES: readonly PrefixRule[] = [
  { prefix: 'gen_ai.request.', to: 'config.' },
  { prefix: 'ai.settings.', to: 'config.' },
  { prefix: 'llm.request.functions.', to: 'config.tools.' },
  { prefix: 'llm.tools.', to: 'config.tools.' },
  { prefix: 'llm.request.', to: 'config.' },
  { prefix: 'llm.prompt_template.variables.', to: 'inputs.' },
  { prefix: 'llm.response.', to: 'outputs.' },
  { prefix: 'tool.inputs.', to: 'inputs.' },
  { prefix: 'tool.outputs.', to: 'outputs.' },
  { prefix: 'ai.telemetry.metadata.', to: 'metadata.' },
  { prefix: 'gpu.', to: 'metrics.gpu.' },
  { prefix: 'pinecone.usage.', to: 'metrics.pinecone.usage.' },
]

/** JSON attributes whose object is merged into a bucket; a value that is no object goes under `fallbackKey`. */
export const MERGE_RULES: readonly { readonly from: string; readonly bucket: string; readonly fallbackKey: string }[] = [
  { from: 'llm.invocation_parameters', bucket: 'config', fallbackKey: 'invocation_parameters' },
  { from: 'llm.prompt_template.variables', bucket: 'inputs', fallbackKey: 'variables' },
  { from: 'gen_ai.tool.call.arguments', bucket: 'inputs', fallbackKey: 'arguments' },
  { from: 'gen_ai.tool.input', bucket: 'inputs', fallbackKey: 'arguments' },
  { from: 'tool.parameters', bucket: 'inputs', fallbackKey: 'parameters' },
  { from: 'ai.toolCall.args', bucket: 'inputs', fallbackKey: 'arguments' },
  { from: 'ai.toolCall.input', bucket: 'inputs', fallbackKey: 'arguments' },
  { from: 'traceloop.entity.input', bucket: 'inputs', fallbackKey: 'value' },
  { from: 'ai.prompt', bucket: 'inputs', fallbackKey: 'prompt' },
  { from: 'gen_ai.tool.call.result', bucket: 'outputs', fallbackKey: 'result' },
  { from: 'gen_ai.tool.output', bucket: 'outputs', fallbackKey: 'result' },
  { from: 'ai.toolCall.result', bucket: 'outputs', fallbackKey: 'result' },
  { from: 'ai.toolCall.output', bucket: 'outputs', fallbackKey: 'result' },
  { from: 'traceloop.entity.output', bucket: 'outputs', fallbackKey: 'value' },
  { from: 'metadata', bucket: 'metadata', fallbackKey: 'metadata' },
]

/** Attributes that steer ingestion and are not shown. */
export const PROTOCOL_ATTRIBUTES: readonly string[] = [
  'honeyhive.session_id',
  'honeyhive.session_auto_create',
  'honeyhive.session_name',
  'honeyhive.source',
  'honeyhive.project',
  'honeyhive.project_name',
  'honeyhive.parent_id',
  'honeyhive.experiment_metadata',
]

/** Association properties of Traceloop-based senders: their keys here keep their full name in metadata and are also read by name. */
export const ASSOCIATION_PREFIX = 'traceloop.association.properties.'
