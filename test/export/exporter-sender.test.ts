import { getEventListeners } from 'node:events'
import { type Context, context, type ContextManager, ROOT_CONTEXT } from '@opentelemetry/api'
import { isTracingSuppressed } from '@opentelemetry/core'
import type { SpanExporter } from '@opentelemetry/sdk-trace'
import { afterEach, describe, expect, test } from 'vitest'
import { ExporterSender } from '../../src/export/exporter-sender.js'
import { HoneyHiveTracer } from '../../src/index.js'
import type { Outcome } from '../../src/otlp/reply.js'

/** Keeps what is active in a stack: it is lost with the first `await`, as in programs without async hooks. */
class StackContextManager implements ContextManager {
  readonly #stack: Context[] = []

  active(): Context {
    return this.#stack.at(-1) ?? ROOT_CONTEXT
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    at: Context,
    fn: F,
    self?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    this.#stack.push(at)
    try {
      return Reflect.apply(fn, self, args) as ReturnType<F>
    } finally {
      this.#stack.pop()
    }
  }

  bind<T>(_: Context, target: T): T {
    return target
  }

  enable(): this {
    return this
  }

  disable(): this {
    return this
  }
}

const details: string[] = []
const init = (exportSpans: SpanExporter['export']): HoneyHiveTracer => {
  const quiet = (): void => undefined
  return HoneyHiveTracer.init({
    exporter: { export: exportSpans, shutdown: () => Promise.resolve() },
    registerContextManager: false,
    logger: { debug: quiet, warn: quiet, error: quiet },
    onDrop: ({ detail }) => details.push(detail),
  })
}
afterEach(() => {
  details.length = 0
  context.disable()
})

describe('an exporter of the user', () => {
  test('exports with tracing suppressed, also where the context manager loses contexts on the way', async () => {
    context.setGlobalContextManager(new StackContextManager())
    const seen: boolean[] = []
    const tracer = init((_, done) => {
      seen.push(isTracingSuppressed(context.active()))
      tracer.otelTracer.startSpan('request of the exporter').end()
      done({ code: 0 })
    })
    tracer.startSpan('s').end()
    expect(await tracer.forceFlush()).toBe(true)
    expect([seen, tracer.stats().started]).toEqual([[true], 1])
    await tracer.shutdown()
  })

  test.each<[string, SpanExporter['export'], string]>([
    ['reports a failure', (_, done) => done({ code: 1 }), 'the exporter reported a failure'],
    [
      'reports one with an error',
      (_, done) => done({ code: 1, error: Object.assign(new TypeError('with what was sent'), { code: 'ECONNREFUSED' }) }),
      'the exporter reported a failure: TypeError (ECONNREFUSED)',
    ],
    [
      'reports one whose code is no code',
      (_, done) => done({ code: 1, error: Object.assign(new TypeError('with what was sent'), { code: { of: 'what was sent' } }) }),
      'the exporter reported a failure: TypeError',
    ],
    [
      'throws',
      () => {
        throw new RangeError('with what was sent')
      },
      'the exporter threw: RangeError',
    ],
    ['gives nothing', (_, done) => done(undefined as never), 'the exporter gave no result that can be read'],
  ])('that %s loses its spans, counted, with kind and code of the error', async (_, exportSpans, detail) => {
    const tracer = init(exportSpans)
    tracer.startSpan('s').end()
    expect(await tracer.forceFlush()).toBe(false)
    expect(tracer.stats().dropped.retryExhausted).toBe(1)
    expect(details.join()).toContain(detail)
    expect(details.join()).not.toMatch(/what was sent|\[object/)
    await tracer.shutdown()
  })

  test('leaves nothing behind on a signal that outlives the export, however that ended', async () => {
    const { signal } = new AbortController()
    const send = (exportSpans: SpanExporter['export'], timeoutMs = 60_000): Promise<Outcome> =>
      new ExporterSender({ export: exportSpans, shutdown: () => Promise.resolve() }).toRequest([]).send({ timeoutMs, signal })
    expect(await send((_, done) => done({ code: 0 }))).toMatchObject({ kind: 'accepted' })
    expect(await send((_, done) => done({ code: 1 }))).toMatchObject({ kind: 'refused' })
    expect(await send(() => undefined, 5)).toMatchObject({ detail: expect.stringContaining('within 5 ms') })
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('is no longer waited for once the signal aborts', async () => {
    const controller = new AbortController()
    const sender = new ExporterSender({ export: () => undefined, shutdown: () => Promise.resolve() })
    const sent = sender.toRequest([]).send({ timeoutMs: 60_000, signal: controller.signal })
    controller.abort()
    expect(await sent).toMatchObject({ kind: 'refused', reason: 'retryExhausted', detail: 'the export was aborted' })
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })
})
