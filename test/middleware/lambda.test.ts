import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough, type Writable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { describe, expect, it, vi } from 'vitest'
import { toSessionId } from '../../src/semantics/session-id.js'
import { traceHandler } from '../../src/middleware/lambda.js'
import { createTestTracer } from '../../src/testing/index.js'
import { HoneyHiveTracer } from '../../src/tracer/tracer.js'
import { isWithin } from '../fixtures/limit.js'
import { startReceiver } from '../fixtures/receiver.js'

interface Context {
  readonly awsRequestId: string
  readonly functionName: string
  getRemainingTimeInMillis(): number
}

let invocations = 0
function createContext(remainingMs = 3000): Context {
  const endMs = Date.now() + remainingMs
  return { awsRequestId: `request-${++invocations}`, functionName: 'answer', getRemainingTimeInMillis: () => endMs - Date.now() }
}

const httpEvent = (headers: Record<string, string> = {}): object => ({
  version: '2.0',
  routeKey: 'GET /items/{id}',
  rawPath: '/items/7',
  rawQueryString: 'key=hidden',
  headers,
  requestContext: { http: { method: 'GET', path: '/items/7' } },
})

describe('traceHandler', () => {
  it('gives each invocation a session and a span, on warm starts with the same tracer', async () => {
    const create = vi.fn(() => createTestTracer())
    let tracer: ReturnType<typeof createTestTracer> | undefined
    const getTracer = (): ReturnType<typeof createTestTracer> => {
      tracer ??= create()
      return tracer
    }
    const handler = traceHandler(getTracer, async (event: { n: number }, _context: Context) => {
      await turn()
      return await getTracer().startActiveSpan('process', async () => ({ n: event.n, session: getTracer().sessionId }))
    })
    const contexts = [createContext(), createContext()]
    const first = await handler({ n: 1 }, contexts[0] as Context)
    const second = await handler({ n: 2 }, contexts[1] as Context)
    expect(create).toHaveBeenCalledTimes(1)
    expect([first.n, second.n]).toEqual([1, 2])
    expect(first.session).not.toBe(second.session)
    expect(tracer?.sessions.map(({ sessionId, sessionName }) => [sessionId, sessionName])).toEqual([
      [first.session, `lambda-${contexts[0]?.awsRequestId}`],
      [second.session, `lambda-${contexts[1]?.awsRequestId}`],
    ])
    expect(tracer?.tree()).toMatchObject([1, 2].map(() => ({ name: 'answer', children: [{ name: 'process' }] })))
    const spans = tracer?.spans.filter(({ kind }) => kind === SpanKind.SERVER) ?? []
    expect(spans.map(({ attributes }) => [attributes['honeyhive_metadata.coldStart'], attributes['honeyhive_metadata.requestId']])).toEqual(
      [
        [true, contexts[0]?.awsRequestId],
        [false, contexts[1]?.awsRequestId],
      ],
    )
  })

  it('delivers everything before the invocation ends', async () => {
    const receiver = await startReceiver()
    const tracer = HoneyHiveTracer.init({ apiKey: 'key', serverUrl: receiver.url, protocol: 'http/json' })
    const handler = traceHandler(tracer, async (_event: object, _context: Context) => 'done', { flushTimeoutMs: 60_000 })
    expect(await handler({}, createContext(100_000))).toBe('done')
    expect(receiver.spans.map(({ name }) => name)).toEqual(['answer'])
    expect(receiver.calls.map(({ path }) => path)).toEqual(['/session/start', '/events'])
    await tracer.shutdown()
    await receiver.close()
  })

  it('waits for a dead server no longer than the time that remains, and keeps what was not sent', async () => {
    const silent = createServer(() => undefined)
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const serverUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const tracer = HoneyHiveTracer.init({ apiKey: 'key', serverUrl, logger: { debug() {}, warn() {}, error() {} } })
    const handler = traceHandler(tracer, async (_event: object, _context: object) => 'done')
    const flush = vi.spyOn(tracer, 'forceFlush')
    const withRemaining = (remainingMs: number): object => ({ ...createContext(), getRemainingTimeInMillis: () => remainingMs })
    expect(await handler({}, withRemaining(500))).toBe('done')
    const [[waitMs = 0] = []] = flush.mock.calls
    expect(waitMs).toBeGreaterThan(0)
    expect(waitMs).toBeLessThan(500)
    expect(await handler({}, withRemaining(50))).toBe('done')
    const limited = traceHandler(tracer, async (_event: object, _context: object) => 'done', { flushTimeoutMs: 50 })
    expect(await isWithin(5_000, limited({}, withRemaining(60_000)))).toBe(true)
    // With as good as nothing left there is no wait at all.
    expect(flush.mock.calls).toEqual([[waitMs], [50]])
    expect(tracer.stats()).toMatchObject({ ended: 3, exported: 0, pending: 3 })
    await tracer.shutdown(1)
    silent.closeAllConnections()
    silent.close()
  })

  it('records and answers a callback, after the flush and in order', async () => {
    const tracer = createTestTracer()
    const flush = vi.spyOn(tracer, 'forceFlush')
    const handler = traceHandler(tracer, (_event: object, _context: Context, callback: (error: Error | null, result?: string) => void) => {
      setImmediate(() => {
        expect(tracer.sessionId).not.toBe(tracer.instance.ownSession.id)
        callback(null, 'first')
        callback(null, 'second')
      })
    })
    expect(handler.length).toBe(3)
    const answers: unknown[] = []
    await new Promise<void>((resolve) => {
      const returned = handler({}, createContext(), (error, result) => {
        expect(flush).toHaveBeenCalledTimes(1)
        answers.push(error, result)
        if (answers.length === 4) resolve()
      })
      expect(returned).toBeUndefined()
      expect(tracer.stats().open).toBe(1)
    })
    expect(answers).toEqual([null, 'first', null, 'second'])
    expect(tracer.stats()).toMatchObject({ open: 0, ended: 1 })
    const failing = traceHandler(tracer, (_event: object, _context: Context, callback: (error: Error) => void) =>
      callback(new Error('by callback')),
    )
    const error = await new Promise((resolve) => failing({}, createContext(), resolve))
    expect(String(error)).toBe('Error: by callback')
    expect(tracer.spans[1]?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'by callback' })
  })

  it('rethrows what was thrown, synchronously and asynchronously, and records it', async () => {
    const tracer = createTestTracer()
    const error = new TypeError('broken')
    const rejecting = traceHandler(tracer, async (_event: object, _context: Context) => Promise.reject(error))
    await expect(rejecting({}, createContext())).rejects.toBe(error)
    const throwing = traceHandler(tracer, (_event: object, _context: Context) => {
      throw error
    })
    expect(() => throwing({}, createContext())).toThrow(error)
    expect(traceHandler(tracer, (..._args: unknown[]) => 'sync')({}, createContext(), () => undefined)).toBe('sync')
    expect(tracer.spans.map(({ status }) => status.message)).toEqual(['broken', 'broken', undefined])
  })

  it('streams: the span ends with the handler, or with the stream when that goes on', async () => {
    const tracer = createTestTracer()
    const mark = Symbol.for('aws.lambda.runtime.handler.streaming')
    const write = async (_event: object, stream: Writable, context: Context): Promise<void> => {
      expect(context.functionName).toBe('answer')
      stream.write(tracer.sessionId)
      await turn()
      stream.end()
    }
    const handler = traceHandler(tracer, Object.assign(write, { [mark]: 'response' }))
    expect(Reflect.get(handler, mark)).toBe('response')
    const stream = new PassThrough()
    await handler({}, stream, createContext())
    expect(String(await stream.setEncoding('utf8').toArray())).toBe(tracer.sessions[0]?.sessionId)
    expect(tracer.stats()).toMatchObject({ open: 0, ended: 1 })
    const late = new PassThrough()
    await traceHandler(tracer, async (_event: object, out: Writable, _context: Context) => void out.write('x'))({}, late, createContext())
    expect(tracer.stats().open).toBe(1)
    late.end().resume()
    await once(late, 'close')
    expect(tracer.stats()).toMatchObject({ open: 0, ended: 2 })
    const failing = traceHandler(tracer, async (_event: object, out: Writable, _context: Context) => {
      out.end()
      throw new Error('mid-stream')
    })
    await expect(failing({}, new PassThrough(), createContext())).rejects.toThrow('mid-stream')
    expect(tracer.spans[2]?.status.code).toBe(SpanStatusCode.ERROR)
  })

  it.each([{ headers: { 'x-session-id': 'of the host' } }, { multiValueHeaders: { 'X-Session-Id': ['of the host'] } }])(
    'leaves a session header that the handler answers: %j',
    async (own) => {
      const result = { statusCode: 200, body: 'x', ...own }
      const handler = traceHandler(createTestTracer(), async (_event: object, _context: Context) => result)
      expect(await handler(httpEvent(), createContext())).toBe(result)
    },
  )

  it('knows HTTP events: name, path without query, status, caller and answered session', async () => {
    const tracer = createTestTracer()
    const result = { statusCode: 502, headers: { 'content-type': 'text/plain' }, body: 'x' }
    const handler = traceHandler(tracer, async (_event: object, _context: Context) => result)
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
    const answered = await handler(
      httpEvent({ 'X-Session-ID': 'order-42', traceparent: `00-${traceId}-00f067aa0ba902b7-01` }),
      createContext(),
    )
    expect(answered).toEqual({ ...result, headers: { 'content-type': 'text/plain', 'X-Session-ID': toSessionId('order-42') } })
    expect(result.headers).toEqual({ 'content-type': 'text/plain' })
    const [span] = tracer.spans
    expect(span?.name).toBe('GET /items/{id}')
    expect(span?.spanContext().traceId).toBe(traceId)
    expect(span?.status.code).toBe(SpanStatusCode.ERROR)
    expect(span?.attributes).toMatchObject({
      'url.path': '/items/7',
      'http.response.status_code': 502,
      'honeyhive.session_id': toSessionId('order-42'),
    })
    expect(JSON.stringify(span?.attributes)).not.toContain('hidden')
    const v1 = { httpMethod: 'POST', path: '/pets/3', resource: '/{proxy+}', headers: null }
    await handler(v1, createContext())
    expect(tracer.spans[1]?.name).toBe('POST /pets/3')
  })

  it('leaves every other result as it is and takes options that read the event', async () => {
    const tracer = createTestTracer()
    const result = { statusCode: 200, value: 1 }
    const handler = traceHandler(tracer, async (_event: { session_id: string; question: string }, _context: Context) => result, {
      sessionId: (event) => event.session_id,
      sessionName: (event) => `ask ${event.question}`,
      inputs: ({ question }) => ({ question }),
      outputs: (_event, answer) => ({ answer }),
      ignore: (event) => event.question === 'ping',
    })
    expect(await handler({ session_id: 'chat-1', question: 'why' }, createContext())).toBe(result)
    const updates = [{ outputs: { answer: { value: 1, statusCode: 200 } } }]
    expect(tracer.sessions[0]).toMatchObject({ sessionId: toSessionId('chat-1'), sessionName: 'ask why', updates })
    expect(tracer.spans[0]?.attributes).toMatchObject({ 'honeyhive_inputs.question': 'why', 'honeyhive_outputs.answer.value': 1 })
    expect(await handler({ session_id: 'chat-1', question: 'ping' }, createContext())).toBe(result)
    expect(tracer.spans).toHaveLength(1)
  })

  it('runs without a tracer, without a context and with a broken one', async () => {
    const write = vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
    const handler = traceHandler(
      () => undefined,
      async (event: number) => event + 1,
    )
    expect([await handler(1), await handler(2)]).toEqual([2, 3])
    expect(write).toHaveBeenCalledTimes(1)
    write.mockRestore()
    const tracer = createTestTracer()
    const traced = traceHandler(tracer, async (event: number) => event + 1)
    expect(await traced(1)).toBe(2)
    const broken = { getRemainingTimeInMillis: () => Number.NaN }
    expect(await Reflect.apply(traced, undefined, [1, broken])).toBe(2)
    expect(tracer.spans.map(({ name }) => name)).toEqual(['lambda', 'lambda'])
    expect(() => traceHandler(undefined as never, async () => 1)).toThrow(/expected a tracer/)
  })

  it('refuses wrong options where it is set up, and takes any length of waiting', () => {
    const tracer = createTestTracer()
    const refused = { inputs: { q: 1 }, outputs: 'x', flushTimeoutMs: -1, flushTimeout: 1 } as never
    expect(() => traceHandler(tracer, async () => 1, refused)).toThrow(
      /^traceHandler: 4 invalid settings\..*"inputs".*"outputs".*"flushTimeoutMs".*Did you mean "flushTimeoutMs"/s,
    )
    expect(() => traceHandler(tracer, async () => 1, { flushTimeoutMs: Number.POSITIVE_INFINITY })).not.toThrow()
  })

  it('keeps concurrent invocations apart', async () => {
    const tracer = createTestTracer()
    const handler = traceHandler(
      tracer,
      async (event: number, _context: Context) => {
        await turn()
        tracer.startSpan('step', { metadata: { event } }).end()
        return tracer.sessionId
      },
      { metadata: (event) => ({ event }) },
    )
    const ids = await Promise.all(Array.from({ length: 200 }, (_, i) => handler(i, createContext())))
    expect(new Set(ids).size).toBe(200)
    const groups = new Map(
      tracer.spans.map(({ attributes }) => [`${attributes['honeyhive.session_id']} ${attributes['honeyhive_metadata.event']}`, true]),
    )
    expect(groups.size).toBe(200)
  })
})
