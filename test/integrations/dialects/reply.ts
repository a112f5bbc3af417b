/** A request as a dialect sees it. */
export interface ModelRequest {
  readonly path: string
  readonly search: URLSearchParams
  readonly body: Json
}

/** What goes back: one body, or the parts of a stream as they stand on the wire. */
export interface Reply {
  readonly status?: number
  readonly type: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly parts?: readonly Buffer[]
}

/** Answers a request; `refused` is the status of the error that it shall be. */
export type Dialect = (request: ModelRequest, refused: number | undefined) => Reply

export type Json = Record<string, any>

/** What every answer says it used. Reasoning is a part of what went out, the two of the cache are parts of what came in. */
export const USED = { input: 11, output: 7, total: 18, cacheRead: 3, cacheWrite: 2, reasoning: 2 } as const

/** Length of the vectors. */
export const DIMENSIONS = 4

let count = 0

/** A new id with this prefix. */
export const createId = (prefix: string): string => `${prefix}_${++count}`

export const toObject = (value: unknown): Json => (typeof value === 'object' && value !== null ? value : {}) as Json

export function json(body: unknown): Reply {
  return { type: 'application/json', body }
}

/** Asks the client to come back at once. */
export function refuse(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, type: 'application/json', body, headers: { ...(status === 429 ? { 'retry-after': '0' } : {}), ...headers } }
}

/** Server-sent events; an event with a name carries it on a line of its own. */
export function stream(events: readonly (readonly [name: string | undefined, data: unknown])[], end: string = ''): Reply {
  const parts = events.map(([name, data]) => `${name === undefined ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`)
  return { type: 'text/event-stream', parts: [...parts, end].filter((part) => part !== '').map((part) => Buffer.from(part)) }
}

/** The pieces in which a text is streamed. */
export const toPieces = (text: string): string[] => text.match(/\S+\s*/g) ?? [text]

/** All texts inside a value, in order, whatever the dialect calls the keys. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(textOf).filter(Boolean).join(' ')
  const { text, content, output, response, json: inner, toolResult, functionResponse } = toObject(value)
  const nested = text ?? content ?? output ?? toolResult ?? functionResponse ?? response ?? inner
  if (nested !== undefined) return textOf(nested)
  return typeof value === 'object' && value !== null ? Object.values(value).map(textOf).filter(Boolean).join(' ') : ''
}

/** The arguments of the tool call that answers `said`: its marker comes back in them too. */
export const toArguments = (said: string): Json => ({ city: /marker-\S+/.exec(said)?.[0] ?? 'Paris' })

/** Whether this is a question that a tool answers. */
export const asksForTool = (tools: unknown, said: string): boolean => Array.isArray(tools) && tools.length > 0 && said.includes('weather')

/** The answer where the caller wants an object: each property of the schema holds the text. */
export function toStructured(schema: unknown, text: string): string {
  const names = Object.keys(toObject(toObject(schema)['properties']))
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, text])))
}
