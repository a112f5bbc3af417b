import { setTimeout as sleep } from 'node:timers/promises'
import { context, trace as otel } from '@opentelemetry/api'
import { Subject } from 'rxjs'
import { describe, expect } from 'vitest'
import { ensureContextManager } from '../../src/provider/host.js'
import { trace, traceFn } from '../../src/tracer/tracing.js'
import { tracerTest as test } from '../fixtures/tracer.js'

/** As promises of libraries that came before the language had them: callbacks are called by whoever settles it, in the context of that. */
class EagerPromise {
  readonly #waiting: ((value: string) => unknown)[] = []

  constructor(settle: (resolve: (value: string) => void) => void) {
    settle((value) => {
      for (const callback of this.#waiting) callback(value)
    })
  }

  then(callback: (value: string) => unknown): this {
    this.#waiting.push(callback)
    return this
  }

  catch(): this {
    return this
  }
}

const note = trace({ eventName: 'note' })(function note(text: string) {
  return text
})

describe('a callback of one tracer, given to what a function of another one gave', () => {
  test.for<[string, (settle: (value: string) => void) => void]>([
    ['by a timer of that function', (settle) => void setTimeout(settle, 2, 'value')],
    ['within a span below it, which may have ended', (settle) => void sleep(2).then(() => settle('value'))],
  ])('belongs to the first, where it is called %s', async ([, start], { createTracer }) => {
    const [maker, user] = [createTracer(), createTracer()]
    const step = traceFn(maker, start, { eventName: 'step' })
    const make = traceFn(maker, () => new EagerPromise((settle) => step(settle)), { eventName: 'make' })
    await user.withSession({ sessionName: 'other tenant' }, async () => {
      make().then(note)
      await sleep(20)
    })
    expect(maker.spans.map(({ name }) => name).sort()).toEqual(['make', 'step'])
    expect(user.spans.map(({ name }) => name)).toEqual(['note'])
  })

  test('stays in the session in which it was given, where a pool calls it from that of another one', async ({ createTracer }) => {
    const [user, other] = [createTracer(), createTracer()]
    let settle: (value: string) => void = () => undefined
    const find = traceFn(user, () => new EagerPromise((resolve) => (settle = resolve)), { eventName: 'find' })
    user.withSession({ sessionName: 'one', sessionId: 'one' }, () => void find().then(note))
    // The connection was made there.
    for (const tenant of [user, other]) tenant.withSession({ sessionName: 'two', sessionId: 'two' }, () => settle('rows'))
    expect(other.spans).toEqual([])
    const noted = user.spans.filter(({ name }) => name === 'note')
    const found = user.spans.find(({ name }) => name === 'find')
    expect(noted.map(({ attributes }) => attributes['honeyhive.session_id'])).toEqual(
      [1, 2].map(() => found?.attributes['honeyhive.session_id']),
    )
  })

  test('has the active span of where it was given; that of an application is where it is called', async ({ createTracer }) => {
    const [maker, user] = [createTracer(), createTracer()]
    ensureContextManager()
    const make = traceFn(maker, () => new EagerPromise((settle) => void sleep(2).then(() => settle('value'))), { eventName: 'make' })
    const seen: unknown[] = []
    const look = (): unknown => seen.push(otel.getActiveSpan())
    const caller = await user.startActiveSpan('caller', async (span) => {
      make().then(look)
      await sleep(20)
      return span
    })
    make().then(look)
    await sleep(20)
    const request = otel.wrapSpanContext({ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 })
    const inRequest = traceFn(
      maker,
      () =>
        new EagerPromise((settle) =>
          context.with(otel.setSpan(context.active(), request), () => void sleep(2).then(() => settle('value'))),
        ),
      { eventName: 'make' },
    )
    inRequest().then(look)
    await sleep(20)
    context.disable()
    expect(seen.map((span) => [undefined, caller, request].indexOf(span as never))).toEqual([1, 0, 2])
  })

  test('and an Observable that is emitted to by both goes with whoever emits, never into the call that gave it', async ({
    createTracer,
  }) => {
    const [maker, user] = [createTracer(), createTracer()]
    const subject = traceFn(
      maker,
      () => {
        const made = new Subject<string>()
        setTimeout(() => made.next('of the maker'), 2)
        return made
      },
      { eventName: 'make' },
    )()
    await user.withSession({ sessionName: 'other tenant' }, async () => {
      subject.subscribe(note)
      subject.next('of the user')
      await sleep(20)
    })
    subject.complete()
    expect(maker.spans.map(({ name }) => name)).toEqual(['make'])
    expect(user.spans.map(({ attributes }) => attributes['honeyhive_outputs.result'])).toEqual(['of the user', 'of the maker'])
  })
})
