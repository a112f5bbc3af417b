import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  enrichSession,
  enrichSpan,
  flushAll,
  getActiveTracer,
  getDefaultTracer,
  HoneyHiveTracer,
  setDefaultTracer,
  shutdownAll,
  trace,
  traceFn,
} from '../../src/index.js'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'
import { type Receiver, startReceiver } from '../fixtures/receiver.js'

let a: TestTracer
let b: TestTracer
beforeEach(() => {
  a = createTestTracer({ project: 'a' })
  b = createTestTracer({ project: 'b' })
})
afterEach(() => {
  setDefaultTracer(undefined)
  return Promise.all([a.shutdown(), b.shutdown()])
})

const names = (tracer: TestTracer): string[] => tracer.spans.map((span) => span.name)
const free = trace({ eventName: 'free' })(() => undefined)

describe('who records what names no tracer', () => {
  test('D-03 order of construction never decides: the innermost active one, else the default, else the only live one', async () => {
    free()
    expect([names(a), names(b)]).toEqual([[], []])
    setDefaultTracer(b)
    free()
    expect([names(a), names(b)]).toEqual([[], ['free']])
    traceFn(a, () => free(), { eventName: 'outer' })()
    expect([names(a), names(b)]).toEqual([['free', 'outer'], ['free']])
    setDefaultTracer(undefined)
    await a.shutdown()
    free()
    expect(names(b)).toEqual(['free', 'free'])
  })

  test('the default is read back, follows a late change, and is forgotten with its shutdown', async () => {
    expect(getDefaultTracer()).toBeUndefined()
    setDefaultTracer(a)
    expect(getDefaultTracer()).toBe(a)
    setDefaultTracer(b)
    free()
    expect(names(b)).toEqual(['free'])
    await b.shutdown()
    expect(getDefaultTracer()).toBeUndefined()
  })

  test('the active tracer is known inside spans, sessions and remote contexts, and gone after them', async () => {
    expect(getActiveTracer()).toBeUndefined()
    await a.startActiveSpan('s', async () => {
      await nextTurn()
      expect(getActiveTracer()).toBe(a)
      b.startActiveSpan('t', () => void expect(getActiveTracer()).toBe(b))
      b.withSession({}, () => void expect(getActiveTracer()).toBe(b))
      b.withRemoteContext({}, () => void expect(getActiveTracer()).toBe(b))
      expect(getActiveTracer()).toBe(a)
    })
    expect(getActiveTracer()).toBeUndefined()
  })

  test('a span started by hand announces nobody', () => {
    const span = a.startSpan('manual')
    expect(getActiveTracer()).toBeUndefined()
    span.end()
  })

  test('a function that names the tracer is asked at each call, once per call', () => {
    let now: TestTracer | undefined = a
    const asked = vi.fn(() => now)
    const late = trace({ tracer: asked, eventName: 'late' })((n: number) => n)
    for (const tracer of [a, b, undefined]) {
      now = tracer
      expect(late(1)).toBe(1)
    }
    expect([names(a), names(b), asked.mock.calls.length]).toEqual([['late'], ['late'], 3])
  })

  test('a function that throws, or names nothing useful, leaves the call untouched', () => {
    for (const tracer of [
      () => {
        throw new Error('lookup')
      },
      () => 5,
      () => null,
      () => ({}),
    ]) {
      let runs = 0
      expect(trace({ tracer: tracer as never, eventName: 'odd' })(() => ++runs)()).toBe(1)
    }
    expect([names(a), names(b)]).toEqual([[], []])
  })

  test('one warning per function that runs untraced', () => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const lonely = trace({ eventName: 'registry-lonely' })(() => 1)
    for (let i = 0; i < 5; i++) lonely()
    const lines = write.mock.calls.map(([line]) => String(line)).filter((line) => line.includes('registry-lonely'))
    write.mockRestore()
    expect(lines).toEqual([
      '[honeyhive] "registry-lonely" runs untraced: 2 tracers are live and none of them is active here or the default. Give it a `tracer`, call it inside a traced function, or use setDefaultTracer(). Where one tracer is meant, make it in one module and import it: each init() makes another.\n',
    ])
  })
})

