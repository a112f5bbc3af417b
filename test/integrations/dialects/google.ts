import {
  asksForTool,
  createId,
  DIMENSIONS,
  type Dialect,
  type Json,
  json,
  refuse,
  stream,
  textOf,
  toArguments,
  toPieces,
  toStructured,
  USED,
} from './reply.js'

// Thoughts are counted beside what was said.
const USAGE = {
  promptTokenCount: USED.input,
  cachedContentTokenCount: USED.cacheRead,
  candidatesTokenCount: USED.output - USED.reasoning,
  thoughtsTokenCount: USED.reasoning,
  totalTokenCount: USED.total,
}

/** Gemini's generateContent, streamGenerateContent and its embeddings. */
export const answerGoogle: Dialect = ({ path, search, body }, refused) => {
  if (refused !== undefined) return refuseGoogle(refused)
  const [, model = '', method] = /\/models\/([^/]+):(\w+)$/.exec(path) ?? []
  const vector = { values: Array.from({ length: DIMENSIONS }, (_, index) => index / 8) }
  if (method === 'embedContent') return json({ embedding: vector })
  if (method === 'batchEmbedContents') return json({ embeddings: body['requests'].map(() => vector) })
  const parts = toParts(body)
  const base = { modelVersion: model, responseId: createId('resp') }
  const candidate = (some: Json[], finishReason?: string): Json => ({
    ...base,
    candidates: [{ index: 0, content: { role: 'model', parts: some }, ...(finishReason === undefined ? {} : { finishReason }) }],
  })
  if (method !== 'streamGenerateContent') return json({ ...candidate(parts, 'STOP'), usageMetadata: USAGE })
  const chunks = parts.flatMap((part) => (part['text'] === undefined ? [part] : toPieces(part['text']).map((text) => ({ text }))))
  const events = chunks.map((chunk, index) =>
    index === chunks.length - 1 ? { ...candidate([chunk], 'STOP'), usageMetadata: USAGE } : candidate([chunk]),
  )
  if (search.get('alt') === 'sse') return stream(events.map((event) => [undefined, event] as const))
  return json(events)
}

function refuseGoogle(status: number): ReturnType<Dialect> {
  const error =
    status === 429
      ? { code: 429, message: 'Resource has been exhausted', status: 'RESOURCE_EXHAUSTED' }
      : { code: 500, message: 'An internal error has occurred', status: 'INTERNAL' }
  return refuse(status, { error })
}

function toParts(body: Json): Json[] {
  const { parts } = body['contents'].at(-1)
  const said = textOf(parts)
  const declared = (body['tools'] ?? []).flatMap((tool: Json) => tool['functionDeclarations'] ?? [])
  const hasResult = parts.some((part: Json) => part['functionResponse'] !== undefined)
  if (!hasResult && asksForTool(declared, said)) return [{ functionCall: { name: declared[0].name, args: toArguments(said) } }]
  const config = body['generationConfig'] ?? {}
  const schema = config.responseJsonSchema ?? config.responseSchema
  return [{ text: schema === undefined ? `echo: ${said}` : toStructured(schema, `echo: ${said}`) }]
}
