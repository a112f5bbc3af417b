import { type Context, context, type Span, type Tracer, trace } from '@opentelemetry/api'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ensureContextManager } from '../../src/provider/host.js'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'

const SCOPE = '@traceloop/instrumentation-mcp'

/** What Traceloop's instrumentor does: the context of `connect` is that of every later call. */
class Client {
  readonly #tracer: Tracer
  readonly #session: Span
  readonly #context: Context

  constructor(tracer: Tracer) {
    this.#tracer = tracer
    this.#session = tracer.startSpan('session')
    this.#context = trace.setSpan(context.active(), this.#session)
  }

  call(name: string): void {
    const span = this.#tracer.startSpan(name, {}, this.#context)
    context.with(trace.setSpan(context.active(), span), () => {})
    span.end()
  }

  close(): void {
    this.#session.end()
  }
}

let a: TestTracer
let b: TestTracer
beforeAll(() => ensureContextManager())
beforeEach(() => {
  a = createTestTracer({ sessionName: 'a' })
  b = createTestTracer({ sessionName: 'b' })
})
afterEach(() => Promise.all([a.shutdown(), b.shutdown()]))

const connect = (scope = SCOPE): Client => new Client(a.provider.getTracer(scope))
const request = (tracer: TestTracer, run: () => void, sessionId?: string): void =>
  tracer.withSession({ sessionName: 's', ...(sessionId === undefined ? {} : { sessionId }) }, () => tracer.startActiveSpan('request', run))
const nested = (name: string): object => ({ name: 'request', children: [expect.objectContaining({ name })] })

describe('a client that is shared', () => {
  test('the call of another tenant lies in its own request, wherever the client was connected', () => {
    const atStart = connect()
    request(a, () => {
      const inRequest = connect()
      for (const client of [atStart, inRequest]) request(b, () => client.call('call of b'))
      inRequest.close()
    })
    expect(b.tree()).toEqual([expect.objectContaining(nested('call of b')), expect.objectContaining(nested('call of b'))])
    expect(a.spans.map(({ name }) => name)).not.toContain('call of b')
  })

  test('the call of another session of the same tenant lies in its own request', () => {
    request(
      a,
      () => {
        const client = connect()
        request(a, () => client.call('call'), 'other')
        client.close()
      },
      'first',
    )
    const call = a.spans.find(({ name }) => name === 'call')
    const [other] = a.spans.filter(({ name }) => name === 'request')
    expect(call?.parentSpanContext?.spanId).toBe(other?.spanContext().spanId)
    expect(call?.attributes['honeyhive.session_id']).toBe(other?.attributes['honeyhive.session_id'])
  })

  test('calls where it was connected, and where nobody is active, lie in its session', () => {
    request(a, () => {
      const client = connect()
      client.call('call')
      client.close()
    })
    expect(a.tree()).toMatchObject([{ name: 'request', children: [{ name: 'session', children: [{ name: 'call' }] }] }])
    a.clear()
    const alone = connect()
    alone.call('call')
    alone.close()
    expect(a.tree()).toMatchObject([{ name: 'session', children: [{ name: 'call' }] }])
  })
})

test('a context that any other instrumentor names by hand decides', () => {
  const client = connect('@arizeai/openinference-instrumentation-openai')
  request(b, () => client.call('child'))
  client.close()
  expect(a.tree()).toMatchObject([{ name: 'session', children: [{ name: 'child' }] }])
  expect(b.tree()).toMatchObject([{ name: 'request' }])
})
