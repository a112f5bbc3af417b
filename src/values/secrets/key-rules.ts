import { NativeSet } from '../../natives.js'
import { SECRET_STEM, toSecretKind } from './names.js'
import { remember } from './remembered.js'

/** Which field names and dotted paths a set of rules masks. */
export interface KeyRules {
  /** Whether there is anything to look for. */
  readonly isActive: boolean
  /** Whether paths are looked at; without, the names of fields decide alone. */
  readonly hasPaths: boolean
  /** False for text in which none of the names can stand. */
  mayName(text: string): boolean
  /** One field name, whatever its value is. A name with dots is looked at piece by piece. */
  isSecretName(name: string): boolean
  /** One field name whose value is text. */
  isSecretTextName(name: string): boolean
  /** A field met on the way down: its own name, or a declared path at the end of its path. */
  isSecretField(path: string, name: string, isText: boolean): boolean
  /** A whole dotted path: any of its names, or a declared path at its end. */
  isSecretPath(path: string, isText: boolean): boolean
}

/**
 * Compiles the rules once. A text without a dot is compared with each name, ignoring case and punctuation; a text with dots
 * (`user.email`) with the end of the path; a RegExp is tested on each name.
 */
export function createKeyRules(keys: readonly (string | RegExp)[], builtIn: boolean): KeyRules {
  const texts = keys.filter((key): key is string => typeof key === 'string')
  const names = new NativeSet(texts.filter((key) => !key.includes('.')).map(toComparable))
  const paths = texts.filter((key) => key.includes('.')).map(toComparablePath)
  const expressions = keys.filter((key): key is RegExp => typeof key !== 'string').map(toStateless)

  function isOwnName(name: string): boolean {
    return expressions.some((expression) => expression.test(name)) || (names.size > 0 && names.has(toComparable(name)))
  }

  const kindOfPiece = remember((name) => (isOwnName(name) ? 'always' : builtIn ? toSecretKind(name) : 'never'))
  const kindOf = remember((name) => {
    const kind = kindOfPiece(name)
    if (kind === 'always' || !name.includes('.')) return kind
    return name.split('.').some((piece) => kindOfPiece(piece) === 'always') ? 'always' : kind
  })

  function isSecretField(path: string, name: string, isText: boolean): boolean {
    const kind = kindOf(name)
    return kind === 'always' || (isText && kind === 'text') || (paths.length > 0 && endsWithOne(toComparablePath(path), paths))
  }

  return {
    isActive: builtIn || keys.length > 0,
    hasPaths: paths.length > 0,
    mayName: keys.length === 0 ? (text) => builtIn && SECRET_STEM.test(text) : () => true,
    isSecretName: (name) => kindOf(name) === 'always',
    isSecretTextName: (name) => kindOf(name) !== 'never',
    isSecretField,
    isSecretPath: (path, isText) => isSecretField(path, path, isText),
  }
}

function toComparable(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '')
}

function toComparablePath(path: string): string {
  return `.${path.split('.').map(toComparable).join('.')}`
}

function endsWithOne(path: string, ends: readonly string[]): boolean {
  return ends.some((end) => path.endsWith(end))
}

// Sticky and global expressions remember where they stopped.
function toStateless(expression: RegExp): RegExp {
  return new RegExp(expression.source, expression.flags.replace(/[gy]/g, ''))
}
