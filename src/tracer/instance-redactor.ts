import { NativeWeakMap } from '../builtins.js'
import type { ResolvedConfig } from '../config/resolved.js'
import { createRedactor, type Redactor } from '../values/redact.js'
import { SecretList } from '../values/secrets/own-secrets.js'

const redactors = new NativeWeakMap<ResolvedConfig, Redactor>()
const secretLists = new NativeWeakMap<ResolvedConfig, SecretList>()

/** The rules of one instance, compiled once; the key is masked whatever they say. */
export function redactorFor(config: ResolvedConfig): Redactor {
  const known = redactors.get(config)
  if (known !== undefined) return known
  const secrets = config.askKey === undefined ? createSecretList(config).texts : secretsOf(config)
  const made = createRedactor(config.redact, secrets, config.capture.media)
  redactors.set(config, made)
  return made
}

/** What is masked whatever the rules say: each key that the instance has had. */
export function secretsOf(config: ResolvedConfig): SecretList {
  const known = secretLists.get(config)
  if (known !== undefined) return known
  const made = createSecretList(config)
  secretLists.set(config, made)
  return made
}

function createSecretList({ apiKey }: ResolvedConfig): SecretList {
  return new SecretList(apiKey === undefined ? [] : [apiKey])
}
