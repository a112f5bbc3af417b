/** Names whose values are masked unless the user turns that off; compounds that end in one count too (`OPENAI_API_KEY`). */
const SECRET_NAMES = [
  'password',
  'passwords',
  'passwd',
  'passphrase',
  'secret',
  'secrets',
  'client_secret',
  'api_key',
  'api_keys',
  'x-api-key',
  'access_key',
  'secret_key',
  'secret_access_key',
  'private_key',
  'access_token',
  'refresh_token',
  'id_token',
  'auth_token',
  'session_token',
  'bearer',
  'authorization',
  'proxy-authorization',
  'cookie',
  'cookies',
  'set-cookie',
  'credential',
  'credentials',
  'token',
] as const
/** What stands before `token` when it means a piece of model text or a count, not a credential: `time_to_first_token`. */
const MODEL_TOKEN_WORDS = [
  'first',
  'last',
  'next',
  'per',
  'input',
  'output',
  'prompt',
  'completion',
  'cached',
  'reasoning',
  'max',
  'min',
  'total',
  'top',
  'eos',
  'bos',
  'pad',
  'unk',
  'sep',
  'cls',
  'mask',
  'stop',
  'special',
  'new',
  'single',
  'each',
] as const

const SECRET_END = new RegExp(`(?:${SECRET_NAMES.map(toComparable).join('|')})$`)
const MODEL_TOKEN_END = new RegExp(`(?:${MODEL_TOKEN_WORDS.join('|')})token$`)
/** Longer than every name above, so that a huge key costs no more than a short one. */
const LONGEST_END_CHARS = 64
const MAX_CACHED_NAMES = 4096
const MAX_CACHED_CHARS = 64

/** Which field names and dotted paths a set of rules masks. */
export interface KeyRules {
  /** Whether there is anything to look for. */
  readonly isActive: boolean
  /** Whether paths are looked at; without, the names of fields decide alone. */
  readonly hasPaths: boolean
  /** One field name. A name with dots is looked at piece by piece. */
  isSecretName(name: string): boolean
  /** A field met on the way down: its own name, or a declared path at the end of its path. */
  isSecretField(path: string, name: string): boolean
  /** A whole dotted path: any of its names, or a declared path at its end. */
  isSecretPath(path: string): boolean
}

/**
 * Compiles the rules once. A text without a dot is compared with each name, ignoring case and punctuation; a text with dots
 * (`user.email`) with the end of the path; a RegExp is tested on each name.
 */
export function createKeyRules(keys: readonly (string | RegExp)[], builtIn: boolean): KeyRules {
  const texts = keys.filter((key): key is string => typeof key === 'string')
  const names = new Set(texts.filter((key) => !key.includes('.')).map(toComparable))
  const paths = texts.filter((key) => key.includes('.')).map(toComparablePath)
  const expressions = keys.filter((key): key is RegExp => typeof key !== 'string').map(toStateless)

  function matches(name: string): boolean {
    if (expressions.some((expression) => expression.test(name))) return true
    if (builtIn && isBuiltInName(name)) return true
    return names.size > 0 && names.has(toComparable(name))
  }

  const isSecretPiece = remember(matches)
  const isSecretName = remember((name) => isSecretPiece(name) || (name.includes('.') && name.split('.').some(isSecretPiece)))

  function isSecretField(path: string, name: string): boolean {
    return isSecretName(name) || (paths.length > 0 && endsWithOne(toComparablePath(path), paths))
  }

  return {
    isActive: builtIn || keys.length > 0,
    hasPaths: paths.length > 0,
    isSecretName,
    isSecretField,
    isSecretPath: (path) => isSecretField(path, path),
  }
}

/** `decide` with its answers for the names met lately: a program uses few of them, again and again. */
function remember(decide: (name: string) => boolean): (name: string) => boolean {
  const known = new Map<string, boolean>()
  return (name) => {
    const cached = known.get(name)
    if (cached !== undefined) return cached
    const answer = decide(name)
    if (name.length > MAX_CACHED_CHARS) return answer
    if (known.size >= MAX_CACHED_NAMES) known.clear()
    known.set(name, answer)
    return answer
  }
}

function isBuiltInName(name: string): boolean {
  const end = toComparable(name.slice(-LONGEST_END_CHARS))
  return SECRET_END.test(end) && !MODEL_TOKEN_END.test(end)
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
