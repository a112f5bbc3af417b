import { toJsonText } from '../../builtins.js'
import { type EncodedSecret, toEncodedBase64, toEncodedText } from './encoded-secret.js'
import { toWellFormedText } from '../text.js'

type MaskText = (text: string) => string

/** Shortest beginning of a secret that is masked where a text was cut. */
const MIN_PREFIX_CHARS = 4
const CUT_MARK = '… [truncated, '
const CUT_MARK_TAIL_CHARS = 48

/** A secret that is masked wherever it stands; a shorter one is no key of a server's, and part of too many words. */
const SHORTEST_SECRET = 5
/** The key of the local server, which every page names: masked, it would make a riddle of `localhost`. */
const PUBLIC_KEY = 'local'
/** Keys that are remembered: one that was rotated long ago opens nothing any more. */
const MAX_SECRETS = 8

/** Secrets that become known while the program runs, such as keys that are rotated. */
export class SecretList {
  #texts: readonly string[]

  constructor(secrets: readonly string[]) {
    // Copied once more, because what `filter` gives has room for sixteen.
    this.#texts = [...secrets.filter(isSecret)]
  }

  /** The newest ones; another list after each change. */
  get texts(): readonly string[] {
    return this.#texts
  }

  add(secret: string): void {
    if (isSecret(secret) && !this.#texts.includes(secret)) this.#texts = [...this.#texts, secret].slice(-MAX_SECRETS)
  }
}

function isSecret(text: string): boolean {
  return text.length >= SHORTEST_SECRET && text !== PUBLIC_KEY
}

/** Masks texts that never leave the process, such as the key of a tracer; `undefined` where there are none. */
export function createSecretMask(secrets: readonly string[] | SecretList, replacement: string): MaskText | undefined {
  return secrets instanceof SecretList ? followSecrets(secrets, replacement) : compileSecretMask(secrets, replacement)
}

/** The mask for what is known at each moment. */
function followSecrets(secrets: SecretList, replacement: string): MaskText {
  let { texts } = secrets
  let mask = compileSecretMask(texts, replacement)
  return (text) => {
    if (texts !== secrets.texts) {
      texts = secrets.texts
      mask = compileSecretMask(texts, replacement)
    }
    return mask?.(text) ?? text
  }
}

function compileSecretMask(secrets: readonly string[], replacement: string): MaskText | undefined {
  if (secrets.every((secret) => secret === '')) return undefined
  const shortest = Math.min(...secrets.map(({ length }) => length))
  let signs: readonly string[] | undefined
  let mask: MaskText | undefined
  return (text) => {
    // No form is shorter than the secret, but the beginning of one may stand where a text was cut.
    if (text.length < shortest && cutMarkIn(text) === -1) return text
    signs ??= toSigns(secrets)
    if (!hasAny(text, signs) && cutMarkIn(text) === -1) return text
    mask ??= createFormsMask(secrets, replacement)
    return mask(text)
  }
}

/** One of these stands in each text that holds one of the secrets: few and short, as many a tracer never meets its secrets. */
function toSigns(secrets: readonly string[]): string[] {
  // Copied once more, because what `flatMap` gives has room for sixteen.
  return [...secrets.flatMap(toEncodedSecrets).flatMap(({ anchors }) => anchors)]
}

function hasAny(text: string, signs: readonly string[]): boolean {
  for (const sign of signs) if (text.includes(sign)) return true
  return false
}

/** Masks the secrets in all of their forms. */
function createFormsMask(secrets: readonly string[], replacement: string): MaskText {
  const forms = toAllForms(secrets)
  const encoded = secrets.flatMap(toEncodedSecrets).map(({ source }) => new RegExp(source(), 'g'))
  return (text) => {
    let shown = text
    for (const form of [...forms, ...encoded]) shown = shown.replaceAll(form, () => replacement)
    return maskCutSecret(shown, forms, replacement)
  }
}

/** The longest first. */
function toAllForms(secrets: readonly string[]): string[] {
  const forms = secrets.flatMap(toForms).filter((form, at, all) => form !== '' && all.indexOf(form) === at)
  return [...forms].sort((a, b) => b.length - a.length)
}

/** A secret as it is, inside JSON text, inside a URL, and in the base64 of its bytes and of `user:key` pairs. */
function toForms(secret: string): string[] {
  const json = toJsonText(secret).slice(1, -1)
  const inUrl = encodeURIComponent(toWellFormedText(secret))
  const slashed = json.replaceAll('/', '\\/')
  const lower = inUrl.replace(/%../g, (byte) => byte.toLowerCase())
  return [secret, json, toJsonText(json).slice(1, -1), slashed, inUrl, lower, ...toBase64Forms(secret)]
}

/** What the forms above do not name one by one: each writer escapes other characters, and breaks base64 in lines. */
function toEncodedSecrets(secret: string): EncodedSecret[] {
  return [toEncodedText(secret), ...toBase64Forms(secret).map(toEncodedBase64)]
}

/** Base64 of a text in which the secret stands, at each of the three places its first byte can have in a group. */
function toBase64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8')
  if (bytes.length < 8) return []
  return [0, 1, 2].map((lead) => {
    const text = Buffer.concat([Buffer.alloc(lead), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    // The first and the last characters hold bits of what stands around the secret.
    return text.slice(lead === 0 ? 0 : lead + 1, Math.floor(((lead + bytes.length) * 8) / 6))
  })
}

/** Where a text was cut, the beginning of a secret may stand right before the mark. */
function maskCutSecret(text: string, forms: readonly string[], replacement: string): string {
  const markAt = cutMarkIn(text)
  if (markAt === -1) return text
  for (const form of forms) {
    for (let length = Math.min(form.length - 1, markAt); length >= MIN_PREFIX_CHARS; length -= 1) {
      if (text.startsWith(form.slice(0, length), markAt - length)) return text.slice(0, markAt - length) + replacement + text.slice(markAt)
    }
  }
  return text
}

/** Where the end of a cut text says so; -1 in a whole one. */
function cutMarkIn(text: string): number {
  if (text.length < MIN_PREFIX_CHARS + CUT_MARK.length) return -1
  return text.length > CUT_MARK_TAIL_CHARS ? text.indexOf(CUT_MARK, text.length - CUT_MARK_TAIL_CHARS) : text.indexOf(CUT_MARK)
}