describe('free enrichment', () => {
  test('enrichSpan writes on the innermost active span of the innermost active tracer; unknown keys are metadata', () => {
    expect(enrichSpan({ user_id: 'nobody' })).toBe(false)
    a.startActiveSpan('outer', () => {
      b.startActiveSpan('inner', () => void expect(enrichSpan({ user_id: 'u', metrics: { m: 1 } })).toBe(true))
      b.withSession({}, () => void expect(enrichSpan({ lost: true })).toBe(false))
    })
    expect(b.spans[0]?.attributes).toMatchObject({ 'honeyhive_metadata.user_id': 'u', 'honeyhive_metrics.m': 1 })
    expect(Object.keys(a.spans[0]?.attributes ?? {}).filter((key) => key.startsWith('honeyhive_me'))).toEqual([])
  })

  test('D-16 calls leave no state behind: a second call neither repeats nor undoes the first', () => {
    a.startActiveSpan('s', () => {
      enrichSpan({ metadata: { one: 1 } })
      enrichSpan({ metadata: { two: 2 } })
      enrichSpan({ metadata: { one: 3 } })
    })
    expect(a.spans[0]?.attributes).toMatchObject({ 'honeyhive_metadata.one': 3, 'honeyhive_metadata.two': 2 })
  })

  test('D-32 enrichSession reaches the active tracer, else the default; with neither it answers false', async () => {
    expect(await enrichSession({ metadata: { x: 1 } })).toBe(false)
    await a.startActiveSpan('s', async () => void expect(await enrichSession({ feedback: { rating: 5 }, plan: 'pro' })).toBe(true))
    setDefaultTracer(b)
    expect(await enrichSession({ outputs: { done: true } })).toBe(true)
    expect(a.sessions[0]?.updates).toEqual([{ event_id: a.sessionId, feedback: { rating: 5 }, metadata: { plan: 'pro' } }])
    expect(b.sessions[0]?.updates).toEqual([{ event_id: b.sessionId, outputs: { done: true } }])
  })
})

describe('all at once', () => {
  let receiver: Receiver
  beforeEach(async () => {
    receiver = await startReceiver((request) => request.headers.authorization === 'Bearer never-answered')
  })
  afterEach(() => receiver.close())
  const init = (apiKey: string): HoneyHiveTracer =>
    HoneyHiveTracer.init({ apiKey, serverUrl: receiver.url, skipSessionCreation: true, logger: { debug() {}, warn() {}, error() {} } })

  test('D-21 flushAll flushes every tracer and tells the truth', async () => {
    const tracers = ['key-one', 'key-two', 'key-three'].map(init)
    for (const tracer of tracers) tracer.startSpan('s').end()
    expect(await flushAll()).toBe(true)
    expect(receiver.spans.map((span) => span.authorization).sort()).toEqual(['Bearer key-one', 'Bearer key-three', 'Bearer key-two'])
    const stuck = init('never-answered')
    stuck.startSpan('s').end()
    expect(await flushAll(50)).toBe(false)
    await Promise.all([...tracers, stuck].map((tracer) => tracer.shutdown(20)))
  })

  test('D-45 one tracer that is stuck holds nobody else back; shutdownAll shuts every tracer down', async () => {
    const [stuck, fine] = [init('never-answered'), init('key-fine')] as const
    stuck.startSpan('s').end()
    fine.startSpan('t').end()
    expect(await fine.forceFlush()).toBe(true)
    expect([stuck, fine].map((tracer) => tracer.stats().pending)).toEqual([1, 0])
    expect(await shutdownAll(50)).toBe(false)
    expect([stuck.isEnabled, fine.isEnabled, a.isEnabled]).toEqual([false, false, false])
    expect([stuck, fine].map((tracer) => tracer.stats().pending)).toEqual([0, 0])
  })

  test('D-08 a new tracer works after all others were shut down, with a fresh registry', async () => {
    await shutdownAll()
    const fresh = init('key-fresh')
    free()
    expect(await fresh.shutdown()).toBe(true)
    expect(receiver.spans.map((span) => [span.name, span.authorization])).toEqual([['free', 'Bearer key-fresh']])
  })
})
