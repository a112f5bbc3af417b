/** The message that the pieces of a streamed answer make. */
import { findChunkFormat } from './chunks/formats.js'
import { createTextRoom } from './chunks/merger.js'
import { isObject } from './json.js'
import { type ChatMessage, toMessages } from './messages.js'

/** The messages that a list of chunks makes; `undefined` when it is no such list. A list of texts is one text. */
export function joinChunks(chunks: readonly unknown[]): readonly ChatMessage[] | undefined {
  const [first] = chunks
  if (chunks.length > 0 && chunks.every((chunk) => typeof chunk === 'string')) return [{ role: 'assistant', content: chunks.join('') }]
  const format = isObject(first) ? findChunkFormat(first) : undefined
  if (format === undefined) return undefined
  const merger = format.create(createTextRoom(Number.POSITIVE_INFINITY))
  let hasContent = false
  for (const chunk of chunks) {
    if (!isObject(chunk)) {
      if (isLeftOut(chunk)) continue
      return undefined
    }
    const taken = merger.add(structuredClone(chunk))
    if (taken === 'unknown') return undefined
    hasContent ||= taken === 'content'
  }
  return hasContent ? toMessages(merger.result(), 'assistant') : undefined
}

/** What the tracer writes at the end of a stream that was too long to keep. */
function isLeftOut(chunk: unknown): boolean {
  return typeof chunk === 'string' && /^\[\d+ more items\]$/.test(chunk)
}
