import type { SpanFilter } from '../config/resolved.js'
import type { Diagnostics } from '../diagnostics.js'
import { silencePromise } from '../promises.js'

/** True when a span of that name and start attributes is kept. Never throws. */
export type KeepSpan = (name: string, attributes: Readonly<Record<string, unknown>>) => boolean

/** Compiles the `spanFilter` option: kept when it matches one include prefix (or there are none) and no exclude prefix. */
export function createFilter(filter: SpanFilter | undefined, diagnostics: Diagnostics): KeepSpan | undefined {
  if (filter === undefined) return undefined
  if (typeof filter === 'function') return (name, attributes) => askFilter(filter, name, attributes, diagnostics)
  const { include = [], exclude = [] } = filter
  return (name) => (include.length === 0 || startsWithAny(name, include)) && !startsWithAny(name, exclude)
}

function startsWithAny(name: string, prefixes: readonly string[]): boolean {
  for (const prefix of prefixes) if (name.startsWith(prefix)) return true
  return false
}

function askFilter(filter: KeepSpan, name: string, attributes: Readonly<Record<string, unknown>>, diagnostics: Diagnostics): boolean {
  try {
    const answer: unknown = filter(name, attributes)
    if (silencePromise(answer)) warnOf('gave a promise', diagnostics)
    return answer !== false
  } catch {
    warnOf('threw', diagnostics)
    return true
  }
}

function warnOf(what: string, diagnostics: Diagnostics): void {
  diagnostics.warn('spanFilter', `the configured span filter ${what}; the span is kept. Check the \`spanFilter\` option.`)
}
