import { describe, expect, test } from 'vitest'
import { processState } from '../../src/context/globals.js'
import { HoneyHiveError, traceFn } from '../../src/index.js'
import {
  assertIsolated,
  createTestTracer,
  findLeaks,
  type TestTracer,
  tracerFixtures,
  tracerMatchers,
  type TestTracerOptions,
} from '../../src/testing/index.js'

expect.extend(tracerMatchers)
// What a user of the matchers declares, written without the global augmentation.
const check = (tracer: TestTracer): { not: Checks } & Checks => expect(tracer) as never
interface Checks {
  toHaveSpan(name: string, attributes?: Readonly<Record<string, unknown>>): void
  toMatchSpanTree(expected: unknown): void
  toBeIsolatedFrom(...others: readonly TestTracer[]): void
}

const record = (tracer: TestTracer): void => {
  traceFn(
    tracer,
    (q: string) => {
      tracer.startSpan('second').end()
      return q
    },
    { eventName: 'first' },
  )('x')
}

describe('createTestTracer', () => {
  test('records spans and sessions in memory, shows them as a tree, forgets them', async () => {
    await using tracer = createTestTracer({ project: 'p' })
    record(tracer)
    await tracer.enrichSession({ metrics: { m: 1 } })
    expect(tracer.tree()).toEqual([{ name: 'first', children: [{ name: 'second' }] }])
    expect(tracer.spans.map((span) => span.name)).toEqual(['second', 'first'])
    expect(tracer.sessions).toMatchObject([{ sessionId: tracer.sessionId, started: { project: 'p' }, updates: [{ metrics: { m: 1 } }] }])
    tracer.clear()
    expect([tracer.spans, tracer.sessions, tracer.tree()]).toEqual([[], [], []])
    expect(tracer.testMode && tracer.isEnabled).toBe(true)
  })

  test('deterministic: ids count from 1, the clock steps by a millisecond from a fixed start; two runs are equal', async () => {
    const run = async (options: TestTracerOptions): Promise<unknown> => {
      await using tracer = createTestTracer({ deterministic: true, sessionId: 's', sessionName: 's', ...options })
      record(tracer)
      return tracer.spans.map((span) => ({
        ids: span.spanContext(),
        start: span.startTime,
        end: span.endTime,
        attributes: span.attributes,
      }))
    }
    const [first, second] = [await run({}), await run({})]
    expect(first).toEqual(second)
    expect(first).toMatchObject([
      {
        ids: { traceId: '1'.padStart(32, '0'), spanId: '3'.padStart(16, '0') },
        start: [1_767_225_600, 2_000_000],
        end: [1_767_225_600, 3_000_000],
      },
      {
        ids: { traceId: '1'.padStart(32, '0'), spanId: '2'.padStart(16, '0') },
        start: [1_767_225_600, 1_000_000],
        end: [1_767_225_600, 4_000_000],
      },
    ])
    expect(JSON.stringify(await run({ startMs: 1000 }))).toContain('[1,1000000]')
  })

  test('wrong options throw as everywhere', () => {
    expect(() => createTestTracer({ sampleRate: 7 })).toThrow('sampleRate')
  })

  test('testMode cannot be switched off', async () => {
    await using tracer = createTestTracer({ testMode: false, serverUrl: 'http://127.0.0.1:9' })
    record(tracer)
    expect([tracer.testMode, await tracer.forceFlush(), tracer.spans.length]).toEqual([true, true, 2])
  })
})

describe('tracerFixtures', () => {
  const extended = test.extend<{ tracer: TestTracer; createTracer: (options?: TestTracerOptions) => TestTracer }>(tracerFixtures as never)
  let used: TestTracer | undefined
  let made: TestTracer[] = []

  extended('give each test a tracer, and as many more as it makes', ({ tracer, createTracer }) => {
    record(tracer)
    made = [createTracer({ project: 'a' }), createTracer({ project: 'b' })]
    used = tracer
    expect([tracer.spans.length, made[0]?.project, made[1]?.project]).toEqual([2, 'a', 'b'])
  })

  extended('that are shut down after the test, and new in the next', ({ tracer }) => {
    expect(tracer).not.toBe(used)
    expect(tracer.spans).toEqual([])
    expect([used?.isEnabled, ...made.map((each) => each.isEnabled)]).toEqual([false, false, false])
    expect(processState.instances.size).toBe(1)
  })
})

