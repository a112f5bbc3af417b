import { afterEach, expect, it } from 'vitest'
import { HoneyHiveTracer, trace, traceFn } from '../../src/index.js'
import { startReceiver } from '../fixtures/receiver.js'

const NAMES = [
  ...[
    'sessionName',
    'sessionId',
    'source',
    'project',
    'linkCarrier',
    'evaluation',
    'runId',
    'datasetId',
    'isEvaluation',
    'inputs',
    'metadata',
  ],
  ...[
    'userProperties',
    'outputs',
    'metrics',
    'feedback',
    'config',
    'error',
    'eventName',
    'eventId',
    'eventType',
    'argNames',
    'redact',
    'tracer',
  ],
  ...['links', 'root', 'kind', 'startTime', 'capture', 'limits', 'sampler', 'spanFilter', 'skipSessionCreation', 'testMode', 'disabled'],
]
const POLLUTED = 'of nobody'
const VALUES: Readonly<Record<string, unknown>> = {
  'a text': POLLUTED,
  'an object': { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', keys: [POLLUTED], [POLLUTED]: POLLUTED },
  'a function': () => POLLUTED,
}

afterEach(() => {
  for (const name of NAMES) Reflect.deleteProperty(Object.prototype, name)
})

it.each(NAMES.flatMap((name) => Object.keys(VALUES).map((kind) => [name, kind] as const)))(
  'an option that sits on every object is not given: %s, %s',
  async (name, kind) => {
    const receiver = await startReceiver()
    Object.defineProperty(Object.prototype, name, { value: VALUES[kind], configurable: true, writable: true })
    const logger = { debug: () => undefined, warn: () => undefined, error: () => undefined }
    const tracer = HoneyHiveTracer.init({ apiKey: 'key', serverUrl: receiver.url, logger })
    const ask = traceFn(tracer, (question: number) => question)
    ask(1)
    trace({ tracer })(() => 2)()
    tracer.startSpan('by hand', {}).end()
    tracer.startActiveSpan('active', {}, () => tracer.enrichSpan({ metadata: { ok: 1 } }))
    await tracer.withSession({}, async () => ask(2))
    void tracer.enrichSession({ metadata: { ok: 1 } })
    void tracer.createEvent({ eventName: 'event' })
    const headers = tracer.injectContext({})
    const hasArrived = await tracer.shutdown()
    Reflect.deleteProperty(Object.prototype, name)
    expect([hasArrived, receiver.spans.length]).toEqual([true, 5])
    const said = JSON.stringify([receiver.spans, receiver.calls.map(({ body }) => body), headers])
    expect(said).not.toContain(POLLUTED)
    expect(said).not.toContain('b7ad6b7169203331')
    await receiver.close()
  },
)
