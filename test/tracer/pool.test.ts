import { getActiveResourcesInfo } from 'node:process'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, describe, expect, expectTypeOf, test } from 'vitest'
import { processState } from '../../src/context/globals.js'
import {
  createTracerPool,
  HoneyHiveConfigError,
  type HoneyHiveError,
  HoneyHiveTracer,
  trace,
  type TracerPool,
  type TracerPoolOptions,
} from '../../src/index.js'
import { cpuMs, toReferenceMs } from '../fixtures/cost.js'
import { startReceiver } from '../fixtures/receiver.js'

const pools: TracerPool<never>[] = []
const open = <Key extends string>(options: TracerPoolOptions<Key>): TracerPool<Key> => {
  const pool = createTracerPool(options)
  pools.push(pool as never)
  return pool
}
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.shutdown(100))))

const inMemory = (key: string): { apiKey: string; project: string; testMode: true } => ({
  apiKey: `key-of-${key}`,
  project: key,
  testMode: true,
})
const failure = async (work: Promise<unknown>): Promise<HoneyHiveError> =>
  work.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: HoneyHiveError) => error,
  )
function gate(): { readonly opened: Promise<void>; open(): void } {
  let release = (): void => undefined
  const opened = new Promise<void>((resolve) => (release = resolve))
  return { opened, open: () => release() }
}
const until = async (isTrue: () => boolean): Promise<void> => {
  while (!isTrue()) await nextTurn()
}

describe('run', () => {
  test('makes a tracer per key once, however many ask at the same time, and gives back what the function gives', async () => {
    const asked: string[] = []
    const pool = open({ create: async (key: 'a' | 'b') => (asked.push(key), await nextTurn(), inMemory(key)) })
    expectTypeOf(pool.run).parameter(0).toEqualTypeOf<'a' | 'b'>()
    const seen = await Promise.all(Array.from({ length: 50 }, (_, i) => pool.run(i % 2 ? 'a' : 'b', (tracer) => tracer)))
    expect(asked.sort()).toEqual(['a', 'b'])
    expect(new Set(seen).size).toBe(2)
    expect(seen[0]?.project).toBe('b')
    expect(await pool.run('a', async (tracer) => `${tracer.project}!`)).toBe('a!')
    expect(pool.stats()).toEqual({ size: 2, leased: 0, idle: 2, opening: 0, closing: 0, created: 2, evicted: 0, failed: 0 })
  })

  test('what the function throws is passed on unchanged and the tracer given back', async () => {
    const pool = open({ create: inMemory })
    const error = new Error('of the user')
    await expect(
      pool.run('a', () => {
        throw error
      }),
    ).rejects.toBe(error)
    await expect(pool.run('a', () => Promise.reject(error))).rejects.toBe(error)
    expect(pool.stats()).toMatchObject({ leased: 0, idle: 1 })
  })

  test('the tracer of the key is the active one inside, also inside the span of another tracer', async () => {
    const pool = open({ create: inMemory })
    const free = trace({ eventName: 'free' })(() => undefined)
    await using platform = HoneyHiveTracer.init({ apiKey: 'platform', testMode: true })
    // With a context manager the platform's span is also the active OpenTelemetry span.
    const instrumentor = platform.provider.getTracer('instrumentor')
    await platform.startActiveSpan('request', () =>
      pool.run('tenant', async () => {
        free()
        instrumentor.startSpan('model call').end()
        await nextTurn()
        instrumentor.startActiveSpan('chain', (span) => {
          free()
          span.end()
        })
      }),
    )
    const names = (tracer: HoneyHiveTracer): string[] => (tracer.instance.exporters.memory?.spans ?? []).map((span) => span.name)
    expect(await pool.run('tenant', names)).toEqual(['free', 'model call', 'free', 'chain'])
    expect(names(platform)).toEqual(['request'])
  })

  test('a failing create rejects with the reason and does not poison the key', async () => {
    let attempts = 0
    const cause = new Error('vault is sealed')
    const pool = open({ create: (key: string) => (++attempts < 3 ? Promise.reject(cause) : inMemory(key)) })
    const [first, second] = await Promise.all([failure(pool.run('acme', () => 1)), failure(pool.run('acme', () => 1))])
    expect([attempts, first.code, first.message, first.cause]).toEqual([
      1,
      'TRACER_POOL',
      'There is no tracer for "acme": vault is sealed',
      cause,
    ])
    expect(second).toBe(first)
    await failure(pool.run('acme', () => 1))
    expect(await pool.run('acme', () => 'ran')).toBe('ran')
    expect(pool.stats()).toMatchObject({ size: 1, created: 1, failed: 2 })
  })

  test('options that are wrong reject with every problem, and a wrong key is refused', async () => {
    const pool = open({ create: () => ({ sampleRate: 3, nonsense: 1 }) as never })
    const error = await failure(pool.run('acme', () => 1))
    expect(error.cause).toBeInstanceOf(HoneyHiveConfigError)
    expect(error.message).toMatch(/^There is no tracer for "acme": HoneyHiveTracer.init: 2 invalid settings/)
    for (const key of [undefined, null, '', 7, {}])
      expect((await failure(pool.run(key as never, () => 1))).message).toContain('a text and not empty')
    expect(pool.size).toBe(0)
  })

  test('wrong settings throw at once, all of them', () => {
    const wrong = (): unknown => createTracerPool({ create: 1, max: 0, idleMs: -1, waitMS: 5 } as never)
    expect(wrong).toThrow(/createTracerPool: 4 invalid settings.*"create".*"max".*"idleMs".*Did you mean "waitMs"/s)
    expect(() => createTracerPool(undefined as never)).toThrow(/"create"/)
  })
})

