import { NativeSet } from '../../natives.js'

/** Which names of fields mean a secret without anybody saying so. */

/** Ends of names, without case and punctuation; compounds that end in one count too (`OPENAI_API_KEY`). */
const SECRET_ENDS = [
  ...['password', 'passwords', 'passwd', 'passphrase', 'passcode', 'pwd', 'secret', 'secrets', 'credential', 'credentials'],
  ...['token', 'accesstokens', 'apitokens', 'authtokens', 'refreshtokens', 'jwt', 'authorization', 'cookie', 'cookies'],
  ...['apikey', 'apikeys', 'appkey', 'applicationkey', 'accesskey', 'accesskeys', 'accountkey', 'authkey', 'consumerkey', 'deploykey'],
  ...['encryptionkey', 'functionskey', 'hmackey', 'licensekey', 'masterkey', 'privatekey', 'secretkey', 'secretkeybase', 'servicekey'],
  ...['servicerolekey', 'signingkey', 'sshkey', 'subscriptionkey', 'sharedaccesssignature', 'amzsignature', 'hubsignature'],
  ...['codeverifier', 'clientassertion', 'recoverycode', 'recoverycodes', 'backupcodes', 'onetimecode', 'seedphrase', 'mnemonic'],
]
/** Secrets only where they are the whole name. */
const SECRET_NAMES: ReadonlySet<string> = new NativeSet(['bearer', 'authbearer'])
/** Whole names that mean a secret where the value is text, and something else where it is a count, a verdict or an object. */
const TEXT_NAMES: ReadonlySet<string> = new NativeSet([
  ...['auth', 'pass', 'sig', 'otp', 'totp', 'otpcode', 'connectsid', 'jsessionid', 'phpsessid', 'aspnetsessionid'],
])
/** Whose `pass` is a password: `DB_PASS`, `smtpPass`. */
const PASS_OWNERS: ReadonlySet<string> = new NativeSet([
  ...[
    'db',
    'database',
    'smtp',
    'imap',
    'mail',
    'email',
    'mailer',
    'user',
    'admin',
    'root',
    'mysql',
    'pg',
    'postgres',
    'postgresql',
    'redis',
  ],
  ...['mongo', 'mongodb', 'sql', 'ftp', 'sftp', 'ssh', 'http', 'proxy', 'auth', 'basic', 'login', 'key', 'keystore', 'truststore', 'wifi'],
  ...['rabbitmq', 'amqp', 'ldap', 'my', 'old', 'current', 'account', 'service', 'client', 'server'],
])
/** What may follow the name of a secret that is still one: `password_hash`, `API_KEY_PROD`, `SecretString`. */
const SECRET_SUFFIXES: ReadonlySet<string> = new NativeSet([
  ...['hash', 'digest', 'value', 'val', 'string', 'str', 'text', 'raw', 'plain', 'plaintext', 'encrypted', 'base64', 'b64', 'pem'],
  ...[
    'confirm',
    'confirmation',
    'confirmed',
    'again',
    'repeat',
    'header',
    'headers',
    'dev',
    'prod',
    'production',
    'staging',
    'test',
    'live',
  ],
  ...['old', 'new', 'current', 'primary', 'secondary', 'backup', 'v1', 'v2', 'v3'],
])
/** What stands before `token` when it means a piece of model text, a place in a list or a count, not a credential. */
const TOKEN_WORDS: ReadonlySet<string> = new NativeSet([
  ...['first', 'last', 'next', 'previous', 'prev', 'per', 'input', 'output', 'prompt', 'completion', 'cached', 'reasoning', 'max', 'min'],
  ...['total', 'top', 'eos', 'bos', 'pad', 'unk', 'unknown', 'sep', 'separator', 'cls', 'mask', 'stop', 'special', 'single', 'each', 'any'],
  ...[
    'page',
    'pagination',
    'paging',
    'continuation',
    'sync',
    'cursor',
    'cancel',
    'cancellation',
    'start',
    'begin',
    'end',
    'image',
    'audio',
  ],
  ...['video', 'text', 'word', 'sub', 'subword', 'vocab', 'chat', 'thinking', 'draft', 'accepted', 'rejected', 'generated', 'sampled'],
  ...[
    'delimiter',
    'newline',
    'whitespace',
    'punctuation',
    'identifier',
    'lexer',
    'syntax',
    'model',
    'design',
    'color',
    'unexpected',
    'expected',
  ],
])
/** First words of names that say whether there is a secret, not which: `hasPassword`. */
const QUESTION_WORDS: ReadonlySet<string> = new NativeSet([
  ...['has', 'have', 'had', 'is', 'are', 'was', 'were', 'needs', 'need', 'show', 'shows', 'hide', 'hides', 'can', 'should', 'must', 'does'],
  ...['did', 'requires', 'require', 'allow', 'allows', 'enable', 'enables', 'enabled', 'disable', 'disabled', 'supports', 'missing'],
  ...['invalid', 'without', 'no', 'uses', 'skip', 'remember', 'prior', 'validate', 'count', 'num', 'number'],
])

