/** Reads the parts of a message: text, media, reasoning, refusals, calls of tools and what they gave back. */
import { parseJsonText } from '../natives.js'
import { isObject, type JsonObject, readEmbeddedJson, toObject } from './json.js'

/** A call that a model asked for. */
export interface ToolCall {
  readonly id?: string
  readonly name?: string
  /** As an object when the model wrote valid JSON, else its text. */
  readonly arguments?: unknown
}

/** A part of a message in one spelling; a kind that is not known stays as it came. */
export interface ContentPart {
  /** `text`, `reasoning`, `refusal`, `image`, `audio`, `video`, `file`, `tool_call`, `tool_result`, or what the part calls itself. */
  readonly type: string
  readonly text?: string
  /** Where a medium lies; may be a `data:` URI. */
  readonly url?: string
  /** A medium in base64. */
  readonly data?: string
  readonly mime_type?: string
  /** Name of a file, or of the tool of a result. */
  readonly name?: string
  /** Id of an uploaded file. */
  readonly id?: string
  readonly tool_call_id?: string
  /** What a tool gave back. */
  readonly content?: unknown
  readonly [key: string]: unknown
}

/** A part, and the call when it is one. */
export type ReadContentPart = ContentPart & { readonly call?: ToolCall }

/** Reads one part in any of the known spellings. */
export function toContentPart(given: unknown): ReadContentPart {
  if (typeof given === 'string') return { type: 'text', text: given }
  const part = flatten(toObject(given))
  const type = readType(part)?.replaceAll('-', '_')
  return (
    toCallPart(part, type) ??
    toResultPart(part, type) ??
    toReasoning(part, type) ??
    toMedium(part, type) ??
    toTextPart(part, type) ??
    toOther(part)
  )
}

function readType(part: JsonObject): string | undefined {
  const named = firstText(part.type) ?? UNTYPED_MEDIA.find((key) => isObject(part[key]))
  return named ?? (part.text === undefined && typeof part.reasoning === 'string' ? 'reasoning' : undefined)
}

/** One call in any of the known spellings; arguments that are JSON text are read. */
export function toToolCall(given: JsonObject): ToolCall {
  const call = toObject(given.tool_call ?? given)
  const details = isObject(call.function) ? call.function : call
  // An item of OpenAI's responses has an id of its own beside that of the call.
  const id = firstText(call.call_id, call.callId, call.id, call.toolCallId, call.toolUseId)
  const name = firstText(details.name, details.toolName)
  const args = details.arguments ?? details.args ?? details.input
  return {
    ...(id === undefined ? {} : { id }),
    ...(name === undefined ? {} : { name }),
    ...(args === undefined ? {} : { arguments: readEmbeddedJson(args) }),
  }
}

/** What a tool gave back, taken out of the wrapper of the AI SDK or of LangChain, and read when it is JSON text. */
export function toToolResult(given: unknown): unknown {
  const value = readJsonText(given)
  if (!isObject(value)) return value
  if (Object.hasOwn(value, 'value') && RESULT_TYPES.has(value.type)) return toToolResult(value.value)
  if (isTextPart(value)) return toToolResult(value.text)
  const message = toObject(value.output ?? value)
  return message.lc === 1 && isObject(message.kwargs) ? toToolResult(message.kwargs.content) : value
}

/** A part of nothing but text, as the agents SDK of OpenAI writes a result; more keys are the tool's own. */
function isTextPart(value: JsonObject): boolean {
  return value.type === 'text' && typeof value.text === 'string' && Object.keys(value).length === 2
}

/** Like `readEmbeddedJson`; text that is one JSON string literal is read too. */
export function readJsonText(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*"(?:[^"\\]|\\.)*"\s*$/.test(value)) return readEmbeddedJson(value)
  try {
    return parseJsonText(value) as unknown
  } catch {
    // Quoted text that is no JSON stays as it is.
    return value
  }
}

