import { types } from 'node:util'
import { toJsonText } from '../builtins.js'
import { type MediaMode, summariseMedia } from './media.js'
import type { RedactFunction, RedactRules } from '../semantics/redaction.js'
import { isPlainArray, type Plain, setField } from './plain.js'
import { createKeyRules, type KeyRules } from './secrets/key-rules.js'
import { createSecretMask, type SecretList } from './secrets/own-secrets.js'
import { createTextMask, type MaskText } from './secrets/text-mask.js'
import { createWalk, type MaskLeaf } from './secrets/walk.js'
import { takeSnapshot } from './snapshot.js'

/** The compiled rules of one instance. */
export interface Redactor {
  /** False when every value comes back as it is. */
  readonly isActive: boolean
  /** Text that names or labels something: ids, types, names of attributes, resource and scope. Only own secrets are masked. */
  label(text: string): string
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

/** The rules of most tracers, which share what is remembered of names. */
const BUILT_IN_RULES = createKeyRules([], true)

/**
 * Compiles `rules` once; what comes out takes linear time, apart from patterns and functions of the user's own.
 *
 * @param secrets - Texts that never leave the process, such as the tracer's API key: masked wherever they stand, whatever the
 * rules say, `false` included.
 * @param media - Whether media are summarised on the way; rules or not.
 */
export function createRedactor(
  rules: RedactRules | RedactFunction | false,
  secrets: readonly string[] | SecretList,
  media: MediaMode = 'keep',
): Redactor {
  const { keys = [], patterns = [], replacement = DEFAULT_REPLACEMENT, builtIn = true, formats = builtIn } = toRules(rules)
  const keyRules = keys.length === 0 && builtIn ? BUILT_IN_RULES : createKeyRules(keys, builtIn)
  const maskOwn = createSecretMask(secrets, replacement)
  const label = createSecretMask(secrets, DEFAULT_REPLACEMENT)
  const maskText = joinMasks([
    media === 'summary' ? summariseMedia : undefined,
    maskOwn,
    createTextMask({ keyRules, formats, replacement }),
    ...patterns.map((pattern) => createPatternMask(pattern, replacement)),
  ])
  const ask = typeof rules === 'function' ? createAsk(rules, maskText, replacement) : undefined
  return buildRedactor({ keyRules, maskText, ask, replacement, label, media })
}

function toRules(rules: RedactRules | RedactFunction | false): RedactRules {
  if (rules === false) return { builtIn: false }
  return typeof rules === 'function' ? {} : rules
}

interface RedactorParts {
  readonly keyRules: KeyRules
  readonly maskText: MaskText | undefined
  readonly ask: MaskLeaf | undefined
  readonly replacement: string
  /** Masks own secrets, whatever the user's replacement is: what labels something travels as JSON and in headers. */
  readonly label: MaskText | undefined
  readonly media: MediaMode
}

function buildRedactor({ keyRules, maskText, ask, replacement, label, media }: RedactorParts): Redactor {
  const isActive = keyRules.isActive || maskText !== undefined || ask !== undefined
  const maskLeaf: MaskLeaf = (path, leaf) => {
    const shown = typeof leaf === 'string' && maskText !== undefined ? maskText(leaf) : leaf
    return ask === undefined ? shown : ask(path, shown)
  }
  const walk = createWalk({ keyRules, maskLeaf, maskName: label, replacement, hasFunction: ask !== undefined, media })
  function value(path: string, at: Plain): Plain {
    if (!isActive || at === null) return at
    return keyRules.isSecretPath(path, typeof at === 'string') ? maskLeaf(path, replacement) : walk(path, at)
  }
  return {
    isActive,
    label: label ?? ((text) => text),
    value,
    text(path, text) {
      const shown = value(path, text)
      return typeof shown === 'string' ? shown : toJsonText(shown)
    },
  }
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
