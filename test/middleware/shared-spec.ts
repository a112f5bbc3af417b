import { Agent, type IncomingHttpHeaders, request as httpRequest } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { RequestOptions } from '../../src/middleware/options.js'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'
import { toSessionId } from '../../src/semantics/session-id.js'

/** What a route of the spec sees of a request, whatever the framework. */
export interface RouteContext {
  header(name: string): string | undefined
  /** The whole body as text, by the framework's usual means. */
  body(): Promise<string>
}

/** What a route answers. */
export interface RouteAnswer {
  readonly status?: number
  readonly text?: string
  readonly chunks?: AsyncIterable<string>
}

/** A route that every kit mounts in its framework. */
export interface Route {
  readonly method: 'GET' | 'POST'
  /** In the notation of Express, e.g. `/users/:id`. */
  readonly path: string
  run(context: RouteContext): Promise<RouteAnswer>
}

/** What a kit builds a server from. */
export interface Setup {
  readonly choose: (headers: IncomingHttpHeaders) => TestTracer | undefined
  readonly options?: RequestOptions<any, any>
  readonly routes: readonly Route[]
  /** Called where later middleware of the framework runs. */
  readonly middleware?: (() => void) | undefined
}

/** One framework behind its real server. */
export interface Kit {
  readonly name: string
  /** Whether the framework tells the pattern a path matched. */
  readonly knowsRoutes: boolean
  /** Whether the framework hands the thrown error to the adapter. */
  readonly seesErrors: boolean
  start(setup: Setup): Promise<{ readonly url: string; close(): Promise<void> }>
}

interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

interface Sent {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: readonly string[]
  readonly agent?: Agent
  /** Called with the first byte of the answer. */
  readonly onData?: (text: string, stop: () => void) => void
}

function send(url: string, { method = 'GET', headers = {}, body = [], agent, onData }: Sent = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers, agent }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
        onData?.(text, () => request.destroy())
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
      response.on('error', reject)
    })
    request.on('error', reject)
    void (async () => {
      for (const part of body) {
        request.write(part)
        await turn()
      }
      request.end()
    })()
  })
}

/** A promise and its handle. */
function createGate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}

const attribute = (span: ReadableSpan, key: string): unknown => span.attributes[key]
const sessionOf = (span: ReadableSpan): unknown => attribute(span, 'honeyhive.session_id')

