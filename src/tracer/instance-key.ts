import { NativeWeakMap } from '../builtins.js'
import type { ResolvedConfig } from '../config/resolved.js'
import { ApiKey } from '../export/api-key.js'
import { secretsOf } from './instance-redactor.js'

const keys = new NativeWeakMap<ResolvedConfig, ApiKey>()

/** The key of one instance; each key it has had is masked wherever it stands. */
export function apiKeyFor(config: ResolvedConfig): ApiKey {
  const known = keys.get(config)
  if (known !== undefined) return known
  const onKey = config.askKey === undefined ? undefined : keyListenerFor(config)
  const made = new ApiKey({ known: config.apiKey, ask: config.askKey, onKey })
  keys.set(config, made)
  return made
}

/** Apart from it, because a function that makes closures pays for them each time it is called. */
function keyListenerFor(config: ResolvedConfig): (key: string) => void {
  return (key) => secretsOf(config).add(key)
}
