import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { processState } from '../../src/context/globals.js'
import { HoneyHiveTracer, shutdownAll, traceFn, type TracerOptions } from '../../src/index.js'
import { type Receiver, startReceiver } from '../fixtures/receiver.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

let receiver: Receiver
let lines: string[]
let options: TracerOptions

beforeEach(async () => {
  receiver = await startReceiver()
  lines = []
  const logger = { debug: () => undefined, warn: (line: string) => lines.push(line), error: () => undefined }
  options = { apiKey: 'key', serverUrl: receiver.url, logger }
})
afterEach(async () => {
  await shutdownAll()
  await receiver.close()
})

const held = (): Record<string, number> => ({
  exitTasks: processState.exitTasks.size,
  endpoints: processState.endpoints.size,
  agents: processState.agents.size,
  exitListeners: process.listenerCount('beforeExit'),
  queuedBytes: processState.queuedBytes,
})

describe('a tracer that the program let go of', () => {
  test('is released once nothing is open or pending: what it recorded arrives once, and its books are told once', async () => {
    const before = held()
    // The oldest and the newest are kept: a program may rely on the only live tracer without holding it.
    const [oldest, gone] = [HoneyHiveTracer.init(options), [] as WeakRef<object>[]]
    const request = async (n: number): Promise<void> => {
      const tracer = HoneyHiveTracer.init(options)
      gone.push(new WeakRef(tracer.instance))
      await traceFn(tracer, async () => n, { eventName: 'request' })()
      const span = tracer.startSpan('by hand')
      span.spanContext()
      span.end()
      if (n % 2 === 0) await tracer.forceFlush()
    }
    for (let n = 0; n < 20; n++) await request(n)
    const newest = HoneyHiveTracer.init(options)
    await vi.waitFor(
      () => {
        collect()
        expect(gone.filter((ref) => ref.deref() !== undefined)).toEqual([])
        expect(lines).toHaveLength(20)
        expect(held()).toEqual(before)
      },
      { timeout: 20_000, interval: 50 },
    )
    expect(receiver.spans).toHaveLength(40)
    for (const line of lines) expect(line).toContain('released (spans started 2, exported 2, dropped 0)')
    expect([oldest, newest].map((tracer) => tracer.isEnabled)).toEqual([true, true])
  }, 30_000)

  test('is not released while it has an open span, a name, a provider in use, or is the only one', async () => {
    const refs = await (async () => {
      const only = HoneyHiveTracer.init(options)
      return { only: new WeakRef(only.instance) }
    })()
    await new Promise((resolve) => setImmediate(resolve))
    collect()
    expect(refs.only.deref()?.isLive).toBe(true)
    traceFn(undefined, () => 1, { eventName: 'implicit' })()
    expect(await refs.only.deref()?.flush(5_000)).toBe(true)
    expect(receiver.spans.map(({ name }) => name)).toEqual(['implicit'])

    const span = (() => HoneyHiveTracer.init(options).startSpan('open'))()
    const otel = (() => HoneyHiveTracer.init(options).provider.getTracer('library'))()
    HoneyHiveTracer.init(options)
    await new Promise((resolve) => setImmediate(resolve))
    collect()
    span.end()
    otel.startSpan('of a library').end()
    await vi.waitFor(() => expect(receiver.spans.map(({ name }) => name)).toEqual(expect.arrayContaining(['open', 'of a library'])), {
      timeout: 5_000,
    })
  })
})

test.each([null, Number.NaN, 'abc', {}])(
  'a time limit that is none (%j) costs no span: the usual one counts, as is said',
  async (limit) => {
    const flushed = HoneyHiveTracer.init(options)
    const closed = HoneyHiveTracer.init(options)
    for (const tracer of [flushed, closed]) tracer.startSpan('a').end()
    expect([await flushed.forceFlush(limit as never), await closed.shutdown(limit as never)]).toEqual([true, true])
    expect([flushed.stats().exported, closed.stats().exported]).toEqual([1, 1])
    expect(lines.filter((line) => line.includes('its own limit counts'))).toHaveLength(2)
  },
)

describe('after shutdown, in any order', () => {
  const orders: Readonly<Record<string, (tracer: HoneyHiveTracer) => Promise<unknown>>> = {
    'never used': (tracer) => tracer.shutdown(),
    'used, then shut down twice': async (tracer) => {
      tracer.startSpan('a').end()
      await Promise.all([tracer.shutdown(), tracer.shutdown()])
    },
    'a span ends late': async (tracer) => {
      const span = tracer.startSpan('late')
      await tracer.shutdown()
      span.end()
    },
    'everything is used after it': async (tracer) => {
      await tracer.shutdown()
      tracer.startSpan('after').end()
      tracer.startActiveSpan('after', () => tracer.enrichSpan({ metadata: { a: 1 } }))
      await tracer.createSession()
      await tracer.withSession({}, () => tracer.enrichSession({ metadata: { a: 1 } }))
      await tracer.createEvent({ eventName: 'after' })
      tracer.provider.getTracer('library').startSpan('after').end()
      await tracer.forceFlush()
    },
    'shut down while the first session starts': async (tracer) => {
      void tracer.enrichSession({ metadata: { a: 1 } })
      await tracer.shutdown()
    },
  }
  test.each(Object.entries(orders))('%s: nothing is held, nothing is sent, and the books balance', async (_, act) => {
    const before = held()
    const tracer = HoneyHiveTracer.init(options)
    await act(tracer)
    const requests = receiver.headers.length
    expect(held()).toEqual(before)
    const { started, ended, open, exported, pending, dropped } = tracer.stats()
    expect([started, ended]).toEqual([ended + open, exported + pending + Object.values(dropped).reduce((sum, count) => sum + count, 0)])
    expect([open, pending]).toEqual([0, 0])
    await new Promise((resolve) => setImmediate(resolve))
    expect(receiver.headers).toHaveLength(requests)
  })
})
