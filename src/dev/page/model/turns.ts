import type { DialogueMessage, MessagePart } from '../../../semantics/dialogue.js'

type Call = Extract<MessagePart, { kind: 'call' }>
type Result = Extract<MessagePart, { kind: 'result' }>

/** A call of a tool and what it gave back, when that has been told. */
export interface JoinedCall extends Call {
  readonly result: Result | null
}

/** A message whose calls hold their results. */
export type Turn<M extends DialogueMessage = DialogueMessage> = Omit<M, 'parts'> & {
  readonly parts: readonly (Exclude<MessagePart, { kind: 'call' }> | JoinedCall)[]
}

/** Puts what tools gave back to the calls that asked for it; messages that held nothing else go. */
export function toTurns<M extends DialogueMessage>(messages: readonly M[]): readonly Turn<M>[] {
  const results = messages.flatMap(({ parts }) => parts.filter((part) => part.kind === 'result'))
  const joined = new Map<Call, Result>()
  const taken = new Set<Result>()
  for (const call of messages.flatMap(({ parts }) => parts.filter((part) => part.kind === 'call'))) {
    const result = results.find((one) => !taken.has(one) && answers(one, call))
    if (result === undefined) continue
    joined.set(call, result)
    taken.add(result)
  }
  return messages.flatMap((message): readonly Turn<M>[] => {
    const parts = message.parts
      .filter((part) => part.kind !== 'result' || !taken.has(part))
      .map((part) => (part.kind === 'call' ? { ...part, result: joined.get(part) ?? null } : part))
    return parts.length === 0 && message.parts.length > 0 ? [] : [{ ...message, parts }]
  })
}

/** By id; where one of them has none, as in older conventions, in the order they stand. */
function answers({ callId, name }: Result, call: Call): boolean {
  if (callId !== null && call.id !== null) return callId === call.id
  return name === null || name === call.name
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
