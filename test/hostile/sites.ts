import { type Context, ROOT_CONTEXT, type Span, type SpanOptions } from '@opentelemetry/api'
import { enrichSession, enrichSpan } from '../../src/tracer/process.js'
import { trace, traceFn } from '../../src/tracer/tracing.js'
import type { HoneyHiveTracer } from '../../src/tracer/tracer.js'
import { fingerprint, type Site } from './oracle.js'

/** What the types would refuse: callers in plain JavaScript are not stopped by them. */
type Any = any

const BUCKETS = ['metadata', 'metrics', 'feedback', 'inputs', 'outputs', 'config', 'userProperties'] as const
const LINK = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }

const isSame = (one: unknown, other: unknown): string | undefined => (Object.is(one, other) ? undefined : 'gave back another value')

/** Calls `fn` with a value and complains when the value was changed. */
function untouched(make: () => unknown, fn: (value: unknown) => unknown): unknown {
  const value = make()
  const before = fingerprint(value)
  const outcome = fn(value)
  const check = (said: unknown): unknown =>
    typeof said === 'string' ? said : fingerprint(value) === before ? undefined : 'changed the value'
  return outcome instanceof Promise ? outcome.then(check) : check(outcome)
}

/** A call that must give back what the function gave, by identity, at once. */
function returns(fn: (value: unknown) => unknown) {
  return (_: unknown, make: () => unknown): unknown => {
    const value = make()
    return isSame(fn(value), value)
  }
}

const withSpan = (name: string, fn: (span: Any, value: unknown) => unknown): Site => ({
  name: `span.${name}`,
  act: (tracer, make) =>
    untouched(make, (value) => {
      const span = tracer.startSpan(`span.${name}`)
      try {
        fn(span, value)
      } finally {
        span.end()
      }
    }),
})

const withRouted = (name: string, fn: (span: Any, value: unknown) => unknown): Site => ({
  name: `routed.${name}`,
  act: (tracer, make) =>
    untouched(make, (value) => {
      const span = tracer.otelTracer.startSpan(`routed.${name}`)
      try {
        fn(span, value)
      } finally {
        span.end()
      }
    }),
})

const SPAN_CALLS: readonly (readonly [string, (span: Any, value: unknown) => unknown])[] = [
  ['setAttribute value', (span, value) => span.setAttribute('k', value)],
  ['setAttribute key', (span, value) => span.setAttribute(value, 1)],
  ['setAttribute honeyhive field', (span, value) => span.setAttribute('honeyhive_event_type', value)],
  ['setAttributes', (span, value) => span.setAttributes(value)],
  ['setAttributes field', (span, value) => span.setAttributes({ a: value })],
  ['addEvent name', (span, value) => span.addEvent(value)],
  ['addEvent attributes', (span, value) => span.addEvent('e', value)],
  ['addEvent field', (span, value) => span.addEvent('e', { a: value })],
  ['addEvent time', (span, value) => span.addEvent('e', {}, value)],
  ['addLink', (span, value) => span.addLink(value)],
  ['addLink context', (span, value) => span.addLink({ context: value })],
  ['addLink context field', (span, value) => span.addLink({ context: { ...LINK, traceFlags: value, traceState: value } })],
  ['addLink attributes', (span, value) => span.addLink({ context: LINK, attributes: value })],
  ['addLink field', (span, value) => span.addLink({ context: LINK, attributes: { a: value } })],
  ['addLinks', (span, value) => span.addLinks(value)],
  ['addLinks item', (span, value) => span.addLinks([value, { context: LINK }])],
  ['recordException', (span, value) => span.recordException(value)],
  ['recordException time', (span, value) => span.recordException(new Error('x'), value)],
  ['setStatus', (span, value) => span.setStatus(value)],
  ['setStatus code', (span, value) => span.setStatus({ code: value })],
  ['setStatus message', (span, value) => span.setStatus({ code: 2, message: value })],
  ['updateName', (span, value) => span.updateName(value)],
  ['end', (span, value) => span.end(value)],
]

