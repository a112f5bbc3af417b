import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { inspect } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compileCall, type TraceOptions } from '../../src/wrap/trace-options.js'
import { type Callable, type Recorder, type Recording, wrapFunction } from '../../src/wrap/function.js'
import { NEEDS_RUN } from '../../src/wrap/recorder.js'
import { createFakeRecorder } from '../fixtures/conformance.js'

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function create(options: TraceOptions = {}) {
  const { recorder, spans, current } = createFakeRecorder()
  const wrap = <F extends Callable>(fn: F, name = fn.name): F => wrapFunction(fn, compileCall(options, name), () => recorder)
  return { wrap, spans, current }
}

describe('calls', () => {
  it('D-19: a function runs once and untraced when no recorder is found', () => {
    let calls = 0
    const wrapped = wrapFunction(
      () => ++calls,
      compileCall({}, 'f'),
      () => undefined,
    )
    expect(wrapped()).toBe(1)
    expect(calls).toBe(1)
  })

  it.each<[string, () => Recorder]>([
    [
      'finding the recorder throws',
      () => {
        throw new Error('Tracer error')
      },
    ],
    [
      'the recorder throws',
      () => ({
        record() {
          throw new Error('Tracer error')
        },
      }),
    ],
    ['the recorder declines', () => ({ record: () => undefined })],
    [
      'ending the span throws',
      () => ({
        record: () => ({
          maxBytes: 1,
          run: (fn, self, args) => Reflect.apply(fn, self, args as never[]),
          enter: () => undefined,
          leave: () => undefined,
          succeed() {
            throw new Error('Tracer error')
          },
          fail() {
            throw new Error('Tracer error')
          },
        }),
      }),
    ],
  ])('D-19: a function runs exactly once when %s', async (_case, resolve) => {
    let calls = 0
    const one = <F extends Callable>(fn: F): F => wrapFunction(fn, compileCall({}, 'f'), resolve)
    expect(one(() => ++calls)()).toBe(1)
    expect(await one(async () => ++calls)()).toBe(2)
    expect([
      ...one(function* () {
        yield ++calls
      })(),
    ]).toEqual([3])
    const error = new Error('Tracer error')
    expect(() =>
      one(() => {
        calls += 1
        throw error
      })(),
    ).toThrow(error)
    await expect(
      one(async () => {
        calls += 1
        throw error
      })(),
    ).rejects.toBe(error)
    expect(calls).toBe(5)
  })

  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  it.each<[string, unknown]>([
    ['H51 undefined', undefined],
    ['H52 null', null],
    ['H53 0', 0],
    ['H54 a symbol', Symbol('x')],
    ['H55 an object without prototype', Object.create(null)],
    [
      'H56 an error whose message throws',
      Object.defineProperty(new Error('x'), 'message', {
        get() {
          throw new Error('read')
        },
      }),
    ],
    ['H57 a code without toString', Object.assign(new Error('x'), { code: Object.create(null) })],
    ['H58 a frozen error', Object.freeze(new Error('x'))],
    ['H59 a revoked proxy', revoked.proxy],
    ['H60 an AbortError', new DOMException('gone', 'AbortError')],
  ])('%s is thrown and rejected as it is', async (_name, thrown) => {
    const { wrap, spans } = create()
    const caught = (fn: () => unknown): unknown => {
      try {
        return fn()
      } catch (error) {
        return { error }
      }
    }
    expect(
      Object.is(
        (
          caught(
            wrap(() => {
              throw thrown
            }),
          ) as { error: unknown }
        ).error,
        thrown,
      ),
    ).toBe(true)
    const outcome = await wrap(async () => {
      throw thrown
    })().then(
      () => undefined,
      (error: unknown) => ({ error }),
    )
    expect(Object.is(outcome?.error, thrown)).toBe(true)
    expect(spans.map(({ state, ends, error }) => [state, ends, Object.is(error, thrown)])).toEqual([
      ['error', 1, true],
      ['error', 1, true],
    ])
  })

  it.each<[string, unknown]>([
    ['H04 a symbol', Symbol.for('x')],
    ['H03 a BigInt', 10n],
    ['H05 a function', () => 1],
    ['H14 a revoked proxy', revoked.proxy],
    [
      'H13 a proxy that throws on every trap',
      new Proxy(
        {},
        new Proxy(
          {},
          {
            get: () => () => {
              throw new Error('trap')
            },
          },
        ),
      ),
    ],
    [
      'H15 an endless proxy',
      (() => {
        const make = (): object => new Proxy({}, { getPrototypeOf: make, has: () => true, getOwnPropertyDescriptor: () => undefined })
        return make()
      })(),
    ],
    ['H41 a Response', new Response('body')],
    [
      'H31 an object with a throwing `in`',
      new Proxy(
        {},
        {
          has() {
            throw new Error('no')
          },
        },
      ),
    ],
  ])('%s is returned as it is', (_name, value) => {
    const { wrap, spans } = create()
    expect(Object.is(wrap(() => value)(), value)).toBe(true)
    expect(spans.map(({ state, ends }) => [state, ends])).toEqual([['ok', 1]])
  })

  it('H41 a Response stays unread and unlocked', async () => {
    const { wrap } = create()
    const response = new Response('body')
    expect(await wrap(async () => response)()).toBe(response)
    expect(response.bodyUsed).toBe(false)
    expect(await response.text()).toBe('body')
  })

  it('H66 inputs are taken at call time and outputs at return time', () => {
    const { wrap, spans } = create()
    const list = [1]
    const result = wrap((given: number[]) => {
      given.push(2)
      return given
    })(list)
    result.push(3)
    expect(spans[0]).toMatchObject({ inputs: [[1]], output: [1, 2] })
  })

  it('nothing of a call is current once it returned, threw or began to wait', async () => {
    const { wrap, current } = create()
    wrap(() => expect(current()).toBe('step'), 'step')()
    expect(current()).toBeUndefined()
    const failing = wrap(() => {
      throw new Error('no')
    }, 'fails')
    expect(failing).toThrow('no')
    expect(current()).toBeUndefined()
    const waiting = wrap(nextTurn, 'waits')()
    expect(current()).toBeUndefined()
    await waiting
    expect(current()).toBeUndefined()
  })

  it('a constructor that throws fails its span, and throws what it threw', () => {
    const { wrap, spans } = create()
    const error = new Error('no')
    const Broken = wrap(
      class Broken {
        constructor() {
          throw error
        }
      } as unknown as Callable,
      'Broken',
    ) as unknown as new () => object
    expect(() => new Broken()).toThrow(error)
    expect(spans).toMatchObject([{ state: 'error', error, ends: 1 }])
  })

  /** One recording, which tells what is asked of it. */
  const createOwnRecorder = (more: Partial<Recording>) => {
    const told: unknown[] = []
    const recorder: Recorder = {
      record: () => ({
        maxBytes: 1_000,
        run(fn, self, args) {
          told.push('run')
          return Reflect.apply(fn, self, args as never[])
        },
        enter: () => undefined,
        leave: () => void told.push('leave'),
        succeed: (output) => void told.push(['ok', output]),
        fail: (error) => void told.push(['error', error]),
        ...more,
      }),
    }
    const wrap = <F extends Callable>(fn: F): F => wrapFunction(fn, compileCall({}, 'f'), () => recorder)
    return { wrap, told }
  }

  it('a recorder that cannot be entered runs the call, once', () => {
    const { wrap, told } = createOwnRecorder({ enter: () => NEEDS_RUN })
    const holder = {
      factor: 3,
      times: wrap(function (this: { factor: number }, n: number) {
        if (n < 0) throw new RangeError('negative')
        return this.factor * n
      }),
    }
    expect(holder.times(2)).toBe(6)
    expect(told).toEqual(['run', ['ok', 6]])
    expect(() => holder.times(-1)).toThrow(RangeError)
    expect(told.slice(2)).toEqual(['run', ['error', expect.any(RangeError)]])
  })

  it('where nothing is recorded nobody looks at the result, but for a generator, whose body has still to run', async () => {
    const { wrap, told } = createOwnRecorder({ isUnwatched: true })
    const pending = new Promise(() => undefined)
    const cursor = { [Symbol.asyncIterator]: () => ({ next: () => ({ done: true }) }) }
    expect([wrap(() => pending)(), wrap(() => cursor)(), wrap(() => null)()]).toEqual([pending, cursor, null])
    expect(Object.getOwnPropertySymbols(cursor)).toHaveLength(1)
    expect(Object.getOwnPropertyNames(pending)).toEqual([])
    expect(await wrap(async () => 'answer')()).toBe('answer')
    expect(told.filter((what) => what !== 'leave')).toEqual([])
    const items = wrap(function* () {
      yield 1
    })()
    const before = told.length
    expect([...items]).toEqual([1])
    expect(told.length).toBeGreaterThan(before)
  })

  it('H67 recursion of 10,000 levels keeps every span', async () => {
    const { wrap, spans } = create()
    const down: (n: number) => Promise<number> = wrap(async (n: number): Promise<number> => {
      await null
      return n === 0 ? 0 : 1 + (await down(n - 1))
    })
    expect(await down(10_000)).toBe(10_000)
    expect(spans).toHaveLength(10_001)
    expect(spans.every(({ state }) => state === 'ok')).toBe(true)
  })

  it('H67 a stack that overflows gives the host its own RangeError', () => {
    const { wrap } = create()
    const forever: () => number = wrap((): number => 1 + forever())
    expect(() => forever()).toThrow(RangeError)
    expect(wrap(() => 'alive')()).toBe('alive')
  })

  it('H68 100,000 parallel calls each get their own span', async () => {
    let open = 0
    let ended = 0
    const recorder: Recorder = {
      record: () => {
        open += 1
        return {
          maxBytes: 1,
          run: (fn, self, args) => Reflect.apply(fn, self, args as never[]),
          enter: () => undefined,
          leave: () => undefined,
          succeed() {
            ended += 1
          },
          fail() {
            ended -= 1
          },
        }
      },
    }
    const wrapped = wrapFunction(
      async (n: number) => {
        await null
        return n
      },
      compileCall({}, 'f'),
      () => recorder,
    )
    const results = await Promise.all(Array.from({ length: 100_000 }, (_, i) => wrapped(i)))
    expect(results.every((value, i) => value === i)).toBe(true)
    expect([open, ended]).toEqual([100_000, 100_000])
  })
})

