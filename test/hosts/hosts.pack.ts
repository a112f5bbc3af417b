import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EchoServer, startEchoServer } from './echo-server.js'
import { type Host, installHosts, type Outcome, type Run, type Sampler, runProgram, type Start } from './run-program.js'
import { describeHost } from './describe-host.js'

// What an instrumentor does that a product cannot be kept out of. Both look at the very object in the context, not at its ids:
// an invalid span is a parent to them where no span would be none, and ids alone (`setSpanContext`) carry none of their state.
const OBJECTS_ONLY: readonly Gap[] = [
  { way: 'routed setSpan', place: 'outside' },
  { way: 'filtered routed setSpan', place: 'outside' },
  { way: 'nobody setSpan', place: 'outside' },
  { way: 'routed setSpanContext', place: 'outside' },
  { way: 'routed setSpanContext', place: 'inside' },
]
// Its context manager gives back a span of its own in place of the ids that were set.
const OWN_SPANS: readonly Gap[] = [{ way: 'routed setSpanContext', place: 'inside' }]

interface Gap {
  readonly way: string
  readonly place: 'inside' | 'outside'
}

// By folder and mode: where the product's side may differ, and where ours may.
const HOST_GAPS: Readonly<Record<string, readonly Gap[]>> = { 'sentry-10 sdk': OBJECTS_ONLY, 'elastic bridge': OBJECTS_ONLY }
const TREE_GAPS: Readonly<Record<string, readonly Gap[]>> = {
  'datadog-5 otel': OWN_SPANS,
  'datadog-6 otel': OWN_SPANS,
  'elastic bridge': OWN_SPANS,
}

/** Whether a line of a description is about a gap. */
function isAbout(gaps: readonly Gap[] = [], line: string): boolean {
  return gaps.some(({ way, place }) => {
    const inTraces = place === 'outside' ? line.startsWith(`${way}, step`) : new RegExp(`^request of ${way}([(]|$)`).test(line)
    return inTraces || line.startsWith(`${way}, ${place} a host span`)
  })
}

// `node`: the line that the product asks for, where it is not ours. `modes`: ways in which one product can be set up.
const hosts: readonly Host[] = [
  { folder: 'opentelemetry-2', adapter: 'opentelemetry', modes: ['sdk'] },
  { folder: 'opentelemetry-3', adapter: 'opentelemetry', modes: ['sdk'], node: '24' },
  { folder: 'vercel', adapter: 'vercel', modes: ['sdk'] },
  { folder: 'langfuse', adapter: 'langfuse', modes: ['sdk'] },
  { folder: 'sentry-10', adapter: 'sentry', modes: ['sdk'] },
  { folder: 'sentry-11', adapter: 'sentry', modes: ['sdk'] },
  { folder: 'datadog-5', adapter: 'datadog', modes: ['native', 'otel'] },
  { folder: 'datadog-6', adapter: 'datadog', modes: ['native', 'otel'], node: '24' },
  { folder: 'newrelic-13', adapter: 'newrelic', modes: ['native', 'bridge'] },
  { folder: 'newrelic-14', adapter: 'newrelic', modes: ['native', 'bridge'], node: '24' },
  { folder: 'elastic', adapter: 'elastic', modes: ['native', 'bridge'] },
]
const samplers: readonly Sampler[] = ['on', 'off']
const starts: readonly Start[] = ['after', 'before', 'read']
const said: Readonly<Record<Start, string>> = { after: 'after it', before: 'before it', read: 'before it, providers read' }

// What a product's own propagation may be called; our deliveries carry none of it.
const PROPAGATION = /^(traceparent|tracestate|baggage|sentry-trace|x-datadog-.*|newrelic|elastic-apm-traceparent|b3|x-b3-.*)$/

// HOSTS: only the folders whose name begins so.
const chosen = process.env['HOSTS'] === undefined ? hosts : hosts.filter(({ folder }) => folder.startsWith(process.env['HOSTS'] ?? ''))

