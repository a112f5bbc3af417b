import type { Environment } from './sources.js'

/** Text with its variables replaced, or what is wrong with it. */
export interface ExpandedText {
  readonly text: string
  /** Whether a variable or its default went into the text. */
  readonly hasVariables: boolean
  /** Each says what is wrong and what to do. */
  readonly problems: readonly string[]
}

/** `$${` is kept as `${`; `${NAME}` and `${NAME:-default}` are replaced; any other `${` is a mistake. */
const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\}|\$\{/g

/**
 * Replaces `${NAME}` and `${NAME:-default}`; as in a shell, the default also takes the place of an empty variable. What a
 * variable holds is not expanded again.
 */
export function expandVariables(text: string, env: Environment): ExpandedText {
  const problems: string[] = []
  let hasVariables = false
  const expanded = text.replace(REFERENCE, (reference: string, name: string | undefined, fallback: string | undefined) => {
    if (reference === '$${') return '${'
    if (name === undefined) {
      problems.push(
        '"${" starts no variable. Write ${NAME}, ${NAME:-default}, or $${ for the characters themselves; variables do not nest.',
      )
      return reference
    }
    hasVariables = true
    const value = env[name]
    if (value === undefined && fallback === undefined)
      problems.push(`variable ${name} is not set. Set it, or give a default: \${${name}:-default}.`)
    return (fallback !== undefined && value === '' ? undefined : value) ?? fallback ?? ''
  })
  return { text: expanded, hasVariables, problems }
}