describe('the limit', () => {
  test('the tracer unused for longest makes room; what it held is delivered', async () => {
    const receiver = await startReceiver()
    const pool = open({ create: (key: string) => ({ apiKey: `key-${key}`, serverUrl: receiver.url, skipSessionCreation: true }), max: 2 })
    for (const key of ['a', 'b', 'a', 'c']) await pool.run(key, (tracer) => tracer.startSpan(`of-${key}`).end())
    expect(pool.stats()).toMatchObject({ size: 2, created: 3, evicted: 1 })
    expect(receiver.spans.map((span) => [span.name, span.authorization])).toEqual([['of-b', 'Bearer key-b']])
    await pool.shutdown()
    expect(receiver.spans.map((span) => `${span.name} ${span.authorization}`).sort()).toEqual([
      'of-a Bearer key-a',
      'of-a Bearer key-a',
      'of-b Bearer key-b',
      'of-c Bearer key-c',
    ])
    await receiver.close()
  })

  test('a tracer whose spans are still open goes last', async () => {
    const pool = open({ create: inMemory, max: 2 })
    const span = await pool.run('streaming', (tracer) => tracer.startSpan('stream'))
    await pool.run('plain', () => undefined)
    await pool.run('third', () => undefined)
    expect(span.isRecording()).toBe(true)
    expect(await pool.run('streaming', (tracer) => tracer.stats().open)).toBe(1)
  })

  test('when all are in use, a new key waits for the first that is given back, and never more than `max` are live', async () => {
    const pool = open({ create: inMemory, max: 3 })
    const live = (): number => processState.instances.size
    const before = live()
    let most = 0
    await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        pool.run(`k${i % 20}`, async () => {
          most = Math.max(most, live() - before)
          await nextTurn()
        }),
      ),
    )
    expect(most).toBe(3)
    expect(pool.stats()).toMatchObject({ size: 3, leased: 0, closing: 0, opening: 0, failed: 0 })
  })

  test('after `waitMs` without a place the run rejects and says what to do', async () => {
    const pool = open({ create: inMemory, max: 1, waitMs: 20 })
    const busy = gate()
    const running = pool.run('a', () => busy.opened)
    const error = await failure(pool.run('b', () => 1))
    expect([error.code, error.message]).toEqual([
      'TRACER_POOL',
      'No place for "b": all 1 tracers of the pool stayed in use for 20 ms. Raise `max`, or end work sooner.',
    ])
    busy.open()
    await running
    expect(await pool.run('b', () => 'ran')).toBe('ran')
  })
})

describe('idle tracers', () => {
  test('are flushed and shut down after `idleMs`, by one timer that keeps no process alive', async () => {
    const receiver = await startReceiver()
    const pool = open({ create: (key: string) => ({ apiKey: key, serverUrl: receiver.url }), idleMs: 30 })
    const timers = (): number => getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const made = await Promise.all(['a', 'b', 'c'].map((key) => pool.run(key, (tracer) => (tracer.startSpan(`of-${key}`).end(), tracer))))
    expect(timers()).toBeLessThanOrEqual(1)
    await until(() => pool.stats().size === 0 && pool.stats().closing === 0)
    expect(receiver.spans.map((span) => span.name).sort()).toEqual(['of-a', 'of-b', 'of-c'])
    expect(made.map((tracer) => [tracer.isEnabled, tracer.stats().exported, tracer.stats().pending])).toEqual(Array(3).fill([false, 1, 0]))
    expect(await pool.run('a', (tracer) => made.includes(tracer))).toBe(false)
    await receiver.close()
  })

  test('one that is in use is not shut down, however long', async () => {
    const pool = open({ create: inMemory, idleMs: 5 })
    const lease = await pool.acquire('a')
    await pool.run('a', () => undefined)
    await pool.run('other', () => undefined)
    await until(() => pool.stats().evicted === 1)
    expect(lease.tracer.isEnabled).toBe(true)
    lease.release()
    lease.release()
    expect(pool.stats().leased).toBe(0)
    await until(() => !lease.tracer.isEnabled)
  })

  test('one that is needed again while it is flushed stays', async () => {
    const answer = gate()
    let requests = 0
    const receiver = await startReceiver((request, response) => {
      if (request.url !== '/opentelemetry/v1/traces' && request.url?.includes('traces') !== true) return false
      requests++
      void answer.opened.then(() => response.end('{}'))
      return true
    })
    const pool = open({ create: () => ({ apiKey: 'k', serverUrl: receiver.url, skipSessionCreation: true }), idleMs: 10 })
    const tracer = await pool.run('a', (made) => (made.startSpan('s').end(), made))
    await until(() => requests === 1)
    const again = await pool.acquire('a')
    expect(again.tracer).toBe(tracer)
    answer.open()
    await until(() => tracer.stats().pending === 0)
    await nextTurn()
    expect(tracer.isEnabled).toBe(true)
    again[Symbol.dispose]()
    await until(() => !tracer.isEnabled)
    await receiver.close()
  })
})