/** Functions and methods under `trace`. */
export const callSites: readonly Site[] = [
  {
    name: 'argument',
    act: (tracer, make) =>
      untouched(make, (value) => {
        const got = traceFn(tracer, function argument(given: unknown) {
          return { given }
        })(value)
        return isSame(got.given, value)
      }),
  },
  {
    name: 'two arguments',
    act: (tracer, make) =>
      untouched(make, (value) =>
        traceFn(tracer, function twoArguments(..._: unknown[]): number {
          return 1
        })(value, value) === 1
          ? undefined
          : 'gave back another value',
      ),
  },
  {
    name: 'this',
    act: (tracer, make) =>
      untouched(make, (value) =>
        isSame(
          traceFn(tracer, function self(this: unknown) {
            return [this]
          } as Any).call(value)[0],
          value,
        ),
      ),
  },
  {
    name: 'result',
    act: (tracer, make) => returns((value) => traceFn(tracer, () => value, { eventName: 'result' } as Any)())(tracer, make),
  },
  {
    name: 'resolved value',
    act: async (tracer, make) => {
      const value = make()
      const got = traceFn(tracer, async () => ({ value }))()
      if (!(got instanceof Promise)) return 'is no promise any more'
      return isSame((await got).value, value)
    },
  },
  {
    name: 'resolved value itself',
    act: async (tracer, make) => {
      const value = make()
      // A thenable would be adopted, by `async` itself.
      if (hasThen(value)) return
      return isSame(await traceFn(tracer, async () => value)(), value)
    },
  },
  {
    name: 'thrown',
    act: (tracer, make) => {
      const value = make()
      try {
        traceFn(tracer, function thrown() {
          throw value
        })()
      } catch (error) {
        return isSame(error, value)
      }
      return 'did not throw'
    },
  },
  {
    name: 'rejected',
    act: (tracer, make) => {
      const value = make()
      return traceFn(tracer, async function rejected() {
        throw value
      })().then(
        () => 'did not reject',
        (error: unknown) => isSame(error, value),
      )
    },
  },
  {
    name: 'yielded',
    act: (tracer, make) => {
      const value = make()
      const [first] = traceFn(tracer, function* yielded() {
        yield value
      })()
      return isSame(first, value)
    },
  },
  {
    name: 'yielded by an async generator',
    act: async (tracer, make) => {
      const value = make()
      const seen: unknown[] = []
      for await (const item of traceFn(tracer, async function* yieldedAsync() {
        yield [value]
      })())
        seen.push(item[0])
      return isSame(seen[0], value)
    },
  },
  {
    name: 'chunk of a web stream',
    act: async (tracer, make) => {
      const value = make()
      const stream = traceFn(tracer, function webStream() {
        return new ReadableStream({
          start(controller) {
            controller.enqueue(value)
            controller.close()
          },
        })
      })()
      const reader = stream.getReader()
      const chunk = await reader.read()
      await reader.read()
      return isSame(chunk.value, value)
    },
  },
  {
    name: 'inputs function',
    act: (tracer, make) => void trace({ tracer, inputs: () => make() as object })(function inputsFunction() {})(),
  },
  { name: 'outputs function', act: (tracer, make) => void trace({ tracer, outputs: () => make() })(function outputsFunction() {})() },
  {
    name: 'fixed buckets',
    act: (tracer, make) =>
      untouched(make, (value) => {
        const fixed = { a: value }
        trace({ tracer, metadata: fixed, config: fixed, metrics: fixed, feedback: fixed, userProperties: fixed, attributes: fixed as Any })(
          function fixedBuckets() {},
        )()
      }),
  },
  {
    name: 'constructor argument',
    act: (tracer, make) => {
      class Made {
        readonly given: unknown
        constructor(given: unknown) {
          this.given = given
        }
      }
      const value = make()
      return isSame(new (traceFn(tracer, Made as Any) as Any)(value).given, value)
    },
  },
]

function hasThen(value: unknown): boolean {
  try {
    return ((typeof value === 'object' && value !== null) || typeof value === 'function') && 'then' in value
  } catch {
    return true
  }
}

