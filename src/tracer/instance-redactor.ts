import { NativeWeakMap } from '../builtins.js'
import type { ResolvedConfig } from '../config/resolved.js'
import { createRedactor, type Redactor } from '../values/redact.js'
import { SecretList } from '../values/secrets/own-secrets.js'

interface Rules {
  readonly redactor: Redactor
  readonly secrets: SecretList
}

const rules = new NativeWeakMap<ResolvedConfig, Rules>()

/** The rules of one instance, compiled once; the key is masked whatever they say. */
export function redactorFor(config: ResolvedConfig): Redactor {
  return rulesFor(config).redactor
}

/** What is masked whatever the rules say: each key that the instance has had. */
export function secretsOf(config: ResolvedConfig): SecretList {
  return rulesFor(config).secrets
}

function rulesFor(config: ResolvedConfig): Rules {
  const known = rules.get(config)
  if (known !== undefined) return known
  const { apiKey, askKey } = config
  const secrets = new SecretList(apiKey === undefined ? [] : [apiKey])
  const made = { redactor: createRedactor(config.redact, askKey === undefined ? secrets.texts : secrets, config.capture.media), secrets }
  rules.set(config, made)
  return made
}
