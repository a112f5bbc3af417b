/** `readline` also ends lines at U+2028 and U+2029 on newer versions of Node, which JSON holds as they are. */
const LINE_END = /\r\n|\n|\r/

/**
 * The lines of a text that comes in parts, without their ends: a line feed, a carriage return, or both. A last line needs no end.
 */
export async function* readLines(parts: AsyncIterable<string>): AsyncGenerator<string> {
  let open = ''
  let isAfterReturn = false
  for await (const part of parts) {
    if (part === '') continue
    // The second half of an end that was cut in two.
    const text = isAfterReturn && part.startsWith('\n') ? part.slice(1) : part
    isAfterReturn = part.endsWith('\r')
    const [first = '', ...others] = text.split(LINE_END)
    open += first
    for (const line of others) {
      yield open
      open = line
    }
  }
  if (open !== '') yield open
}
