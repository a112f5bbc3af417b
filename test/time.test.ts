import { spawnSync } from 'node:child_process'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { MAX_TIMER_MS, pause, toTimerMs, withinMs } from '../src/time.js'

const NEVER = new Promise<never>(() => undefined)

/** Warnings of this process while `work` runs; Node announces them in a later turn. */
async function warningsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
  const names: string[] = []
  const listen = (warning: Error): void => void names.push(warning.name)
  process.on('warning', listen)
  await work()
  await nextTurn()
  process.off('warning', listen)
  return names
}

/** A program that must end by itself; resolves to what it printed. */
function run(lines: string): string {
  const time = fileURLToPath(new URL('../src/time.ts', import.meta.url))
  const code = `const { pause, withinMs } = await import(${JSON.stringify(time)}); ${lines}`
  const args = ['--import', 'tsx', '--input-type=module', '-e', code]
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: fileURLToPath(new URL('..', import.meta.url)), encoding: 'utf8' })
  return stdout + stderr
}

describe('toTimerMs', () => {
  it.each([
    [5, 5],
    [0.5, 0.5],
    [0, 0],
    [-1, 0],
    [Number.NEGATIVE_INFINITY, 0],
    [Number.NaN, 0],
    [MAX_TIMER_MS, MAX_TIMER_MS],
    [MAX_TIMER_MS + 1, MAX_TIMER_MS],
    [Number.POSITIVE_INFINITY, MAX_TIMER_MS],
  ])('makes %d a delay of %d', (delayMs, timerMs) => {
    expect(toTimerMs(delayMs)).toBe(timerMs)
  })
})

describe('withinMs', () => {
  it('is true when the work was done in time', async () => {
    expect(await withinMs(Promise.resolve('any value'), 60_000)).toBe(true)
  })

  it('is false when the limit came first, and takes time that is already over as none', async () => {
    expect(await Promise.all([withinMs(NEVER, 1), withinMs(NEVER, 0), withinMs(NEVER, -5), withinMs(NEVER, Number.NaN)])).toEqual([
      false,
      false,
      false,
      false,
    ])
  })

  it('rejects as the work does', async () => {
    await expect(withinMs(Promise.reject(new Error('of the work')), 60_000)).rejects.toThrow('of the work')
  })

  it('leaves no rejection unhandled when the work fails after the limit', async () => {
    let fail: (error: Error) => void = () => undefined
    const work = new Promise<void>((_, reject) => {
      fail = reject
    })
    expect(await withinMs(work, 0)).toBe(false)
    // An unhandled rejection would fail this file.
    fail(new Error('too late'))
    await nextTurn()
  })

  it.each([Number.POSITIVE_INFINITY, MAX_TIMER_MS + 1])(
    'waits for the work with a limit of %d, without a warning of Node',
    async (limitMs) => {
      let isDone: boolean | undefined
      const warnings = await warningsOf(async () => {
        isDone = await withinMs(pause(20), limitMs)
      })
      expect({ isDone, warnings }).toEqual({ isDone: true, warnings: [] })
    },
  )

  it('keeps the process alive until its limit and not longer than the work takes', () => {
    expect(run('console.log(await withinMs(new Promise(() => {}), 20))')).toBe('false\n')
    expect(run('console.log(await withinMs(Promise.resolve(), Infinity))')).toBe('true\n')
  })
})

describe('pause', () => {
  it('ends after its time', async () => {
    await expect(pause(1)).resolves.toBeUndefined()
  })

  it('ends without a rejection when the signal aborts, before or meanwhile', async () => {
    const meanwhile = new AbortController()
    const waiting = pause(Number.POSITIVE_INFINITY, { signal: meanwhile.signal })
    meanwhile.abort(new Error('enough'))
    await expect(waiting).resolves.toBeUndefined()
    await expect(pause(Number.POSITIVE_INFINITY, { signal: AbortSignal.abort() })).resolves.toBeUndefined()
  })

  it('lets the process end when it is told to', () => {
    expect(run(`process.on('exit', () => console.log('ended')); void pause(Infinity, { ref: false })`)).toBe('ended\n')
  })

  it('takes the longest time without a warning of Node', async () => {
    const end = new AbortController()
    const warnings = await warningsOf(async () => {
      const waiting = pause(Number.POSITIVE_INFINITY, { signal: end.signal })
      await nextTurn()
      end.abort()
      await waiting
    })
    expect(warnings).toEqual([])
  })
})
