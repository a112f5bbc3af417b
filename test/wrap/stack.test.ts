import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compileCall } from '../../src/wrap/trace-options.js'
import { type Callable, wrapFunction } from '../../src/wrap/function.js'
import { createFakeRecorder } from '../fixtures/conformance.js'

function create() {
  const { recorder, spans, current } = createFakeRecorder()
  const wrap = <F extends Callable>(fn: F): F => wrapFunction(fn, compileCall({}, fn.name), () => recorder)
  return { wrap, spans, current }
}

type Wrap = <F extends Callable>(fn: F) => F
const untraced: Wrap = (fn) => fn

/** `depth` functions that call one another, the innermost of which throws. */
function chain(wrap: Wrap, depth: number): () => never {
  let called: () => never = wrap(function level0(): never {
    throw new Error('x')
  })
  for (let i = 1; i < depth; i++) {
    const next = called
    const level = { [`level${i}`]: (): never => next() }
    called = wrap(level[`level${i}`] as () => never)
  }
  return called
}

function stackOf(fn: () => unknown): string {
  try {
    fn()
  } catch (error) {
    return (error as Error).stack ?? ''
  }
  return ''
}

const namesIn = (stack: string): string[] => [...stack.matchAll(/at (?:\S+\.)?(level\d+) /g)].map(([, name]) => name as string)

describe('stack traces at the default depth', () => {
  let before: number
  beforeEach(() => {
    before = Error.stackTraceLimit
    Error.stackTraceLimit = 10
  })
  afterEach(() => {
    Error.stackTraceLimit = before
  })

  it.each([1, 3, 5, 9, 30])('name the same functions as without tracing, %i calls deep', (depth) => {
    const { wrap } = create()
    const plain = namesIn(stackOf(chain(untraced, depth)))
    expect(plain).toHaveLength(Math.min(depth, 10))
    expect(namesIn(stackOf(chain(wrap, depth))).slice(0, 10)).toEqual(plain)
    expect(Error.stackTraceLimit).toBe(10)
  })

  it('name the async callers', async () => {
    const { wrap } = create()
    const asyncChain = (around: Wrap): (() => Promise<never>) => {
      const level0 = around(async function level0(): Promise<never> {
        await null
        throw new Error('x')
      })
      const level1 = around(async function level1(): Promise<never> {
        return await level0()
      })
      return around(async function level2(): Promise<never> {
        return await level1()
      })
    }
    const asyncStackOf = (fn: () => Promise<never>): Promise<string> => fn().catch((error: Error) => error.stack ?? '')
    const callers = (stack: string): string[] => [...stack.matchAll(/at (?:async )?(level\d)/g)].map(([, name]) => name as string)
    const plain = callers(await asyncStackOf(asyncChain(untraced)))
    expect(plain).toEqual(['level0', 'level1', 'level2'])
    expect(callers(await asyncStackOf(asyncChain(wrap)))).toEqual(plain)
  })

  it('a limit that the host sets inside a call stays', () => {
    const { wrap } = create()
    wrap(() => wrap(() => (Error.stackTraceLimit = 25))())()
    expect(Error.stackTraceLimit).toBe(25)
  })

  it.each([0, Number.POSITIVE_INFINITY, undefined])('a limit of %s is left alone', (limit) => {
    const { wrap } = create()
    ;(Error as { stackTraceLimit: unknown }).stackTraceLimit = limit
    expect(wrap(() => Error.stackTraceLimit)()).toBe(limit)
    expect(Error.stackTraceLimit).toBe(limit)
  })

  it('a stack that is used up leaves the limit and the scope as they were, and ends every span', async () => {
    const { wrap, spans, current } = create()
    const forever: () => number = wrap(function forever(): number {
      return 1 + forever()
    })
    for (let round = 0; round < 5; round++) expect(forever).toThrow(RangeError)
    expect([Error.stackTraceLimit, current()]).toEqual([10, undefined])
    await Promise.resolve()
    expect(new Set(spans.map(({ state, ends }) => `${state} ${ends}`))).toEqual(new Set(['error 1']))
  })
})