/** Enrichment, spans by hand and spans of instrumentors. */
export const spanSites: readonly Site[] = [
  ...[...BUCKETS, 'error', 'eventId', 'free'].flatMap((key): Site[] => [
    {
      name: `enrichSpan ${key}`,
      act: (tracer, make) =>
        untouched(make, (value) => tracer.startActiveSpan(`enrichSpan ${key}`, () => void tracer.enrichSpan({ [key]: value } as Any))),
    },
    {
      name: `enrichSpan ${key} field`,
      act: (tracer, make) =>
        untouched(make, (value) =>
          tracer.startActiveSpan(`enrichSpan ${key} field`, () => void enrichSpan({ [key]: { a: value } } as Any)),
        ),
    },
  ]),
  {
    name: 'enrichSpan payload',
    act: (tracer, make) =>
      untouched(make, (value) => tracer.startActiveSpan('enrichSpan payload', () => void tracer.enrichSpan(value as Any))),
  },
  ...SPAN_CALLS.map(([name, fn]) => withSpan(name, fn)),
  ...SPAN_CALLS.map(([name, fn]) => withRouted(name, fn)),
  ...startSites('startSpan', (tracer, name, options) => tracer.startSpan(name as Any, options as Any).end()),
  ...startSites('startActiveSpan', (tracer, name, options) => tracer.startActiveSpan(name as Any, options as Any, () => undefined)),
  ...startSites('otel startSpan', (tracer, name, options) => tracer.otelTracer.startSpan(name as Any, options as Any).end()),
  ...startSites('otel startActiveSpan', (tracer, name, options) =>
    tracer.otelTracer.startActiveSpan(name as Any, options as Any, (span: Span) => span.end()),
  ),
  {
    name: 'otel startSpan context',
    act: (tracer, make) => untouched(make, (value) => tracer.otelTracer.startSpan('otel startSpan context', {}, value as Context).end()),
  },
  {
    name: 'otel startSpan key of a context',
    act: (tracer, make) =>
      untouched(make, (value) => tracer.otelTracer.startSpan('otel key', {}, ROOT_CONTEXT.setValue(Symbol.for('x'), value)).end()),
  },
  {
    name: 'getTracer name and version',
    act: (tracer, make) =>
      void tracer.provider
        .getTracer(make() as Any, make() as Any)
        .startSpan('getTracer name and version')
        .end(),
  },
  {
    name: 'startActiveSpan result',
    act: (tracer, make) => returns((value) => tracer.startActiveSpan('startActiveSpan result', () => value))(tracer, make),
  },
  {
    name: 'startActiveSpan thrown',
    act: (tracer, make) => {
      const value = make()
      try {
        tracer.startActiveSpan('startActiveSpan thrown', () => {
          throw value
        })
      } catch (error) {
        return isSame(error, value)
      }
      return 'did not throw'
    },
  },
]

type StartSpan = (tracer: HoneyHiveTracer, name: unknown, options: unknown) => void

function startSites(form: string, start: StartSpan): Site[] {
  const fields: readonly (readonly [string, (value: unknown) => object])[] = [
    ['attributes', (value) => ({ attributes: value })],
    ['attribute', (value) => ({ attributes: { a: value } })],
    ['links', (value) => ({ links: value })],
    ['link', (value) => ({ links: [value, { context: value, attributes: value }] })],
    ['startTime', (value) => ({ startTime: value })],
    ['kind', (value) => ({ kind: value })],
    ['root', (value) => ({ root: value })],
    ['eventType', (value) => ({ eventType: value })],
    ['eventId', (value) => ({ eventId: value })],
    ...BUCKETS.map((bucket) => [bucket, (value: unknown) => ({ [bucket]: value })] as const),
  ]
  return [
    { name: `${form} name`, act: (tracer, make) => untouched(make, (value) => start(tracer, value, {})) },
    { name: `${form} options`, act: (tracer, make) => untouched(make, (value) => start(tracer, `${form} options`, value as SpanOptions)) },
    ...fields.map(
      ([field, toOptions]): Site => ({
        name: `${form} ${field}`,
        act: (tracer, make) => untouched(make, (value) => start(tracer, `${form} ${field}`, toOptions(value))),
      }),
    ),
  ]
}

const EVENT_FIELDS = ['eventName', 'eventType', 'eventId', 'parentId', 'error', 'durationMs', 'sessionId', ...BUCKETS] as const
const SESSION_FIELDS = ['sessionName', 'sessionId', 'inputs', 'metadata', 'userProperties', 'linkCarrier', 'evaluation', 'source'] as const

const isBoolean = (promise: Promise<boolean>): Promise<string | undefined> =>
  promise.then((said) => (typeof said === 'boolean' ? undefined : 'did not say whether it arrived'))

