import { cutText, OVERLAP_BYTES } from '../values/text.js'

/** Longest name, UTF-16 units: longer than any that people give, and short enough for hundreds of spans in one request. */
export const MAX_NAME_CHARS = 4096
/** Longest message of a status or an error, UTF-16 units. */
export const MAX_MESSAGE_CHARS = 32_768

/** A text that has a limit of its own; what lies beyond is let go of at once, but for what redaction needs to see. */
export function boundText(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : cutText(text, maxChars + OVERLAP_BYTES)
}

/** {@link boundText} of a name that may be missing. */
export function boundName(name: string | undefined): string | undefined {
  return name === undefined ? undefined : boundText(name, MAX_NAME_CHARS)
}

/** Whether a text is longer than its limit, also after it was bound. */
export function isTooLong(text: string | undefined, maxChars: number): boolean {
  return text !== undefined && text.length > maxChars
}