/** Runs the shared spec against one framework. */
export function describeServer(kit: Kit): void {
  describe(`requests of ${kit.name}`, () => {
    const servers: { close(): Promise<void> }[] = []
    const gates: { open(): void }[] = []
    const agents: Agent[] = []
    const gate = (): ReturnType<typeof createGate> => {
      const made = createGate()
      gates.push(made)
      return made
    }

    afterEach(async () => {
      for (const { open } of gates.splice(0)) open()
      for (const agent of agents.splice(0)) agent.destroy()
      await Promise.all(servers.splice(0).map((server) => server.close()))
    })

    async function serve(setup: Omit<Setup, 'choose'> & { choose?: Setup['choose']; tracer?: TestTracer }): Promise<string> {
      const server = await kit.start({ choose: () => setup.tracer, ...setup })
      servers.push(server)
      return server.url
    }

    /** The only span of a request that is over. */
    async function requestSpan(tracer: TestTracer): Promise<ReadableSpan> {
      return await vi.waitFor(() => {
        const spans = tracer.spans.filter((span) => span.kind === SpanKind.SERVER)
        expect(spans).toHaveLength(1)
        return spans[0] as ReadableSpan
      }, 60_000)
    }

    const target = (path: string): string => (kit.knowsRoutes ? path : path.replace(':id', '7'))

    function userRoute(tracer: TestTracer): Route {
      return {
        method: 'GET',
        path: '/users/:id',
        run: async () => {
          await turn()
          return { text: await tracer.startActiveSpan('lookup', async () => (await turn(), tracer.sessionId)) }
        },
      }
    }

    it('tells the session what was answered, unless the session is the caller’s', async () => {
      const tracer = createTestTracer()
      const url = await serve({ tracer, routes: [userRoute(tracer)] })
      await send(`${url}/users/7`)
      await requestSpan(tracer)
      expect(tracer.sessions.map(({ updates }) => updates)).toEqual([
        [{ event_id: tracer.sessions[0]?.sessionId, outputs: { statusCode: 200 } }],
      ])
      tracer.clear()
      await send(`${url}/users/7`, { headers: { baggage: 'session_id=0b6de1f2-58f6-4a7e-9c1e-00000000000a' } })
      await requestSpan(tracer)
      expect(tracer.instance.exporters.memory?.calls).toEqual([])
    })

    it('gives each request a session and a span of its own, and answers its id', async () => {
      const tracer = createTestTracer()
      const url = await serve({ tracer, routes: [userRoute(tracer)] })
      const first = await send(`${url}/users/7?token=hidden`)
      const second = await send(`${url}/users/7`)
      expect(first.status).toBe(200)
      expect(first.headers['x-session-id']).toBe(first.text)
      expect(second.headers['x-session-id']).toBe(second.text)
      expect(first.text).not.toBe(second.text)
      expect(first.text).not.toBe(tracer.instance.ownSession.id)
      await vi.waitFor(
        () =>
          expect(tracer.tree()).toMatchObject([1, 2].map(() => ({ name: `GET ${target('/users/:id')}`, children: [{ name: 'lookup' }] }))),
        60_000,
      )
      expect(tracer.sessions.map(({ sessionId }) => sessionId)).toEqual([first.text, second.text])
      expect(tracer.sessions[0]?.started['inputs']).toEqual({ method: 'GET', path: '/users/7' })
      const [span] = tracer.spans.filter(({ kind }) => kind === SpanKind.SERVER)
      expect(span?.attributes).toMatchObject({
        honeyhive_event_type: 'chain',
        'http.request.method': 'GET',
        'url.path': '/users/7',
        'http.response.status_code': 200,
        'honeyhive.session_id': first.text,
      })
      if (kit.knowsRoutes) expect(span?.attributes['http.route']).toBe('/users/:id')
      expect(JSON.stringify([span?.attributes, tracer.sessions])).not.toContain('hidden')
      expect(tracer.stats().open).toBe(0)
    })

    it('shows the session to later middleware and to code that runs after a body arrived in parts', async () => {
      const tracer = createTestTracer()
      const seen: string[] = []
      const routes: Route[] = [
        {
          method: 'POST',
          path: '/echo',
          run: async ({ body }) => {
            const text = await body()
            seen.push(tracer.sessionId)
            return { text }
          },
        },
      ]
      const url = await serve({ tracer, routes, middleware: () => seen.push(tracer.sessionId) })
      const reply = await send(`${url}/echo`, {
        method: 'POST',
        headers: { 'content-type': 'text/plain' },
        body: ['one ', 'two ', 'three'],
      })
      expect(reply.text).toBe('one two three')
      expect(seen).toEqual([reply.headers['x-session-id'], reply.headers['x-session-id']])
    })

    it('continues the trace and session of the caller for the chosen tracer alone', async () => {
      const [tracer, other, caller] = [createTestTracer(), createTestTracer(), createTestTracer()]
      const routes: Route[] = [
        {
          method: 'GET',
          path: '/both',
          run: async () => ({
            text: await tracer.startActiveSpan('mine', () => other.startActiveSpan('theirs', () => turn().then(() => 'done'))),
          }),
        },
      ]
      const url = await serve({ tracer, routes })
      const headers: Record<string, string> = {}
      await caller.withSession({ sessionName: 'upstream' }, ({ sessionId }) =>
        caller.startActiveSpan('call', async () => {
          caller.injectContext(headers)
          expect((await send(`${url}/both`, { headers })).headers['x-session-id']).toBe(sessionId)
        }),
      )
      const span = await requestSpan(tracer)
      const [calling] = caller.spans
      expect(span.parentSpanContext?.spanId).toBe(calling?.spanContext().spanId)
      expect(span.spanContext().traceId).toBe(calling?.spanContext().traceId)
      expect(sessionOf(span)).toBe(sessionOf(calling as ReadableSpan))
      expect(tracer.sessions).toEqual([])
      const [theirs] = other.spans
      expect(theirs?.spanContext().traceId).not.toBe(calling?.spanContext().traceId)
      expect(theirs?.parentSpanContext).toBeUndefined()
      expect(sessionOf(theirs as ReadableSpan)).toBe(other.instance.ownSession.id)
    })

    it('takes a session named by X-Session-ID, as a UUID or as any text', async () => {
      const tracer = createTestTracer()
      const url = await serve({ tracer, routes: [userRoute(tracer)] })
      for (const given of ['6F9619FF-8B86-4011-B42D-00CF4FC964FF', 'order-42', `${'long '.repeat(200)}end`]) {
        const reply = await send(`${url}/users/7`, { headers: { 'x-session-id': given } })
        expect(reply.text).toBe(toSessionId(given))
        expect(reply.headers['x-session-id']).toBe(toSessionId(given))
      }
      expect((await send(`${url}/users/7`, { headers: { 'x-session-id': ' ' } })).status).toBe(200)
    })

    it('continues nothing when that is switched off', async () => {
      const tracer = createTestTracer()
      const url = await serve({ tracer, routes: [userRoute(tracer)], options: { continueRemote: false } })
      const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
      const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, baggage: 'session_id=foreign', 'x-session-id': 'foreign' }
      const reply = await send(`${url}/users/7`, { headers })
      expect(reply.text).not.toBe(toSessionId('foreign'))
      const span = await requestSpan(tracer)
      expect(span.parentSpanContext).toBeUndefined()
      expect(span.spanContext().traceId).not.toBe(traceId)
    })

    it('marks a 5xx answer as failed and a 4xx answer not', async () => {
      const tracer = createTestTracer()
      const routes: Route[] = [503, 404].map((status) => ({
        method: 'GET',
        path: `/answer-${status}`,
        run: async () => ({ status, text: 'no' }),
      }))
      const url = await serve({ tracer, routes })
      expect((await send(`${url}/answer-503`)).status).toBe(503)
      const failed = await requestSpan(tracer)
      expect(failed.status.code).toBe(SpanStatusCode.ERROR)
      expect(failed.attributes).toMatchObject({ 'http.response.status_code': 503, honeyhive_error: 'HTTP 503' })
      tracer.clear()
      expect((await send(`${url}/answer-404`)).status).toBe(404)
      const refused = await requestSpan(tracer)
      expect(refused.status.code).toBe(SpanStatusCode.UNSET)
      expect(attribute(refused, 'http.response.status_code')).toBe(404)
    })

    it('records a thrown error and lets the framework answer it', async () => {
      const tracer = createTestTracer()
      const routes: Route[] = [{ method: 'GET', path: '/throw', run: async () => Promise.reject(new TypeError('kaboom')) }]
      const url = await serve({ tracer, routes })
      expect((await send(`${url}/throw`)).status).toBe(500)
      const span = await requestSpan(tracer)
      expect(span.status.code).toBe(SpanStatusCode.ERROR)
      expect(attribute(span, 'honeyhive_error')).toBe(kit.seesErrors ? 'kaboom' : 'HTTP 500')
      if (kit.seesErrors) expect(span.events.map(({ name }) => name)).toEqual(['exception'])
    })

    it('chooses the tracer for each request, and runs a request untraced when there is none', async () => {
      const tenants: Record<string, TestTracer> = { one: createTestTracer(), two: createTestTracer() }
      const lines: string[] = []
      const write = vi.spyOn(process.stderr, 'write').mockImplementation((line) => lines.push(String(line)) > 0)
      try {
        const choose: Setup['choose'] = (headers) => {
          if (headers['x-tenant'] === 'broken') throw new Error('no such tenant')
          return tenants[String(headers['x-tenant'])]
        }
        const routes: Route[] = [
          {
            method: 'GET',
            path: '/who',
            run: async ({ header }) => ({ text: tenants[header('x-tenant') ?? '']?.sessionId ?? 'untraced' }),
          },
        ]
        const url = await serve({ choose, routes })
        for (const name of ['one', 'two']) {
          const reply = await send(`${url}/who`, { headers: { 'x-tenant': name } })
          expect(reply.headers['x-session-id']).toBe(reply.text)
          await requestSpan(tenants[name] as TestTracer)
        }
        for (const name of ['unknown', 'unknown', 'broken', 'broken']) {
          const reply = await send(`${url}/who`, { headers: { 'x-tenant': name } })
          expect(reply).toMatchObject({ status: 200, text: 'untraced' })
          expect(reply.headers['x-session-id']).toBeUndefined()
        }
        expect(lines.filter((line) => line.includes('untraced'))).toHaveLength(1)
      } finally {
        write.mockRestore()
      }
      expect(tenants['one']?.spans).toHaveLength(1)
      expect(tenants['two']?.spans).toHaveLength(1)
    })

    it('takes names, inputs, outputs, metadata and user from option functions, and survives their failures', async () => {
      const tracer = createTestTracer({ logger: { debug() {}, warn() {}, error() {} } })
      const readOutputs = vi.fn(() => ({ answer: 42 }))
      const options: RequestOptions<unknown, unknown> = {
        sessionName: () => 'chat',
        inputs: () => ({ question: 'why' }),
        outputs: readOutputs,
        metadata: () => ({ plan: 'free' }),
        userProperties: () => ({ user: 'u1' }),
      }
      const url = await serve({ tracer, routes: [userRoute(tracer)], options })
      await send(`${url}/users/7`)
      const span = await requestSpan(tracer)
      expect(tracer.sessions[0]).toMatchObject({ sessionName: 'chat' })
      expect(tracer.sessions[0]?.started).toMatchObject({
        inputs: { question: 'why' },
        metadata: { plan: 'free' },
        user_properties: { user: 'u1' },
      })
      expect(span.attributes).toMatchObject({
        'honeyhive_inputs.question': 'why',
        'honeyhive_outputs.answer': 42,
        'honeyhive_metadata.plan': 'free',
        'honeyhive_user_properties.user': 'u1',
      })
      await turn()
      expect(readOutputs).toHaveBeenCalledTimes(1)
      const fail = (): never => {
        throw new Error('option')
      }
      const failing: any = {
        sessionName: fail,
        sessionId: fail,
        inputs: () => Promise.reject(new Error('late')),
        outputs: fail,
        metadata: fail,
        userProperties: fail,
        continueRemote: fail,
        ignore: fail,
      }
      const stubborn = await serve({ tracer, routes: [userRoute(tracer)], options: failing })
      tracer.clear()
      expect((await send(`${stubborn}/users/7`)).status).toBe(200)
      expect(attribute(await requestSpan(tracer), 'http.response.status_code')).toBe(200)
    })

    it('leaves ignored requests alone', async () => {
      const tracer = createTestTracer()
      const url = await serve({ tracer, routes: [userRoute(tracer)], options: { ignore: () => true } })
      const reply = await send(`${url}/users/7`)
      expect(reply.text).toBe(tracer.instance.ownSession.id)
      expect(reply.headers['x-session-id']).toBeUndefined()
      expect(tracer.spans.map(({ name }) => name)).toEqual(['lookup'])
    })

    it('runs requests untouched when the tracer is disabled or shut down, and counts what it refused', async () => {
      const tracer = createTestTracer({ logger: { debug() {}, warn() {}, error() {} } })
      const url = await serve({ tracer, routes: [{ method: 'GET', path: '/plain', run: async () => ({ text: 'plain' }) }] })
      await tracer.shutdown()
      const reply = await send(`${url}/plain`)
      expect(reply).toMatchObject({ status: 200, text: 'plain' })
      expect(reply.headers['x-session-id']).toBeUndefined()
      expect(tracer.stats().dropped['afterShutdown']).toBe(1)
    })

    it('records a client that goes away while the handler works, once', async () => {
      const tracer = createTestTracer()
      const [arrived, release] = [gate(), gate()]
      const routes: Route[] = [
        {
          method: 'GET',
          path: '/slow',
          run: async () => {
            arrived.open()
            await release.opened
            return { text: 'too late' }
          },
        },
      ]
      const url = await serve({ tracer, routes })
      const agent = new Agent()
      agents.push(agent)
      const reply = send(`${url}/slow`, { agent })
      reply.catch(() => undefined)
      await arrived.opened
      agent.destroy()
      await expect(reply).rejects.toThrow()
      expect(attribute(await requestSpan(tracer), 'honeyhive_metadata.aborted')).toBe(true)
      release.open()
      await turn()
      expect(tracer.stats()).toMatchObject({ open: 0, ended: 1 })
    })

    it('keeps the span open until a streamed response is finished, with its spans inside', async () => {
      const tracer = createTestTracer()
      const release = gate()
      async function* chunks(): AsyncIterable<string> {
        yield await tracer.startActiveSpan('chunk 1', async () => 'one ')
        await release.opened
        yield await tracer.startActiveSpan('chunk 2', async () => 'two')
      }
      const url = await serve({ tracer, routes: [{ method: 'GET', path: '/stream', run: async () => ({ chunks: chunks() }) }] })
      const reply = await send(`${url}/stream`, {
        onData(text) {
          if (text !== 'one ') return
          expect(tracer.spans.map(({ name }) => name)).toEqual(['chunk 1'])
          release.open()
        },
      })
      expect(reply.text).toBe('one two')
      const span = await requestSpan(tracer)
      expect(tracer.tree()).toMatchObject([{ name: 'GET /stream', children: [{ name: 'chunk 1' }, { name: 'chunk 2' }] }])
      expect(new Set(tracer.spans.map(sessionOf))).toEqual(new Set([reply.headers['x-session-id']]))
      expect(attribute(span, 'honeyhive_metadata.aborted')).toBeUndefined()
    })

    it('records a client that leaves in the middle of a stream', async () => {
      const tracer = createTestTracer()
      const release = gate()
      async function* chunks(): AsyncIterable<string> {
        yield 'one '
        await release.opened
        for (;;) {
          yield 'more '
          await turn()
        }
      }
      const url = await serve({ tracer, routes: [{ method: 'GET', path: '/stream', run: async () => ({ chunks: chunks() }) }] })
      const reply = send(`${url}/stream`, { onData: (_text, stop) => stop() })
      await expect(reply).rejects.toThrow()
      release.open()
      const span = await requestSpan(tracer)
      expect(attribute(span, 'honeyhive_metadata.aborted')).toBe(true)
      expect(tracer.stats()).toMatchObject({ open: 0, ended: 1 })
    })

    it('leaks nothing to the next request on a kept-alive socket, not even a session made with createSession', async () => {
      const tracer = createTestTracer()
      const own = tracer.instance.ownSession.id
      const routes: Route[] = [
        {
          method: 'GET',
          path: '/create',
          run: async () => ({ text: `${await tracer.createSession({ sessionName: 'inner' })} ${tracer.sessionId}` }),
        },
        userRoute(tracer),
        { method: 'GET', path: '/ignored', run: async () => ({ text: tracer.sessionId }) },
      ]
      const options: RequestOptions<any> = { ignore: (request) => String(request.url ?? request.req?.path ?? '').endsWith('/ignored') }
      const url = await serve({ tracer, routes, options })
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      agents.push(agent)
      const seen = new Set<string>()
      for (let i = 0; i < 5; i++) {
        const created = await send(`${url}/create`, { agent })
        const [id, current] = created.text.split(' ')
        expect(current).toBe(id)
        expect(created.headers['x-session-id']).not.toBe(id)
        expect((await send(`${url}/ignored`, { agent })).text).toBe(own)
        const next = await send(`${url}/users/7`, { agent })
        expect(next.text).toBe(next.headers['x-session-id'])
        for (const known of [id, created.headers['x-session-id'], next.text]) seen.add(String(known))
      }
      expect(seen.size).toBe(15)
    })

    it('mixes nothing up among 1,000 concurrent requests of three tracers', async () => {
      const tenants: Record<string, TestTracer> = { a: createTestTracer(), b: createTestTracer(), c: createTestTracer() }
      const names = Object.keys(tenants)
      const routes: Route[] = [
        {
          method: 'GET',
          path: '/work',
          run: async ({ header }) => {
            const tracer = tenants[header('x-tenant') ?? ''] as TestTracer
            const id = header('x-id') ?? ''
            return await tracer.startActiveSpan('outer', { metadata: { id } }, async () => {
              await turn()
              await Promise.all([1, 2].map((part) => tracer.startActiveSpan(`inner ${part}`, { metadata: { id } }, () => turn())))
              return { text: tracer.sessionId }
            })
          },
        },
      ]
      const url = await serve({
        choose: (headers) => tenants[String(headers['x-tenant'])],
        routes,
        options: { metadata: (request: any) => ({ id: idOf(request) }) },
      })
      const agent = new Agent({ keepAlive: true, maxSockets: 100 })
      agents.push(agent)
      const replies = await Promise.all(
        Array.from({ length: 1000 }, async (_, i) => {
          const tenant = names[i % 3] as string
          const reply = await send(`${url}/work`, { agent, headers: { 'x-tenant': tenant, 'x-id': String(i) } })
          return { id: String(i), tenant, sessionId: reply.text, answered: reply.headers['x-session-id'] }
        }),
      )
      expect(replies.filter(({ sessionId, answered }) => sessionId !== answered)).toEqual([])
      expect(new Set(replies.map(({ sessionId }) => sessionId)).size).toBe(1000)
      for (const name of names) {
        const tracer = tenants[name] as TestTracer
        await vi.waitFor(() => expect(tracer.stats().open).toBe(0), 60_000)
        const expected = replies
          .filter(({ tenant }) => tenant === name)
          .map(({ id, sessionId }) => [sessionId, `${id}: GET /work, inner 1, inner 2, outer in 1 trace`])
        expect(describeSessions(tracer.spans)).toEqual(new Map(expected as [string, string][]))
      }
    })
  })
}

function idOf(request: any): string {
  const headers = request.headers ?? request.req.raw.headers
  return typeof headers.get === 'function' ? headers.get('x-id') : headers['x-id']
}

/** One line for each session: ids that its spans carry, their names, and the number of their traces. */
function describeSessions(spans: readonly ReadableSpan[]): Map<unknown, string> {
  const groups = new Map<unknown, ReadableSpan[]>()
  for (const span of spans) {
    const group = groups.get(sessionOf(span))
    if (group === undefined) groups.set(sessionOf(span), [span])
    else group.push(span)
  }
  const list = (group: ReadableSpan[], read: (span: ReadableSpan) => unknown): string => [...new Set(group.map(read))].sort().join(', ')
  return new Map(
    [...groups].map(([id, group]) => [
      id,
      `${list(group, (span) => attribute(span, 'honeyhive_metadata.id'))}: ${list(group, ({ name }) => name)} in ${new Set(group.map((span) => span.spanContext().traceId)).size} trace`,
    ]),
  )
}
