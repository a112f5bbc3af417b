import { afterEach, expect, test } from 'vitest'
import { processState } from '../../src/context/globals.js'
import { flushOnSignals } from '../../src/export/exit.js'

const taken: (() => void)[] = []
afterEach(() => {
  for (const take of taken.splice(0)) take()
})
const listeners = (): number[] => ['SIGTERM', 'SIGINT'].map((name) => process.listenerCount(name))

test('flushOnSignals, called again by modules that are evaluated again, listens once, and until the last one is taken back', () => {
  const before = listeners()
  for (let round = 0; round < 20; round++) taken.push(flushOnSignals({ timeoutMs: round }))
  const once = before.map((count) => count + 1)
  expect(listeners()).toEqual(once)
  expect([...processState.signalFlushes].at(-1)).toEqual({ timeoutMs: 19 })
  const [first, ...rest] = taken.splice(0) as [() => void, ...(() => void)[]]
  first()
  first()
  expect(listeners()).toEqual(once)
  for (const take of rest) take()
  expect(listeners()).toEqual(before)
  taken.push(flushOnSignals())
  expect(listeners()).toEqual(once)
})
