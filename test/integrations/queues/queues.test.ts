import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type QueueObject, queue as createAsyncQueue } from 'async'
import Bottleneck from 'bottleneck'
import DataLoader from 'dataloader'
import { createPool } from 'generic-pool'
import PQueue from 'p-queue'
import { describe, expect } from 'vitest'
import { bindScope } from '../../../src/index.js'
import type { TestTracer } from '../../../src/testing/index.js'
import { tracerTest as test } from '../../fixtures/tracer.js'

type Work = () => Promise<string>
/** Hands work to a library that runs it where and when it likes. */
type Submit = (work: Work) => Promise<string>

interface Row {
  readonly library: string
  /** Opened outside of every request, as a module does. */
  readonly open: () => Submit
  /** Runs the work in the async context of who asked for it, as it goes by promises alone. */
  readonly keepsContext?: boolean
}

const rows: readonly Row[] = [
  {
    library: 'p-queue',
    open() {
      const queue = new PQueue({ concurrency: 1 })
      return (work) => queue.add(work)
    },
  },
  {
    library: 'bottleneck',
    open() {
      const limiter = new Bottleneck({ maxConcurrent: 1 })
      return (work) => limiter.schedule(work)
    },
  },
  {
    library: 'async.queue',
    open() {
      const queue: QueueObject<Work> = createAsyncQueue<Work, string, Error>((work, done) => {
        work().then((answer) => done(null, answer), done)
      }, 1)
      return (work) => queue.push<string>(work)
    },
  },
  {
    library: 'dataloader',
    open() {
      const loader = new DataLoader<Work, string>((works) => Promise.all(works.map((work) => work())), { cache: false })
      return (work) => loader.load(work)
    },
  },
  {
    library: 'generic-pool',
    keepsContext: true,
    open() {
      const pool = createPool({ create: async () => ({}), destroy: async () => undefined }, { max: 1 })
      return (work) => Promise.resolve(pool.use(work))
    },
  },
  {
    library: 'EventEmitter',
    open() {
      const emitter = new EventEmitter()
      const waiting: number[] = []
      let last = 0
      let isRunning = false
      const drain = async (): Promise<void> => {
        isRunning = true
        for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
          await sleep(1)
          emitter.emit(`answer ${id}`)
        }
        isRunning = false
      }
      return (work) =>
        new Promise((resolve, reject) => {
          const id = ++last
          emitter.once(`answer ${id}`, () => work().then(resolve, reject))
          waiting.push(id)
          if (!isRunning) void drain()
        })
    },
  },
]

const REQUESTS = 40

/** Interleaved requests of two tracers and one instrumentor, set up with the provider of the first. */
async function serve(tracers: readonly TestTracer[], submit: Submit, bind: (tracer: TestTracer, work: Work) => Work): Promise<string[]> {
  const library = tracers[0]?.provider.getTracer('some-instrumentor')
  const call = async (name: string): Promise<string> => {
    const span = library?.startSpan(`model ${name}`)
    await sleep(1)
    span?.end()
    return `answer to ${name}`
  }
  return Promise.all(
    Array.from({ length: REQUESTS }, (_, i) => {
      const tracer = tracers[i % tracers.length] as TestTracer
      const work = (): Promise<string> => call(`${i}`)
      return tracer.withSession({ sessionName: `request ${i}` }, () =>
        tracer.startActiveSpan(`request ${i}`, () => submit(bind(tracer, work))),
      )
    }),
  )
}

const expected = (remainder: number): unknown =>
  Array.from({ length: REQUESTS / 2 }, (_, i) => 2 * i + remainder).map((i) => ({
    name: `request ${i}`,
    children: [{ name: `model ${i}` }],
  }))
const byNumber = (trees: ReturnType<TestTracer['tree']>): unknown =>
  trees.toSorted((a, b) => Number(a.name.split(' ')[1]) - Number(b.name.split(' ')[1]))
const answers = Array.from({ length: REQUESTS }, (_, i) => `answer to ${i}`)

describe.for(rows)('$library', ({ open, keepsContext = false }) => {
  for (const [name, bind] of [
    ['tracer.bind', (tracer: TestTracer, work: Work) => tracer.bind(work)],
    ['bindScope', (_: TestTracer, work: Work) => bindScope(work)],
  ] as const) {
    test(`records each request’s work in it, with ${name}`, async ({ createTracer }) => {
      const [a, b] = [createTracer(), createTracer()]
      expect(await serve([a, b], open(), bind)).toEqual(answers)
      expect([byNumber(a.tree()), byNumber(b.tree())]).toEqual([expected(0), expected(1)])
      for (const tracer of [a, b])
        expect(new Set(tracer.spans.map(({ attributes }) => attributes['honeyhive.session_id'])).size).toBe(REQUESTS / 2)
    })
  }

  test(keepsContext ? 'needs no help' : 'records it where the library runs it otherwise', async ({ createTracer }) => {
    const [a, b] = [createTracer(), createTracer()]
    expect(await serve([a, b], open(), (_, work) => work)).toEqual(answers)
    const misplaced = [a, b].flatMap((tracer, remainder) => tracer.spans.filter(({ name }) => Number(name.split(' ')[1]) % 2 !== remainder))
    expect(misplaced.length > 0).toBe(!keepsContext)
  })
})
