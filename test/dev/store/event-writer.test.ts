import fc from 'fast-check'
import { describe, expect } from 'vitest'
import type { DevServer } from '../../../src/dev/server.js'
import { call, newId, sendSpans, test, type SpanInput } from '../fixtures.js'

let sessions = 0
const newSession = (): string => `11111111-1111-4111-8111-${(++sessions).toString().padStart(12, '0')}`
const eventsOf = (server: DevServer, session: string) => server.events().filter(({ sessionId }) => sessionId === session)
const sessionOf = (server: DevServer, id: string) => server.sessions().find((session) => session.id === id)
const span = (): { readonly traceId: string; readonly spanId: string } => ({ traceId: newId(16), spanId: newId(8) })

describe('a span that comes again', () => {
  const SENT: SpanInput = { name: 'answer', attributes: { 'honeyhive_inputs.q': 'why?', 'honeyhive_metadata.attempt': 1 } }

  test('is the same event: what it says newly counts, and what it says no more stays', async ({ server }) => {
    const [ids, session] = [span(), newSession()]
    const send = (attributes: NonNullable<SpanInput['attributes']>) =>
      sendSpans(server, [{ ...ids, ...SENT, attributes: { 'honeyhive.session_id': session, ...attributes } }])
    await send(SENT.attributes ?? {})
    const [first] = eventsOf(server, session)
    await send({ 'honeyhive_outputs.result': 'so', 'honeyhive_metadata.attempt': 2 })
    expect(eventsOf(server, session)).toMatchObject([
      { id: first?.id, inputs: { q: 'why?' }, outputs: { result: 'so' }, metadata: { attempt: 2 } },
    ])
  })

  test('keeps the id it chose, also where it does not name it again, or names another', async ({ server }) => {
    const [ids, session, chosen] = [span(), newSession(), newSession()]
    const send = (attributes: NonNullable<SpanInput['attributes']>) =>
      sendSpans(server, [{ ...ids, attributes: { 'honeyhive.session_id': session, ...attributes } }])
    for (const attributes of [{ honeyhive_event_id: chosen }, { honeyhive_event_id: chosen }, {}, { honeyhive_event_id: newSession() }]) {
      await send(attributes)
      expect(eventsOf(server, session).map(({ id }) => id)).toEqual([chosen])
    }
  })

  test('keeps what it was updated to, all of it, whatever it says itself', async ({ server }) => {
    const [ids, session] = [span(), newSession()]
    const sent = { ...ids, ...SENT, attributes: { 'honeyhive.session_id': session, ...SENT.attributes } }
    await sendSpans(server, [sent])
    const [event] = eventsOf(server, session)
    for (const update of [{ metadata: { attempt: 5 } }, { outputs: { result: 'corrected' } }])
      await call(server, 'PUT', '/events', { event_id: event?.id, ...update })
    await sendSpans(server, [{ ...sent, attributes: { ...sent.attributes, 'honeyhive_outputs.result': 'so' } }])
    expect(eventsOf(server, session)).toMatchObject([{ inputs: { q: 'why?' }, outputs: { result: 'corrected' }, metadata: { attempt: 5 } }])
  })

  test('keeps its links when it is updated, or comes without them', async ({ server }) => {
    const [ids, session] = [span(), newSession()]
    const sent = { ...ids, attributes: { 'honeyhive.session_id': session } }
    await sendSpans(server, [{ ...sent, links: [span()] }])
    const [event] = eventsOf(server, session)
    await call(server, 'PUT', '/events', { event_id: event?.id, metadata: { seen: true } })
    await sendSpans(server, [sent])
    expect(eventsOf(server, session)).toMatchObject([{ links: 1, linked: [{ direction: 'to' }], metadata: { seen: true } }])
  })
})

