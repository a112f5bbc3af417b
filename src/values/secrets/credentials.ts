/** Masks credentials that are told by their place and not by a name: in URLs, behind `Bearer` and `Basic`, in elements of markup. */
import type { KeyRules } from './key-rules.js'
import { readNameBefore, readPhrase } from './field-name.js'
import { isPlaceholder, isReferenceValue } from './harmless.js'
import { findSecretItems } from './lists.js'
import { TextCuts } from './text-cuts.js'

const AUTHORITY = /[^\s"'`<>\\|]{1,1024}/y
const ENCODED_AUTHORITY = /%3[aA]%2[fF]%2[fF][^\s%"'&]{0,256}%3[aA]([^\s"'&/@]{1,256}?)%40/g
const ORACLE_LOGIN = /(\bjdbc:oracle:\w{1,16}:[\w$#]{1,64}\/)([^\s"'`]{1,256})@(?=(?:\/\/)?[\w.-]{1,253}[:/]|[/(])/gi
const PORT = /^\d{1,5}(?:$|;[\w ]{1,40}=|,[\w.-]{1,253}:\d{1,5})/
/** A text that is one URL, whose password may hold quotes. */
const WHOLE_URL = /^([a-z][a-z\d+.-]{1,31}:\/\/[^\s/:@"'`]{0,128}:)(\S{1,256})@(?=[\w.,:[\]-]{1,512}(?:[/?#]\S*)?$)/i
/** Words before a slash may be paths of modules and media. */
const LOGIN_BEFORE_SLASH =
  /((?<![\w.$%+@:/-])[\w.$%+-]{1,64}:)(?=[^\s"'`]{0,255}[\d!#$%&*+=^~_])([^\s"'`]{1,256})@(?=\/[\w$-]{1,64}(?:[?\s"'`\\]|$))/g
/** Group 1 ends where the password begins, group 2 is the password. */
const BARE_LOGINS: readonly RegExp[] = [
  /((?<![\w.$%+@:/-])[\w.$%+-]{0,64}(?:@[\w.-]{1,64})?:)([^\s"'`]{1,256})@(?:[\w+-]{0,16}tcp[46]?|udp|unix|pipe|ssh|tls|memory|cloudsql[\w-]{0,16})\(/g,
  /^([\w.$%+-]{0,64}:)(\S[^\n]{0,255})@(?:[\w+-]{0,16}tcp[46]?|udp|unix|pipe|cloudsql[\w-]{0,16})\(/g,
  /((?<![\w.$%+@:/-])(?!(?:sips?|mailto|xmpp|acct|npm|jsr|docker|image|ssh|git|urn|tel|im):)[A-Za-z][\w.$%+-]{0,64}:)([^\s"'`@/:]{1,256})@(?!sha\d)(?=[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}:\d{2,5}(?![\w.]))/g,
  /((?<![\w.$%+@:/-])[A-Za-z][\w$#]{0,64}\/)([^\s"'`@/]{1,256})@(?=(?:\/\/)?[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}:\d{2,5}[/:]\w)/g,
]
/** A user without a password that is long enough to be a token: `https://ghp_…@github.com`. */
const MIN_TOKEN_CHARS = 16
const AUTH_SCHEME = /\b(bearer|basic)(?:[ \t]{1,8}|%20|\+|[ \t]{0,4}["'`]\s{0,4}[+.,]\s{0,4}["'`])["']?([\w.~+/=-]{4,})/gi
const SAID =
  /\b(password|passphrase|passcode|secret|token|(?:api|access|secret|private)[ _-]?key)s?(?: for [\w.@-]{1,64})?(?: (?:is|are|was) (?:now |set to |called )?["'`]?| ["'`])([^\s"'`,]{4,256})/gi
/** Behind a name of the user's own. */
const SAID_OF_OWN = / (?:is|are|was) (?:now |set to |called )?["'`]?([^\s"'`,]{4,256})/g
const SAID_BARE = /\b(password|passphrase|passcode|(?:api|access|secret|private)[ _-]?key) ([^\s"'`,;=(){}<>:]{8,256})/gi
const ELEMENT =
  /<([A-Za-z\u00c0-\u1fff\u2070-\uffff][\w:.\u00c0-\u1fff\u2070-\uffff-]{0,63})(?:\s[^<>]{0,512})?>(?:<!\[CDATA\[((?:(?!<!\[CDATA\[)[\s\S]){1,4096}?)\]\]>|([^<]{1,4096}))<\/\1/g
const ELEMENT_PAIR =
  />\s{0,8}([^<>]{1,64}?)\s{0,8}<\/[\w:.\u00c0-\u1fff\u2070-\uffff-]{1,64}>\s{0,64}<[\w:.\u00c0-\u1fff\u2070-\uffff-]{1,64}(?:\s[^<>]{0,128})?>([^<]{1,4096})(?=<)/g

interface Range {
  readonly from: number
  readonly to: number
}

/** Masks the password in `scheme://user:password@host`, and the user too where it is a token. */
export function maskUrlUsers(text: string, replacement: string): string {
  if (!text.includes('@') && !text.includes('%40')) return text
  const cuts = new TextCuts(text)
  for (let at = text.indexOf('://'); at !== -1; at = text.indexOf('://', at + 3)) {
    if (at < cuts.end) continue
    const found = findPassword(text, at + 3)
    if (found !== undefined && !isTemplate(text.slice(found.from, found.to), replacement)) cuts.add(found.from, found.to, replacement)
  }
  const shown = cuts
    .finish()
    .replace(ENCODED_AUTHORITY, (whole, password: string) => `${whole.slice(0, -3 - password.length)}${replacement}%40`)
    .replace(ORACLE_LOGIN, (_, start: string) => `${start}${replacement}@`)
  return maskBareLogins(shown, replacement)
}

/** Passwords may hold `@`, `:` and even `/`; the last `@` before a host ends them. */
function findPassword(text: string, from: number): Range | undefined {
  AUTHORITY.lastIndex = from
  const run = withoutNextUrl(AUTHORITY.exec(text)?.[0] ?? '')
  const authority = run.slice(0, endOfHost(run))
  const colon = authority.indexOf(':')
  const at = authority.lastIndexOf('@')
  if (colon === -1) return at === -1 ? undefined : tokenOf(from, authority.slice(0, at))
  // `host:443/@user` is a port; anything else before a slash is a password that was not encoded.
  if (PORT.test(authority.slice(colon + 1)) || authority.startsWith('['))
    return at === -1 || at > colon ? undefined : tokenOf(from, authority.slice(0, at))
  const last = isWebHost(text, from, authority.slice(at + 1), run.slice(authority.length)) && at > colon ? at : run.lastIndexOf('@')
  return last > colon ? { from: from + colon + 1, to: from + last } : undefined
}

/** One URL may follow another: `redis://:a@h1,redis://:b@h2`. */
function withoutNextUrl(run: string): string {
  const next = run.indexOf('://')
  return next === -1 ? run : run.slice(0, next)
}

function endOfHost(run: string): number {
  const end = run.search(/[/?#]/)
  return end === -1 ? run.length : end
}

/** Paths and queries of the web may hold `@`, those of databases and brokers hardly ever do. */
function isWebHost(text: string, from: number, host: string, rest: string): boolean {
  if (!/[.\]]|:\d{1,5}$|^localhost$/.test(host)) return false
  return rest.includes('?') || /(?:^|[^a-z])(?:https?|wss?|git|ssh|s3)$/i.test(text.slice(Math.max(0, from - 12), from - 3))
}

/** `app:…@tcp(db:3306)/shop` of Go, `app:…@/shop`, `app:…@db:3306`, `app/…@db:1521/orcl` of Oracle. */
function maskBareLogins(text: string, replacement: string): string {
  const mask = (whole: string, start: string, password: string): string =>
    /^(?:\/\/|\d{1,5}(?:[/,;]|$))/.test(password) || isTemplate(password, replacement)
      ? whole
      : start + replacement + whole.slice(start.length + password.length)
  const isOpen = !text.includes(replacement) && !/^https?:/i.test(text)
  const logins = [...(isOpen ? [WHOLE_URL] : []), ...(text.includes('@/') ? [LOGIN_BEFORE_SLASH] : []), ...BARE_LOGINS]
  return logins.reduce((shown, login) => shown.replace(login, mask), text)
}

function tokenOf(from: number, user: string): Range | undefined {
  return user.length >= MIN_TOKEN_CHARS && /\d/.test(user) ? { from, to: from + user.length } : undefined
}

function isTemplate(password: string, replacement: string): boolean {
  return isPlaceholder(password, replacement) || isReferenceValue(password) || /^(?:password|pass|pwd|pw|secret)$/i.test(password)
}

/** Masks what stands behind `Bearer` and `Basic`, unless these are words of a sentence. */
export function maskAuthSchemes(text: string, replacement: string): string {
  return text.replace(AUTH_SCHEME, (whole, scheme: string, value: string) => {
    const isSecret = /^basic$/i.test(scheme) ? isBasic(value) : isToken(value)
    return isSecret ? whole.slice(0, -value.length) + replacement : whole
  })
}

/** `Basic` is followed by `user:password` in base64. */
function isBasic(value: string): boolean {
  return (
    value.length >= 4 &&
    /^[A-Za-z0-9+/_-]+={0,2}$/.test(value) &&
    /^[^\x00-\x08\x0e-\x1f]*:/.test(Buffer.from(value.slice(0, 512), 'base64').toString('latin1'))
  )
}

/** Tokens have digits, marks or capitals inside where words have none. */
function isToken(value: string): boolean {
  const bare = value.replace(/[.=-]+$/, '')
  if (bare.length < 5) return false
  return /\d/.test(bare) || /[a-z][A-Z]/.test(bare) || /[_~+/=]/.test(bare) || bare.length >= 24 || /^[A-Z]{8,}$/.test(bare)
}

/** Masks what a sentence says a secret is: `the password is k3y-7`, `password "k3y-7"`, `API key k3y7abcd`. */
export function maskSaid(text: string, rules: KeyRules, replacement: string): string {
  const mask = (isSecret: (value: string) => boolean) => (whole: string, name: string, value: string) => {
    const bare = value.replace(/[.,;:?)]+$/, '')
    if (!rules.isSecretName(name) || !isSecret(bare) || isPlaceholder(bare, replacement) || isReferenceValue(bare)) return whole
    return whole.slice(0, -value.length) + replacement + value.slice(bare.length)
  }
  const shown = text.replace(SAID, mask(looksMadeUp)).replace(
    SAID_BARE,
    mask((value) => looksMadeUp(value) && /\d/.test(value) && /[A-Za-z]/.test(value)),
  )
  if (rules.nameWords === 0) return shown
  return shown.replace(SAID_OF_OWN, (whole: string, value: string, at: number, all: string) => {
    const name = readNameBefore(all, at)
    const own = name === undefined || rules.isOwnName(name.name) ? name : readPhrase(all, name, rules.nameWords, rules.isOwnName)
    return own === undefined ? whole : mask(looksMadeUp)(whole, own.name, value)
  })
}

/** Words of a language have no digits and no such marks. */
function looksMadeUp(value: string): boolean {
  return value.length > 3 && /[\d!#$%&*+=@^~_]/.test(value)
}

/** Masks the text of elements whose name, or the element before them, means a secret: `<key>password</key><string>…</string>`. */
export function maskElements(text: string, rules: KeyRules, replacement: string): string {
  if (!text.includes('</')) return text
  const mask = (whole: string, inner: string, tail: number): string => {
    if (inner.trim() === '' || isPlaceholder(inner.trim(), replacement)) return whole
    const from = whole.lastIndexOf(inner, whole.length - tail - inner.length)
    return whole.slice(0, from) + replacement + whole.slice(from + inner.length)
  }
  return text
    .replace(ELEMENT, (whole, name: string, quoted: string | undefined, inner = '') =>
      rules.isSecretTextName(name) ? mask(whole, quoted ?? inner, name.length + 2) : whole,
    )
    .replace(ELEMENT_PAIR, (whole, name: string, value: string) =>
      findSecretItems([name, value.trim()], rules).length > 0 ? mask(whole, value, 0) : whole,
    )
}