/** Sessions, events and carriers: what goes by REST or by headers. */
export const sessionSites: readonly Site[] = [
  ...[...BUCKETS, 'free'].map(
    (key): Site => ({
      name: `enrichSession ${key}`,
      act: (tracer, make) => untouched(make, (value) => isBoolean(tracer.enrichSession({ [key]: { a: value }, metadata: value } as Any))),
    }),
  ),
  { name: 'enrichSession payload', act: (tracer, make) => untouched(make, (value) => isBoolean(tracer.enrichSession(value as Any))) },
  {
    name: 'enrichSession id',
    act: (tracer, make) => untouched(make, (value) => isBoolean(tracer.enrichSession({ sessionId: value, metadata: { a: 1 } } as Any))),
  },
  { name: 'free enrichSession payload', act: (_, make) => untouched(make, (value) => isBoolean(enrichSession(value as Any))) },
  {
    name: 'updateEvent id',
    act: (tracer, make) => untouched(make, (value) => isBoolean(tracer.updateEvent(value as Any, { metadata: { a: 1 } }))),
  },
  { name: 'updateEvent payload', act: (tracer, make) => untouched(make, (value) => isBoolean(tracer.updateEvent('e', value as Any))) },
  {
    name: 'createEvent payload',
    act: (tracer, make) => untouched(make, (value) => tracer.createEvent(value as Any).then(() => undefined)),
  },
  ...EVENT_FIELDS.map(
    (field): Site => ({
      name: `createEvent ${field}`,
      act: (tracer, make) =>
        untouched(make, (value) => tracer.createEvent({ eventName: 'e', [field]: value } as Any).then(() => undefined)),
    }),
  ),
  ...SESSION_FIELDS.flatMap((field): Site[] => [
    {
      name: `withSession ${field}`,
      act: (tracer, make) =>
        untouched(make, (value) =>
          tracer.withSession({ sessionName: 's', [field]: value } as Any, () => {
            tracer.startSpan(`withSession ${field}`).end()
            return undefined
          }),
        ),
    },
    {
      name: `createSession ${field}`,
      act: (tracer, make) =>
        untouched(make, async (value) => {
          const id = await tracer.createSession({ sessionName: 's', [field]: value } as Any)
          tracer.startSpan(`createSession ${field}`).end()
          return typeof id === 'string' ? undefined : 'gave no id'
        }),
    },
  ]),
  {
    name: 'withSession options',
    act: (tracer, make) => untouched(make, (value) => tracer.withSession(value as Any, () => undefined)),
  },
  { name: 'withSession result', act: (tracer, make) => returns((value) => tracer.withSession({}, () => value))(tracer, make) },
  {
    name: 'session.enrich payload',
    act: (tracer, make) => untouched(make, (value) => tracer.withSession({}, (session) => isBoolean(session.enrich(value as Any)))),
  },
  { name: 'injectContext', act: (tracer, make) => returns((value) => tracer.injectContext(value as Any))(tracer, make) },
  {
    name: 'withRemoteContext carrier',
    act: (tracer, make) =>
      untouched(make, (value) =>
        tracer.withRemoteContext(value as Any, () => {
          tracer.startSpan('withRemoteContext carrier').end()
        }),
      ),
  },
  {
    name: 'withRemoteContext headers',
    act: (tracer, make) =>
      untouched(make, (value) =>
        tracer.withRemoteContext({ traceparent: value, baggage: value, tracestate: value } as Any, () => {
          tracer.startSpan('withRemoteContext headers').end()
        }),
      ),
  },
  { name: 'withRemoteContext result', act: (tracer, make) => returns((value) => tracer.withRemoteContext({}, () => value))(tracer, make) },
  {
    name: 'baggage',
    act: (tracer, make) => {
      const value = make() as Any
      return tracer.withSession({}, () => {
        tracer.setBaggage(value, value)
        tracer.setBaggage('k', value)
        tracer.getBaggage(value)
        const headers = tracer.injectContext({} as Record<string, string>)
        return headers['baggage']?.isWellFormed() === true ? undefined : 'baggage is no text'
      })
    },
  },
  { name: 'explain', act: (tracer, make) => (typeof tracer.explain(make() as Any) === 'string' ? undefined : 'said nothing') },
]
