import { context, defaultTextMapGetter } from '@opentelemetry/api'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bindScope, createRoutingProvider } from '../../src/index.js'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'

const headers = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
const library = createRoutingProvider().getTracer('library')

let a: TestTracer
let b: TestTracer
beforeEach(() => {
  a = createTestTracer({ apiKey: 'key-of-a' })
  b = createTestTracer({ apiKey: 'key-of-b' })
  // The first span of a library brings the context manager.
  library.startSpan('first').end()
})
afterEach(() => Promise.all([a.shutdown(), b.shutdown()]))

const extract = (): ReturnType<typeof context.active> => a.propagator.extract(context.active(), headers, defaultTextMapGetter)

/** Ways in which A is entered again between B's span and the call in which a library restores what was around all of it. */
const between: Readonly<Record<string, (call: () => void) => void | Promise<void>>> = {
  'a remote caller': (call) => a.withRemoteContext(headers, call),
  'two remote callers': (call) => a.withRemoteContext(headers, () => a.withRemoteContext(headers, call)),
  'a remote caller in a session': (call) => a.withSession({}, () => a.withRemoteContext(headers, call)),
  'a session of a remote caller': (call) => a.withRemoteContext(headers, () => a.withSession({}, call)),
  'an extracted context': (call) => context.with(extract(), call),
  'a session in an extracted context': (call) => context.with(extract(), () => a.withSession({}, call)),
  'a bound scope': (call) => a.withRemoteContext(headers, () => bindScope(call)()),
  'a session that follows another': (call) => a.withSession({ linkCarrier: { ...headers, baggage: 'session_id=x' } }, call),
  async 'a session for the rest'(call) {
    await a.createSession({ linkCarrier: headers })
    call()
  },
}

test.each(Object.keys(between))('an outer context of A that a library restores inside of B gives A nothing: %s', async (name) => {
  await a.startActiveSpan('outer', async () => {
    const kept = context.active()
    const work = (): void => context.with(kept, () => library.startSpan('work').end())
    await b.startActiveSpan('of b', async () => between[name]?.(() => b.startActiveSpan('inner', work)))
  })
  expect(a.tree()).toEqual([{ name: 'outer' }])
  expect(b.tree()).toEqual([{ name: 'of b', children: [{ name: 'inner', children: [{ name: 'work' }] }] }])
})
