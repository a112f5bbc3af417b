import { describe, expect } from 'vitest'
import type { DevServer } from '../../src/dev/server.js'
import { leastBelow } from '../fixtures/cost.js'
import { call, isLong, newId, sendSpans, test, toExport } from './fixtures.js'

const SESSION = '5b0e2f6a-1111-4222-8333-444455556666'
/** A small and a large size; work that grows faster than its subject shows in the second. */
const [SMALL, LARGE] = isLong ? [10_000, 100_000] : [500, 4_000]
const BATCH = 1_000
/** How much dearer an item may be among many. */
const LIMIT = 2.5

/** Milliseconds of processor time, which other programs of the machine do not lengthen. */
const measure = async (work: () => Promise<unknown>): Promise<number> => {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

/** How much dearer one item is among many than among few, measured again where it is dearer than {@link LIMIT}. */
const compare = async (few: () => Promise<unknown>, many: () => Promise<unknown>): Promise<number> => {
  // The first round compiles the code.
  await few()
  return leastBelow(LIMIT, async () => {
    const ofFew = await measure(few)
    return (await measure(many)) / LARGE / Math.max(ofFew / SMALL, 0.001)
  })
}

/** One session: each event is the child of another, so that it is as deep as it is long when `isDeep`. */
const fillSession = async (server: DevServer, size: number, isDeep: boolean): Promise<void> => {
  const traceId = newId(16)
  let parent = newId(8)
  for (let at = 0; at < size; at += BATCH) {
    const spans = Array.from({ length: Math.min(BATCH, size - at) }, (_, i) => {
      const spanId = at + i === 0 ? parent : newId(8)
      const span = {
        traceId,
        spanId,
        ...(at + i === 0 ? {} : { parentSpanId: parent }),
        startMs: 1_700_000_000_000 + at + i,
        attributes: { 'honeyhive.session_id': SESSION, 'honeyhive.session_auto_create': true, 'honeyhive_inputs.i': i },
      }
      if (isDeep) parent = spanId
      return span
    })
    await sendSpans(server, spans)
  }
}

const fillRun = async (server: DevServer, size: number): Promise<string> => {
  const { run_id: runId } = (await call(server, 'POST', '/v1/runs', { name: 'run' })).body as { run_id: string }
  for (let at = 0; at < size; at += BATCH) {
    const spans = Array.from({ length: Math.min(BATCH, size - at) }, (_, i) => ({
      attributes: {
        honeyhive_event_type: 'chain',
        'honeyhive_metadata.run_id': runId,
        'honeyhive_metadata.datapoint_id': `row-${at + i}`,
        'honeyhive_metrics.score': i % 2,
        'honeyhive_outputs.a': i,
      },
    }))
    await call(server, 'POST', '/v1/traces', toExport(spans))
  }
  return runId
}

describe(`${LARGE} items cost about as much each as ${SMALL}`, () => {
  test.for([
    ['wide', false],
    ['deep', true],
  ] as const)('reading a %s session, on the page, as a tree and by search', { timeout: 600_000 }, async ([, isDeep], { start }) => {
    const [small, large] = [await start(), await start()]
    await fillSession(small, SMALL, isDeep)
    await fillSession(large, LARGE, isDeep)
    const read = (path: string) =>
      [small, large].map(
        (server) => () =>
          fetch(`${server.url}${path}`, { headers: { authorization: 'Bearer hh_test_key_0123456789' } }).then((reply) => reply.text()),
      )
    for (const path of [
      `/api/sessions/${SESSION}`,
      `/v1/sessions/${SESSION}`,
      '/api/export',
      '/api/export?format=csv',
      `/api/sessions/${SESSION}/search?q=i`,
    ]) {
      const [few = read, many = read] = read(path) as (() => Promise<string>)[]
      expect([path, await compare(few as () => Promise<string>, many as () => Promise<string>)]).toEqual([
        path,
        expect.toSatisfy((ratio: number) => ratio < LIMIT),
      ])
    }
    expect(large.sessions()).toMatchObject([{ events: LARGE }])
    const search = (server: DevServer) => () =>
      call(server, 'POST', '/v1/events/search', { filters: [{ field: 'inputs.i', operator: 'greater than', value: 990 }] })
    expect(await compare(search(small), search(large))).toBeLessThan(LIMIT)
    const project = (server: DevServer): string => `?project=${server.projects()[0]?.id}`
    const hide = (server: DevServer) => async () => {
      await call(server, 'DELETE', `/api/sessions/${SESSION}${project(server)}`)
      await call(server, 'POST', `/api/sessions/${SESSION}/restore${project(server)}`)
    }
    expect(await compare(hide(small), hide(large))).toBeLessThan(LIMIT)
    const tree = (await call(large, 'GET', `/api/sessions/${SESSION}`)).body as { events: { parentId: string }[] }
    expect(new Set(tree.events.map(({ parentId }) => parentId)).size).toBe(isDeep ? LARGE : 2)
  })

  test('results of a run, its page, its files and its comparison', { timeout: 1_800_000 }, async ({ start }) => {
    const [small, large] = [await start(), await start()]
    const [few, many] = [await fillRun(small, SMALL), await fillRun(large, LARGE)]
    const paths = (id: string): string[] => [
      `/v1/runs/${id}/result`,
      `/api/runs/${id}`,
      `/v1/runs/${id}/metrics`,
      `/v1/runs/${id}/compare/${id}`,
      `/api/runs/${id}/export?format=json`,
    ]
    for (const [index, path] of paths(few).entries()) {
      const ratio = await compare(
        () => call(small, 'GET', path),
        () => call(large, 'GET', paths(many)[index] ?? ''),
      )
      expect([path, ratio]).toEqual([path, expect.toSatisfy((value: number) => value < LIMIT)])
    }
    const [fewToo, manyToo] = [await fillRun(small, SMALL), await fillRun(large, LARGE)]
    const compared = (server: DevServer, ...ids: readonly string[]) => call(server, 'GET', `/api/comparison?run=${ids.join('&run=')}`)
    expect(
      await compare(
        () => compared(small, few, fewToo),
        () => compared(large, many, manyToo),
      ),
    ).toBeLessThan(LIMIT)
    expect((await call(large, 'GET', `/api/runs/${many}`)).body).toMatchObject({ run: { rows: LARGE, metrics: { score: 0.5 } } })
  })

  test('adding rows to a data set one by one', { timeout: 600_000 }, async ({ start }) => {
    const server = await start()
    const add = async (size: number): Promise<void> => {
      const { insertedId } = ((await call(server, 'POST', '/datasets', { name: `d${size}` })).body as { result: { insertedId: string } })
        .result
      const path = `/datasets/${insertedId}/datapoints`
      for (let at = 0; at < size; at += 50)
        await Promise.all(
          Array.from({ length: 50 }, (_, i) => call(server, 'POST', path, { data: [{ q: at + i }], mapping: { inputs: ['q'] } })),
        )
    }
    expect(
      await compare(
        () => add(SMALL),
        () => add(LARGE),
      ),
    ).toBeLessThan(LIMIT)
  })
})
