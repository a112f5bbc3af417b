/** Names under which a span may say which library made it, where the tracer does not know: for exporters without scopes. */
const NAME_KEYS = ['otel.scope.name', 'otel.library.name'] as const
const VERSION_KEYS = ['otel.scope.version', 'otel.library.version'] as const

/** A library as OpenTelemetry's instrumentation scope. */
export interface Library {
  readonly name: string
  readonly version?: string | undefined
}

/** What the spans of libraries start with that take a tracer, and the scope these libraries give themselves otherwise. */
const KNOWN: readonly (readonly [key: string, library: Library])[] = [
  ['ai.operationId', { name: 'ai' }],
  ['openinference.span.kind', { name: 'openinference-core' }],
  // `@ai-sdk/otel`, and who else follows the conventions to the letter.
  ['gen_ai.operation.name', { name: 'gen_ai' }],
]

/** The library that a span's first attributes speak of; `undefined` when they say nothing. */
export function inferLibrary(attributes: Readonly<Record<string, unknown>>): Library | undefined {
  const name = firstText(attributes, NAME_KEYS)
  const version = name === undefined ? undefined : firstText(attributes, VERSION_KEYS)
  if (name !== undefined) return version === undefined ? { name } : { name, version }
  return KNOWN.find(([key]) => attributes[key] !== undefined)?.[1]
}

function firstText(attributes: Readonly<Record<string, unknown>>, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = attributes[key]
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}
