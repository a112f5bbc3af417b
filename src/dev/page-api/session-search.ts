/** Finds text in everything the events of a session hold. */
import { toObject } from '../../otlp/json.js'
import type { Reader, Row } from '../store/database.js'
import { eachEventPage, inSession } from '../store/events.js'
import type { FoundEvent } from './contract.js'

const AROUND = 40
const PLACES = ['inputs', 'outputs', 'rest'] as const

/** Events of a session that hold `text` in what went in, came out or stands beside it, in any case, in order of start. */
export function* eachMatch(
  reader: Reader,
  { projectId, sessionId }: { readonly projectId: number; readonly sessionId: string },
  text: string,
): Generator<FoundEvent> {
  // Bodies hold JSON: quotes and line ends of the searched text are escaped there.
  const wanted = JSON.stringify(text.trim()).slice(1, -1).toLowerCase()
  if (wanted === '') return
  for (const rows of eachEventPage(reader, inSession(projectId, sessionId))) for (const row of rows) yield* findIn(row, wanted)
}

function* findIn(row: Row, wanted: string): Generator<FoundEvent> {
  for (const place of PLACES) {
    const content = String(row[place] ?? '')
    // Lower case may have more or fewer letters: the place is only sought in what has it.
    if (!content.toLowerCase().includes(wanted)) continue
    for (const part of place === 'rest' ? toParts(content) : [content]) {
      const at = part.toLowerCase().indexOf(wanted)
      if (at < 0) continue
      yield { id: String(row.id), where: place === 'rest' ? 'metadata' : place, ...toExcerpt(part, at, wanted.length) }
      return
    }
  }
}

/** The other buckets each by itself: their own names stand in every event. */
function toParts(content: string): string[] {
  return Object.values(toObject(JSON.parse(content))).map((bucket) => JSON.stringify(bucket))
}

function toExcerpt(content: string, at: number, length: number): Pick<FoundEvent, 'before' | 'text' | 'after'> {
  const [from, end] = [Math.max(0, at - AROUND), at + length]
  return {
    before: `${from > 0 ? '…' : ''}${toReadable(content.slice(from, at))}`,
    text: toReadable(content.slice(at, end)),
    after: `${toReadable(content.slice(end, end + AROUND))}${end + AROUND < content.length ? '…' : ''}`,
  }
}

function toReadable(json: string): string {
  return json.replace(/\\[nrt]/g, ' ').replace(/\\"/g, '"')
}
