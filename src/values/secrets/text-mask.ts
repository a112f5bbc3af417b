import { maskCommands, maskStatements } from './commands.js'
import { maskAuthSchemes, maskElements, maskSaid, maskUrlUsers } from './credentials.js'
import { maskFields } from './fields.js'
import { maskFormats } from './formats.js'
import { maskJsonText } from './json-mask.js'
import type { KeyRules } from './key-rules.js'
import { rememberClean } from './remembered.js'

/** Gives back what may be shown in place of a text. */
export type MaskText = (text: string) => string

/** What a text is searched for. */
export interface TextMaskParts {
  readonly keyRules: KeyRules
  /** Whether secrets are told by their looks as well. */
  readonly formats: boolean
  readonly replacement: string
}

/** Nothing shorter holds a name, a separator and a value. */
const SHORTEST_FIELD = 5

/** Masks secrets in text as a reader would find them; `undefined` where nothing is looked for. */
export function createTextMask({ keyRules, formats, replacement }: TextMaskParts): MaskText | undefined {
  const mayHide = formats ? (text: string) => maskFormats(text, replacement) : undefined
  if (!keyRules.isActive) return mayHide
  const maskNamed = createNamedMask(keyRules, replacement)
  return (text) => {
    if (text.length < SHORTEST_FIELD) return text
    const shown = maskNamed(text)
    return mayHide === undefined ? shown : mayHide(shown)
  }
}

/** Nothing shorter is a secret by its looks, or holds a login. */
const SHORTEST_IN_NAME = 10

/**
 * Masks secrets in the name of a field or an attribute, which maps have that are kept by key or address: what looks like one, logins in
 * URLs, tokens behind their scheme. A name that says what a secret is for stays. `undefined` where nothing is looked for.
 */
export function createNameMask({ keyRules, formats, replacement }: TextMaskParts): MaskText | undefined {
  if (!keyRules.isActive && !formats) return undefined
  const search = rememberClean((name) => {
    const shown = keyRules.isActive ? maskAuthSchemes(maskUrlUsers(name, replacement), replacement) : name
    return formats ? maskFormats(shown, replacement) : shown
  })
  return (name) => (name.length < SHORTEST_IN_NAME ? name : search(name))
}

function createNamedMask(keyRules: KeyRules, replacement: string): MaskText {
  return (text) => {
    let shown = maskUrlUsers(text, replacement)
    if (keyRules.mayName(shown)) {
      shown = maskJsonText(shown, keyRules, replacement)
      shown = maskFields(shown, keyRules, replacement)
      shown = maskSaid(maskElements(shown, keyRules, replacement), keyRules, replacement)
      shown = maskStatements(shown, keyRules, replacement)
    }
    return maskAuthSchemes(maskCommands(shown, replacement), replacement)
  }
}