test('an event that is written without its span still is that span, with what it is linked to', async ({ server }) => {
  const [ids, session, chosen, other, parent] = [span(), newSession(), newSession(), span(), span()]
  const attributes = { 'honeyhive.session_id': session, honeyhive_event_id: chosen }
  const sent: SpanInput = { ...ids, parentSpanId: parent.spanId, attributes, links: [other] }
  await sendSpans(server, [sent])
  const [first] = eventsOf(server, session)
  const written = { event_id: chosen, session_id: session, event_type: 'tool', event_name: 'written', source: 'dev', inputs: { q: 1 } }
  await call(server, 'POST', '/events', { event: written })
  const [event] = eventsOf(server, session)
  expect(event).toMatchObject({ id: chosen, name: 'written', inputs: { q: 1 }, links: 1, linked: first?.linked })
  expect(event).toMatchObject({ traceId: ids.traceId, spanId: ids.spanId })
  // The span is found again, and its parent finds it.
  await sendSpans(server, [
    sent,
    { ...parent, traceId: ids.traceId, name: 'parent', attributes: { 'honeyhive.session_id': session, honeyhive_event_id: newSession() } },
  ])
  const events = eventsOf(server, session)
  expect(events).toHaveLength(2)
  expect(events.find(({ id }) => id === chosen)?.parentId).toBe(events.find(({ name }) => name === 'parent')?.id)
})

describe('the id an event chose', () => {
  test('is that of the first who did; another span has the id of its own', async ({ server }) => {
    const [session, chosen] = [newSession(), newSession()]
    const attributes = { 'honeyhive.session_id': session, honeyhive_event_id: chosen }
    await sendSpans(server, [
      { ...span(), name: 'first', attributes },
      { ...span(), name: 'second', attributes },
    ])
    const events = eventsOf(server, session)
    expect(events.map(({ name, id }) => [name, id === chosen]).sort()).toEqual([
      ['first', true],
      ['second', false],
    ])
  })

  test('is that of an event which was written before its span came, but never that of a session', async ({ server }) => {
    const [session, chosen] = [newSession(), newSession()]
    const written = { event_id: chosen, session_id: session, event_type: 'tool', event_name: 'written', source: 'dev', inputs: { q: 1 } }
    await call(server, 'POST', '/session/start', { session: { session_id: session, session_name: 'begun' } })
    await call(server, 'POST', '/events', { event: written })
    const [ids, other] = [span(), span()]
    await sendSpans(server, [
      { ...ids, name: 'span', attributes: { 'honeyhive.session_id': session, honeyhive_event_id: chosen } },
      { ...other, name: 'claims the session', attributes: { 'honeyhive.session_id': session, honeyhive_event_id: session } },
    ])
    const events = eventsOf(server, session)
    expect(events.filter(({ id }) => id === chosen)).toMatchObject([{ name: 'span', spanId: ids.spanId, inputs: { q: 1 } }])
    expect(events.filter(({ id }) => id === session)).toMatchObject([{ type: 'session', name: 'begun' }])
    expect(events.filter(({ spanId }) => spanId === other.spanId)).toMatchObject([{ name: 'claims the session' }])
  })

  test('is the parent of its children, whether they came before it or after', async ({ server }) => {
    const [session, chosen, parent] = [newSession(), newSession(), span()]
    const child = (name: string): SpanInput => ({
      ...span(),
      traceId: parent.traceId,
      parentSpanId: parent.spanId,
      name,
      attributes: { 'honeyhive.session_id': session },
    })
    await sendSpans(server, [child('before')])
    await sendSpans(server, [{ ...parent, name: 'parent', attributes: { 'honeyhive.session_id': session, honeyhive_event_id: chosen } }])
    await sendSpans(server, [child('after')])
    const parents = (): unknown[] => eventsOf(server, session).flatMap(({ name, parentId }) => (name === 'parent' ? [] : [parentId]))
    expect(parents()).toEqual([chosen, chosen])
    // It comes again, and says nothing of its id, or says another.
    for (const attributes of [{}, { honeyhive_event_id: newSession() }])
      await sendSpans(server, [
        { ...parent, name: 'parent', attributes: { 'honeyhive.session_id': session, ...attributes } },
        child('later'),
      ])
    expect(parents()).toEqual([chosen, chosen, chosen, chosen])
  })

  test('is that also where all of them come in one request', async ({ server }) => {
    const [session, chosen, parent] = [newSession(), newSession(), span()]
    const attributes = { 'honeyhive.session_id': session }
    const child = (): SpanInput => ({ ...span(), traceId: parent.traceId, parentSpanId: parent.spanId, name: 'child', attributes })
    await sendSpans(server, [child(), { ...parent, name: 'parent', attributes: { ...attributes, honeyhive_event_id: chosen } }, child()])
    const children = eventsOf(server, session).filter(({ name }) => name === 'child')
    expect(children.map(({ parentId }) => parentId)).toEqual([chosen, chosen])
  })
})

