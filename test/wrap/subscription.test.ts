import {
  BehaviorSubject,
  defer,
  delay,
  firstValueFrom,
  forkJoin,
  interval,
  lastValueFrom,
  map,
  mergeMap,
  Observable,
  of,
  ReplaySubject,
  Subject,
  take,
  throwError,
  timer,
  toArray,
} from 'rxjs'
import { describe, expect, it } from 'vitest'
import { compileCall } from '../../src/wrap/trace-options.js'
import { type Callable, wrapFunction } from '../../src/wrap/function.js'
import { createFakeRecorder } from '../fixtures/conformance.js'

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const all = <T>(observable: Observable<T>): Promise<T[]> => lastValueFrom(observable.pipe(toArray()))

function create() {
  const { recorder, spans, current } = createFakeRecorder()
  const wrap = <F extends Callable>(fn: F, name = fn.name): F => wrapFunction(fn, compileCall({}, name), () => recorder)
  return { wrap, spans, current }
}

describe('Observables', () => {
  it('the span lasts until it completes, and nobody but the host subscribes', async () => {
    const { wrap, spans } = create()
    let subscriptions = 0
    const made = new Observable<number>((subscriber) => {
      subscriptions += 1
      subscriber.next(1)
      setImmediate(() => {
        subscriber.next(2)
        subscriber.complete()
      })
    })
    const observable = wrap(() => made)()
    await nextTurn()
    expect([observable === made, subscriptions, spans[0]?.state]).toEqual([true, 0, 'open'])
    expect(await all(observable)).toEqual([1, 2])
    expect(subscriptions).toBe(1)
    expect(spans[0]).toMatchObject({ state: 'ok', output: [1, 2], chunkCount: 2, firstChunks: 1, ends: 1 })
  })

  it('an error is the span\u2019s, and reaches the handler', async () => {
    const { wrap, spans } = create()
    const error = new Error('too late')
    const failing = wrap(() => timer(1).pipe(mergeMap(() => throwError(() => error))))
    expect(await new Promise((resolve) => failing().subscribe({ error: resolve }))).toBe(error)
    expect(await new Promise((resolve) => failing().subscribe(undefined, resolve))).toBe(error)
    await expect(firstValueFrom(failing())).rejects.toBe(error)
    expect(spans.map(({ state, error: recorded, ends }) => [state, recorded, ends])).toEqual([
      ['error', error, 1],
      ['error', error, 1],
      ['error', error, 1],
    ])
  })

  it.each<[string, (observable: Observable<unknown>) => Promise<unknown>]>([
    ['an operator that takes two', (observable) => all(observable.pipe(take(2)))],
    [
      'a subscription that is let go of',
      (observable) =>
        new Promise((resolve) => {
          let seen = 0
          const subscription = observable.subscribe(() => {
            seen += 1
            if (seen < 2) return
            subscription.unsubscribe()
            resolve(seen)
          })
        }),
    ],
  ])('%s ends the span with what came', async (_way, consume) => {
    const { wrap, spans } = create()
    let isTornDown = false
    const ticks = new Observable((subscriber) => {
      const inner = interval(1).subscribe(subscriber)
      return () => {
        isTornDown = true
        inner.unsubscribe()
      }
    })
    await consume(wrap(() => ticks)())
    expect(isTornDown).toBe(true)
    expect(spans[0]).toMatchObject({ state: 'ok', output: [0, 1], ends: 1 })
  })

  it.each<[string, (observable: Observable<string>) => Promise<unknown>, unknown]>([
    ['firstValueFrom, whose value comes while it subscribes', (observable) => firstValueFrom(observable), 'a'],
    ['forEach', async (observable) => void (await observable.forEach(nextTurn)), undefined],
    [
      'a Subject',
      (observable) => {
        const subject = new ReplaySubject<string>()
        observable.subscribe(subject)
        return firstValueFrom(subject)
      },
      'a',
    ],
    ['a combination', (observable) => firstValueFrom(forkJoin([observable, of(1)])), ['a', 1]],
  ])('consumed by %s', async (_way, consume, expected) => {
    const { wrap, spans } = create()
    expect(await consume(wrap(() => of('a'))())).toEqual(expected)
    expect(spans[0]).toMatchObject({ state: 'ok', output: 'a', ends: 1 })
  })

  it('a Subject is followed through all who listen', () => {
    const { wrap, spans } = create()
    const subject = wrap(() => new Subject<string>())()
    const leaving = subject.subscribe()
    const got: string[] = []
    subject.subscribe((value) => got.push(value))
    subject.next('x')
    leaving.unsubscribe()
    expect(spans[0]?.state).toBe('open')
    subject.next('y')
    subject.complete()
    expect(got).toEqual(['x', 'y'])
    expect(spans[0]).toMatchObject({ state: 'ok', output: 'xy', ends: 1 })
  })

  it('its work is inside the span, what the host does with the values is not', async () => {
    const { wrap, spans } = create()
    const step = wrap((n: number) => n, 'step')
    const ask = wrap(
      () =>
        defer(() => {
          step(1)
          return of(2).pipe(
            delay(1),
            map((n) => step(n)),
          )
        }),
      'ask',
    )
    await all(ask().pipe(map((n) => step(n + 1))))
    expect(spans.map(({ name, parent, output }) => [name, parent, output])).toEqual([
      ['ask', undefined, [2]],
      ['step', 'ask', 1],
      ['step', 'ask', 2],
      ['step', undefined, 3],
    ])
  })

  it('any object that is subscribed to by an observer is one; a store of state is a value', () => {
    const { wrap, spans } = create()
    const own = wrap(() => ({
      subscribe(observer: { next(value: string): void; complete(): void }) {
        observer.next('p')
        observer.complete()
        return { unsubscribe() {} }
      },
    }))()
    const got: string[] = []
    own.subscribe({ next: (value) => got.push(value), complete: () => got.push('.') })
    expect(got).toEqual(['p', '.'])
    wrap(() => ({ subscribe() {}, dispatch() {}, getState: () => 1 }))()
    expect(spans.map(({ state }) => state)).toEqual(['ok', 'ok'])
    expect(spans[0]?.output).toBe('p')
  })

  it('a place where things are kept or sent is a value, and so is what only has the name', () => {
    const { wrap, spans } = create()
    const places = [
      { subscribe() {}, publish() {}, pipe() {} },
      { subscribe() {}, forEach() {}, emit() {} },
      { subscribe: 'weekly' },
      { subscribe: 'weekly', '@@observable': () => undefined },
      { subscribe() {}, pipe() {}, forEach() {}, getState() {} },
    ]
    for (const place of places) wrap(() => place as object)()
    expect(spans.map(({ state }) => state)).toEqual(places.map(() => 'ok'))
  })

  it('one that is given by another object is followed there, and one that cannot be changed is a value', async () => {
    const { wrap, spans } = create()
    const inner = of('a', 'b')
    class Feed {
      '@@observable'(): Observable<string> {
        return inner
      }
    }
    const outer = wrap(() => new Feed())()
    expect(spans[0]?.state).toBe('open')
    expect(await all(outer['@@observable']())).toEqual(['a', 'b'])
    expect(spans[0]).toMatchObject({ state: 'ok', output: 'ab', ends: 1 })
    const frozen = wrap(() => Object.freeze({ subscribe: () => ({ unsubscribe() {} }) }))()
    expect(frozen.subscribe()).toHaveProperty('unsubscribe')
    expect(spans[1]?.state).toBe('ok')
  })

  it('one of no known kind may have fields as well', () => {
    const { wrap, spans } = create()
    const feed = wrap(() => ({
      label: 'ticks',
      subscribe(observer: { next(value: number): void; complete(): void }) {
        observer.next(1)
        observer.complete()
      },
    }))()
    expect(spans[0]?.state).toBe('open')
    feed.subscribe({ next: () => undefined, complete: () => undefined })
    expect(spans[0]).toMatchObject({ state: 'ok', output: [1], ends: 1 })
  })

  it('a field of that name that is no method makes none', async () => {
    const { wrap, spans } = create()
    const plan = wrap(() => ({ subscribe: true, answer: nextTurn().then(() => 'yes') }))()
    await plan.answer
    await expect.poll(() => spans[0]?.state).toBe('ok')
    expect(spans[0]?.output).toEqual({ subscribe: true, answer: 'yes' })
  })

  it('nothing of the work is current once the host has subscribed, or could not', () => {
    const { wrap, spans, current } = create()
    const error = new Error('no')
    const [works, fails] = [of('a'), of('b')]
    fails.subscribe = () => {
      throw error
    }
    wrap(() => works)().subscribe()
    expect(current()).toBeUndefined()
    expect(() => wrap(() => fails)().subscribe()).toThrow(error)
    expect(current()).toBeUndefined()
    expect(spans.map(({ state, error: recorded, ends }) => [state, recorded, ends])).toEqual([
      ['ok', undefined, 1],
      ['error', error, 1],
    ])
  })

  it('a value that is there at once ends the span of its reader', async () => {
    const { wrap, spans } = create()
    expect(await firstValueFrom(wrap(() => new BehaviorSubject('now'))())).toBe('now')
    expect(spans[0]).toMatchObject({ state: 'ok', output: 'now', ends: 1 })
  })
})
