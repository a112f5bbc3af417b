import { toJsonText } from '../builtins.js'
import { silencePromise } from '../promises.js'
import { type MediaMode, summariseMedia } from './media.js'
import type { RedactFunction, RedactRules } from '../semantics/redaction.js'
import { isPlainArray, type Plain, setField } from './plain.js'
import { createKeyRules, type KeyRules } from './secrets/key-rules.js'
import { maskJsonPaths } from './secrets/json-paths.js'
import { createSecretMask, type SecretList } from './secrets/own-secrets.js'
import { rememberClean } from './secrets/remembered.js'
import { createNameMask, createTextMask, type MaskText, type TextMaskParts } from './secrets/text-mask.js'
import { type MaskLeaf, SecretWalk, type WalkRules } from './secrets/walk.js'
import { takeSnapshot } from './snapshot.js'

/** The compiled rules of one instance. */
export interface Redactor {
  /** False when every value comes back as it is. */
  readonly isActive: boolean
  /** Whether a function of the user sees each leaf, which it does once. */
  readonly hasFunction: boolean
  /** Text that names or labels something: ids, types, resource and scope. Only own secrets are masked. */
  label(text: string): string
  /** The name of an attribute: own secrets are masked, and what is a secret by its looks. */
  name(text: string): string
  /** Text that is no field: span names, error messages, stacks, status, event names, link values. */
  text(path: string, value: string): string
  /** {@link Redactor.text} for a line of the log, which is written also where something failed: never throws, and shows nothing rather than too much. */
  line(path: string, value: string): string
  /**
   * A field or a whole subtree under its dotted path; every name of the path counts. What holds nothing to mask comes back as
   * the same object, the rest as a copy.
   */
  value(path: string, value: Plain): Plain
}

const DEFAULT_REPLACEMENT = '[REDACTED]'
/** How much of what a user's function returns is kept, in bytes. */
const MAX_RETURNED_BYTES = 10_485_760

const NO_MASKS: readonly MaskText[] = []

/** The rules of most tracers, which share what is remembered of names. */
const BUILT_IN_RULES = createKeyRules([], true)
const USUAL_PARTS: TextMaskParts = { keyRules: BUILT_IN_RULES, formats: true, replacement: DEFAULT_REPLACEMENT }
const USUAL_TEXT_MASK = createUsualMask()
const USUAL_NAME_MASK = createNameMask(USUAL_PARTS)

function createUsualMask(): MaskText | undefined {
  const mask = createTextMask(USUAL_PARTS)
  return mask && rememberClean(mask)
}

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
  return new RuleRedactor(rules, secrets, media)
}

function toRules(rules: RedactRules | RedactFunction | false): RedactRules {
  if (rules === false) return { builtIn: false }
  return typeof rules === 'function' ? {} : rules
}

class RuleRedactor implements Redactor, WalkRules {
  readonly isActive: boolean
  readonly hasFunction: boolean
  /** Masks own secrets, whatever the user's replacement is: what labels something travels as JSON and in headers. */
  readonly label: MaskText
  readonly keyRules: KeyRules
  readonly replacement: string
  readonly media: MediaMode
  /** What a text goes through, in order. */
  readonly #masks: readonly MaskText[]
  /** What the name of an attribute goes through after `label`. */
  readonly #nameMask: MaskText | undefined
  /** What the name of a field inside a value goes through after that; among `#masks` as well. */
  readonly #byPattern: readonly MaskText[]
  readonly #ask: MaskLeaf | undefined
  #walk: SecretWalk | undefined