describe('matchers', () => {
  test('toHaveSpan', async () => {
    await using tracer = createTestTracer()
    record(tracer)
    check(tracer).toHaveSpan('first')
    check(tracer).toHaveSpan('first', { 'honeyhive_inputs.arg0': 'x' })
    check(tracer).not.toHaveSpan('third')
    check(tracer).not.toHaveSpan('second', { 'honeyhive_inputs.arg0': 'x' })
    expect(() => check(tracer).toHaveSpan('third')).toThrow('expected a span "third" with {}; recorded: second, first')
    expect(() => check(tracer).not.toHaveSpan('first')).toThrow('expected no span "first"')
  })

  test('say what was recorded where they fail, and refuse what is no tracer', async () => {
    await using tracer = createTestTracer()
    expect(() => check(tracer).toHaveSpan('first')).toThrow('expected a span "first" with {}; recorded: nothing')
    record(tracer)
    expect(() => check(tracer).not.toHaveSpan('first')).toThrow('expected no span "first"')
    expect(() => check(tracer).not.toMatchSpanTree(tracer.tree())).toThrow('expected span trees not to be')
    expect(() => check(tracer).toMatchSpanTree([])).toThrow('expected span trees to be [], recorded: [{')
    expect(() => findLeaks([tracer] as never)).toThrow('Give them one by one: assertIsolated(a, b).')
    expect(() => createTestTracer('text' as never)).toThrow('expected an object, got a string')
  })

  test('toMatchSpanTree takes one tree or several', async () => {
    await using tracer = createTestTracer()
    record(tracer)
    check(tracer).toMatchSpanTree({ name: 'first', children: [{ name: 'second' }] })
    check(tracer).not.toMatchSpanTree([{ name: 'first' }])
    record(tracer)
    check(tracer).toMatchSpanTree([1, 2].map(() => ({ name: 'first', children: [{ name: 'second' }] })))
    expect(() => check(tracer).toMatchSpanTree({ name: 'x' })).toThrow('expected span trees to be {"name":"x"}')
  })

  test('toBeIsolatedFrom and assertIsolated see a shared trace, a shared session and a missing parent', async () => {
    await using a = createTestTracer({ project: 'a' })
    await using b = createTestTracer({ project: 'b' })
    a.startActiveSpan('of a', () => b.startActiveSpan('of b', () => record(a)))
    check(a).toBeIsolatedFrom(b)
    assertIsolated(a, b)
    // Both continue one remote trace and session on purpose.
    const headers = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', baggage: 'session_id=shared' }
    for (const tracer of [a, b]) tracer.withRemoteContext(headers, () => tracer.startSpan('mixed').end())
    check(a).not.toBeIsolatedFrom(b)
    expect(findLeaks(a, b)).toEqual([expect.stringContaining('share a trace'), expect.stringContaining('share a session')])
    expect(() => assertIsolated(a, b)).toThrow(HoneyHiveError)
    expect(() => assertIsolated(a, b)).toThrow(/^The tracers are not isolated:\n {2}- "mixed"/)
    a.clear()
    b.clear()
    const parent = a.startActiveSpan('open', (span) => (a.startSpan('child').end(), span))
    a.clear()
    parent.end()
    a.startActiveSpan('never ended', () => a.startSpan('orphan').end())
    const [orphan] = a.spans
    a.clear()
    expect(orphan?.name).toBe('orphan')
    expect(findLeaks(a, b)).toEqual([])
  })

  test('a span whose parent was not recorded by the same tracer is a leak', async () => {
    await using tracer = createTestTracer()
    let release = (): void => undefined
    const running = tracer.startActiveSpan('still open', async () => {
      tracer.startSpan('child').end()
      await new Promise<void>((resolve) => (release = resolve))
    })
    expect(findLeaks(tracer)).toEqual([expect.stringContaining('"child"')])
    release()
    await running
    expect(findLeaks(tracer)).toEqual([])
  })
})
