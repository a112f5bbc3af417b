import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createDiagnostics } from '../../src/diagnostics.js'
import { Pump, type PumpJob, type PumpOptions, type PumpSource, type Retry } from '../../src/export/pump.js'
import type { SendOptions } from '../../src/export/span-sender.js'
import { SpanStats } from '../../src/export/stats.js'

// Before the package is loaded, which keeps the functions that it finds.
vi.hoisted(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
vi.mock('node:timers', () => ({ ...globalThis }))
beforeEach(() => void vi.clearAllTimers())
afterEach(() => expect(vi.getTimerCount()).toBe(0))

interface Job extends PumpJob {
  readonly name: string
  readonly seq: number
}

interface Answer {
  readonly kind: 'done'
  readonly parts?: readonly string[]
}

interface Sent extends SendOptions {
  readonly name: string
  answer(outcome: Answer | Retry): void
  fail(error: unknown): void
}

const DONE: Answer = { kind: 'done' }
const BUSY: Retry = { kind: 'retry', afterMs: undefined, detail: 'HTTP 503' }

/** A pump with a source that keeps what became of each job, as lines. */
function open({
  concurrency = 1,
  retryBudgetMs = 60_000,
  clock = { now: () => performance.now(), random: () => 0 },
  ...overrides
}: Partial<PumpSource<Job, Answer>> & Settings = {}) {
  const queue: Job[] = []
  const sent: Sent[] = []
  const fates: string[] = []
  const said: string[] = []
  const warned: string[] = []
  const logger = { debug: (line: string) => said.push(line), warn: (line: string) => warned.push(line), error: () => undefined }
  const diagnostics = createDiagnostics({ verbose: true, logger })
  const stats = new SpanStats({ diagnostics })
  let losses = 0
  const end = (job: Job, fate: string): void => {
    fates.push(`${job.name} ${fate}`)
    pump.barrier.settle([job.seq])
  }
  const source: PumpSource<Job, Answer> = {
    readyInMs: () => (queue.length === 0 ? undefined : 0),
    take: () => queue.shift(),
    send: ({ name }, options) =>
      new Promise((answer, fail) => {
        sent.push({ name, answer, fail, ...options })
      }),
    conclude(job, { parts = [] }) {
      if (parts.length === 0) end(job, 'done')
      return parts.map((name) => ({ ...job, name }))
    },
    lose(job, reason, detail) {
      losses++
      end(job, `lost: ${reason}, ${detail}`)
    },
    giveUp(jobs) {
      for (const job of [...jobs, ...queue.splice(0)]) {
        losses++
        end(job, 'given up')
      }
    },
    get losses() {
      return losses
    },
    ...overrides,
  }
  const limits = { concurrency, retryBudgetMs, exportTimeoutMs: 1_234 }
  const pump = new Pump(source, { limits, stats, diagnostics, ...clock })
  const add = (...names: string[]): void => {
    for (const name of names) queue.push({ name, seq: pump.barrier.admit(), firstAttemptAtMs: undefined, lastError: '' })
    pump.wake()
  }
  return { pump, queue, sent, fates, said, warned, stats, add, names: () => sent.map(({ name }) => name) }
}

interface Settings extends Partial<Pick<PumpOptions['limits'], 'concurrency' | 'retryBudgetMs'>> {
  readonly clock?: Pick<PumpOptions, 'now' | 'random'>
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** So much time, and the turns of the event loop before and after it. */
async function pass(ms = 0): Promise<void> {
  for (let at = 0; at < 5; at++) await turn()
  await vi.advanceTimersByTimeAsync(ms)
  for (let at = 0; at < 5; at++) await turn()
}

describe('Pump', () => {
  it("sends off the caller's stack, one job each turn, in order, and as many at a time as it may", async () => {
    const { sent, fates, names, add } = open({ concurrency: 2 })
    add('a', 'b', 'c')
    expect(names()).toEqual([])
    await turn()
    expect(names()).toEqual(['a'])
    await pass()
    expect(names()).toEqual(['a', 'b'])
    expect(sent[0]?.timeoutMs).toBe(1_234)
    sent[1]?.answer(DONE)
    await pass()
    expect([names(), fates]).toEqual([['a', 'b', 'c'], ['b done']])
    sent[0]?.answer(DONE)
    sent[2]?.answer(DONE)
    await pass()
    expect(fates).toEqual(['b done', 'a done', 'c done'])
  })

  it('pauses all jobs after a failure, then tries with one, the retried one first, and goes on at full width', async () => {
    const { sent, fates, names, said, warned, stats, add } = open({ concurrency: 2 })
    add('a', 'b', 'c')
    await pass()
    sent[0]?.answer(BUSY)
    sent[1]?.answer(DONE)
    await pass(0)
    // The answer of `b` ends the trouble.
    expect(names()).toEqual(['a', 'b', 'a', 'c'])
    sent[2]?.answer(BUSY)
    sent[3]?.answer(BUSY)
    add('d')
    await pass(499)
    expect(names()).toHaveLength(4)
    await pass(1)
    expect(names().slice(4)).toEqual(['c'])
    await pass(10_000)
    expect(names().slice(5)).toEqual([])
    sent[4]?.answer(DONE)
    await pass()
    expect(names().slice(5)).toEqual(['a', 'd'])
    for (const each of sent.slice(5)) each.answer(DONE)
    await pass()
    expect(fates).toEqual(['b done', 'c done', 'a done', 'd done'])
    expect([stats.lastError, warned]).toEqual(['HTTP 503', []])
    expect(said).toEqual(Array(3).fill(expect.stringMatching(/delivery: HTTP 503$/)))
  })

  it('has a clock and chance of its own', async () => {
    const { sent, fates, add } = open({ clock: {} })
    add('a')
    await pass()
    sent[0]?.answer(DONE)
    await pass()
    expect(fates).toEqual(['a done'])
  })

  it('waits as long as the server wishes', async () => {
    const { sent, names, add } = open()
    add('a')
    await pass()
    sent[0]?.answer({ ...BUSY, afterMs: 3_000 })
    await pass(2_999)
    expect(names()).toEqual(['a'])
    await pass(1)
    expect(names()).toEqual(['a', 'a'])
  })

  it('says at once what lasts until somebody changes something', async () => {
    const { sent, warned, add } = open()
    add('a')
    await pass()
    sent[0]?.answer({ ...BUSY, detail: 'no certificate. Give one.', isLasting: true })
    await pass(500)
    sent[1]?.answer(DONE)
    await pass()
    expect(warned).toEqual([expect.stringMatching(/no certificate\. Give one\. It is tried again meanwhile\.$/)])
  })

  it('loses the jobs whose time is over before the next attempt, and keeps the others', async () => {
    const { sent, names, fates, add } = open({ concurrency: 2, retryBudgetMs: 1_000 })
    add('a')
    await pass(500)
    add('b')
    await pass()
    // The next attempt is at the very end of the time of `a`.
    sent[0]?.answer({ ...BUSY, detail: 'HTTP 502' })
    await pass(400)
    expect(fates).toEqual([])
    sent[1]?.answer(BUSY)
    await pass(499)
    expect([names(), fates]).toEqual([['a', 'b'], ['a lost: retryExhausted, HTTP 502']])
    await pass(1)
    expect(names()).toEqual(['a', 'b', 'b'])
    sent[2]?.answer(BUSY)
    await pass()
    expect(fates.slice(1)).toEqual(['b lost: retryExhausted, HTTP 503'])
  })

  it('tries again after a wait that the server asks for, though it is as long as all of the time for retries', async () => {
    const { sent, names, fates, add } = open({ retryBudgetMs: 60_000 })
    add('a')
    await pass()
    await pass(300)
    sent[0]?.answer({ ...BUSY, afterMs: 60_000 })
    await pass(59_999)
    expect([names(), fates]).toEqual([['a'], []])
    await pass(1)
    expect(names()).toEqual(['a', 'a'])
    sent[1]?.answer({ ...BUSY, afterMs: 60_000 })
    await pass()
    expect(fates).toEqual(['a lost: retryExhausted, HTTP 503'])
  })

  it('waits no longer than the time for retries because a server asks for it', async () => {
    const { sent, fates, add } = open({ retryBudgetMs: 1_000 })
    add('a')
    await pass()
    sent[0]?.answer({ ...BUSY, afterMs: 1_001 })
    await pass()
    expect(fates).toEqual(['a lost: retryExhausted, HTTP 503'])
  })

  it('asks its source no more while there is nothing to send', async () => {
    const readyInMs = vi.fn(() => undefined)
    const { pump } = open({ readyInMs })
    pump.wake()
    await pass(1_000)
    expect(readyInMs).toHaveBeenCalledTimes(1)
  })

  it('puts the parts of a job in its place', async () => {
    const { sent, names, add } = open()
    add('ab', 'c')
    await pass()
    sent[0]?.answer({ kind: 'done', parts: ['a', 'b'] })
    for (let at = 1; at <= 3; at++) {
      await pass()
      sent[at]?.answer(DONE)
    }
    await pass()
    expect(names()).toEqual(['ab', 'a', 'b', 'c'])
  })

  it('waits for a job to get ready, and no longer once it is ready sooner', async () => {
    let readyAtMs = performance.now() + 100
    const { sent, names, pump, add } = open({
      readyInMs: () => (readyAtMs === 0 ? undefined : Math.max(0, readyAtMs - performance.now())),
    })
    add('a')
    await pass(50)
    pump.wake()
    readyAtMs += 1_000
    pump.wake()
    expect(vi.getTimerCount()).toBe(1)
    await pass(50)
    expect(names()).toEqual([])
    readyAtMs = performance.now() + 10
    pump.wake()
    expect(vi.getTimerCount()).toBe(1)
    await pass(10)
    expect(names()).toEqual(['a'])
    readyAtMs = 0
    sent[0]?.answer(DONE)
    await pass()
    pump.wake()
  })

  it('sends nothing of a job that is concluded as it is prepared, and nothing of one that is given up meanwhile', async () => {
    const ready: Record<string, (outcome: Answer | undefined) => void> = {}
    const { names, fates, pump, add } = open({
      prepare: ({ name }) =>
        new Promise((resolve) => {
          ready[name] = resolve
        }),
    })
    add('a')
    await pass()
    ready.a?.(DONE)
    await pass()
    add('b')
    await pass()
    ready.b?.(undefined)
    await pass()
    pump.giveUp()
    add('c')
    await pass()
    pump.giveUp()
    ready.c?.(undefined)
    add('d')
    await pass()
    pump.giveUp()
    ready.d?.(DONE)
    await pass()
    expect([fates, names()]).toEqual([['a done', 'b given up', 'c given up', 'd given up'], ['b']])
  })

  it('gives up what is under way, what waits and what was not taken, each once, and goes on with what comes later', async () => {
    const { sent, names, fates, pump, add } = open({ concurrency: 2 })
    add('a', 'b', 'c')
    await pass()
    sent[0]?.answer(BUSY)
    await pass()
    pump.giveUp()
    expect(fates).toEqual(['b given up', 'a given up', 'c given up'])
    expect(sent.map(({ signal }) => signal.aborted)).toEqual([false, true])
    sent[1]?.answer(DONE)
    await pass(600)
    expect([names(), fates.length]).toEqual([['a', 'b'], 3])
    add('d')
    pump.giveUp()
    expect(vi.getTimerCount()).toBe(0)
    add('e')
    await pass()
    expect(names()).toEqual(['a', 'b', 'e'])
    sent[2]?.answer(DONE)
    await pass()
    expect(fates.slice(3)).toEqual(['d given up', 'e done'])
    add('f')
    await pass()
    sent[3]?.answer(BUSY)
    await pass()
    pump.giveUp()
    expect(vi.getTimerCount()).toBe(0)
    await pass(499)
    add('g')
    await pass(1)
    expect(names().slice(4)).toEqual(['g'])
  })

  it('begins nothing any more once it is stopped, and leaves what is under way alone', async () => {
    const { sent, names, fates, pump, add } = open({ concurrency: 3 })
    add('a', 'b')
    await pass()
    add('c')
    pump.stop()
    add('d')
    sent[0]?.answer(BUSY)
    // Whoever stops a pump has counted what is under way.
    sent[1]?.answer(DONE)
    await pass(10_000)
    expect([names(), fates]).toEqual([['a', 'b'], []])
    const other = open()
    other.add('d')
    await pass()
    other.sent[0]?.answer(BUSY)
    await pass()
    other.pump.stop()
    expect([vi.getTimerCount(), other.pump.find(() => true)]).toEqual([0, undefined])
    other.add('e')
    await pass(10_000)
    expect(other.names()).toEqual(['d'])
  })

  it('tells where a job is', async () => {
    const { sent, pump, add } = open()
    add('a', 'b')
    const find = (name: string) => {
      const found = pump.find((job) => job.name === name)
      return found && [found.job.name, found.isUnderWay]
    }
    await pass()
    expect([find('a'), find('b')]).toEqual([['a', true], undefined])
    sent[0]?.answer(BUSY)
    await pass()
    expect([find('a'), find('b')]).toEqual([['a', false], undefined])
    pump.giveUp()
    expect(find('a')).toBeUndefined()
  })

  it('loses a job whose sending fails, and goes on', async () => {
    const { sent, fates, add } = open()
    add('a', 'b', 'c')
    await pass()
    sent[0]?.fail(new RangeError('with what was sent'))
    await pass()
    sent[1]?.fail('with what was sent')
    await pass()
    sent[2]?.answer(DONE)
    await pass()
    expect(fates).toEqual(['a lost: internal, delivery failed: RangeError', 'b lost: internal, delivery failed: string', 'c done'])
  })

  it.each([
    ['an error', new TypeError('no'), 'TypeError'],
    ['something else', 'no', 'string'],
  ])('notes a source that throws %s, and tries again a second later', async (_, thrown, kind) => {
    let isBroken = true
    const { sent, stats, names, queue, fates, add } = open({
      take() {
        if (isBroken) throw thrown
        return queue.shift()
      },
    })
    add('a')
    await pass()
    expect(stats.lastError).toBe(`delivery failed: ${kind}`)
    isBroken = false
    await pass(999)
    expect(names()).toEqual([])
    await pass(1)
    sent[0]?.answer(DONE)
    await pass()
    expect(fates).toEqual(['a done'])
  })

  it('notes a source that throws as a job ends, and goes on a second later', async () => {
    let isBroken = false
    const { sent, stats, names, fates, queue, add } = open({
      readyInMs() {
        if (isBroken) throw new TypeError('no')
        return queue.length === 0 ? undefined : 0
      },
      lose() {
        throw new RangeError('no')
      },
    })
    add('a', 'b', 'c')
    await pass()
    isBroken = true
    sent[0]?.answer(DONE)
    await pass()
    isBroken = false
    expect([stats.lastError, names()]).toEqual(['delivery failed: TypeError', ['a']])
    await pass(1_000)
    sent[1]?.fail(new Error('no'))
    await pass()
    expect([stats.lastError, names()]).toEqual(['delivery failed: Error', ['a', 'b', 'c']])
    sent[2]?.answer(DONE)
    await pass(1_000)
    expect(fates).toEqual(['a done', 'c done'])
  })

  it('tries nothing again after a fault once it is stopped', async () => {
    const { pump, add } = open({
      take() {
        pump.stop()
        throw new TypeError('no')
      },
    })
    add('a')
    await pass()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('flush and drain', () => {
  it('wait for what was numbered before the call, and tell once that something was lost', async () => {
    const { sent, pump, add } = open({ retryBudgetMs: 0 })
    expect(await pump.flush(0)).toBe(true)
    add('a')
    const flushed = pump.flush(1_000)
    await pass()
    add('b')
    sent[0]?.answer(DONE)
    expect(await flushed).toBe(true)
    await pass()
    const lost = pump.flush(1_000)
    sent[1]?.answer(BUSY)
    expect(await lost).toBe(false)
    expect(await pump.flush(1_000)).toBe(true)
  })

  it('make a source look again at what waits', async () => {
    const { pump, queue, sent, names, add } = open({
      readyInMs: () => (queue.length === 0 ? undefined : pump.barrier.awaitedSeq > 0 ? 0 : 60_000),
    })
    add('a')
    await pass()
    expect(names()).toEqual([])
    const flushed = pump.flush(1_000)
    await pass()
    sent[0]?.answer(DONE)
    expect(await flushed).toBe(true)
  })

  it('leave the work going at their deadline, or give it up', async () => {
    const { sent, fates, pump, add } = open()
    add('a')
    const flushed = pump.flush(100)
    await pass(100)
    expect([await flushed, fates]).toEqual([false, []])
    sent[0]?.answer(DONE)
    await pass()
    expect(await pump.drain(100)).toBe(true)
    add('b')
    const drained = pump.drain(100)
    await pass(100)
    expect([await drained, fates]).toEqual([false, ['a done', 'b given up']])
  })
})