describe('the figures of a session', () => {
  interface Sent {
    readonly at: number
    readonly isElsewhere: boolean
    readonly type: string
    readonly tokens: number | undefined
    readonly cost: number | undefined
    readonly model: string | undefined
    readonly hasFailed: boolean
    readonly feedback: 'given' | 'taken back' | 'none'
  }
  const sent = fc.record<Sent>({
    at: fc.nat(3),
    isElsewhere: fc.boolean(),
    type: fc.constantFrom('model', 'tool', 'chain'),
    tokens: fc.option(fc.nat(1_000), { nil: undefined }),
    cost: fc.option(fc.constantFrom(0, 0.25, 2), { nil: undefined }),
    model: fc.constantFrom(undefined, 'gpt-4o', 'nobody-knows'),
    hasFailed: fc.boolean(),
    feedback: fc.constantFrom('given', 'taken back', 'none'),
  })

  test('lack a price as often as its events do, whichever of them comes again', async ({ server }) => {
    const session = newSession()
    const model = { honeyhive_event_type: 'model', 'honeyhive_config.model': 'nobody-knows', 'honeyhive_metadata.prompt_tokens': 10 }
    const [asked, other] = [model, { honeyhive_event_type: 'tool' }].map((attributes) => ({
      ...span(),
      attributes: { 'honeyhive.session_id': session, ...attributes },
    }))
    for (const sent of [asked, other, other, asked]) await sendSpans(server, [sent as SpanInput])
    expect(sessionOf(server, session)).toMatchObject({ events: 2, modelEvents: 1, unpriced: 1, totalTokens: 10 })
  })

  test('are those of its events, however these are sent again, changed and moved', async ({ server }) => {
    await fc.assert(
      fc.asyncProperty(fc.array(sent, { minLength: 1, maxLength: 8 }), async (all) => {
        const [one, other, spans] = [newSession(), newSession(), [0, 1, 2, 3].map(span)]
        for (const { at, isElsewhere, type, tokens, cost, model, hasFailed, feedback } of all) {
          const session = isElsewhere ? other : one
          const attributes = {
            'honeyhive.session_id': session,
            honeyhive_event_type: type,
            ...(tokens === undefined ? {} : { 'honeyhive_metadata.prompt_tokens': tokens }),
            ...(cost === undefined ? {} : { 'honeyhive_metrics.cost': cost }),
            ...(model === undefined ? {} : { 'honeyhive_config.model': model }),
            ...(feedback === 'given' ? { 'honeyhive_feedback.good': true } : {}),
          }
          const startMs = 1_700_000_000_000 + 1_000 * at
          await sendSpans(server, [
            {
              ...spans[at],
              name: `span ${at}`,
              startMs,
              endMs: startMs + 100,
              attributes,
              ...(hasFailed ? { status: { code: 2, message: 'no' } } : {}),
            },
          ])
          const [event] = eventsOf(server, session).filter(({ name }) => name === `span ${at}`)
          if (feedback === 'taken back') await call(server, 'PUT', '/events', { event_id: event?.id, feedback: { good: null } })
        }
        for (const id of [one, other]) {
          const [session, events] = [sessionOf(server, id), eventsOf(server, id)]
          if (session === undefined) {
            expect(events).toEqual([])
            continue
          }
          const sum = (read: (event: (typeof events)[number]) => number): number => events.reduce((total, event) => total + read(event), 0)
          expect(session).toMatchObject({
            events: events.length,
            modelEvents: sum(({ type }) => (type === 'model' ? 1 : 0)),
            errors: sum(({ error }) => (error === null ? 0 : 1)),
            totalTokens: sum(({ totalTokens }) => totalTokens),
            cost: expect.closeTo(
              sum(({ cost }) => cost),
              9,
            ),
            unpriced: sum(({ costSource }) => (costSource === 'unknown' ? 1 : 0)),
            runId: null,
            user: null,
            hasFeedback: events.some(({ feedback }) => Object.values(feedback).some((value) => value !== null)),
          })
          for (const { startMs } of events) expect([session.startMs <= startMs, session.endMs >= startMs + 100]).toEqual([true, true])
        }
      }),
      { numRuns: 30 },
    )
  })
})