describe('the wrapped function', () => {
  it('H70 a class can be constructed, subclassed and recognised', () => {
    const { wrap, spans } = create()
    class Point {
      static zero = 0
      readonly made: unknown
      constructor(readonly x: number) {
        this.made = new.target
      }
      double(): number {
        return this.x * 2
      }
    }
    const Wrapped = wrap(Point as unknown as Callable) as unknown as typeof Point
    const point = new Wrapped(2)
    expect(point).toBeInstanceOf(Point)
    expect(point).toBeInstanceOf(Wrapped)
    expect(point.made).toBe(Point)
    expect(point.double()).toBe(4)
    class Sub extends Wrapped {
      override double(): number {
        return super.double() + 1
      }
    }
    const sub = new Sub(3)
    expect(sub.double()).toBe(7)
    expect(sub.made).toBe(Sub)
    expect(Wrapped.zero).toBe(0)
    expect(spans.map(({ state, inputs, output }) => [state, inputs, output])).toEqual([
      ['ok', [2], undefined],
      ['ok', [3], undefined],
    ])
    expect(() => (Wrapped as unknown as () => void)()).toThrow(TypeError)
  })

  it('H70 a constructor function and an arrow keep `this`', () => {
    const { wrap } = create()
    function Old(this: { x: number }, x: number) {
      this.x = x
    }
    const Wrapped = wrap(Old as Callable) as unknown as new (x: number) => { x: number }
    expect(new Wrapped(4).x).toBe(4)
    const holder = {
      n: 1,
      arrow() {
        return wrap(() => this.n)()
      },
    }
    expect(holder.arrow()).toBe(1)
  })

  it('H71 looks like the function to whoever inspects it', () => {
    const { wrap } = create()
    const fn = Object.freeze(async function ask(_q: string) {
      return 1
    })
    const wrapped = wrap(fn)
    // From version 26 on, node marks every proxy; nothing the proxy answers is asked.
    expect([inspect(fn), `Proxy(${inspect(fn)})`]).toContain(inspect(wrapped))
    expect(wrapped.constructor.name).toBe('AsyncFunction')
    expect([wrapped.name, wrapped.length]).toEqual(['ask', 1])
    expect('prototype' in wrapped).toBe(false)
  })

  it('H71 its source is that of the function, for containers that read the names of parameters there', () => {
    const { wrap } = create()
    const fn = ({ db, mailer: _mailer }: { db: number; mailer?: number }): number => db
    const wrapper = wrap(fn)
    expect([String(wrapper), `${wrap(wrapper)}`]).toEqual([String(fn), String(fn)])
    expect(wrapper.toString).toBe(wrapper.toString)
    expect(Reflect.apply(wrapper.toString, Math.max, [])).toBe(String(Math.max))
    expect(() => Reflect.apply(wrapper.toString, {}, [])).toThrow(TypeError)
    const { toString: source } = Function.prototype
    expect(wrap(Object.freeze(Object.assign(() => 1, { toString: source }))).toString).toBe(source)
    expect(String(wrap(Object.assign(() => 1, { toString: () => 'own' })))).toBe('own')
    expect(String(wrap(function Model() {}))).toMatch(/^function Model/)
  })

  it('H71 metadata of other decorators stays readable', async () => {
    await import('reflect-metadata')
    const { wrap } = create()
    const fn = () => 1
    Reflect.defineMetadata('path', '/ask', fn)
    expect(Reflect.getMetadata('path', wrap(fn))).toBe('/ask')
  })
})

