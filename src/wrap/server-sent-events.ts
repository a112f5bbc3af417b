import { parseJsonText } from '../builtins.js'

/** Whether a text begins as a stream of server-sent events does. */
const BEGINS = /^(?:event|data|id|retry)?:/

/**
 * The JSON data of a body of server-sent events, in order; `undefined` when the text is none.
 *
 * @see HTML standard, "Server-sent events", section "Parsing an event stream"
 */
export function readServerSentEvents(text: string): unknown[] | undefined {
  if (!BEGINS.test(text)) return undefined
  const events: unknown[] = []
  for (const block of text.split(/\r?\n\r?\n/)) {
    const data = block.split(/\r?\n/).flatMap((line) => (line.startsWith('data:') ? [line.slice(5).replace(/^ /, '')] : []))
    const value = data.length === 0 ? undefined : parseData(data.join('\n'))
    if (value !== undefined) events.push(value)
  }
  return events.length === 0 ? undefined : events
}

function parseData(data: string): unknown {
  try {
    return parseJsonText(data) as unknown
  } catch {
    // `[DONE]`, or the last event of a text that was cut.
    return undefined
  }
}