/** Bedrock names a medium by its key alone. */
const UNTYPED_MEDIA = ['image', 'document', 'video', 'audio'] as const
const RESULT_TYPES: ReadonlySet<unknown> = new Set(['text', 'json', 'content', 'error-text', 'error-json'])

/** Takes the wrappers off: OpenInference's `message_content`, and the one key that Bedrock, Gemini and Genkit name a part with. */
function flatten(given: JsonObject): JsonObject {
  const part = isObject(given.message_content) ? { ...given.message_content, ...withCall(given) } : given
  if (isObject(part.toolUse)) return { type: 'tool_use', ...part.toolUse }
  if (isObject(part.functionCall)) return { type: 'tool_call', ...part.functionCall }
  if (isObject(part.toolResult)) return { type: 'tool_result', ...part.toolResult }
  if (isObject(part.functionResponse)) return { type: 'tool_result', ...part.functionResponse }
  if (isObject(part.toolRequest)) return { type: 'tool_call', id: part.toolRequest.ref, ...part.toolRequest }
  if (isObject(part.toolResponse)) return { type: 'tool_result', id: part.toolResponse.ref, ...part.toolResponse }
  if (isObject(part.media)) return { type: 'uri', uri: part.media.url, mimeType: part.media.contentType }
  if (isObject(part.reasoningContent))
    return { type: 'reasoning', ...toObject(part.reasoningContent.reasoningText ?? part.reasoningContent) }
  const inline = part.inlineData ?? part.inline_data
  if (isObject(inline)) return { type: 'blob', ...inline }
  const stored = part.fileData ?? part.file_data
  return isObject(stored) ? { type: 'uri', uri: stored.fileUri ?? stored.file_uri, mimeType: stored.mimeType ?? stored.mime_type } : part
}

function withCall({ tool_call: call }: JsonObject): JsonObject {
  return isObject(call) ? { tool_call: call } : {}
}

const CALL_TYPES: ReadonlySet<unknown> = new Set(['tool_call', 'tool_use', 'function_call', 'function', 'server_tool_use'])

function toCallPart(part: JsonObject, type: string | undefined): ReadContentPart | undefined {
  return CALL_TYPES.has(type) || isObject(part.tool_call) ? { type: 'tool_call', call: toToolCall(part) } : undefined
}

const RESULT_PARTS: ReadonlySet<unknown> = new Set(['tool_result', 'tool_call_response', 'function_call_output', 'function_call_result'])

function toResultPart(part: JsonObject, type: string | undefined): ContentPart | undefined {
  if (!RESULT_PARTS.has(type)) return undefined
  const id = part.tool_call_id ?? part.tool_use_id ?? part.toolCallId ?? part.toolUseId ?? part.call_id ?? part.callId ?? part.id
  const result = part.response ?? part.result ?? part.output ?? part.content
  return pack({ type: 'tool_result', tool_call_id: id, name: part.name ?? part.toolName, content: toResultContent(toToolResult(result)) })
}

function toResultContent(result: unknown): unknown {
  if (!Array.isArray(result) || result.length === 0 || !result.every(isContentPart)) return result
  const parts = result.map(toContentPart)
  return parts.every(({ type }) => type === 'text') ? parts.map(({ text }) => text).join('') : parts
}

const PART_KEYS = [
  'message_content',
  'tool_call',
  'toolUse',
  'toolResult',
  'functionCall',
  'functionResponse',
  'toolRequest',
  'toolResponse',
  'media',
  'inlineData',
  'inline_data',
  'fileData',
  'file_data',
  'reasoningContent',
  ...UNTYPED_MEDIA,
]

/** Whether `item` looks like a part of a message in one of the known spellings. */
export function isContentPart(item: unknown): item is JsonObject {
  if (!isObject(item)) return false
  const hasText = [item.type, item.text, item.reasoning].some((value) => typeof value === 'string')
  return hasText || PART_KEYS.some((key) => isObject(item[key]))
}