/** Occurs in every name that can be a secret one; finds the texts that are worth a second look. */
export const SECRET_STEM: RegExp =
  /pass|pwd|secret|token|key|auth|cookie|credential|bearer|jwt|otp|\bsig\b|connect.sid|sess(?:ion)?id|signature|verifier|assertion|(?:backup|recovery|time).{0,3}codes?|seed.{0,3}phrase|mnemonic|\\u00/i

const SECRET_END = new RegExp(`(?:${SECRET_ENDS.join('|')})$`)
const GLUED_TOKEN_END = new RegExp(`(?:${[...TOKEN_WORDS].join('|')})token$`)
/** Longer than every name above, so that a huge key costs no more than a short one. */
const LONGEST_END_CHARS = 64

/** Whether a name means a secret: always, only where its value is text, or never. */
export type SecretKind = 'always' | 'text' | 'never'

/** What `name` means, by its last words and in any spelling: `dbPassword`, `X-API-Key`, `aws_secret_access_key`. */
export function toSecretKind(name: string): SecretKind {
  const end = name.slice(-LONGEST_END_CHARS)
  if (!SECRET_STEM.test(end)) return 'never'
  const words = toWords(end)
  const kept = withoutSuffixes(words)
  const joined = kept.join('')
  if (TEXT_NAMES.has(joined)) return kept.length === words.length ? 'text' : 'never'
  if (kept.at(-1) === 'pass' && PASS_OWNERS.has(kept.at(-2) ?? '')) return 'text'
  if (!SECRET_END.test(joined) && !SECRET_NAMES.has(joined)) return 'never'
  return isHarmless(words, kept, joined) ? 'never' : 'always'
}

function isHarmless(words: readonly string[], kept: readonly string[], joined: string): boolean {
  if (words.length > 1 && QUESTION_WORDS.has(words[0] ?? '')) return true
  if (!joined.endsWith('token')) return false
  if (kept.length === 1) return kept.length < words.length || GLUED_TOKEN_END.test(joined)
  return kept.at(-1) === 'token' && (TOKEN_WORDS.has(kept.at(-2) ?? '') || kept[0] === 'max' || kept[0] === 'min')
}

/** `HTTPToken`, `my-token` and `myToken2` fall apart at case, punctuation and the digits at their end. */
export function toWords(name: string): string[] {
  return name
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .replace(/(\p{L}{3})(\d{1,4})$/u, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
}

function withoutSuffixes(words: readonly string[]): readonly string[] {
  let end = words.length
  while (end > 1 && isSuffix(words[end - 1] ?? '')) end -= 1
  return end === words.length ? words : words.slice(0, end)
}

function isSuffix(word: string): boolean {
  return SECRET_SUFFIXES.has(word) || /^\d+$/.test(word)
}
