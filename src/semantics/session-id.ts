import { isUuid, toNameUuid } from './uuid.js'

/**
 * The session id for any text: a UUID of any version is kept, lower-cased; everything else becomes the UUIDv5 of the text
 * in the DNS namespace, so that the same text names the same session in every process and language.
 */
export function toSessionId(text: string): string {
  return isUuid(text) ? text.toLowerCase() : toNameUuid(text)
}

/** The id of an event or session for what a caller gave; a blank text is a lookup that found nothing, never an id to share. */
export function toOwnId(given: unknown): string | undefined {
  return typeof given === 'string' && given.trim() !== '' ? toSessionId(given) : undefined
}

/** Text of an id given by a caller, whatever it gave: text as it is, a number in digits. Anything else is no id. */
export function readIdText(given: unknown): string | undefined {
  if (typeof given === 'string') return given
  return typeof given === 'number' ? String(given) : undefined
}