let echo: EchoServer
beforeAll(async () => {
  echo = await startEchoServer()
  await installHosts(chosen)
})
afterAll(() => echo.close())

const outcomes = new Map<string, Promise<Outcome>>()

/** What the program saw in this setting; it runs once. */
function outcomeOf(run: Run): Promise<Outcome> {
  const key = JSON.stringify(run)
  const outcome = outcomes.get(key) ?? runProgram(run, echo)
  outcomes.set(key, outcome)
  return outcome
}

for (const host of chosen) {
  for (const mode of host.modes) {
    for (const sampler of samplers) {
      describe.concurrent(`${host.folder}, ${mode}, its sampler ${sampler}`, () => {
        const run = (start: Start | undefined): Promise<Outcome> => outcomeOf({ host, mode, sampler, start })

        test('without us it records what the program did', async () => {
          const { traces, observed } = describeHost(await run(undefined))
          const requests = traces.filter((trace) => trace.includes('request of '))
          expect(requests.every((trace) => trace.includes('[not sampled]') === (sampler === 'off'))).toBe(true)
          // Some products keep all of a process that has no request in one trace.
          if (sampler === 'on') expect(requests.join().match(/request of /g)?.length).toBeGreaterThan(25)
          expect(Object.keys(observed).length).toBeGreaterThan(200)
        })

        for (const start of starts) {
          test(`is the same with us, started ${said[start]}`, async () => {
            const [without, withUs] = await Promise.all([run(undefined), run(start)])
            const [expected, actual] = [describeHost(without), describeHost(withUs)]
            const isKept = (line: string): boolean => !isAbout(HOST_GAPS[`${host.folder} ${mode}`], line)
            const kept = (observed: typeof actual.observed): unknown =>
              Object.fromEntries(Object.entries(observed).filter(([line]) => isKept(line)))
            expect(actual.traces.filter(isKept)).toEqual(expected.traces.filter(isKept))
            expect(kept(actual.observed)).toEqual(kept(expected.observed))
          })

          if (start !== 'after') {
            test(`finds the context manager's place free, started ${said[start]}`, async () => {
              expect((await run(start)).isSlotTaken).toBe(false)
            })
          }

          test(`our trees are whole beside it, started ${said[start]}`, async () => {
            const { trees } = await run(start)
            const of = (side: 'actual' | 'expected'): unknown =>
              Object.fromEntries(
                Object.entries(trees)
                  .filter(([scope]) => !isAbout(TREE_GAPS[`${host.folder} ${mode}`], scope))
                  .map(([scope, sides]) => [scope, sides[side]]),
              )
            expect(of('actual')).toEqual(of('expected'))
          })

          test(`twenty requests of two tenants stay apart beside it, started ${said[start]}`, async () => {
            const { tenants } = await run(start)
            const tree = (name: string): string => `request ${name}(model ${name}(inner ${name}))`
            const expected = ['A', 'B'].map((tenant) => Array.from({ length: 10 }, (_, number) => tree(`${tenant}${number}`)))
            expect(tenants).toEqual({ sessions: [10, 10], trees: expected, others: '' })
          })

          test(`nothing of it is in ours and its propagation not on our deliveries, started ${said[start]}`, async () => {
            const { spans, ours = [], deliveries } = await run(start)
            const theirs = new Set(spans.flatMap(({ traceId, spanId }) => [traceId, spanId]))
            const crossing = ours.filter((span) =>
              [span.traceId, span.spanId, span.parentId ?? '', ...span.links].some((id) => theirs.has(id)),
            )
            expect(ours.length).toBeGreaterThan(100)
            expect(crossing.map(({ name }) => name)).toEqual([])
            expect(ours.flatMap(({ marks }) => marks)).toEqual([])
            expect(deliveries.length).toBeGreaterThan(0)
            expect(deliveries.flat().filter((name) => PROPAGATION.test(name))).toEqual([])
          })
        }
      })
    }
  }
}
