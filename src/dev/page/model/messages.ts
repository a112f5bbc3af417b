/** One message of a conversation, as far as it could be recognised. */
export interface Message {
  readonly role: string
  readonly text: string
  /** Parts that are not text, named and not loaded. */
  readonly attachments: readonly string[]
  readonly toolCalls: readonly ToolCall[]
  readonly toolCallId: string | null
  readonly name: string | null
}
/** A call the model asked for. */
export interface ToolCall {
  readonly id: string | null
  readonly name: string
  readonly args: unknown
}

/** The conversation that went in (`inputs.chat_history` or `inputs.messages`), or null when there is none. */
export function toInputMessages(inputs: Readonly<Record<string, unknown>>): readonly Message[] | null {
  return toMessages(inputs['chat_history'] ?? inputs['messages'])
}

/** What came out: `outputs.role/content/tool_calls`, or `outputs.chat_history`; null when it is no message. */
export function toOutputMessages(outputs: Readonly<Record<string, unknown>>): readonly Message[] | null {
  const many = toMessages(outputs['chat_history'] ?? outputs['messages'])
  if (many) return many
  const isMessage = 'role' in outputs || 'tool_calls' in outputs
  return isMessage && isRecord(outputs) ? [toMessage({ role: 'assistant', ...outputs })] : null
}

function toMessages(value: unknown): readonly Message[] | null {
  const list = Array.isArray(value) ? value : parseJson(value)
  if (!Array.isArray(list) || list.length === 0) return null
  return list.every(isRecord) ? list.map(toMessage) : null
}

function toMessage(raw: Readonly<Record<string, unknown>>): Message {
  const content = raw['content'] ?? raw['text'] ?? raw['value'] ?? raw['parts']
  const parts = Array.isArray(content) ? content : [content]
  return {
    role: typeof raw['role'] === 'string' ? raw['role'] : 'message',
    text: parts.map(toPartText).filter(Boolean).join('\n'),
    attachments: parts.map(toAttachment).filter((name) => name !== null),
    toolCalls: toToolCalls(raw['tool_calls'] ?? raw['toolCalls'] ?? raw['function_call']),
    toolCallId: typeof raw['tool_call_id'] === 'string' ? raw['tool_call_id'] : null,
    name: typeof raw['name'] === 'string' ? raw['name'] : null,
  }
}

function toPartText(part: unknown): string {
  if (part === null || part === undefined) return ''
  if (typeof part === 'string') return part
  if (!isRecord(part)) return String(part)
  const text = part['text'] ?? part['content']
  if (typeof text === 'string') return text
  return toAttachment(part) === null ? JSON.stringify(part, null, 2) : ''
}

function toAttachment(part: unknown): string | null {
  if (!isRecord(part)) return null
  const type = part['type']
  return typeof type === 'string' && /image|audio|file|video|input_/.test(type) && typeof part['text'] !== 'string' ? type : null
}

function toToolCalls(value: unknown): readonly ToolCall[] {
  const list = Array.isArray(value) ? value : value === null || value === undefined ? [] : [value]
  return list.filter(isRecord).map((call) => {
    const fn = isRecord(call['function']) ? call['function'] : call
    const args = fn['arguments'] ?? fn['args'] ?? fn['input'] ?? {}
    return {
      id: typeof call['id'] === 'string' ? call['id'] : null,
      name: typeof fn['name'] === 'string' ? fn['name'] : 'tool',
      args: parseJson(args) ?? args,
    }
  })
}

/** The object or list that a text holds as JSON; undefined for any other value. */
export function parseJson(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return undefined
  try {
    return JSON.parse(value) as unknown
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
