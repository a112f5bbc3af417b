import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { enterOnAwait } from '../../src/context/enter.js'
import type { Scope } from '../../src/context/frame.js'
import type { Instance } from '../../src/context/instance.js'
import { currentScope, emptyFrame, enterFrame, frameOf, runInScope } from '../../src/context/scope.js'
import type { Session } from '../../src/context/session.js'
import { cpuMs } from '../fixtures/cost.js'

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
    await enterOnAwait(
      'value',
      () => scopeOf(b) as Scope,
      () => note('unused'),
    )
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
  await enterOnAwait(
    1,
    (scope) => scope as Scope,
    () => undefined,
  )
  const afterMs = await leastMs()
  expect(afterMs / beforeMs).toBeLessThan(2)
})

test('an unused one says so after one turn', async () => {
  let isUnused = false
  const promise = enterOnAwait(
    1,
    () => scopeOf(a) as Scope,
    () => (isUnused = true),
  )
  await nextTurn()
  await nextTurn()
  expect([isUnused, await promise, labels(currentScope())]).toEqual([true, 1, []])
})