describe('promises', () => {
  it('a promise of a plain function keeps its identity, also when it is handed out many times', async () => {
    const { wrap, spans } = create()
    const cached = Object.assign(Promise.resolve({ n: 1 }), { requestId: 'r1' })
    const get = wrap(() => cached)
    expect([get(), get(), get()].every((promise) => promise === cached)).toBe(true)
    expect(Object.keys(cached)).toEqual(['requestId'])
    expect(await cached).toEqual({ n: 1 })
    expect(Object.getOwnPropertyNames(cached)).toEqual(['requestId'])
    expect(spans.map(({ state, ends, output }) => [state, ends, output])).toEqual(Array.from({ length: 3 }, () => ['ok', 1, { n: 1 }]))
  })

  it.each<[string, (promise: Promise<number>) => unknown]>([
    ['await', async (promise) => await promise],
    ['then', (promise) => promise.then((n) => n)],
    ['catch', (promise) => promise.catch(() => 0)],
    ['finally', (promise) => promise.finally(() => undefined)],
    ['all', (promise) => Promise.all([promise])],
    ['race', (promise) => Promise.race([promise])],
    ['allSettled', (promise) => Promise.allSettled([promise])],
    ['any', (promise) => Promise.any([promise])],
  ])('a pending promise consumed with %s ends its span with the value before the consumer goes on', async (_name, consume) => {
    const { wrap, spans } = create()
    let settle: (n: number) => void = () => undefined
    const pending = new Promise<number>((resolve) => {
      settle = resolve
    })
    const outcome = Promise.resolve(consume(wrap(() => pending)())).then(() => spans[0]?.state)
    expect(spans[0]?.state).toBe('open')
    settle(7)
    expect(await outcome).toBe('ok')
    expect(spans[0]).toMatchObject({ output: 7, ends: 1 })
  })

  it('the span of a promise nobody consumes ends too', async () => {
    const { wrap, spans } = create()
    const quick = wrap(() => Promise.resolve(1))
    for (const at of [0, 1]) {
      void quick()
      await nextTurn()
      expect(spans[at]).toMatchObject({ state: 'ok', output: 1, ends: 1 })
    }
    let settle: (n: number) => void = () => undefined
    const slow = new Promise<number>((resolve) => {
      settle = resolve
    })
    void wrap(() => slow)()
    setTimeout(() => settle(2), 20)
    await expect.poll(() => spans[2]?.state, { interval: 5 }).toBe('ok')
    expect(spans[2]).toMatchObject({ output: 2, ends: 1 })
  })

  it('a rejection that the host handled before it handed the promise out fails the span, and the promise is as it was', async () => {
    const { wrap, spans } = create()
    const failed = Promise.reject(new Error('boom'))
    failed.catch(() => undefined)
    void wrap(() => failed)()
    await nextTurn()
    expect(spans[0]).toMatchObject({ state: 'error', ends: 1 })
    expect(String(spans[0]?.error)).toBe('Error: The promise was rejected and nobody waited for it')
    expect(Object.getOwnPropertyNames(failed)).toEqual([])
  })

  it('many promises that stay pending do not keep the span of one behind them open', async () => {
    const { wrap, spans } = create()
    let settle: (n: number) => void = () => undefined
    const pending = Array.from({ length: 150 }, () => new Promise<number>(() => undefined))
    const last = new Promise<number>((resolve) => {
      settle = resolve
    })
    const hand = wrap((promise: Promise<number>) => promise)
    for (const promise of [...pending, last]) void hand(promise)
    await nextTurn()
    settle(4)
    await expect.poll(() => spans.at(-1)?.state, { interval: 5 }).toBe('ok')
    expect(spans.filter(({ state }) => state === 'open')).toHaveLength(pending.length)
  })

  it('a constructor that the host assigns to a promise stays, as it would untraced, and the span ends', async () => {
    const { wrap, spans } = create()
    class Deferred extends Promise<number> {}
    const pending = Promise.resolve(1)
    void wrap(() => pending)()
    ;(pending as { constructor: unknown }).constructor = Deferred
    expect(Object.getOwnPropertyDescriptor(pending, 'constructor')).toEqual({
      value: Deferred,
      configurable: true,
      enumerable: true,
      writable: true,
    })
    expect(await pending).toBe(1)
    await nextTurn()
    expect(pending.constructor).toBe(Deferred)
    expect(spans[0]).toMatchObject({ state: 'ok', output: 1, ends: 1 })
  })

  it('looking at a promise runs nothing of the host, and its end is told once it comes', async () => {
    const { wrap, spans } = create()
    let settle: (n: number) => void = () => undefined
    let shown = 0
    const pending = Object.assign(
      new Promise<number>((resolve) => {
        settle = resolve
      }),
      { [inspect.custom]: () => `shown ${++shown}` },
    )
    void wrap(() => pending)()
    await nextTurn()
    await nextTurn()
    expect([shown, spans[0]?.state]).toEqual([0, 'open'])
    settle(3)
    await expect.poll(() => spans[0]?.state, { interval: 5 }).toBe('ok')
    expect([shown, spans[0]?.output]).toEqual([0, 3])
  })

  it('a frozen promise is returned as it is and its span ends', async () => {
    const { wrap, spans } = create()
    const frozen = Object.freeze(Promise.resolve(5))
    const got = wrap(() => frozen)()
    expect(got).toBe(frozen)
    expect(await got).toBe(5)
    await nextTurn()
    expect(spans[0]).toMatchObject({ state: 'ok', output: 5 })
  })

  it('a promise with a hostile constructor of its own is returned as it is', async () => {
    const { wrap, spans } = create()
    const odd = Object.defineProperty(Promise.resolve(1), 'constructor', {
      get() {
        throw new Error('read')
      },
    })
    expect(wrap(() => odd)()).toBe(odd)
    await nextTurn()
    expect(spans[0]).toMatchObject({ state: 'ok', ends: 1 })
    const own = class extends Promise<number> {}
    const marked = Object.assign(new Promise(() => undefined), { constructor: own })
    void wrap(() => marked)()
    expect(Object.getOwnPropertyDescriptor(marked, 'constructor')?.value).toBe(own)
  })

  it('an async function gives its promise where the host made the constructor of all promises throw', async () => {
    const { wrap, spans } = create()
    const traced = wrap(async () => 1)
    const own = Object.getOwnPropertyDescriptor(Promise.prototype, 'constructor') as PropertyDescriptor
    let got: Promise<number>
    Object.defineProperty(Promise.prototype, 'constructor', {
      configurable: true,
      get() {
        throw new Error('read')
      },
    })
    try {
      got = traced()
    } finally {
      Object.defineProperty(Promise.prototype, 'constructor', own)
    }
    expect(await got).toBe(1)
    expect(spans[0]).toMatchObject({ state: 'ok', ends: 1 })
  })

  it('a wrapper around a wrapper ends both spans and keeps their order', async () => {
    const { wrap, spans } = create()
    const asking = wrap(async (q: string) => {
      await nextTurn()
      return `${q}!`
    }, 'ask')
    const outer = wrap((q: string) => asking(q), 'outer')
    expect(await outer('hi')).toBe('hi!')
    expect(spans.map(({ name, parent, state, output }) => [name, parent, state, output])).toEqual([
      ['outer', undefined, 'ok', 'hi!'],
      ['ask', 'outer', 'ok', 'hi!'],
    ])
    const twice = wrap(
      wrap(async () => 1, 'a'),
      'b',
    )()
    expect(Object.getOwnPropertyNames(twice)).toEqual([])
    expect(await twice).toBe(1)
  })
})

