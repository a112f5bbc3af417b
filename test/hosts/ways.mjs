// The ways in which a host's code can run inside something of ours. `trees` is what our tracers have recorded afterwards.
// isRouted: an instrumentor has put a span into the context, so what is written to "the active span" is that span's.
// isInStep, isWithInner: whether the instrumented library makes a span inside the host's step, and after it.
// isBare: nothing of ours is active for it. isAtOnce: the host's work does not pause.

const routed = (name) => ({ isRouted: true, isInStep: false, trees: { main: `${name}(inner)` } })

/** Without us each way is its `plain` form, which only does the host's work. */
export function createWays(us, require) {
  const { traceFn } = us === undefined ? {} : require('honeyhive-tracer')
  const { context, trace } = require('@opentelemetry/api')
  const within = (parent, act) => context.with(parent, act)
  const ending = (act) => async (span) => {
    await act()
    span.end()
  }
  const whole = (name) => ({ main: `${name}(in step, inner)` })
  const apart = { main: 'in step | inner' }

  const ways = [
    { name: 'traceFn', trees: whole('traceFn'), run: (act) => traceFn(us.main, act, { eventName: 'traceFn' })() },
    {
      name: 'traceFn at once',
      isAtOnce: true,
      trees: { main: 'at once(inner)' },
      run: (act) => traceFn(us.main, act, { eventName: 'at once' })(),
    },
    {
      name: 'traceFn that throws',
      trees: whole('throws'),
      run: (act) =>
        traceFn(
          us.main,
          async () => {
            await act()
            throw new Error('expected')
          },
          { eventName: 'throws' },
        )().catch(() => undefined),
    },
    { name: 'startActiveSpan', trees: whole('active'), run: (act) => us.main.startActiveSpan('active', () => act()) },
    {
      name: 'startActiveSpan at once',
      isAtOnce: true,
      trees: { main: 'active(inner)' },
      run: (act) => us.main.startActiveSpan('active', () => act()),
    },
    {
      name: 'nested',
      trees: { main: 'outer(middle(in step, inner))' },
      run: (act) => us.main.startActiveSpan('outer', () => traceFn(us.main, async () => await act(), { eventName: 'middle' })()),
    },
    {
      name: 'generator',
      trees: { main: 'generator(in step, inner) | in step | inner' },
      run: async (act) => {
        const values = traceFn(us.main, generate, { eventName: 'generator' })
        for await (const _ of values(act)) await act(', consumer')
      },
      plain: async (act) => {
        for await (const _ of generate(act)) await act(', consumer')
      },
    },
    {
      name: 'span by hand',
      trees: { main: 'by hand | in step | inner' },
      run: async (act) => {
        const span = us.main.startSpan('by hand')
        await act()
        span.end()
      },
    },
    { name: 'session', trees: apart, run: (act) => us.main.withSession({ sessionName: 'session' }, () => act()) },
    {
      name: 'A inside B inside A',
      trees: { main: 'first(second(in step, inner))', other: 'between' },
      run: (act) =>
        us.main.startActiveSpan('first', () => us.other.startActiveSpan('between', () => us.main.startActiveSpan('second', () => act()))),
    },
    {
      name: 'routed startActiveSpan',
      ...routed('routed'),
      isInStep: true,
      trees: whole('routed'),
      run: (act) => us.library.startActiveSpan('routed', ending(act)),
    },
    {
      name: 'routed by otelTracer',
      ...routed('routed'),
      isInStep: true,
      trees: whole('routed'),
      run: (act) => us.main.otelTracer.startActiveSpan('routed', ending(act)),
    },
    {
      name: 'routed setSpan',
      ...routed('routed'),
      run: async (act) => {
        const span = us.library.startSpan('routed')
        await within(trace.setSpan(context.active(), span), act)
        span.end()
      },
    },
    {
      name: 'routed setSpanContext',
      ...routed('routed'),
      run: async (act) => {
        const span = us.library.startSpan('routed')
        await within(trace.setSpanContext(context.active(), span.spanContext()), act)
        span.end()
      },
    },
    {
      name: 'routed inside ours',
      isRouted: true,
      trees: { main: 'job(ai(in step, inner))' },
      run: (act) => us.main.startActiveSpan('job', () => us.library.startActiveSpan('ai', ending(act))),
    },
    {
      name: 'ours inside routed',
      isRouted: true,
      trees: { main: 'ai(job(in step, inner))' },
      run: (act) =>
        us.library.startActiveSpan(
          'ai',
          ending(() => us.main.startActiveSpan('job', () => act())),
        ),
    },
    {
      name: 'routed to another tracer',
      isRouted: true,
      trees: { other: 'job(ai(in step, inner))' },
      run: (act) => us.other.startActiveSpan('job', () => us.library.startActiveSpan('ai', ending(act))),
    },
    { name: 'disabled startActiveSpan', isBare: true, run: (act) => us.disabled.startActiveSpan('disabled', () => act()) },
    { name: 'disabled traceFn', isBare: true, run: (act) => traceFn(us.disabled, act)() },
    {
      name: 'disabled routed',
      isBare: true,
      run: (act) => us.disabled.provider.getTracer('library').startActiveSpan('disabled', ending(act)),
    },
    { name: 'unsampled startActiveSpan', run: (act) => us.unsampled.startActiveSpan('unsampled', () => act()) },
    {
      name: 'unsampled routed',
      isRouted: true,
      run: (act) => us.unsampled.startActiveSpan('unsampled', () => us.library.startActiveSpan('unsampled', ending(act))),
    },
    { name: 'filtered startActiveSpan', trees: apart, run: (act) => us.main.startActiveSpan('drop', () => act()) },
    {
      name: 'filtered inside ours',
      trees: whole('kept'),
      run: (act) => us.main.startActiveSpan('kept', () => us.main.startActiveSpan('drop', () => act())),
    },
    {
      name: 'filtered routed',
      isRouted: true,
      trees: whole('kept'),
      run: (act) => us.main.startActiveSpan('kept', () => us.library.startActiveSpan('drop', ending(act))),
    },
    {
      name: 'filtered routed setSpan',
      isRouted: true,
      isInStep: false,
      trees: { main: 'kept(inner)' },
      run: (act) =>
        us.main.startActiveSpan('kept', async () => {
          const span = us.library.startSpan('drop')
          await within(trace.setSpan(context.active(), span), act)
          span.end()
        }),
    },
    { name: 'nobody startActiveSpan', isBare: true, run: (act) => us.nobody.getTracer('library').startActiveSpan('nobody', ending(act)) },
    {
      name: 'nobody setSpan',
      isRouted: true,
      isBare: true,
      run: async (act) => within(trace.setSpan(context.active(), us.nobody.getTracer('library').startSpan('nobody')), act),
    },
    {
      name: 'routed root',
      isRouted: true,
      trees: { main: 'active | root' },
      isBare: true,
      run: (act) =>
        us.main.startActiveSpan('active', async () => {
          us.library.startSpan('root', { root: true }).end()
          await act()
        }),
    },
  ]
  return ways.map((way) => ({ isInStep: way.isBare !== true, isWithInner: way.isBare !== true, ...way }))
}

async function* generate(act) {
  yield 1
  await act(', body')
}