describe('shutdown', () => {
  test('waits for what runs, delivers everything, refuses new work', async () => {
    const receiver = await startReceiver()
    const pool = open({ create: (key: string) => ({ apiKey: key, serverUrl: receiver.url }) })
    const busy = gate()
    const running = pool.run('a', async (tracer) => {
      await busy.opened
      tracer.startSpan('late').end()
    })
    await until(() => pool.stats().leased === 1)
    const closed = pool.shutdown()
    expect((await failure(pool.run('b', () => 1))).message).toBe('The pool is shut down; there is no tracer for "b".')
    busy.open()
    await running
    expect(await closed).toBe(true)
    expect(pool.shutdown()).toBe(closed)
    expect(receiver.spans.map((span) => span.name)).toEqual(['late'])
    expect(pool.stats()).toMatchObject({ size: 0, leased: 0, idle: 0 })
    await receiver.close()
  })

  test('gives up on what runs too long, on waiters and on tracers being made; leaves nothing live', async () => {
    const before = processState.instances.size
    const options = gate()
    const pool = open({ create: async (key: string) => (key === 'slow' && (await options.opened), inMemory(key)), max: 2 })
    void pool.run('stuck', () => new Promise(() => undefined))
    const slow = failure(pool.run('slow', () => 1))
    const waiting = failure(pool.run('waiting', () => 1))
    await until(() => pool.stats().opening === 2)
    expect(await pool.shutdown(20)).toBe(true)
    options.open()
    expect((await waiting).message).toBe('There is no tracer for "waiting": the pool was shut down meanwhile')
    expect((await slow).message).toBe('There is no tracer for "slow": the pool was shut down meanwhile')
    expect(processState.instances.size).toBe(before)
  })

  test('`await using` shuts down', async () => {
    let tracer: HoneyHiveTracer | undefined
    {
      await using pool = createTracerPool({ create: inMemory })
      tracer = await pool.run('a', (made) => made)
    }
    expect(tracer.isEnabled).toBe(false)
  })
})

describe('a tracer for each request', () => {
  test('D-07: 500 times init, trace, shutdown leave no listener, timer, socket or instance', async () => {
    const receiver = await startReceiver()
    const cycle = async (i: number): Promise<boolean> => {
      const tracer = HoneyHiveTracer.init({ apiKey: `k${i}`, serverUrl: receiver.url, skipSessionCreation: true })
      tracer.startActiveSpan('request', () => tracer.enrichSpan({ metadata: { i } }))
      return tracer.shutdown()
    }
    const count = (): unknown => ({
      listeners: process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
      instances: processState.instances.size,
      agents: processState.agents.size,
      endpoints: processState.endpoints.size,
      exitTasks: processState.exitTasks.size,
      bytes: processState.queuedBytes,
      names: processState.names.size,
      timers: getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length,
    })
    await cycle(-1)
    await until(() => !getActiveResourcesInfo().includes('Timeout'))
    const before = count()
    const started = cpuMs()
    for (let i = 0; i < 500; i += 10) {
      const arrived = await Promise.all(Array.from({ length: 10 }, (_, j) => cycle(i + j)))
      expect(arrived.every(Boolean)).toBe(true)
    }
    const perCycleMs = (cpuMs() - started) / 500
    expect(count()).toEqual(before)
    await until(() => getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length === 0)
    expect(new Set(receiver.spans.map((span) => span.authorization)).size).toBe(501)
    expect(toReferenceMs(perCycleMs, 15)).toBeLessThan(15)
    await receiver.close()
  })

  test('init alone stays cheap enough for each request', async () => {
    const tracers: HoneyHiveTracer[] = []
    const started = cpuMs()
    for (let i = 0; i < 2000; i++) tracers.push(HoneyHiveTracer.init({ apiKey: `k${i}`, project: 'p' }))
    const perInitUs = ((cpuMs() - started) / 2000) * 1000
    if (process.env.SHOW_FIGURES !== undefined) process.stdout.write(`init: ${perInitUs.toFixed(1)} us\n`)
    expect(perInitUs).toBeLessThan(1000)
    await Promise.all(tracers.map((tracer) => tracer.shutdown()))
    expect(processState.exitTasks.size).toBe(0)
  })
})
