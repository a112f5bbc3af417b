import type { ResolvedConfig } from '../config/resolved.js'
import { createRedactor, type Redactor } from '../values/redact.js'

/** A key that is masked wherever it stands; a shorter one is none of a server's, and part of too many words. */
const SHORTEST_SECRET = 5

const redactors = new WeakMap<ResolvedConfig, Redactor>()

/** The rules of one instance, compiled once; the key is masked whatever they say. */
export function redactorFor(config: ResolvedConfig): Redactor {
  const known = redactors.get(config)
  if (known !== undefined) return known
  const { apiKey } = config
  const secrets = apiKey === undefined || apiKey.length < SHORTEST_SECRET ? [] : [apiKey]
  const made = createRedactor(config.redact, secrets, config.capture.media)
  redactors.set(config, made)
  return made
}
