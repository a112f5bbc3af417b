import { afterEach, describe, expect, test, vi } from 'vitest'
import { processState } from '../../src/context/globals.js'
import { type ExitTask, flushOnSignals, offExit, offNaturalEnd, onExit, onNaturalEnd, REMEDY_AT_EXIT } from '../../src/export/exit.js'

/** What is said on standard error. */
const written = vi.hoisted((): string[] => [])
vi.mock('node:fs', async (importOriginal) => ({
  ...(await importOriginal<typeof import('node:fs')>()),
  writeSync: (_: number, text: string) => written.push(text),
}))

const taken: (() => void)[] = []
afterEach(() => {
  for (const take of taken.splice(0)) take()
  vi.restoreAllMocks()
})
const listeners = (): number[] => ['SIGTERM', 'SIGINT'].map((name) => process.listenerCount(name))
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A task of the natural end and of signals. */
function addTask(act: () => Promise<unknown> = () => Promise.resolve()) {
  const task = vi.fn<ExitTask>(act)
  onNaturalEnd(task)
  taken.push(() => offNaturalEnd(task))
  return task
}

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
  for (const take of rest) {
    expect(listeners()).toEqual(once)
    take()
  }
  expect(listeners()).toEqual(before)
  taken.push(flushOnSignals())
  expect(listeners()).toEqual(once)
})

describe('a signal', () => {
  /** As Node does it. */
  const raise = (): void => {
    for (const listener of process.listeners('SIGTERM')) (listener as (signal: string) => void)('SIGTERM')
  }

  test('that nobody else hears takes effect after the flush, as the last thing the process does', async () => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true)
    let finish: () => void = () => undefined
    const failing = addTask(() => Promise.reject(new Error('no')))
    const task = addTask(() => new Promise<void>((resolve) => (finish = resolve)))
    taken.push(flushOnSignals({ timeoutMs: 1 }), flushOnSignals({ timeoutMs: 60_000 }))
    raise()
    expect([failing.mock.calls, task.mock.calls]).toEqual([[[60_000, true]], [[60_000, true]]])
    await turn()
    expect(kill).not.toHaveBeenCalled()
    finish()
    await turn()
    expect(kill.mock.calls).toEqual([[process.pid, 'SIGTERM']])
    expect(process.listenerCount('SIGTERM')).toBe(0)
  })

  test('does not wait when it comes again, nor beyond the limit', async () => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true)
    const task = addTask(() => new Promise(() => undefined))
    taken.push(flushOnSignals({ timeoutMs: 60_000 }))
    raise()
    raise()
    expect([task.mock.calls.length, kill.mock.calls.length]).toEqual([1, 1])
    for (const take of taken.splice(1)) take()
    taken.push(flushOnSignals({ timeoutMs: 1 }))
    raise()
    while (kill.mock.calls.length === 1) await turn()
    expect(task).toHaveBeenLastCalledWith(1, true)
  })

  test('ends the process as `process.exit` does, which comes with no signal: what is left is kept or told before', async () => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true)
    const write = vi.fn(() => ({ label: 'shop', what: `3 ended spans, ${kill.mock.calls.length} signals sent,` }))
    onExit(write)
    taken.push(() => offExit(write))
    addTask(() => new Promise(() => undefined))
    taken.push(flushOnSignals({ timeoutMs: 60_000 }))
    raise()
    expect(write).not.toHaveBeenCalled()
    raise()
    expect([write.mock.calls.length, kill.mock.calls.length]).toEqual([1, 1])
    expect(written.splice(0).join('')).toContain('3 ended spans, 0 signals sent, of shop')
  })

  test('that the host hears too is left to the host, each time anew', async () => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true)
    const hear = (): void => undefined
    process.on('SIGTERM', hear)
    taken.push(() => process.removeListener('SIGTERM', hear))
    const task = addTask()
    taken.push(flushOnSignals())
    expect(process.listeners('SIGTERM')[0], 'a listener that hears one signal is gone once it was called').not.toBe(hear)
    raise()
    raise()
    await turn()
    raise()
    await turn()
    expect([task.mock.calls, kill.mock.calls, process.listeners('SIGTERM').includes(hear)]).toEqual([
      Array(2).fill([5_000, false]),
      [],
      true,
    ])
  })
})

test('the tasks of the natural end have one listener, which goes with the last of them', async () => {
  const before = process.listeners('beforeExit')
  const failing = addTask(() => Promise.reject(new Error('no')))
  const task = addTask()
  const [listener, ...others] = process.listeners('beforeExit').filter((each) => !before.includes(each))
  expect(others).toEqual([])
  listener?.(0)
  await turn()
  expect([failing.mock.calls, task.mock.calls]).toEqual([[[5_000, false]], [[5_000, false]]])
  offNaturalEnd(failing)
  listener?.(0)
  expect([failing.mock.calls.length, task.mock.calls.length, process.listenerCount('beforeExit')]).toEqual([1, 2, before.length + 1])
  offNaturalEnd(task)
  offNaturalEnd(task)
  expect(process.listeners('beforeExit')).toEqual(before)
  addTask()
  expect(process.listenerCount('beforeExit')).toBe(before.length + 1)
})

test('what is written at the exit is written whatever another one throws', () => {
  const before = process.listeners('exit')
  const failing = vi.fn(() => {
    throw new Error('no')
  })
  const write = vi.fn(() => undefined)
  for (const each of [failing, write]) {
    onExit(each)
    taken.push(() => offExit(each))
  }
  const [listener, ...others] = process.listeners('exit').filter((each) => !before.includes(each))
  expect(others).toEqual([])
  listener?.(0)
  expect([failing.mock.calls.length, write.mock.calls.length]).toEqual([1, 1])
  offExit(failing)
  listener?.(0)
  expect([failing.mock.calls.length, write.mock.calls.length]).toEqual([1, 2])
  offExit(write)
  expect([process.listeners('exit'), written]).toEqual([before, []])
})

test('what is lost at the exit is said in one line, with the names of five', () => {
  const before = process.listeners('exit')
  const lose = (count: number): void => {
    for (let at = 1; at <= count; at++) {
      const write = () => ({ label: `tracer ${at}`, what: `${at} spans` })
      onExit(write)
      taken.push(() => offExit(write))
    }
    for (const listener of process.listeners('exit').filter((each) => !before.includes(each))) listener(0)
    for (const take of taken.splice(0)) take()
  }
  lose(1)
  lose(5)
  lose(7)
  const five = '1 spans of tracer 1, 2 spans of tracer 2, 3 spans of tracer 3, 4 spans of tracer 4, 5 spans of tracer 5'
  expect(written).toEqual(
    ['1 spans of tracer 1', five, `${five} and what 2 more tracers held`].map(
      (what) => `[honeyhive] the process ended with ${what} not delivered. ${REMEDY_AT_EXIT}\n`,
    ),
  )
})
