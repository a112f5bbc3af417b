import { type AsyncHook, createHook } from 'node:async_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Span } from '@opentelemetry/api'
import { afterEach, describe, expect, test } from 'vitest'
import { enterOnAwait } from '../../src/context/enter.js'
import type { Scope } from '../../src/context/frame.js'
import type { Instance, OwnedSpan } from '../../src/context/instance.js'
import { currentScope, emptyFrame, enterFrame, frameOf, renewScope, runInScope } from '../../src/context/scope.js'
import type { Session } from '../../src/context/session.js'
import { cpuMs, leastBelow } from '../fixtures/cost.js'

const instance = (label: string): Instance => ({ label }) as Instance
const [a, b, c] = [instance('a'), instance('b'), instance('c')] as const
const scopeOf = (...instances: Instance[]): Scope | undefined =>
  instances.reduce<Scope | undefined>(
    (scope, each) => enterFrame(emptyFrame(each), { scope, span: undefined, owned: undefined }),
    currentScope(),
  )
const labels = (scope: Scope | undefined): string[] => (scope === undefined ? [] : [scope.frame.instance.label, ...labels(scope.outer)])

test('the innermost instance comes first and no instance stands twice, so a scope never grows with the depth of calls', () => {
  expect(labels(scopeOf(a, b, c))).toEqual(['c', 'b', 'a'])
  expect(labels(scopeOf(a, b, a, b, a, b))).toEqual(['b', 'a'])
  expect(labels(scopeOf(...Array.from({ length: 1000 }, (_, i) => [a, b, c][i % 3] as Instance)))).toHaveLength(3)
})

test('a scope is found by instance at any depth, and entering changes no other scope', () => {
  const outer = scopeOf(a, b)
  const inner = enterFrame({ ...emptyFrame(a), session: { id: 'x' } as Session }, { scope: outer, span: undefined, owned: undefined })
  expect([frameOf(a, inner)?.session?.id, frameOf(a, outer)?.session, frameOf(c, inner)]).toEqual(['x', undefined, undefined])
  expect(labels(outer)).toEqual(['b', 'a'])
})

test('a scope stands in the outermost scope or span that it was entered in, by hand or by the order of calls', () => {
  const nowhere = { scope: undefined, span: undefined, owned: undefined }
  const outermost = enterFrame(emptyFrame(a), nowhere)
  expect(outermost.frame.origin).toBe(outermost.frame.order)
  expect(enterFrame(emptyFrame(a), nowhere).frame.origin).toBeGreaterThan(outermost.frame.origin)
  const inner = enterFrame(emptyFrame(b), { ...nowhere, scope: outermost })
  expect([inner.frame.origin, inner.frame.order > outermost.frame.order]).toEqual([outermost.frame.origin, true])
  const active = { origin: -1 } as OwnedSpan
  expect(enterFrame(emptyFrame(b), { ...nowhere, scope: outermost, owned: active }).frame.origin).toBe(-1)
  expect(enterFrame({ ...emptyFrame(b), span: { origin: -2 } as OwnedSpan }, { ...nowhere, owned: active }).frame.origin).toBe(-2)
})

test('a scope without a span knows the one around it of its own instance, and none where nothing is around', () => {
  const nowhere = { scope: undefined, span: undefined, owned: undefined }
  const span = { origin: 1 } as OwnedSpan
  const outer = enterFrame(emptyFrame(b), { ...nowhere, scope: enterFrame({ ...emptyFrame(a), span }, nowhere) })
  expect(enterFrame(emptyFrame(a), { ...nowhere, scope: outer }).frame).toMatchObject({ span: undefined, nearest: span })
  expect(enterFrame(emptyFrame(b), { ...nowhere, scope: outer }).frame.nearest).toBeUndefined()
  runInScope(outer, () => expect(enterFrame(emptyFrame(a), nowhere).frame.nearest).toBeUndefined())
})

test('a scope that is renewed was entered now, outer ones first, and keeps what it holds', () => {
  const old = scopeOf(a, b)
  const around = {} as Span
  const renewed = renewScope(old, around)
  expect(labels(renewed)).toEqual(['b', 'a'])
  const orders = [renewed?.frame.order, renewed?.outer?.frame.order, old?.frame.order].map(Number)
  expect(orders).toEqual([...orders].sort((one, other) => other - one))
  expect([renewed?.frame.around, renewed?.outer?.frame.around, old?.frame.around]).toEqual([around, around, undefined])
  expect(renewScope(undefined, around)).toBeUndefined()
})

