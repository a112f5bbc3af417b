import { describe, expect, it } from 'vitest'
import { compileCall } from '../../src/wrap/trace-options.js'
import { type Callable, wrapFunction } from '../../src/wrap/function.js'
import { createFakeRecorder } from '../fixtures/conformance.js'

function create() {
  const { recorder, spans } = createFakeRecorder()
  const wrap = <F extends Callable>(fn: F): F => wrapFunction(fn, compileCall({}, 'f'), () => recorder)
  return { wrap, spans }
}

/** An iterator of its own, which is no generator: what is thrown into it becomes an item, what it is returned with ends it. */
function createCursor(items: readonly string[]) {
  const left = [...items]
  const step = async (value?: string): Promise<IteratorResult<string>> =>
    value === undefined ? { done: true, value } : { done: false, value }
  return {
    next: () => step(left.shift()),
    throw: (error: Error) => step(error.message),
    return: () => step(undefined),
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

describe('an iterator that is no generator', () => {
  it('is followed through next, throw and return', async () => {
    const { wrap, spans } = create()
    const cursor = wrap(() => createCursor(['a', 'b', 'c']))()
    await cursor.next()
    await cursor.throw(new Error('b again'))
    expect(spans[0]).toMatchObject({ state: 'open' })
    await cursor.return()
    expect(spans[0]).toMatchObject({ state: 'ok', ends: 1, output: 'ab again' })
  })

  it('has one output, whoever else iterates beside', async () => {
    const { wrap, spans } = create()
    let made = 0
    const twice = wrap(() => ({ [Symbol.asyncIterator]: () => createCursor([`${made++}`, `${made}`]) }))()
    const first = twice[Symbol.asyncIterator]()
    const second = twice[Symbol.asyncIterator]()
    await first.next()
    await second.next()
    await second.next()
    await second.next()
    expect(spans[0]).toMatchObject({ state: 'open' })
    await first.next()
    await first.next()
    expect(spans[0]).toMatchObject({ state: 'ok', ends: 1, output: '01' })
  })

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'text'],
  ])('may be %s, which the host is given as it is', (_, given) => {
    const { wrap, spans } = create()
    const strange = wrap(() => ({ [Symbol.asyncIterator]: () => given }))() as unknown as { [Symbol.asyncIterator](): unknown }
    expect(strange[Symbol.asyncIterator]()).toBe(given)
    expect(spans).toHaveLength(1)
  })
})
