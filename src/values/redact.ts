import { types } from 'node:util'
import { maskJsonText } from './json-mask.js'
import { createKeyRules, type KeyRules } from './key-rules.js'
import type { RedactFunction, RedactRules } from '../semantics/redaction.js'
import { isPlainArray, type Plain, type PlainObject, setField } from './plain.js'
import { takeSnapshot } from './snapshot.js'
import { toWellFormedText } from './text.js'

/** The compiled rules of one instance. */
export interface Redactor {
  /** False when every value comes back as it is. */
  readonly isActive: boolean
  /** Text that is no field: span names, error messages, stacks, status, event names, link values. */
  text(path: string, value: string): string
  /**
   * A field or a whole subtree under its dotted path; every name of the path counts. What holds nothing to mask comes back as
   * the same object, the rest as a copy.
   */
  value(path: string, value: Plain): Plain
}

const DEFAULT_REPLACEMENT = '[REDACTED]'
/** How much of what a user's function returns is kept, in bytes. */
const MAX_RETURNED_BYTES = 10_485_760
/** Shortest beginning of a secret that is masked where a text was cut. */
const MIN_PREFIX_CHARS = 4
const CUT_MARK = '… [truncated, '
const CUT_MARK_TAIL_CHARS = 48

/** The rules of most tracers, which share what is remembered of names. */
const BUILT_IN_RULES = createKeyRules([], true)

type MaskText = (text: string) => string
type MaskLeaf = (path: string, leaf: Plain) => Plain

/**
 * Compiles `rules` once; what comes out takes linear time, apart from patterns and functions of the user's own.
 *
 * @param secrets - Texts that never leave the process, such as the tracer's API key: masked wherever they stand, whatever the
 * rules say, `false` included.
 */
export function createRedactor(rules: RedactRules | RedactFunction | false, secrets: readonly string[]): Redactor {
  const { keys = [], patterns = [], replacement = DEFAULT_REPLACEMENT, builtIn = true } = toRules(rules)
  const keyRules = keys.length === 0 && builtIn ? BUILT_IN_RULES : createKeyRules(keys, builtIn)
  const maskText = joinMasks([
    createSecretMask(secrets, replacement),
    keyRules.isActive ? (text) => maskJsonText(text, keyRules.isSecretName, replacement) : undefined,
    ...patterns.map((pattern) => createPatternMask(pattern, replacement)),
  ])
  const ask = typeof rules === 'function' ? createAsk(rules, maskText, replacement) : undefined
  return buildRedactor(keyRules, maskText, ask, replacement)
}

function toRules(rules: RedactRules | RedactFunction | false): RedactRules {
  if (rules === false) return { builtIn: false }
  return typeof rules === 'function' ? {} : rules
}

function buildRedactor(keyRules: KeyRules, maskText: MaskText | undefined, ask: MaskLeaf | undefined, replacement: string): Redactor {
  const isActive = keyRules.isActive || maskText !== undefined || ask !== undefined
  const maskLeaf: MaskLeaf = (path, leaf) => {
    const shown = typeof leaf === 'string' && maskText !== undefined ? maskText(leaf) : leaf
    return ask === undefined ? shown : ask(path, shown)
  }
  const walk = createWalk({ keyRules, maskLeaf, replacement, hasFunction: ask !== undefined })
  function value(path: string, at: Plain): Plain {
    if (!isActive || at === null) return at
    return keyRules.isSecretPath(path) ? maskLeaf(path, replacement) : walk(path, at)
  }
  return {
    isActive,
    value,
    text(path, text) {
      const shown = value(path, text)
      return typeof shown === 'string' ? shown : JSON.stringify(shown)
    },
  }
}

// ---- walking down -------------------------------------------------------------------------------------------------------

interface WalkParts {
  readonly keyRules: KeyRules
  readonly maskLeaf: MaskLeaf
  readonly replacement: string
  /** Whether a function of the user sees each leaf with its path. */
  readonly hasFunction: boolean
}

