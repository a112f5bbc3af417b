import { toJsonText } from '../builtins.js'
import { findLeaks } from './isolation.js'
import type { SpanTree } from './span-tree.js'
import type { TestTracer } from './test-tracer.js'

/** What a matcher answers; the shape vitest and jest share. */
export interface MatcherResult {
  readonly pass: boolean
  /** Says what was expected and what was recorded. */
  readonly message: () => string
}

/** Matchers for `expect.extend(tracerMatchers)`. */
export const tracerMatchers: {
  /** A span of that name was recorded, with at least these attributes. */
  toHaveSpan(tracer: TestTracer, name: string, attributes?: Readonly<Record<string, unknown>>): MatcherResult
  /** The recorded spans form exactly this tree (or these trees), compared by name, in order of start. */
  toMatchSpanTree(tracer: TestTracer, expected: SpanTree | readonly SpanTree[]): MatcherResult
  /** Nothing of one tracer shows on a span of another. */
  toBeIsolatedFrom(tracer: TestTracer, ...others: readonly TestTracer[]): MatcherResult
} = {
  toHaveSpan(tracer, name, attributes = {}) {
    const wanted = Object.entries(attributes)
    const named = tracer.spans.filter((span) => span.name === name)
    const pass = named.some((span) => wanted.every(([key, value]) => isSame(span.attributes[key], value)))
    const seen = named.length > 0 ? named.map((span) => toJsonText(span.attributes)) : tracer.spans.map((span) => span.name)
    return {
      pass,
      message: () =>
        `expected ${pass ? 'no ' : 'a '}span "${name}" with ${toJsonText(attributes)}; recorded: ${seen.join(', ') || 'nothing'}`,
    }
  },
  toMatchSpanTree(tracer, expected) {
    const actual = tracer.tree()
    const pass = isSame(actual, Array.isArray(expected) ? expected : [expected])
    return {
      pass,
      message: () => `expected span trees ${pass ? 'not ' : ''}to be ${toJsonText(expected)}, recorded: ${toJsonText(actual)}`,
    }
  },
  toBeIsolatedFrom(tracer, ...others) {
    const leaks = findLeaks(tracer, ...others)
    const found = leaks.length === 0 ? 'expected the tracers to share something' : `the tracers are not isolated:\n${leaks.join('\n')}`
    return { pass: leaks.length === 0, message: () => found }
  },
}

function isSame(one: unknown, other: unknown): boolean {
  return toJsonText(one) === toJsonText(other)
}
