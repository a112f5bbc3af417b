import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { RestBody, RestClient } from '../../src/api/client.js'
import { HoneyHiveTracer } from '../../src/index.js'
import { createSession } from '../../src/tracer/session.js'
import { resolveConfig } from '../../src/config/resolve.js'
import { createSystemClock } from '../../src/provider/clock.js'
import { SessionCalls } from '../../src/tracer/session-calls.js'
import { type Receiver, startReceiver } from '../fixtures/receiver.js'

/** Answers the first two starts of a session late, as an overloaded server does. */
function refuseTwice(): (request: IncomingMessage, response: ServerResponse) => boolean {
  let left = 2
  return ({ url }, response) => {
    if (url !== '/session/start' || left === 0) return false
    left -= 1
    response.writeHead(503).end()
    return true
  }
}

describe('the times of a session', () => {
  let receiver: Receiver
  beforeEach(async () => {
    receiver = await startReceiver(refuseTwice())
  })
  afterEach(() => receiver.close())

  const init = (): HoneyHiveTracer => HoneyHiveTracer.init({ apiKey: 'k', serverUrl: receiver.url, protocol: 'http/json' })
  const timesOf = (id: string): { startMs: number; endMs: number; updates: number } => {
    const start = receiver.calls.find(({ body }) => body.session?.session_id === id)?.body.session
    const updates = receiver.calls.filter(({ body }) => body.event_id === id).map(({ body }) => body)
    expect(updates.at(-1).duration).toBe(updates.at(-1).end_time - start.start_time)
    return { startMs: start.start_time, endMs: updates.at(-1).end_time, updates: updates.length }
  }

  test('hold its spans, whatever the network does', async () => {
    await using one = init()
    const id = one.withSession({}, ({ sessionId }) => {
      one.startActiveSpan('outer', () => one.startSpan('inner').end())
      return sessionId
    })
    one.startSpan('of the own session', { startTime: Date.now() - 60_000 }).end()
    await one.forceFlush()
    for (const session of [id, one.sessionId]) {
      const spans = receiver.spans.filter(({ attributes }) => attributes['honeyhive.session_id'] === session)
      const { startMs, endMs, updates } = timesOf(session)
      expect(startMs).toBeLessThanOrEqual(Math.min(...spans.map((span) => span.startMs)))
      expect(endMs).toBeGreaterThanOrEqual(Math.max(...spans.map((span) => span.endMs)))
      expect([Number.isInteger(startMs), Number.isInteger(endMs), updates]).toEqual([true, true, 1])
    }
  })

  test('the end goes with what is told of the session anyway, and is told again when spans come after it', async () => {
    await using one = init()
    await one.withSession({}, async ({ sessionId, enrich }) => {
      one.startSpan('first').end()
      await enrich({ outputs: { answer: 'a' } })
      await one.forceFlush()
      expect(timesOf(sessionId).updates).toBe(1)
      one.startSpan('second', {}).end(Date.now() + 5)
      await one.forceFlush()
      expect(timesOf(sessionId).updates).toBe(2)
    })
    for (const { startMs } of receiver.spans) expect(receiver.calls[0]?.body.session.start_time).toBeLessThanOrEqual(startMs)
  })

  test('a session that somebody else opened is left to them', async () => {
    await using one = init()
    const baggage = 'session_id=0b6de1f2-58f6-4a7e-9c1e-00000000000a'
    one.withRemoteContext({ baggage }, () => one.startSpan('s').end())
    one.withSession({ skipSessionCreation: true }, () => one.startSpan('s').end())
    await one.forceFlush()
    expect([receiver.spans.length, receiver.calls]).toEqual([2, []])
  })
})

describe('a session that nobody flushes', () => {
  const calls: RestBody[] = []
  const client = {
    updateEvent(body: RestBody) {
      calls.push(body)
      return Promise.resolve(true)
    },
    flush: () => Promise.resolve(true),
  }
  const create = (quietMs: number, longestMs: number): SessionCalls =>
    new SessionCalls(client as unknown as RestClient, createSystemClock(), { quietMs, longestMs })
  beforeEach(() => {
    calls.length = 0
  })
  const open = (startedAtMs: number | undefined): ReturnType<typeof createSession> => {
    const session = createSession(resolveConfig({ apiKey: 'k' }), {}, undefined, true)
    session.record.startedAtMs = startedAtMs
    return session
  }

  test('is told once it is quiet', async () => {
    const rest = create(20, 60_000)
    const session = open(100)
    for (const endedAtMs of [150, 140]) rest.noteSpanEnd(session, endedAtMs, performance.now())
    expect(calls).toEqual([])
    await vi.waitFor(() => expect(calls).toEqual([{ event_id: session.id, end_time: 150, duration: 50 }]), 60_000)
  })

  test('is told from time to time while its spans go on ending', async () => {
    const rest = create(60, 200)
    const session = open(0)
    for (let endedAtMs = 0; calls.length < 2; endedAtMs++) {
      rest.noteSpanEnd(session, endedAtMs, performance.now())
      await setTimeout(1)
    }
    expect(calls[1]?.end_time).toBeGreaterThan(calls[0]?.end_time as number)
  })

  test('is not told when its start was lost or never asked for', () => {
    const rest = create(60_000, 60_000)
    const lost = open(1)
    lost.record.isLost = true
    rest.noteSpanEnd(lost, 2, 0)
    rest.noteSpanEnd(open(undefined), 2, 0)
    void rest.flush(1)
    expect(calls).toEqual([])
  })

  test('does not pile up: beyond ten thousand all are told', () => {
    const rest = create(60_000, 60_000)
    for (let i = 0; i <= 10_000; i++) rest.noteSpanEnd(open(0), i, 0)
    expect(calls.length).toBe(10_001)
  })
})
