import { setImmediate as turn } from 'node:timers/promises'
import { type Context, context, trace as otel } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { traceFn } from '../../src/index.js'
import { createTestTracer, type TestTracer } from '../../src/testing/index.js'
import { type Fleet, startFleet } from '../fixtures/fleet.js'
import { toTrees } from '../fixtures/receiver.js'

/** A random program of nested calls; `by` names the tracer, -1 the shared instrumentor. */
interface Step {
  readonly by: number
  readonly how: 'sync' | 'async' | 'fail' | 'stream' | 'early' | 'abandon' | 'explicit'
  readonly parallel: boolean
  readonly steps: readonly Step[]
}
interface Tree {
  readonly name: string
  readonly children?: readonly Tree[]
}

const TRACERS = 5
const { program } = fc.letrec<{ program: Step[]; step: Step }>((tie) => ({
  program: fc.array(tie('step'), { maxLength: 4, depthIdentifier: 'program' }),
  step: fc.record({
    by: fc.integer({ min: -1, max: TRACERS - 1 }),
    how: fc.constantFrom('sync', 'async', 'fail', 'stream', 'early', 'abandon', 'explicit'),
    parallel: fc.boolean(),
    steps: fc.oneof({ depthSize: 'small' }, fc.constant([]), tie('program')) as fc.Arbitrary<Step[]>,
  }),
}))

/** What each tracer must end up with, said without any of the mechanics: a stack of (tracer, node). */
function predict(steps: readonly Step[]): Tree[][] {
  const forests: { name: string; children: never[] }[][] = Array.from({ length: TRACERS }, () => [])
  type Node = { name: string; children: Node[]; by: number }
  const visit = (list: readonly Step[], path: string, stack: readonly Node[]): void => {
    list.forEach((step, i) => {
      const name = `${path}/${i}`
      const innermost = stack.at(-1)
      const owner = step.by >= 0 ? step.by : innermost?.by
      if (owner === undefined) {
        visit(step.steps, name, stack)
        return
      }
      const node: Node = { name, children: [], by: owner }
      const parent = stack.findLast((other) => other.by === owner)
      ;(parent?.children ?? (forests[owner] as unknown as Node[])).push(node)
      // A generator that nobody reads never runs its body, and its span stays open.
      if (step.by >= 0 && step.how === 'abandon') {
        ;(parent?.children ?? (forests[owner] as unknown as Node[])).pop()
        return
      }
      visit(step.steps, name, [...stack, node])
    })
  }
  visit(steps, '', [])
  const strip = (nodes: readonly Node[]): Tree[] =>
    nodes.map(({ name, children }) => (children.length === 0 ? { name } : { name, children: strip(children) }))
  return forests.map((forest) => strip(forest as unknown as Node[]))
}

const expected = new Error('expected')

function createRunner(
  tracers: readonly { readonly tracer: Parameters<typeof traceFn>[0] }[],
): (steps: readonly Step[], path?: string) => Promise<void> {
  return async function runAll(steps, path = ''): Promise<void> {
    const waits: Promise<unknown>[] = []
    for (const [i, step] of steps.entries()) {
      const done = runStep(step, `${path}/${i}`)
      if (step.parallel) waits.push(done)
      else await done
    }
    await Promise.all(waits)

    async function runStep(step: Step, name: string): Promise<void> {
      const body = async (): Promise<void> => {
        if (step.how === 'async') await turn()
        await runAll(step.steps, name)
      }
      if (step.by < 0) return runInstrumented(step, name, body)
      const tracer = tracers[step.by]?.tracer
      const options = { eventName: name }
      if (step.how === 'fail') {
        await traceFn(
          tracer,
          async () => {
            await body()
            throw expected
          },
          options,
        )().catch((error: unknown) => expect(error).toBe(expected))
      } else if (step.how === 'stream' || step.how === 'early') {
        const source = traceFn(
          tracer,
          async function* () {
            yield 1
            await body()
            yield 2
            yield 3
          },
          options,
        )
        for await (const item of source()) if (step.how === 'early' && item === 2) break
      } else if (step.how === 'abandon') {
        void traceFn(
          tracer,
          async function* () {
            await body()
            yield 1
          },
          options,
        )()
      } else {
        await traceFn(tracer, body, options)()
      }
    }
  }

  async function runInstrumented(step: Step, name: string, body: () => Promise<void>): Promise<void> {
    kept ??= provider().getTracer('shared-instrumentor')
    const shared = kept
    const at: Context = context.active()
    const span = step.how === 'explicit' ? shared.startSpan(name, {}, at) : shared.startSpan(name)
    try {
      await context.with(otel.setSpan(at, span), body)
    } finally {
      span.end()
    }
  }
}

let provider: () => import('@opentelemetry/api').TracerProvider
let kept: import('@opentelemetry/api').Tracer | undefined

describe('any program of calls over five tracers and one instrumentor', () => {
  test('leaves each tracer exactly the forest a model predicts', async () => {
    const tracers = Array.from({ length: TRACERS }, (_, i) => createTestTracer({ apiKey: `k-${i}`, project: `p-${i}` }))
    const { createRoutingProvider } = await import('../../src/index.js')
    expect(tracers[0]?.provider).toBeDefined()
    const routing = createRoutingProvider()
    provider = () => routing
    const runAll = createRunner(tracers.map((tracer) => ({ tracer })))
    await fc.assert(
      fc.asyncProperty(program, async (steps) => {
        for (const tracer of tracers) tracer.clear()
        await runAll(steps)
        const forests = predict(steps)
        tracers.forEach((tracer, i) => {
          expect(sortTrees(tracer.tree())).toEqual(sortTrees(forests[i] ?? []))
          for (const span of tracer.spans) checkSpan(span, tracer, i)
        })
      }),
      { numRuns: process.env['TEST_LONG'] === '1' ? 20_000 : 2_000 },
    )
    await Promise.all(tracers.map((tracer) => tracer.shutdown()))
  }, 120_000)
})

describe('the same over HTTP', () => {
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await startFleet(['0', '1', '2', '3', '4'])
  })
  afterAll(() => fleet.close())

  test('each receiver gets its own forest, nothing twice and nothing with another key', async () => {
    const runAll = createRunner(fleet.members)
    await fc.assert(
      fc.asyncProperty(program, async (steps) => {
        for (const { receiver } of fleet.members) receiver.spans.length = 0
        await runAll(steps)
        const arrived = await fleet.arrived()
        const forests = predict(steps)
        for (const [i, { name }] of fleet.members.entries()) {
          expect(sortTrees(toTrees(arrived[name] ?? []) as Tree[])).toEqual(sortTrees(forests[i] ?? []))
        }
      }),
      { numRuns: 100 },
    )
  })
})

function checkSpan(span: ReadableSpan, tracer: TestTracer, i: number): void {
  expect(span.attributes['honeyhive.project']).toBe(`p-${i}`)
  expect(span.attributes['honeyhive.session_id']).toBe(tracer.sessionId)
}

function sortTrees(trees: readonly Tree[]): Tree[] {
  return [...trees]
    .map((tree) => (tree.children === undefined ? tree : { ...tree, children: sortTrees(tree.children) }))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
}
