import { EventEmitter } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { processState } from '../../src/context/globals.js'
import { compileCall } from '../../src/wrap/trace-options.js'
import { wrapFunction } from '../../src/wrap/function.js'
import { createFakeRecorder } from '../fixtures/conformance.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** The result ends before what it gave. */
function readPartOfEach(items: Generator<Generator<number>>): void {
  for (const item of items) item.next()
}

describe('results that the host let go of', () => {
  it.each<[string, () => object, (result: never) => unknown, unknown]>([
    ['a generator', () => numbers(), (items: Generator<number>) => items.next().value, [1]],
    ['a stream', () => endlessStream(), (stream: ReadableStream) => stream.getReader().read(), 'x'],
    ['an Observable nobody subscribed to', () => new Observable(), () => undefined, undefined],
    ['an emitter', () => new EventEmitter(), (emitter: EventEmitter) => emitter.emit('data', 'a'), 'a'],
    ['a stream in a field', () => ({ n: 1, stream: endlessStream() }), () => undefined, { n: 1 }],
    ['a query that another one was made of', () => ({ then: () => undefined }), () => undefined, undefined],
    ['a stream of streams', () => groups(), readPartOfEach, [[1], [1]]],
    [
      'a stream of promises',
      () => [new Promise(() => undefined)].values(),
      (items: Iterator<unknown>) => void [items.next(), items.next()],
      ['[Promise]'],
    ],
    ['a promise that never settles', () => ({ never: new Promise(() => undefined) }), () => undefined, {}],
  ])('%s ends its span with what was read', async (_name, make, use, output) => {
    const { recorder, spans } = createFakeRecorder()
    const ask = wrapFunction(make, compileCall({}, 'ask'), () => recorder)
    await use(ask() as never)
    await expect
      .poll(
        () => {
          collectGarbage()
          return spans[0]?.state
        },
        { interval: 20, timeout: 5000 },
      )
      .toBe('ok')
    expect(spans[0]).toMatchObject({ output, ends: 1 })
  })

  it('a promise that was let go of leaves nothing to do when the process exits', async () => {
    const { recorder, spans } = createFakeRecorder()
    void wrapFunction(
      () => new Promise(() => undefined),
      compileCall({}, 'ask'),
      () => recorder,
    )()
    await new Promise((resolve) => setImmediate(resolve))
    expect(processState.exitTasks.size).toBe(1)
    await expect
      .poll(
        () => {
          collectGarbage()
          return processState.exitTasks.size
        },
        { interval: 20 },
      )
      .toBe(0)
    expect(spans[0]).toMatchObject({ state: 'ok', output: undefined, ends: 1 })
  })

  it('a query that somebody waits for may be gone before its answer is there', async () => {
    const { recorder, spans } = createFakeRecorder()
    let answer: (rows: string) => void = () => undefined
    const rows = new Promise<string>((resolve) => (answer = resolve))
    const find = wrapFunction(
      () => ({ then: rows.then.bind(rows) }),
      compileCall({}, 'find'),
      () => recorder,
    )
    const waiting = find().then(String)
    for (let i = 0; i < 5; i++) {
      collectGarbage()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(spans[0]?.state).toBe('open')
    answer('rows')
    expect(await waiting).toBe('rows')
    expect(spans[0]).toMatchObject({ state: 'ok', output: 'rows', ends: 1 })
  })

  it('what is still held stays open', async () => {
    const { recorder, spans } = createFakeRecorder()
    const items = wrapFunction(numbers, compileCall({}, 'numbers'), () => recorder)()
    items.next()
    for (let i = 0; i < 5; i++) {
      collectGarbage()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(spans[0]?.state).toBe('open')
    expect([...items]).toEqual([2])
    expect(spans[0]).toMatchObject({ state: 'ok', output: [1, 2], ends: 1 })
  })
})

function* numbers(): Generator<number> {
  yield 1
  yield 2
}

function* groups(): Generator<Generator<number>> {
  yield numbers()
  yield numbers()
}

function endlessStream(): ReadableStream<string> {
  return new ReadableStream({
    pull(controller) {
      controller.enqueue('x')
    },
  })
}
