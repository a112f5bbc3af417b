import { NativeSet } from '../../natives.js'
import { SECRET_STEM, type SecretKind, toSecretKind, toWords } from './names.js'
import { remember } from './remembered.js'

/** Which field names and dotted paths a set of rules masks. */
export interface KeyRules {
  /** Whether there is anything to look for. */
  readonly isActive: boolean
  /** Whether paths are looked at; without, the names of fields decide alone. */
  readonly hasPaths: boolean
  /** Words of the longest name of the user's own: `credit card` has two. 0 where there is none. */
  readonly nameWords: number
  /** False for text in which none of the names can stand. */
  mayName(text: string): boolean
  /** Whether the user gave exactly this name, in any spelling. */
  isOwnName(name: string): boolean
  /** One field name, whatever its value is. A name with dots is looked at piece by piece. */
  isSecretName(name: string): boolean
  /** One field name whose value is text. */
  isSecretTextName(name: string): boolean
  /** A field met on the way down: its own name, or a declared path at the end of its path. */
  isSecretField(path: string, name: string, isText: boolean): boolean
  /** A whole dotted path: any of its names, or a declared path in it. */
  isSecretPath(path: string, isText: boolean): boolean
  /** Whether a field of this name on this path is one of a declared path. */
  isDeclaredPath(path: string, name: string): boolean
}

/**
 * Compiles the rules once. A text without a dot is compared with each name, ignoring case and punctuation; a text with dots
 * (`user.email`) with the end of the path; a RegExp is tested on each name.
 */
export function createKeyRules(keys: readonly (string | RegExp)[], builtIn: boolean): KeyRules {
  const texts = keys.filter((key): key is string => typeof key === 'string')
  const bare = texts.filter((key) => !key.includes('.'))
  const names = new NativeSet(bare.map(toComparable))
  const paths = texts.filter((key) => key.includes('.')).map((key) => `${toComparablePath(key)}.`)
  const lastPieces = new NativeSet(paths.map((path) => path.slice(path.lastIndexOf('.', path.length - 2) + 1, -1)))
  const expressions = keys.filter((key): key is RegExp => typeof key !== 'string').map(toStateless)

  const isOwnName = (name: string): boolean => names.size > 0 && names.has(toComparable(name))

  function toKind(name: string): SecretKind {
    if (isOwnName(name) || expressions.some((expression) => expression.test(name))) return 'always'
    return builtIn ? toSecretKind(name) : 'never'
  }

  const kindOfPiece = remember(toKind)
  const kindOf = remember((name) => {
    const kind = kindOfPiece(name)
    if (kind === 'always' || !name.includes('.')) return kind
    return isIn(name, paths) || name.split('.').some((piece) => kindOfPiece(piece) === 'always') ? 'always' : kind
  })
  const mayEndPath = remember((name) => lastPieces.has(toComparable(name.slice(name.lastIndexOf('.') + 1))))
  const isDeclaredPath = (path: string, name: string): boolean => paths.length > 0 && mayEndPath(name) && isIn(path, paths)

  function isSecretField(path: string, name: string, isText: boolean): boolean {
    const kind = kindOf(name)
    return kind === 'always' || (isText && kind === 'text') || isDeclaredPath(path, name)
  }

  return {
    isActive: builtIn || keys.length > 0,
    hasPaths: paths.length > 0,
    nameWords: Math.max(0, ...bare.map((key) => toWords(key).length)),
    mayName: keys.length === 0 ? (text) => builtIn && SECRET_STEM.test(text) : () => true,
    isOwnName,
    isSecretName: (name) => kindOf(name) === 'always',
    isSecretTextName: (name) => kindOf(name) !== 'never',
    isSecretField,
    isSecretPath: (path, isText) => isSecretField(path, path, isText),
    isDeclaredPath,
  }
}

/** The same text for all spellings of a name: `Straße` and `STRASSE`, `ñ` as one character or two, `taxNumber` and `Tax Number`. */
function toComparable(name: string): string {
  const upper = name.toLowerCase().toUpperCase().normalize('NFKC')
  return upper.replaceAll('\u0130', 'I').replace(/[^\p{L}\p{M}\p{N}]+/gu, '')
}

function toComparablePath(path: string): string {
  return `.${path.split('.').map(toComparable).join('.')}`
}

/** Places in lists count only where a declared path says which. */
function isIn(path: string, declared: readonly string[]): boolean {
  if (declared.length === 0) return false
  const whole = `${toComparablePath(path)}.`
  if (declared.some((one) => whole.includes(one))) return true
  const withoutPlaces = whole.replace(/\.\d+(?=\.)/g, '')
  return withoutPlaces !== whole && declared.some((one) => withoutPlaces.includes(one))
}

// Sticky and global expressions remember where they stopped.
function toStateless(expression: RegExp): RegExp {
  return new RegExp(expression.source, expression.flags.replace(/[gy]/g, ''))
}
