import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HoneyHiveTracer, traceFn } from '../../src/index.js'
import { createTestTracer } from '../../src/testing/index.js'

const KIB = 1024
/**
 * V8 ends the process ("RegExpCompiler Allocation failed - process out of memory") where an expression that is not compiled yet meets a
 * stack of less than about 3 KiB; the host, whose recursion ran away, would have got a `RangeError` there. Whether one is compiled is
 * V8's secret, so none may be used there at all.
 */
const TIGHT = listOf(4 * KIB)
/** The last levels of a recursion; those before only take time. */
const NEAR_THE_END = listOf(64 * KIB)
const { exec } = RegExp.prototype
let isWatching = false
const usedWhereTight = new Set<string>()

function listOf(bytes: number): readonly undefined[] {
  return new Array<undefined>(bytes / 8).fill(undefined)
}

/** Whether so many arguments find no room on the stack. */
function isTooMuch(list: readonly undefined[]): boolean {
  try {
    Reflect.apply(() => undefined, undefined, list)
    return false
  } catch {
    return true
  }
}

beforeAll(() => {
  RegExp.prototype.exec = function watched(text: string) {
    if (isWatching && isTooMuch(TIGHT)) usedWhereTight.add(this.source)
    return Reflect.apply(exec, this, [text])
  }
})
afterAll(() => {
  RegExp.prototype.exec = exec
})

const silent = { debug() {}, warn() {}, error() {} }

class Odd extends Error {
  override name = 'Odd'
}
class Reply {
  text = 'yes'
  get textStream(): undefined {
    return undefined
  }
  async finalMessage(): Promise<string> {
    return await Promise.resolve(this.text)
  }
}
const PICTURE = `data:image/png;base64,${'A'.repeat(9000)}`
const REMOTE = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }

/** What is done on every level of a recursion that never ends. */
const steps: Record<string, (tracer: HoneyHiveTracer) => (n: number) => void> = {
  'values with secrets': (tracer) => {
    const traced = traceFn(tracer, (value: object) => value)
    return (n) => traced({ n, token: 'Bearer abcdefghijklmnop', list: [n] })
  },
  'names with secrets': (tracer) => (n) => tracer.startSpan(`password=abcdef${n}`).end(),
  'errors of traced functions': (tracer) => {
    const traced = traceFn(tracer, () => {
      throw new Odd('no')
    })
    return () => {
      try {
        traced()
      } catch (error) {
        if (error instanceof RangeError) throw error
      }
    }
  },
  'exceptions of a library': (tracer) => {
    const library = tracer.provider.getTracer('library')
    return () => {
      const span = library.startSpan('by hand')
      span.recordException(new Odd('no'))
      span.setStatus({ code: 2, message: 'no' })
      span.end()
    }
  },
  'scopes, links and attributes of libraries': (tracer) => (n) => {
    const library = tracer.provider.getTracer(`library ${n}`)
    library.startSpan('x', { attributes: { 'gen_ai.system': 'x', 'llm.y': 1 }, links: [{ context: REMOTE }] }).end()
  },
  'a class of its own': (tracer) => {
    const traced = traceFn(tracer, (value: object) => value)
    return () => traced(new (class extends Reply {})())
  },
  'pictures and bytes': (tracer) => {
    const traced = traceFn(tracer, (value: unknown) => value)
    return () => [PICTURE, Buffer.from(PICTURE)].map(traced)
  },
  "the web's objects": (tracer) => {
    const traced = traceFn(tracer, (value: unknown) => value)
    const reply = new Response('x')
    return () => [reply, new URL('http://a.test/b'), new Headers()].map(traced)
  },
  enrichment: (tracer) => (n) => {
    tracer.enrichSpan({ metadata: { n, password: 'x' } })
    tracer.enrichSession({ metadata: { n } })
  },
  headers: (tracer) => () => tracer.injectContext({ baggage: 'a=b' }),
  'a session by its id': (tracer) => (n) => tracer.withSession({ sessionId: `request ${n}` }, () => undefined),
  'what is said': (tracer) => {
    const ended = tracer.startSpan('ended')
    ended.end()
    return (n) => {
      ended.setAttribute('late', n)
      ended.end()
    }
  },
}

function runAway(step: (n: number) => void, n = 0): number {
  if (isTooMuch(NEAR_THE_END)) step(n)
  return runAway(step, n + 1)
}

/** Runs `work` with the stack a little shallower each time, so that it ends in another place. */
function runAtDepth(depth: number, work: () => unknown): unknown {
  return depth === 0 ? work() : runAtDepth(depth - 1, work)
}

const sinks: Record<string, () => HoneyHiveTracer> = {
  server: () =>
    HoneyHiveTracer.init({
      apiKey: 'key',
      serverUrl: 'http://127.0.0.1:9',
      batch: { maxQueueSize: 1000 },
      logger: silent,
    }),
  memory: () => createTestTracer({ logger: silent }),
}

describe.each(Object.keys(sinks))('a stack that is nearly used up, with spans for the %s', (sink) => {
  it.each(Object.keys(steps))('no expression is used: %s', async (name) => {
    for (let round = 0; round < 3; round++) {
      const tracer = sinks[sink]?.() as HoneyHiveTracer
      const step = steps[name]?.(tracer) as (n: number) => void
      usedWhereTight.clear()
      const run = (): unknown => tracer.startActiveSpan('around', () => runAtDepth(round * 7, () => runAway(step)))
      isWatching = true
      try {
        expect(run).toThrow(RangeError)
      } finally {
        isWatching = false
      }
      expect([...usedWhereTight]).toEqual([])
      await tracer.shutdown(1)
    }
  })
})
