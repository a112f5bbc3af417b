/** Rules of the built-in redactor. */
export interface RedactRules {
  /**
   * Names of fields to mask at any depth: text compares without case and punctuation (`tax number` finds `taxNumber`), text with
   * dots against the end of the path, where places in lists may be left out, a RegExp is tested on the name.
   */
  readonly keys?: readonly (string | RegExp)[]
  /** Text to mask wherever it stands in a string, or in the name of a field inside a value. */
  readonly patterns?: readonly RegExp[]
  /** @defaultValue `'[REDACTED]'` */
  readonly replacement?: string
  /** Whether the built-in names (password, authorization, api_key, …) are masked too. @defaultValue true */
  readonly builtIn?: boolean
  /**
   * Whether secrets are also told by their looks: provider keys, private keys, JSON Web Tokens and the other formats that
   * docs/privacy.md lists.
   *
   * @defaultValue the value of `builtIn`
   */
  readonly formats?: boolean
}

/**
 * Gives back what may be sent in place of `value`, one leaf at a time, after the built-in names were masked. Throwing or
 * returning something unreadable (nothing, a promise, a symbol, a function) masks the value.
 */
export type RedactFunction = (path: string, value: unknown) => unknown