function createWalk({ keyRules, maskLeaf, replacement, hasFunction }: WalkParts): MaskLeaf {
  // Joining the path of each field costs more than looking up its name.
  const seesPaths = hasFunction || keyRules.hasPaths

  function walk(path: string, value: Plain): Plain {
    if (value === null) return null
    if (typeof value !== 'object') return hasFunction || typeof value === 'string' ? maskLeaf(path, value) : value
    return isPlainArray(value) ? walkItems(path, value) : walkFields(path, value)
  }

  function walkItems(path: string, items: readonly Plain[]): readonly Plain[] {
    let copy: Plain[] | undefined
    for (let i = 0; i < items.length; i += 1) {
      const item = items[i] as Plain
      if (!hasFunction && (typeof item === 'number' || typeof item === 'boolean')) continue
      const shown = walk(seesPaths ? `${path}.${i}` : path, item)
      if (shown === item) continue
      copy ??= items.slice()
      copy[i] = shown
    }
    return copy ?? items
  }

  function walkFields(path: string, fields: PlainObject): PlainObject {
    let copy: { [key: string]: Plain } | undefined
    for (const name of Object.keys(fields)) {
      const field = fields[name] as Plain
      const shown = walkField(seesPaths ? `${path}.${name}` : path, name, field)
      if (shown === field) continue
      copy ??= copyOf(fields)
      setField(copy, name, shown)
    }
    return copy ?? fields
  }

  function walkField(path: string, name: string, field: Plain): Plain {
    if (field === null) return null
    return keyRules.isSecretField(path, name) ? maskLeaf(path, replacement) : walk(path, field)
  }

  return walk
}

function copyOf(fields: PlainObject): { [key: string]: Plain } {
  const copy: { [key: string]: Plain } = {}
  for (const name of Object.keys(fields)) setField(copy, name, fields[name] as Plain)
  return copy
}

// ---- text ---------------------------------------------------------------------------------------------------------------

function joinMasks(masks: readonly (MaskText | undefined)[]): MaskText | undefined {
  const active = masks.filter((mask) => mask !== undefined)
  if (active.length === 0) return undefined
  return (text) => {
    let shown = text
    for (const mask of active) shown = mask(shown)
    return shown
  }
}

function createPatternMask(pattern: RegExp, replacement: string): MaskText {
  // An own copy: the user's object keeps its `lastIndex`, and a sticky one would look at the start only.
  const everywhere = new RegExp(pattern.source, `${pattern.flags.replace(/[gy]/g, '')}g`)
  return (text) => text.replace(everywhere, () => replacement)
}

function createSecretMask(secrets: readonly string[], replacement: string): MaskText | undefined {
  const forms = [...new Set(secrets.flatMap(toForms))].filter((form) => form !== '').sort((a, b) => b.length - a.length)
  if (forms.length === 0) return undefined
  return (text) => {
    let shown = text
    for (const form of forms) {
      if (shown.includes(form)) shown = shown.replaceAll(form, () => replacement)
    }
    return maskCutSecret(shown, forms, replacement)
  }
}

/** A secret as it is, inside JSON text and inside a URL. */
function toForms(secret: string): string[] {
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(toWellFormedText(secret))]
}

/** Where a text was cut, the beginning of a secret may stand right before the mark. */
function maskCutSecret(text: string, forms: readonly string[], replacement: string): string {
  const markAt = text.length > CUT_MARK_TAIL_CHARS ? text.indexOf(CUT_MARK, text.length - CUT_MARK_TAIL_CHARS) : text.indexOf(CUT_MARK)
  if (markAt === -1) return text
  for (const form of forms) {
    for (let length = Math.min(form.length - 1, markAt); length >= MIN_PREFIX_CHARS; length -= 1) {
      if (text.startsWith(form.slice(0, length), markAt - length)) return text.slice(0, markAt - length) + replacement + text.slice(markAt)
    }
  }
  return text
}

// ---- the user's function ------------------------------------------------------------------------------------------------

/** Asks the user's function and fails closed. */
function createAsk(redact: RedactFunction, maskText: MaskText | undefined, replacement: string): MaskLeaf {
  function toShown(answer: unknown): Plain {
    if (types.isPromise(answer)) {
      answer.then(undefined, () => undefined)
      return replacement
    }
    if (answer === undefined || typeof answer === 'symbol' || typeof answer === 'function') return replacement
    const { value } = takeSnapshot(answer, MAX_RETURNED_BYTES)
    return maskText === undefined ? value : maskStrings(value, maskText)
  }
  return (path, leaf) => {
    try {
      return toShown(redact(path, leaf))
    } catch {
      return replacement
    }
  }
}

function maskStrings(value: Plain, maskText: MaskText): Plain {
  if (typeof value === 'string') return maskText(value)
  if (typeof value !== 'object' || value === null) return value
  if (isPlainArray(value)) return value.map((item) => maskStrings(item, maskText))
  const copy: { [key: string]: Plain } = {}
  for (const name of Object.keys(value)) setField(copy, name, maskStrings(value[name] as Plain, maskText))
  return copy
}