describe('thenables', () => {
  it('H35 a subclass of Promise with its own species and methods stays itself', async () => {
    const { wrap, spans } = create()
    class ApiPromise<T> extends Promise<T> {
      static override get [Symbol.species]() {
        return Promise
      }
      parsed = 0
      override then<A = T, B = never>(
        ok?: ((value: T) => A | PromiseLike<A>) | null,
        err?: ((error: unknown) => B | PromiseLike<B>) | null,
      ): Promise<A | B> {
        this.parsed += 1
        return super.then(ok, err)
      }
      asResponse(): string {
        return 'raw'
      }
    }
    const api = new ApiPromise<string>((resolve) => setImmediate(resolve, 'answer'))
    const call = wrap(() => api)()
    expect(call).toBe(api)
    expect(call.asResponse()).toBe('raw')
    expect(call.parsed).toBe(0)
    expect(await call).toBe('answer')
    expect(call.parsed).toBe(1)
    expect(spans[0]).toMatchObject({ state: 'ok', output: 'answer', ends: 1 })
  })

  it('catch and finally of a lazy thenable that do not go through then are watched', async () => {
    const { wrap, spans } = create()
    let runs = 0
    const lazy = (outcome: () => Promise<string>) => ({
      then: (ok?: (v: string) => unknown, err?: (e: unknown) => unknown) => {
        runs += 1
        return outcome().then(ok, err)
      },
      catch: (err: (e: unknown) => unknown) => {
        runs += 1
        return outcome().catch(err)
      },
      finally: (done: () => void) => {
        runs += 1
        return outcome().finally(done)
      },
    })
    const error = new Error('db')
    expect(await wrap(() => lazy(async () => 'rows'))().catch(() => 'no')).toBe('rows')
    expect(
      await wrap(() =>
        lazy(async () => {
          throw error
        }),
      )().catch((e) => e),
    ).toBe(error)
    let finals = 0
    expect(
      await wrap(() => lazy(async () => 'rows'))().finally(() => {
        finals += 1
      }),
    ).toBe('rows')
    await expect(
      wrap(() =>
        lazy(async () => {
          throw error
        }),
      )().finally(() => {
        finals += 1
      }),
    ).rejects.toBe(error)
    expect([finals, runs]).toEqual([2, 4])
    expect(spans.map(({ state, ends }) => [state, ends])).toEqual([
      ['ok', 1],
      ['error', 1],
      ['ok', 1],
      ['error', 1],
    ])
  })

  it('calling then twice calls the thenable twice, as untraced, and ends the span once', async () => {
    const { wrap, spans } = create()
    let runs = 0
    const query = wrap(() => ({
      then(ok: (n: number) => void) {
        ok(++runs)
      },
    }))()
    expect(await (query as unknown as PromiseLike<number>)).toBe(1)
    expect(await (query as unknown as PromiseLike<number>)).toBe(2)
    expect(spans[0]).toMatchObject({ state: 'ok', output: 1, ends: 1 })
  })

  it('work a lazy thenable starts nests under the call, and what follows does not', async () => {
    const { wrap, spans, current } = create()
    const runQuery = wrap(async () => 'rows', 'driver')
    const find = wrap(
      () => ({
        then(ok: (v: string) => unknown, err: (e: unknown) => unknown) {
          return runQuery().then(ok, err)
        },
      }),
      'find',
    )
    const inside = await find().then(
      () => current() ?? 'nothing current',
      () => undefined,
    )
    expect(inside).toBe('nothing current')
    expect(spans.map(({ name, parent, state }) => [name, parent, state])).toEqual([
      ['find', undefined, 'ok'],
      ['driver', 'find', 'ok'],
    ])
  })

  it('work of a query that several wrappers handed on is inside each of them, the inner ones innermost', async () => {
    const { wrap, spans } = create()
    const runQuery = wrap(async () => 'rows', 'driver')
    const recorder = createFakeRecorder()
    const current: (string | undefined)[] = []
    const query = {
      then(ok: (v: string) => unknown, err: (e: unknown) => unknown) {
        current.push(recorder.current())
        return runQuery().then(ok, err)
      },
    }
    const apart = wrapFunction(
      () => query,
      compileCall({}, 'apart'),
      () => recorder.recorder,
    )
    const [service, controller] = [wrap(apart, 'service'), wrap(() => service(), 'controller')]
    expect(await controller()).toBe('rows')
    expect(current).toEqual(['apart'])
    expect(spans.map(({ name, parent, state }) => [name, parent, state])).toEqual([
      ['controller', undefined, 'ok'],
      ['service', 'controller', 'ok'],
      ['driver', 'apart', 'ok'],
    ])
    expect(recorder.spans[0]).toMatchObject({ state: 'ok', output: 'rows', ends: 1 })
  })

  it('a query that is handed out again and again is waited for by sixteen calls; those after them end at once', async () => {
    const { wrap, spans } = create()
    const query = { then: (ok: (v: string) => unknown) => ok('rows') }
    const find = wrap(() => query)
    for (let i = 0; i < 17; i++) find()
    expect(spans.map(({ state }) => state)).toEqual([...Array.from({ length: 16 }, () => 'open'), 'ok'])
    expect(await query).toBe('rows')
    expect(spans.filter(({ ends, output }) => ends === 1 && output === 'rows')).toHaveLength(16)
    expect(spans[16]).toMatchObject({ state: 'ok', ends: 1 })
  })

  it('H32 a thenable that calls both callbacks ends the span once', async () => {
    const { wrap, spans } = create()
    const both = wrap(() => ({
      then(ok: (n: number) => void, err: (e: unknown) => void) {
        ok(1)
        try {
          err(new Error('x'))
        } catch {
          /* the default handler throws */
        }
      },
    }))()
    expect(await (both as unknown as PromiseLike<number>)).toBe(1)
    expect(spans[0]).toMatchObject({ state: 'ok', ends: 1 })
  })

  it('H33 a thenable that throws in then fails the span', async () => {
    const { wrap, spans } = create()
    const error = new Error('then')
    const bad = wrap(() => ({
      then() {
        throw error
      },
    }))()
    await expect((async () => await (bad as unknown as PromiseLike<never>))()).rejects.toBe(error)
    expect(spans[0]).toMatchObject({ state: 'error', error, ends: 1 })
  })

  it('H34 a then getter runs only when the host reads it', async () => {
    const { wrap, spans } = create()
    let reads = 0
    const odd = wrap(() => ({
      get then() {
        reads += 1
        return (ok: (n: number) => void) => ok(9)
      },
    }))()
    await nextTurn()
    expect(reads).toBe(0)
    expect(await (odd as unknown as PromiseLike<number>)).toBe(9)
    expect(reads).toBe(1)
    expect(spans[0]).toMatchObject({ state: 'ok', output: 9 })
  })

  it('a then getter stays as visible as it was, can be set as before, and may give no function', async () => {
    const { wrap, spans } = create()
    class Odd {
      set: unknown
      constructor() {
        Object.defineProperty(this, 'then', { get: () => this.set, set: (to) => (this.set = to), enumerable: true, configurable: true })
      }
    }
    const odd = wrap(() => new Odd())() as Odd & { then: unknown }
    expect(Object.keys(odd)).toEqual(['set', 'then'])
    odd.then = undefined
    expect(await (async () => odd)()).toBe(odd)
    expect(spans[0]).toMatchObject({ state: 'ok', ends: 1 })
    const second = wrap(() => new Odd())() as Odd & { then: unknown }
    second.then = (ok: (n: number) => void) => ok(6)
    expect(await (async () => second)()).toBe(6)
    expect(spans[1]).toMatchObject({ state: 'ok', output: 6, ends: 1 })
    const fixed = Object.defineProperty({}, 'then', { get: () => undefined })
    expect(wrap(() => fixed)()).toBe(fixed)
    expect(spans[2]).toMatchObject({ state: 'ok', ends: 1 })
  })

  it('a function may be one', async () => {
    const { wrap, spans } = create()
    const query = Object.assign(() => 'table', { then: (ok: (rows: string) => unknown) => ok('rows') })
    const got = wrap(() => query)()
    expect([got === query, got(), spans[0]?.state]).toEqual([true, 'table', 'open'])
    expect(await got).toBe('rows')
    expect(spans[0]).toMatchObject({ state: 'ok', output: 'rows', ends: 1 })
  })

  it('a field of that name that is no method makes no thenable', () => {
    const { wrap, spans } = create()
    expect(wrap(() => ({ if: 'a', then: 'b' }))()).toEqual({ if: 'a', then: 'b' })
    expect(spans[0]).toMatchObject({ state: 'ok', output: { if: 'a', then: 'b' }, ends: 1 })
  })

  it('an error that only a later consumer handles reaches it, also through then alone', async () => {
    const { wrap, spans } = create()
    const error = new Error('db')
    const query = wrap(() => ({
      then: (ok?: (v: string) => unknown, err?: (e: unknown) => unknown): Promise<unknown> => Promise.reject(error).then(ok, err),
    }))()
    await expect(query.then((rows) => rows)).rejects.toBe(error)
    expect(spans[0]).toMatchObject({ state: 'error', error, ends: 1 })
  })

  it('catch and finally with other arguments are those of the object', async () => {
    const { wrap, spans } = create()
    class Missing extends Error {}
    const calls: unknown[][] = []
    const lazy = wrap(() => ({
      then: (ok: (v: string) => unknown) => Promise.resolve('rows').then(ok),
      catch: (...args: unknown[]) => calls.push(['catch', ...args]),
      finally: (...args: unknown[]) => calls.push(['finally', ...args]),
    }))()
    const handler = (): string => 'none'
    lazy.catch(Missing, handler)
    lazy.catch(undefined)
    lazy.finally(handler, handler)
    lazy.finally('done')
    expect(calls).toEqual([
      ['catch', Missing, handler],
      ['catch', undefined],
      ['finally', handler, handler],
      ['finally', 'done'],
    ])
    expect(await lazy).toBe('rows')
    expect(spans[0]).toMatchObject({ state: 'ok', output: 'rows', ends: 1 })
  })

  it('a catch or finally that cannot be replaced leaves the rest as it is', async () => {
    const { wrap, spans } = create()
    for (const name of ['catch', 'finally']) {
      const lazy = { then: (ok: (v: string) => unknown) => ok('rows') }
      Object.defineProperty(lazy, name, { value: () => 'own' })
      const got = wrap(() => lazy)()
      expect(spans.at(-1)?.state).toBe('open')
      expect(await got).toBe('rows')
      expect(spans.at(-1)).toMatchObject({ state: 'ok', output: 'rows', ends: 1 })
    }
  })

  it('a frozen thenable ends its span at once', async () => {
    const { wrap, spans } = create()
    const frozen = Object.freeze({
      then(ok: (n: number) => void) {
        ok(3)
      },
    })
    const got = wrap(() => frozen)()
    expect(got).toBe(frozen)
    expect(spans[0]).toMatchObject({ state: 'ok', ends: 1 })
    expect(await (got as unknown as PromiseLike<number>)).toBe(3)
  })
})

