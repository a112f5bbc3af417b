import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { context, type ContextManager, type Span, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { type Callable, wrapFunction } from '../../src/wrap/function.js'
import { compileCall } from '../../src/wrap/trace-options.js'
import { createFakeRecorder } from '../fixtures/conformance.js'

/** What the host gets of a result, and does with it, is the same with and without a wrapper: each of these runs both ways. */
function create() {
  const { recorder, spans, current } = createFakeRecorder()
  const wrap = <F extends Callable>(fn: F, name = 'ask'): F => wrapFunction(fn, compileCall({}, name), () => recorder)
  return { wrap, spans, current }
}

type Wrap = ReturnType<typeof create>['wrap']

async function expectAlike(use: (wrap: Wrap) => unknown) {
  const { wrap, spans, current } = create()
  const without = await use((fn) => fn)
  expect(await use(wrap)).toEqual(without)
  return { without, spans, current }
}

describe('a promise that the host freezes after it was given', () => {
  const ways: Record<string, (promise: object) => object> = {
    freeze: Object.freeze,
    seal: Object.seal,
    preventExtensions: Object.preventExtensions,
  }
  it.each(Object.keys(ways))('%s: is waited for as any other, by several', async (how) => {
    const { spans } = await expectAlike(async (wrap) => {
      const promise = wrap(() => sleep(5, 'value'))()
      ways[how]?.(promise)
      return [await promise, await promise.then((value) => value), await Promise.all([promise, promise]), promise.constructor === Promise]
    })
    expect(spans).toMatchObject([{ state: 'ok', output: 'value', ends: 1 }])
  })

  it('tells its failure', async () => {
    const error = new Error('no')
    const promise = (wrap: Wrap) => Object.freeze(wrap(() => sleep(5).then(() => Promise.reject(error)))())
    const { spans } = await expectAlike((wrap) => promise(wrap).catch((caught: unknown) => caught))
    expect(spans).toMatchObject([{ state: 'error', error, ends: 1 }])
  })
})

describe('an object with a `subscribe` of its own kind', () => {
  it.each<[string, (wrap: Wrap) => unknown]>([
    ['a topic and a handler', (wrap) => wrap(() => ({ subscribe: (...given: unknown[]) => given.length }))().subscribe('BTC', () => 1)],
    ['a query', (wrap) => wrap(() => ({ subscribe: (given: unknown) => given }))().subscribe({ query: 'ticks' })],
    [
      'a query of a client',
      (wrap) => {
        class Client {
          query(): void {}
          subscribe(given: unknown): unknown {
            return given
          }
        }
        const observer = { next: () => 1, extra: 2 }
        return wrap(() => new Client())().subscribe(observer) === observer
      },
    ],
    [
      'a callback and options',
      (wrap) => {
        const live = wrap(() => ({ subscribe: (_: unknown, options?: { readonly limit: number }) => options?.limit }))()
        return live.subscribe(() => 1, { limit: 5 })
      },
    ],
    [
      'a store whose other methods are made when they are read',
      (wrap) => {
        class Store {
          get dispatch(): () => void {
            return () => undefined
          }
          subscribe(given: unknown): unknown {
            return given
          }
        }
        const observer = { next: () => 1 }
        return wrap(() => new Store())().subscribe(observer) === observer
      },
    ],
    [
      'a store that calls its second function as well',
      (wrap) => {
        const seen: unknown[] = []
        const store = wrap(() => ({
          subscribe(run: (value: number) => void, invalidate: () => void) {
            run(1)
            invalidate()
            return () => seen.push('left')
          },
        }))()
        store.subscribe(
          (value) => seen.push(value),
          () => seen.push('invalid'),
        )()
        return seen
      },
    ],
  ])('%s: is given what the host gives, and is a value', async (_, use) => {
    const { spans } = await expectAlike(use)
    expect(spans).toMatchObject([{ state: 'ok', ends: 1 }])
  })
})

describe('an observer', () => {
  /** Not one that reports errors by itself, as the standard wants it. */
  const feed = (error?: Error) => ({
    subscribe(observer: { next?(value: number): void; error?(error: Error): void; complete?(): void }) {
      const told = ['next' in observer, typeof observer.error, 'start' in observer]
      observer.next?.(1)
      if (error === undefined) observer.complete?.()
      else observer.error?.(error)
      return { told, unsubscribe() {} }
    },
  })

  it('without a handler for errors has none, so that the producer goes on', async () => {
    await expectAlike((wrap) => wrap(() => feed(new Error('no')))().subscribe({ next: () => undefined }).told)
  })

  it('with one is told, and the span too', async () => {
    const error = new Error('no')
    const { spans } = await expectAlike((wrap) => new Promise((resolve) => wrap(() => feed(error))().subscribe({ error: resolve })))
    expect(spans).toMatchObject([{ state: 'error', error, output: [1] }])
  })

  it('has the `this` of its library where it is a function', async () => {
    const observable = () => ({
      '@@observable': () => undefined,
      subscribe: (next: (this: unknown, value: number) => unknown) => Reflect.apply(next, { closed: false }, [1]),
    })
    const { spans } = await expectAlike((wrap) =>
      wrap(observable)().subscribe(function (this: unknown) {
        return this
      }),
    )
    expect(spans).toMatchObject([{ state: 'open', firstChunks: 1 }])
  })

  it('may leave a function out by null, and be told of an error all the same', async () => {
    const error = new Error('no')
    const failing = () => ({
      '@@observable': () => undefined,
      subscribe: (next: unknown, fail: (error: Error) => unknown) => fail(error),
    })
    const { spans } = await expectAlike((wrap) => wrap(failing)().subscribe(null, (told) => told === error))
    expect(spans).toMatchObject([{ state: 'error', error, ends: 1 }])
  })

  it('is started with its subscription, where it wants to be', async () => {
    const { without } = await expectAlike((wrap) => {
      const started: unknown[] = []
      const observer = {
        start(subscription: unknown): void {
          started.push(this === observer, subscription)
        },
        next: () => undefined,
      }
      const feed = wrap(() => ({
        subscribe(given: { start?(subscription: string): void; next(value: number): void }) {
          given.start?.('the subscription')
          given.next(1)
        },
      }))()
      feed.subscribe(observer)
      return started
    })
    expect(without).toEqual([true, 'the subscription'])
  })

  it('that comes once the first one has been told everything is given as it is', async () => {
    const { spans } = await expectAlike((wrap) => {
      const seen: unknown[] = []
      const feed = wrap(() => ({
        label: 'all at once',
        subscribe(observer: { complete(): void }) {
          seen.push(observer)
          observer.complete()
        },
      }))()
      const [first, second] = [{ complete: () => undefined }, { complete: () => undefined }]
      feed.subscribe(first)
      feed.subscribe(second)
      return seen[1] === second
    })
    expect(spans).toMatchObject([{ state: 'ok', ends: 1 }])
  })

  it('of what was there before is called in the context of whoever emits', async () => {
    const storage = new AsyncLocalStorage<string>()
    const { without } = await expectAlike((wrap) => {
      const seen: unknown[] = []
      const subject = wrap(() => new Subject<number>())()
      storage.run('subscriber', () => subject.subscribe(() => seen.push(storage.getStore())))
      storage.run('emitter', () => subject.next(1))
      subject.next(2)
      return seen
    })
    expect(without).toEqual(['emitter', undefined])
  })
})

describe('a thenable of a library', () => {
  it('calls callbacks with its own `this` and all of its arguments', async () => {
    const bound = () => ({
      then: (...callbacks: ((this: unknown, ...given: unknown[]) => unknown)[]) => [
        callbacks.length,
        callbacks.map((callback) => (callback === undefined ? undefined : Reflect.apply(callback, { x: 42 }, [1, 'more']))),
      ],
    })
    const callback = function (this: unknown, ...given: unknown[]): unknown {
      return [this, given]
    }
    await expectAlike((wrap) => (wrap(bound)().then as (...given: unknown[]) => unknown)(callback, undefined, callback))
    await expectAlike((wrap) => (wrap(bound)().then as (...given: unknown[]) => unknown)(callback, callback))
  })

  it('is waited for also where the context manager of the host refuses', async () => {
    const refuse = (): never => {
      throw new Error('no context')
    }
    const manager = { active: refuse, with: refuse, bind: refuse, enable: refuse, disable: refuse } as unknown as ContextManager
    await expectAlike(async (wrap) => {
      context.setGlobalContextManager(manager)
      try {
        return await wrap(() => ({ then: (ok: (value: string) => unknown) => ok('rows') }))().then(String)
      } finally {
        Object.assign(manager, { disable: () => manager })
        context.disable()
      }
    })
  })

  it('of which nothing is a promise is given what the host gives', async () => {
    const rule = () => ({ then: (...given: unknown[]) => given })
    const { spans } = await expectAlike((wrap) => (wrap(rule)().then as (...given: unknown[]) => unknown)('send-mail', { to: 'me' }))
    expect(spans[0]?.ends).toBe(0)
  })

  it('that fails is the failure of its span, and of whoever handles it', async () => {
    const error = new Error('no')
    const failing = () => ({ then: (_: unknown, fail: (error: Error, more: string) => unknown) => fail(error, 'more') })
    const { spans } = await expectAlike((wrap) => wrap(failing)().then(undefined, (...given) => given[0] === error && given.length))
    expect(spans).toMatchObject([{ state: 'error', error, ends: 1 }])
  })

  it('that is given no callback for errors has none, and its span fails where it gives a promise', async () => {
    const error = new Error('no')
    const told: unknown[] = []
    const quiet = () => ({
      then(_: unknown, fail?: (error: Error) => void): Promise<unknown> {
        told.push(typeof fail)
        fail?.(error)
        return Promise.reject(error)
      },
    })
    const { spans } = await expectAlike((wrap) =>
      (wrap(quiet)().then as (ok: () => number) => Promise<unknown>)(() => 1).catch((caught: unknown) => caught),
    )
    expect(told).toEqual(['undefined', 'undefined'])
    expect(spans).toMatchObject([{ state: 'error', error, ends: 1 }])
  })

  it('runs its own `finally`, which may run for more than an outcome', async () => {
    class Job {
      readonly cleanups: (() => void)[] = []
      then(): Job {
        return this
      }
      catch(): Job {
        return this
      }
      finally(cleanup: () => void): Job {
        this.cleanups.push(cleanup)
        return this
      }
      cancel(): void {
        for (const cleanup of this.cleanups) cleanup()
      }
    }
    await expectAlike((wrap) => {
      let runs = 0
      const job = wrap(() => new Job())()
      job.finally(() => (runs += 1))
      job.cancel()
      return runs
    })
  })

  it.each<[string, (query: PromiseLike<unknown> & Pick<Promise<unknown>, 'catch' | 'finally'>) => Promise<unknown>]>([
    ['catch', (query) => query.catch(() => 'caught')],
    ['finally', (query) => query.finally(() => undefined).catch(() => 'failed')],
  ])('that starts its work by `%s`, past its `then`, is followed', async (_, consume) => {
    class Query {
      readonly #run: () => Promise<unknown>
      constructor(run: () => Promise<unknown>) {
        this.#run = run
      }
      then(...given: Parameters<Promise<unknown>['then']>): Promise<unknown> {
        return this.#run().then(...given)
      }
      catch(...given: Parameters<Promise<unknown>['catch']>): Promise<unknown> {
        return this.#run().catch(...given)
      }
      finally(...given: Parameters<Promise<unknown>['finally']>): Promise<unknown> {
        return this.#run().finally(...given)
      }
    }
    const error = new Error('no')
    for (const [run, expected] of [
      [async () => 'rows', { state: 'ok', output: 'rows', ends: 1 }],
      [() => Promise.reject(error), { state: 'error', error, ends: 1 }],
    ] as const) {
      const { spans } = await expectAlike((wrap) => consume(wrap(() => new Query(run) as never)()))
      await sleep(20)
      expect(spans).toMatchObject([expected])
    }
  })

  it('may have its properties copied to a promise of another class', async () => {
    class Private extends Promise<unknown> {
      readonly #value = 1
      static override get [Symbol.species](): PromiseConstructor {
        return Promise
      }
      override then<A, B>(...given: Parameters<Promise<unknown>['then']>): Promise<A | B> {
        if (this.#value !== 1) throw new TypeError('private')
        return super.then(...given) as Promise<A | B>
      }
    }
    await expectAlike(async (wrap) => {
      const first = wrap(() => new Private((resolve) => resolve('first')))()
      const copy = Object.defineProperties(Promise.resolve('second'), Object.getOwnPropertyDescriptors(first))
      return [await copy.then((value) => value), await copy.catch(() => 0), await copy.finally(() => 0), await copy, await first]
    })
  })
})

describe('a callback that is given to the work of a result', () => {
  class Query {
    then(...given: Parameters<Promise<unknown>['then']>): Promise<unknown> {
      return this.exec().then(...given)
    }
    exec(callback?: (error: unknown, rows: string) => void, options?: { readonly onDone?: () => void }): Promise<unknown> {
      return sleep(2).then(() => {
        callback?.(null, 'rows')
        options?.onDone?.()
        return 'rows'
      })
    }
  }

  it('in a literal has that as its `this`, which stays the host’s to read and write', async () => {
    await expectAlike(async (wrap) => {
      const options = {
        times: 0,
        onDone() {
          this.times += 1
        },
      }
      await wrap(() => new Query())().exec(undefined, options)
      await wrap(() => new Query())().exec(undefined, Object.freeze({ onDone: () => options.onDone() }))
      return options.times
    })
  })

  it('is called where it was given, by itself and in a literal of options; what the work does itself is inside', async () => {
    const { wrap, current } = create()
    const seen: unknown[] = []
    const inner = class extends Query {
      override async exec(...given: Parameters<Query['exec']>): Promise<unknown> {
        seen.push(['work', current()])
        return super.exec(...given)
      }
    }
    const find = wrap(() => new inner(), 'find')
    const use = wrap(async () => {
      await find().exec(() => seen.push(['callback', current()]), { onDone: () => seen.push(['option', current()]) })
    }, 'use')
    await use()
    expect(seen).toEqual([
      ['work', 'find'],
      ['callback', 'use'],
      ['option', 'use'],
    ])
  })

  it('finds the span of the host that is current where it is called, also one that cannot be asked whose it is', async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager())
    const refuse = (): never => {
      throw new Error('no such trap')
    }
    const span = new Proxy(trace.wrapSpanContext({ traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }), { has: refuse })
    const inner = class extends Query {
      override exec(callback?: (error: unknown, rows: string) => void): Promise<unknown> {
        return sleep(2).then(() => context.with(trace.setSpan(context.active(), span), () => callback?.(null, 'rows')))
      }
    }
    try {
      const { without } = await expectAlike(async (wrap) => {
        const seen: unknown[] = []
        await wrap(() => new inner())().exec(() => seen.push(trace.getSpan(context.active()) === span))
        return seen
      })
      expect(without).toEqual([true])
    } finally {
      context.disable()
    }
  })

  it('finds, where the work had a span of a tracer made active, the span it was given with; the host’s own stays', async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager())
    const host = (digit: string) => trace.wrapSpanContext({ traceId: digit.repeat(32), spanId: digit.repeat(16), traceFlags: 1 })
    const own = (digit: string) => Object.assign(host(digit), { honeyhiveSpan: digit })
    const [hostsOne, hostsOther, ofOne, ofOther] = [host('1'), host('2'), own('3'), own('4')]
    const within = <T>(span: Span | undefined, fn: () => T): T =>
      span === undefined ? fn() : context.with(trace.setSpan(context.active(), span), fn)
    const seenBy = async (given: Span | undefined, called: Span | undefined): Promise<Span | undefined> => {
      const inner = class extends Query {
        override exec(callback?: (error: unknown, rows: string) => void): Promise<unknown> {
          return sleep(2).then(() => within(called, () => callback?.(null, 'rows')))
        }
      }
      const seen: (Span | undefined)[] = []
      const { wrap } = create()
      const query = wrap(() => new inner())()
      await within(given, () => query.exec(() => seen.push(trace.getSpan(context.active()))))
      return seen[0]
    }
    try {
      expect(await seenBy(undefined, ofOne)).toBe(undefined)
      expect(await seenBy(hostsOne, ofOne)).toBe(hostsOne)
      expect(await seenBy(ofOther, ofOne)).toBe(ofOther)
      expect(await seenBy(ofOne, ofOne)).toBe(ofOne)
      expect(await seenBy(hostsOne, hostsOther)).toBe(hostsOther)
      expect(await seenBy(undefined, hostsOther)).toBe(hostsOther)
      expect(await seenBy(hostsOne, undefined)).toBe(hostsOne)
    } finally {
      context.disable()
    }
  })

  it('is so in any literal: beside other fields, after an argument that is null, sealed', async () => {
    const { wrap, current } = create()
    const seen: unknown[] = []
    const find = wrap(() => new Query(), 'find')
    const use = wrap(async () => {
      const onDone = (): unknown => seen.push(current())
      await find().exec(null as never, { limit: 5, onDone } as object)
      await find().exec(undefined, Object.seal({ onDone }))
      await find().exec(undefined, Object.freeze({ onDone }))
    }, 'use')
    await use()
    // What a frozen object holds cannot be given as anything else.
    expect(seen).toEqual(['use', 'use', 'find'])
  })

  it('is the host’s own object where it is more than a literal', async () => {
    class Options {
      readonly #done = 'done'
      readonly onDone = (): string => this.#done
      end(): string {
        return this.#done
      }
    }
    const looks: PropertyKey[] = []
    const watched = new Proxy(
      { onDone: () => 1 },
      {
        getOwnPropertyDescriptor(target, key) {
          looks.push(key)
          return Reflect.getOwnPropertyDescriptor(target, key)
        },
      },
    )
    class Run extends Query {
      override exec(...given: unknown[]): Promise<unknown> {
        return Promise.resolve([given[0] === watched, (given[1] as Options).end()])
      }
    }
    const { without } = await expectAlike((wrap) => wrap(() => new Run())().exec(watched, new Options()))
    expect(without).toEqual([true, 'done'])
    expect(looks).toEqual([])
  })

  it.each<'exec' | 'subscribe'>(['exec', 'subscribe'])(
    'is nobody’s work where nothing was current: neither of the result it was given to by `%s`, nor of the one that calls it',
    async (way) => {
      const { wrap, current } = create()
      const seen: unknown[] = []
      const waiting: (() => void)[] = []
      /** The first that is done calls those of all. */
      class Pooled {
        exec(callback: () => void): Promise<void> {
          waiting.push(callback)
          return sleep(2).then(() => {
            for (const done of waiting.splice(0)) done()
          })
        }
      }
      class PooledQuery extends Pooled {
        then(): void {}
      }
      class PooledFeed extends Pooled {
        '@@observable'(): this {
          return this
        }
        subscribe(callback: () => void): void {
          void this.exec(callback)
        }
      }
      const note = (): unknown => seen.push(current())
      const find = wrap(() => new PooledQuery(), 'find')
      const watch = wrap(() => new PooledFeed(), 'watch')
      for (let i = 0; i < 3; i++) {
        if (way === 'exec') void find().exec(note)
        else watch().subscribe(note)
      }
      await sleep(20)
      expect(seen).toEqual([undefined, undefined, undefined])
    },
  )
})

describe('fields of a result', () => {
  it('that cannot be read are not in the way of one that completes later', async () => {
    const { wrap, spans } = create()
    const made = wrap(() => ({
      answer: sleep(2, 'yes'),
      get costly(): never {
        throw new Error('not now')
      },
    }))()
    await made.answer
    await expect.poll(() => spans[0]?.state).toBe('ok')
    expect(spans[0]?.output).toMatchObject({ answer: 'yes' })
  })
})