test('runInScope restores on return and on throw', () => {
  const scope = scopeOf(a)
  expect(runInScope(scope, (x: number) => [currentScope() === scope, x], 5)).toEqual([true, 5])
  expect(() =>
    runInScope(scope, () => {
      throw new Error('x')
    }),
  ).toThrow('x')
  expect(currentScope()).toBeUndefined()
})

test('enterOnAwait changes what follows the await and nothing else', async () => {
  const seen: Record<string, string[]> = {}
  const note = (name: string): void => {
    seen[name] = labels(currentScope())
  }
  const task = async (): Promise<void> => {
    await enterOnAwait('value', { toScope: () => scopeOf(b) as Scope, onUnused: () => note('unused') })
    note('after')
    await nextTurn()
    note('much later')
  }
  await runInScope(scopeOf(a), async () => {
    const running = task()
    note('caller at once')
    const sibling = (async () => {
      await null
      note('sibling')
    })()
    await Promise.all([running, sibling])
    note('caller later')
  })
  expect(seen).toEqual({ after: ['b', 'a'], 'much later': ['b', 'a'], 'caller at once': ['a'], sibling: ['a'], 'caller later': ['a'] })
})

test('it costs nothing once it was used: the promise hook is off', async () => {
  const leastMs = async (): Promise<number> => {
    let least = Number.POSITIVE_INFINITY
    for (let round = 0; round < 20; round++) {
      const before = cpuMs()
      for (let i = 0; i < 10_000; i++) await null
      least = Math.min(least, cpuMs() - before)
    }
    return least
  }
  const beforeMs = await leastMs()
  await enterOnAwait(1, { toScope: (scope) => scope as Scope, onUnused: () => undefined })
  expect(await leastBelow(2 * beforeMs, leastMs)).toBeLessThan(2 * beforeMs)
})