  constructor(rules: RedactRules | RedactFunction | false, secrets: readonly string[] | SecretList, media: MediaMode) {
    const { keys = [], patterns = [], replacement = DEFAULT_REPLACEMENT, builtIn = true, formats = builtIn } = toRules(rules)
    const keyRules = keys.length === 0 && builtIn ? BUILT_IN_RULES : createKeyRules(keys, builtIn)
    const isUsual = keyRules === BUILT_IN_RULES && formats && replacement === DEFAULT_REPLACEMENT
    const label = createSecretMask(secrets, DEFAULT_REPLACEMENT)
    const bySettings = [
      media === 'summary' ? summariseMedia : undefined,
      replacement === DEFAULT_REPLACEMENT ? label : createSecretMask(secrets, replacement),
      isUsual ? USUAL_TEXT_MASK : createTextMask({ keyRules, formats, replacement }),
    ]
    this.#byPattern = patterns.length === 0 ? NO_MASKS : patterns.map((pattern) => createPatternMask(pattern, replacement))
    this.#masks = [...bySettings.filter((mask) => mask !== undefined), ...this.#byPattern]
    this.#nameMask = isUsual ? USUAL_NAME_MASK : createNameMask({ keyRules, formats, replacement })
    this.#ask = typeof rules === 'function' ? createAsk(rules, this.#masks, replacement) : undefined
    this.hasFunction = this.#ask !== undefined
    this.isActive = keyRules.isActive || this.#masks.length > 0 || this.hasFunction
    this.label = label ?? keepText
    this.keyRules = keyRules
    this.replacement = replacement
    this.media = media
  }

  name(text: string): string {
    const shown = this.label(text)
    return this.#nameMask?.(shown) ?? shown
  }

  value(path: string, at: Plain): Plain {
    if (!this.isActive || at === null) return at
    if (this.keyRules.isSecretPath(path, typeof at === 'string')) return this.maskLeaf(path, this.replacement)
    // Made with the first value: many a tracer never has one.
    this.#walk ??= new SecretWalk(this)
    return this.#walk.value(path, at)
  }

  text(path: string, text: string): string {
    const shown = this.value(path, text)
    return typeof shown === 'string' ? shown : toJsonText(shown)
  }

  line(path: string, text: string): string {
    try {
      return this.text(path, text)
    } catch {
      // A host replaced a function of the language by one that throws.
      return DEFAULT_REPLACEMENT
    }
  }

  maskLeaf(path: string, leaf: Plain): Plain {
    const shown = typeof leaf === 'string' ? maskText(this.#withoutDeclared(path, leaf), this.#masks) : leaf
    return this.#ask === undefined ? shown : this.#ask(path, shown)
  }

  maskName(name: string): string {
    return maskText(this.name(name), this.#byPattern)
  }

  #withoutDeclared(path: string, text: string): string {
    const { keyRules, replacement } = this
    return keyRules.hasPaths ? maskJsonPaths(text, path, keyRules, replacement) : text
  }
}

let builtIn: Redactor | undefined

/** The rules of a tracer without settings, for what belongs to none; made when something is to be said. */
export function builtInRedactor(): Redactor {
  builtIn ??= createRedactor({}, [])
  return builtIn
}

function keepText(text: string): string {
  return text
}

// ---- text ---------------------------------------------------------------------------------------------------------------

function maskText(text: string, masks: readonly MaskText[]): string {
  let shown = text
  for (const mask of masks) shown = mask(shown)
  return shown
}

function createPatternMask(pattern: RegExp, replacement: string): MaskText {
  // An own copy: the user's object keeps its `lastIndex`, and a sticky one would look at the start only.
  const everywhere = new RegExp(pattern.source, `${pattern.flags.replace(/[gy]/g, '')}g`)
  return (text) => text.replace(everywhere, () => replacement)
}

// ---- the user's function ------------------------------------------------------------------------------------------------

/** Asks the user's function and fails closed. */
function createAsk(redact: RedactFunction, masks: readonly MaskText[], replacement: string): MaskLeaf {
  function toShown(answer: unknown): Plain {
    if (silencePromise(answer)) return replacement
    if (answer === undefined || typeof answer === 'symbol' || typeof answer === 'function') return replacement
    const { value } = takeSnapshot(answer, MAX_RETURNED_BYTES)
    return maskStrings(value, masks)
  }
  return (path, leaf) => {
    try {
      return toShown(redact(path, leaf))
    } catch {
      return replacement
    }
  }
}

function maskStrings(value: Plain, masks: readonly MaskText[]): Plain {
  if (typeof value === 'string') return maskText(value, masks)
  if (typeof value !== 'object' || value === null) return value
  if (isPlainArray(value)) return value.map((item) => maskStrings(item, masks))
  const copy: { [key: string]: Plain } = {}
  for (const name of Object.keys(value)) setField(copy, name, maskStrings(value[name] as Plain, masks))
  return copy
}
