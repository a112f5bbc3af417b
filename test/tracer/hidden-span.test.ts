import { context, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createRoutingProvider } from '../../src/index.js'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'

const library = createRoutingProvider().getTracer('library')
/** A span of somebody else: of the application's own SDK, of Sentry, of a caller. */
const foreign = trace.wrapSpanContext({ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 })
const inForeign = (work: () => void): void => context.with(trace.setSpan(context.active(), foreign), work)

let a: TestTracer
let b: TestTracer
let open: Span | undefined
beforeEach(() => {
  a = createTestTracer({ apiKey: 'key-of-a' })
  b = createTestTracer({ apiKey: 'key-of-b' })
  library.startSpan('first').end()
})
afterEach(() => {
  open?.end()
  return Promise.all([a.shutdown(), b.shutdown()])
})

/** Runs `work` inside of A's call and a library's span, given the context in which that span is the active one. */
function insideLibrary(work: (kept: ReturnType<typeof context.active>) => void): void {
  a.startActiveSpan('of a', () => {
    open = library.startSpan('kept')
    context.with(trace.setSpan(context.active(), open), () => work(context.active()))
    open.end()
  })
}

const OF_A = [{ name: 'of a', children: [{ name: 'kept' }] }]

describe("a library's span that a span of somebody else hides", () => {
  const places: Record<string, (kept: ReturnType<typeof context.active>) => void> = {
    'the current context': (kept) => context.with(kept, () => library.startSpan('work').end()),
    'two of its spans': (kept) =>
      context.with(kept, () => library.startActiveSpan('work', (span) => (library.startSpan('more').end(), span.end()))),
  }

  test.each(Object.keys(places))('gives its tracer nothing of a scope of another one inside: %s', (name) => {
    insideLibrary((kept) => inForeign(() => b.startActiveSpan('of b', () => places[name]?.(kept))))
    expect(a.tree()).toEqual(OF_A)
    expect(b.tree()).toEqual([{ name: 'of b' }])
  })

  test('gives it nothing in a context that was in use before, and is named', () => {
    insideLibrary((kept) => {
      library.startSpan('before').end()
      inForeign(() => b.startActiveSpan('of b', () => library.startSpan('work', {}, kept).end()))
    })
    expect(a.tree()).toEqual([{ name: 'of a', children: [{ name: 'kept', children: [{ name: 'before' }] }] }])
    expect(b.tree()).toEqual([{ name: 'of b' }])
  })

  test('nor where more scopes were entered since', () => {
    insideLibrary((kept) =>
      inForeign(() =>
        b.startActiveSpan('of b', () =>
          library.startActiveSpan('of the library', (span) => {
            b.startActiveSpan('inner', () => context.with(kept, () => library.startSpan('work').end()))
            span.end()
          }),
        ),
      ),
    )
    expect(a.tree()).toEqual(OF_A)
    expect(b.tree()).toEqual([{ name: 'of b', children: [{ name: 'of the library', children: [{ name: 'inner' }] }] }])
  })

  test('is known where nothing hides it, also inside of a span of somebody else', () => {
    inForeign(() => insideLibrary((kept) => b.startActiveSpan('of b', () => context.with(kept, () => library.startSpan('work').end()))))
    expect(a.tree()).toEqual(OF_A)
    expect(b.tree()).toEqual([{ name: 'of b', children: [{ name: 'work' }] }])
  })

  test('is the parent of what its own tracer records inside', () => {
    insideLibrary((kept) => inForeign(() => a.startActiveSpan('again', () => context.with(kept, () => library.startSpan('work').end()))))
    const [root] = a.tree()
    expect(JSON.stringify(root)).toContain('work')
    expect(b.tree()).toEqual([])
  })

  test('takes what was bound to it in another request', () => {
    insideLibrary((kept) =>
      context.with(
        ROOT_CONTEXT,
        () => inForeign(() => b.startActiveSpan('of b', () => undefined)) ?? context.with(kept, () => library.startSpan('work').end()),
      ),
    )
    expect(a.tree()).toEqual([{ name: 'of a', children: [{ name: 'kept', children: [{ name: 'work' }] }] }])
    expect(b.tree()).toEqual([{ name: 'of b' }])
  })
})