describe('enterOnAwait, however it is awaited', () => {
  const begin = (onUnused: () => void): Promise<number> => enterOnAwait(1, { toScope: () => scopeOf(b) as Scope, onUnused })
  type Way = (promise: Promise<number>) => Promise<unknown>
  const seenAfter = async (way: Way): Promise<{ readonly scope: string[]; readonly isUnused: boolean }> => {
    let isUnused = false
    const run = async (): Promise<string[]> => {
      await way(begin(() => (isUnused = true)))
      await nextTurn()
      return labels(currentScope())
    }
    const scope = await run()
    await nextTurn()
    return { scope, isUnused }
  }

  const chained: Readonly<Record<string, Way>> = {
    itself: (promise) => promise,
    'Promise.resolve': (promise) => Promise.resolve(promise),
    catch: (promise) => promise.catch(() => 0),
    finally: (promise) => promise.finally(() => undefined),
    then: (promise) => promise.then((value) => value),
    'then, catch, finally': (promise) =>
      promise
        .then(String)
        .catch(() => '')
        .finally(() => undefined),
    'a helper that gives it back': (promise) => ((kept) => kept)(promise),
    'a field of an object': (promise) =>
      new (class {
        readonly id = promise
      })().id,
    'Promise.resolve and then': (promise) => Promise.resolve(promise).then((value) => value),
    'then with a callback that takes turns': (promise) => promise.then(async (value) => (await nextTurn(), await nextTurn(), value)),
    'finally with a callback that takes turns': (promise) => promise.finally(async () => (await nextTurn(), await nextTurn())),
  }
  test.each(Object.entries(chained))('%s: what awaits it goes on in the scope', async (_, way) => {
    expect(await seenAfter(way)).toEqual({ scope: ['b'], isUnused: false })
  })

  const indirect: Readonly<Record<string, Way>> = {
    'Promise.all': (promise) => Promise.all([promise, nextTurn()]),
    'Promise.race': (promise) => Promise.race([promise, nextTurn()]),
    'Promise.allSettled': (promise) => Promise.allSettled([promise]),
    'Promise.any': (promise) => Promise.any([promise]),
    'a promise that is resolved with it': (promise) => new Promise((resolve) => resolve(promise)),
    'an async function that returns it': async (promise) => promise,
    'an async function that awaits and returns it': async (promise) => await promise,
    'an async function that returns what catch makes of it': async (promise) => promise.catch(() => 0),
    'an async function in an async function': async (promise) => await (async () => promise)(),
    'an async generator': async (promise) => {
      for await (const value of (async function* () {
        yield promise
      })())
        return value
    },
    'a list that is read in turn': async (promise) => {
      for await (const value of [promise]) return value
    },
    'a thenable around it': async (promise) => {
      const around: PromiseLike<number> = { then: (onValue, onError) => promise.then(onValue, onError) }
      await around
    },
    'util.promisify': async (promise) => {
      await promisify((done: (error: null, value: Promise<number>) => void) => done(null, promise))()
    },
    'a later turn': async (promise) => {
      await nextTurn()
      await nextTurn()
      await promise
    },
    nobody: async () => undefined,
  }
  test.each(Object.entries(indirect))('%s: nothing goes on in it, and that is said', async (_, way) => {
    expect(await seenAfter(way)).toEqual({ scope: [], isUnused: true })
  })

  test('in a loop and from an async iterator, each time', async () => {
    const seen: string[][] = []
    const run = async (): Promise<void> => {
      for (let round = 0; round < 3; round++) {
        await begin(() => seen.push(['unused']))
        await nextTurn()
        seen.push(labels(currentScope()))
      }
    }
    await run()
    expect(seen).toEqual([['b'], ['b'], ['b']])
  })

  const prototype = Object.getPrototypeOf(createHook({})) as Pick<AsyncHook, 'enable' | 'disable'>
  const { enable, disable } = prototype
  afterEach(() => void Object.assign(prototype, { enable, disable }))

  test.each(Object.entries({ ...chained, ...indirect }))('%s: the promise hook is off afterwards', async (_, way) => {
    const [enabled, seen] = [new Set<AsyncHook>(), new Set<AsyncHook>()]
    prototype.enable = function (this: AsyncHook) {
      enabled.add(this)
      seen.add(this)
      return enable.call(this)
    }
    prototype.disable = function (this: AsyncHook) {
      enabled.delete(this)
      return disable.call(this)
    }
    await seenAfter(way)
    await nextTurn()
    expect([seen.size, enabled.size]).toEqual([1, 0])
  })

  test('a runtime without promise hooks says so at once, and once', async () => {
    prototype.enable = function (this: AsyncHook) {
      return this
    }
    const said: string[] = []
    const promise = enterOnAwait(1, { toScope: () => scopeOf(b) as Scope, onUnused: (why) => said.push(why) })
    expect(said).toEqual(['noPromiseHooks'])
    await promise.then(String).finally(() => undefined)
    await nextTurn()
    expect(said).toEqual(['noPromiseHooks'])
  })

  test('a callback of `then` runs in it, as the step of a compiled async function does, and who only has that is not warned', async () => {
    const scope = scopeOf(b) as Scope
    for (const toScope of [() => scopeOf(b) as Scope, () => scope]) {
      let [isUnused, inside] = [false, ['']]
      const turned = nextTurn()
      void enterOnAwait(1, { toScope, onUnused: () => (isUnused = true) }).then(() => (inside = labels(currentScope())))
      await turned
      await nextTurn()
      expect([inside, isUnused]).toEqual([['b'], false])
    }
  })

  test('who awaits the same promise twice goes on in it twice', async () => {
    const promise = begin(() => undefined)
    const wait = async (): Promise<string[]> => {
      await promise
      return labels(currentScope())
    }
    expect(await Promise.all([wait(), wait()])).toEqual([['b'], ['b']])
  })

  test('what a callback throws reaches who awaits it, or the process, once', async () => {
    const error = new Error('of the callback')
    const fail = (): never => {
      throw error
    }
    await expect(begin(() => undefined).then(fail)).rejects.toBe(error)
    const unhandled: unknown[] = []
    const listeners = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection')
    process.on('unhandledRejection', (reason) => unhandled.push(reason))
    void begin(() => undefined).then(fail)
    await nextTurn()
    await nextTurn()
    process.removeAllListeners('unhandledRejection')
    for (const listener of listeners) process.on('unhandledRejection', listener)
    expect(unhandled).toEqual([error])
  })
})
