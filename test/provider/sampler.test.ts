import { context, createTraceState, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { type Sampler, SamplingDecision, type SamplingResult } from '@opentelemetry/sdk-trace-base'
import { beforeAll, describe, expect } from 'vitest'
import { ensureContextManager } from '../../src/provider/host.js'
import { tracerTest as test } from '../fixtures/tracer.js'

beforeAll(() => ensureContextManager())

const remote = { traceId: 'd4cda95b652f4a1592b449d5929fda1b', spanId: '6e0c63257de34c92', traceFlags: 0, isRemote: true }
const answering = (shouldSample: Sampler['shouldSample']): Sampler => ({ shouldSample, toString: () => 'of the user' })
const always = (result: SamplingResult): Sampler => answering(() => result)

describe('a sampler of the user', () => {
  test('adds its attributes and its tracestate to the span', ({ createTracer }) => {
    const traceState = createTraceState('s=1')
    const sampler = always({ decision: SamplingDecision.RECORD_AND_SAMPLED, attributes: { by: 'sampler' }, traceState })
    const tracer = createTracer({ sampler })
    tracer.startSpan('call').end()
    expect(tracer.spans[0]?.attributes).toMatchObject({ by: 'sampler' })
    expect(tracer.spans[0]?.spanContext().traceState?.serialize()).toBe('s=1')
  })

  test('adds either of them alone, too', ({ createTracer }) => {
    const [decision, traceState] = [SamplingDecision.RECORD_AND_SAMPLED, createTraceState('s=1')]
    const spans = [{ attributes: { by: 'sampler' } }, { traceState }, {}].map((more) => {
      const tracer = createTracer({ sampler: always({ decision, ...more }) })
      tracer.startSpan('call').end()
      return [tracer.spans[0]?.attributes['by'], tracer.spans[0]?.spanContext().traceState?.serialize()]
    })
    expect(spans).toEqual([
      ['sampler', undefined],
      [undefined, 's=1'],
      [undefined, undefined],
    ])
  })

  test('cannot say whose a span is', ({ createTracer }) => {
    const attributes = { 'honeyhive.session_id': 'of another', 'honeyhive.project': 'of another' }
    const tracer = createTracer({ project: 'own', sampler: always({ decision: SamplingDecision.RECORD_AND_SAMPLED, attributes }) })
    tracer.startSpan('call').end()
    expect(tracer.spans[0]?.attributes).toMatchObject({ 'honeyhive.session_id': tracer.sessionId, 'honeyhive.project': 'own' })
  })

  test('may record a span that is not exported: it is unsampled, and processors see it', ({ createTracer }) => {
    const ended: string[] = []
    const tracer = createTracer({ sampler: always({ decision: SamplingDecision.RECORD }), spanProcessors: [endingIn(ended)] })
    const span = tracer.startSpan('call')
    expect([span.isRecording(), span.spanContext().traceFlags]).toEqual([true, 0])
    span.end()
    expect(ended).toEqual(['call'])
    expect(tracer.spans).toEqual([])
    expect(tracer.stats()).toMatchObject({ dropped: { unsampled: 1 } })
  })

  test('may leave a span out: nothing records it, and it is counted', ({ createTracer }) => {
    const ended: string[] = []
    const tracer = createTracer({ sampler: always({ decision: SamplingDecision.NOT_RECORD }), spanProcessors: [endingIn(ended)] })
    const span = tracer.startSpan('call')
    expect(span.isRecording()).toBe(false)
    span.end()
    expect([ended, tracer.spans]).toEqual([[], []])
    expect(tracer.stats()).toMatchObject({ dropped: { unsampled: 1 } })
  })

  test.for([SamplingDecision.NOT_RECORD, SamplingDecision.RECORD])(
    'may keep what stands below a span it leaves out (%i): it hangs under the nearest that arrives',
    (decision, { createTracer }) => {
      const parents: (string | undefined)[] = []
      const sampler = answering((at, _, name) => {
        parents.push(trace.getSpanContext(at)?.spanId)
        return { decision: name.startsWith('out') ? decision : SamplingDecision.RECORD_AND_SAMPLED }
      })
      const tracer = createTracer({ sampler, spanFilter: { exclude: ['filtered'] } })
      const nest = ([name, ...names]: string[]): void => void (name && tracer.startActiveSpan(name, () => nest(names)))
      nest(['top', 'out', 'out too', 'filtered', 'kept', 'out again', 'deep'])
      nest(['out', 'root', 'inside'])
      expect(tracer.tree()).toEqual([
        { name: 'top', children: [{ name: 'kept', children: [{ name: 'deep' }] }] },
        { name: 'root', children: [{ name: 'inside' }] },
      ])
      expect(new Set(tracer.spans.map((span) => span.spanContext().traceId)).size).toBe(2)
      expect(tracer.spans.find(({ name }) => name === 'root')?.parentSpanContext).toBeUndefined()
      // The sampler itself is told the truth, as its decision may hang on it.
      expect(parents.filter((id) => id === undefined)).toHaveLength(2)
    },
  )

  test('sees the context that the span starts in, its baggage, and the parent it gets', ({ createTracer }) => {
    const seen: unknown[] = []
    const sampler = answering((at) => {
      seen.push([propagation.getBaggage(at)?.getEntry('tenant')?.value, trace.getSpanContext(at)?.spanId])
      return { decision: SamplingDecision.RECORD_AND_SAMPLED }
    })
    const tracer = createTracer({ sampler })
    const library = tracer.provider.getTracer('library')
    const acme = propagation.setBaggage(ROOT_CONTEXT, propagation.createBaggage({ tenant: { value: 'acme' } }))
    context.with(acme, () => library.startSpan('ambient').end())
    library.startSpan('explicit', {}, trace.setSpanContext(acme, remote)).end()
    tracer.startActiveSpan('parent', (parent) => {
      library.startSpan('child').end()
      expect(seen).toEqual([
        ['acme', undefined],
        ['acme', remote.spanId],
        [undefined, undefined],
        [undefined, parent.spanContext().spanId],
      ])
    })
  })

  test('never sees a span of another tracer or of the application as the parent', ({ createTracer }) => {
    const seen: unknown[] = []
    const sampler = answering((at) => {
      seen.push(trace.getSpanContext(at))
      return { decision: SamplingDecision.RECORD_AND_SAMPLED }
    })
    const tracer = createTracer({ sampler })
    const foreign = trace.setSpanContext(ROOT_CONTEXT, { ...remote, isRemote: false })
    createTracer().startActiveSpan('other', () => tracer.startSpan('call').end())
    context.with(foreign, () => tracer.startSpan('call').end())
    expect(seen).toEqual([undefined, undefined])
  })

  test('keeps the span when it throws or answers with nothing', ({ createTracer }) => {
    const logger = { debug: () => undefined, warn: () => undefined, error: () => undefined }
    const throwing = answering(() => {
      throw new Error('no')
    })
    for (const sampler of [throwing, always(undefined as never)]) {
      const tracer = createTracer({ sampler, logger })
      tracer.startSpan('call').end()
      expect(tracer.tree()).toEqual([{ name: 'call' }])
    }
  })
})

describe('sampleRate', () => {
  test('keeps whole traces, whatever a remote caller decided', ({ createTracer }) => {
    const tracer = createTracer({ sampleRate: 0.5 })
    for (let i = 0; i < 200; i++) tracer.startActiveSpan('root', () => tracer.startSpan('child').end())
    const roots = tracer.tree()
    expect(roots.length).toBeGreaterThan(50)
    expect(roots.length).toBeLessThan(150)
    expect(roots.filter(({ children }) => children?.length !== 1)).toEqual([])

    const all = createTracer()
    all.provider.getTracer('library').startSpan('continued', {}, trace.setSpanContext(ROOT_CONTEXT, remote)).end()
    expect(all.spans[0]?.spanContext()).toMatchObject({ traceId: remote.traceId, traceFlags: 1 })
  })

  test('keeps all with 1 and none with 0', ({ createTracer }) => {
    const [all, none] = [createTracer({ sampleRate: 1 }), createTracer({ sampleRate: 0 })]
    for (const tracer of [all, none]) tracer.startSpan('call').end()
    expect([all.tree(), none.tree()]).toEqual([[{ name: 'call' }], []])
    expect(none.stats()).toMatchObject({ dropped: { unsampled: 1 } })
  })
})

function endingIn(names: string[]): {
  onStart(): void
  onEnd(span: { name: string }): void
  forceFlush(): Promise<void>
  shutdown(): Promise<void>
} {
  return {
    onStart: () => undefined,
    onEnd: ({ name }) => void names.push(name),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  }
}