describe('unhandled rejections', () => {
  let dir = ''
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'wrap-'))
    const source = `
      import { wrapFunction } from ${JSON.stringify(path.resolve('src/wrap/function.ts'))}
      import { compileCall } from ${JSON.stringify(path.resolve('src/wrap/trace-options.ts'))}
      import { setTimeout as sleep } from 'node:timers/promises'
      const [, , mode, how] = process.argv
      let ended = ''
      const recorder = { record: () => ({ maxBytes: 1, run: (f, s, a) => Reflect.apply(f, s, a), enter() {}, leave() {}, succeed() { ended += 'ok ' }, fail() { ended += 'error ' } }) }
      const wrap = (fn) => (how === 'wrapped' ? wrapFunction(fn, compileCall({}, 'f'), () => recorder) : fn)
      const boom = () => Object.assign(new Error('boom'), { stack: 'Error: boom' })
      const later = () => sleep(5).then(() => { throw boom() })
      const listen = () => {
        process.on('unhandledRejection', (e) => console.error('unhandled', e.message))
        process.on('rejectionHandled', () => console.error('handled late'))
      }
      const modes = {
        plainIgnored: () => { void wrap(() => later())() },
        plainRejectedAtOnce: () => { void wrap(() => Promise.reject(boom()))() },
        handledInside: () => { void wrap(() => { const p = later(); p.catch(() => {}); return p })() },
        handledByCaller: () => { wrap(() => later())().catch(() => console.error('caught')) },
        derivedIgnored: () => { void wrap(() => later())().then(() => 1) },
        asyncIgnored: () => { void wrap(async () => { await later() })() },
        asyncHandled: () => { wrap(async () => { await later() })().catch(() => console.error('caught')) },
        frozenIgnored: () => { void wrap(() => Object.freeze(later()))() },
        consumedLate: async () => { listen(); const p = wrap(() => later())(); await sleep(30); await p.catch(() => console.error('caught')); await sleep(5) },
        lookedAt: async () => { const p = wrap(() => later())(); console.log(p.constructor === Promise, p.constructor.name); await sleep(60) },
        lookedAtThenCaught: async () => { listen(); const p = wrap(() => later())(); console.log(p.constructor.name); await p.catch(() => console.error('caught')); await sleep(5) },
        neverSettles: () => { void wrap(() => new Promise(() => {}))() },
        cachedTwice: () => { listen(); const p = later(); const f = wrap(() => p); void f(); f().catch(() => console.error('caught')) },
      }
      // What the exit of a tracer does with its tasks.
      const key = Object.getOwnPropertySymbols(globalThis).find(({ description }) => description.startsWith('honeyhive-tracer.process-state.'))
      process.once('beforeExit', () => { for (const task of globalThis[key].exitTasks) void task() })
      await modes[mode]()
      process.on('exit', () => { if (how === 'wrapped') console.log(ended.trim()) })
    `
    await build({
      stdin: { contents: source, resolveDir: path.resolve('.'), loader: 'ts' },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: path.join(dir, 'main.mjs'),
    })
  })
  afterAll(() => rm(dir, { recursive: true, force: true }))

  const runChild = (mode: string, how: string) =>
    new Promise<{ code: number; stderr: string; stdout: string }>((resolve) => {
      execFile(process.execPath, [path.join(dir, 'main.mjs'), mode, how], (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stderr, stdout }),
      )
    })

  it.each([
    ['plainIgnored', 1],
    ['plainRejectedAtOnce', 1],
    ['handledInside', 0],
    ['handledByCaller', 0],
    ['derivedIgnored', 1],
    ['asyncIgnored', 1],
    ['asyncHandled', 0],
    ['frozenIgnored', 1],
    ['consumedLate', 0],
    ['lookedAt', 1],
    ['lookedAtThenCaught', 0],
    ['cachedTwice', 0],
  ])('%s ends the process as without us', async (mode, code) => {
    const [bare, wrapped] = await Promise.all([runChild(mode, 'bare'), runChild(mode, 'wrapped')])
    expect(bare.code).toBe(code)
    expect({ code: wrapped.code, stderr: wrapped.stderr }).toEqual({ code: bare.code, stderr: bare.stderr })
    if (code === 0) expect(wrapped.stdout).toContain('error')
  })

  it('a promise that never settles keeps no process alive', async () => {
    expect(await runChild('neverSettles', 'wrapped')).toEqual({ code: 0, stderr: '', stdout: '\n' })
  })
})
