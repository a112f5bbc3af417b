// Every character a terminal acts upon, line breaks and the marks that turn the direction of writing included.
const ACTED_UPON = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g

/** Text of strangers for one line of a terminal or a log: what would move the cursor, colour or ring becomes a space. */
export function toOneLine(text: string): string {
  return text.replace(ACTED_UPON, ' ')
}

/** As {@link toOneLine}, for text of our own that has several lines and holds text of strangers. */
export function toShownLines(text: string): string {
  return text.split('\n').map(toOneLine).join('\n')
}