const REASONING_TYPES: ReadonlySet<unknown> = new Set(['reasoning', 'thinking', 'redacted_thinking'])

function toReasoning(part: JsonObject, type: string | undefined): ContentPart | undefined {
  // Gemini marks its thoughts; their text is where that of the answer is.
  if (!REASONING_TYPES.has(type) && !(part.thought === true && typeof part.text === 'string')) return undefined
  const summary = Array.isArray(part.summary) ? part.summary.map((item) => firstText(toObject(item).text) ?? '').join('\n') : undefined
  return { type: 'reasoning', text: toText(part.text ?? part.content ?? part.thinking ?? part.reasoning) ?? summary ?? '' }
}

/** Media by the type that names them, less the direction and the `_url` of some. */
const MEDIUM = /^(?:input_|output_)?(image|audio|video|file|document)(?:_url)?$/

function toMedium(part: JsonObject, type: string | undefined): ContentPart | undefined {
  const mime = firstText(part.mime_type, part.mimeType, part.mediaType, part.media_type)
  const isStored = type === 'blob' || type === 'uri' || type === 'file'
  const medium = isStored ? (firstText(part.modality) ?? mime?.split('/')[0] ?? 'file') : MEDIUM.exec(type ?? '')?.[1]
  if (medium === undefined) return undefined
  const kind = ['image', 'audio', 'video'].includes(medium) ? medium : 'file'
  const holder = findHolder(part)
  const mimeType = mime ?? firstText(holder.media_type, holder.mime_type) ?? toMime(kind, holder.format)
  const found = locate(holder, part)
  return pack({
    type: kind,
    mime_type: mimeType,
    ...found,
    name: part.filename ?? holder.filename ?? part.name,
    id: part.file_id ?? holder.file_id ?? part.id,
  })
}

/** The object that says where the medium is: OpenAI's `image_url`, Anthropic's and Bedrock's `source`, OpenInference's `image.image`. */
function findHolder(part: JsonObject): JsonObject {
  for (const key of ['image_url', 'input_audio', 'source', 'image', 'audio', 'video', 'file', 'document']) {
    const value = part[key]
    if (typeof value === 'string') return { url: value }
    if (!isObject(value)) continue
    const inner = value.source ?? value[key]
    return isObject(inner) ? { ...value, ...inner } : value
  }
  return part
}

function locate(holder: JsonObject, part: JsonObject): { url?: string; data?: string } {
  const given = [holder.url, holder.uri, holder.data, holder.file_data, holder.bytes, part.uri, part.content, part.data].find(
    (value) => typeof value === 'string' && value !== '',
  )
  if (typeof given !== 'string') return {}
  return /^[a-z][a-z0-9+.-]*:/i.test(given) ? { url: given } : { data: given }
}

function toMime(kind: string, format: unknown): string | undefined {
  return typeof format === 'string' && kind !== 'file' ? `${kind}/${format}` : undefined
}

const TEXT_TYPES: ReadonlySet<unknown> = new Set([undefined, 'text', 'input_text', 'output_text', 'summary_text', 'refusal'])

function toTextPart(part: JsonObject, type: string | undefined): ContentPart | undefined {
  if (!TEXT_TYPES.has(type)) return undefined
  const text = toText(type === 'refusal' ? (part.refusal ?? part.text ?? part.content) : (part.text ?? part.content))
  if (text === undefined) return undefined
  return { type: type === 'refusal' ? 'refusal' : 'text', text }
}

function toOther(part: JsonObject): ContentPart {
  return { ...part, type: firstText(part.type) ?? 'other' }
}

function firstText(...values: readonly unknown[]): string | undefined {
  return values.find((value): value is string => typeof value === 'string' && value !== '')
}

function toText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function pack(part: { readonly type: string } & JsonObject): ContentPart {
  const packed: JsonObject = {}
  for (const [key, value] of Object.entries(part)) if (value !== undefined && value !== null && value !== '') packed[key] = value
  return packed as ContentPart
}
