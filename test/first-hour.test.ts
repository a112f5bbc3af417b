// One line for each mistake of the first hour: what was done, and words of the message that lead to the fix. What has no message of
// ours (the words of Node itself) is led on by `doctor --entry`, at the end.
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import * as main from '../src/index.js'
import { adviseOnSyntax } from '../src/cli/doctor-imports.js'
import { startDevServer } from '../src/dev/server.js'
import * as experiments from '../src/experiments/index.js'
import { createClient } from '../src/client/index.js'
import { traceFetchHandler } from '../src/middleware/fetch.js'
import { traceHandler } from '../src/middleware/lambda.js'
import { assertIsolated, createTestTracer } from '../src/testing/index.js'

// Who makes these mistakes writes JavaScript, which knows no types.
const {
  HoneyHiveTracer,
  trace,
  traceFn,
  traceClass,
  enrichSpan,
  enrichSession,
  defineTracers,
  loadTracers,
  createTracerPool,
  setDefaultTracer,
} = main as any
const { evaluate, evaluator, mergeResults } = experiments as any

const said: string[] = []
const logger = {
  debug: () => {},
  warn: (line: string) => void said.push(line),
  error: (line: string) => void said.push(line),
}
const tracer = (): any => createTestTracer({ logger })
const init = (options: object): unknown => HoneyHiveTracer.init({ apiKey: 'key', logger, ...options })
const run = (options: object): Promise<any> =>
  evaluate({ function: () => 1, dataset: [{ inputs: { a: 1 } }], printResults: false, progress: false, ...options })
const inSpan = (act: (tracer: any) => unknown): unknown => {
  const own = tracer()
  return own.startActiveSpan('a', () => act(own))
}

/** What was done · how · words of the message, in their order. */
type Row = readonly [mistake: string, act: () => unknown, ...words: string[]]

const MAKING: readonly Row[] = [
  ['new', () => new HoneyHiveTracer({ apiKey: 'key' }), 'new HoneyHiveTracer', 'HoneyHiveTracer.init({ … })'],
  ['the key alone', () => HoneyHiveTracer.init('key'), 'HoneyHiveTracer.init', 'expected an object, got a string', 'by name'],
  [
    'a variable of Python’s evaluate',
    () => {
      vi.stubEnv('HH_SERVER_URL', 'https://hive.example')
      try {
        return init({})
      } finally {
        vi.unstubAllEnvs()
      }
    },
    'HH_SERVER_URL is set',
    'Name it HH_API_URL',
  ],
  ['no key', () => HoneyHiveTracer.init({ logger }), 'no API key', '`apiKey`', 'HH_API_KEY'],
  ['a blank key', () => init({ apiKey: '  ' }), 'no API key', '`apiKey`', 'HH_API_KEY'],
  ['a line break in the key', () => init({ apiKey: 'ab\ncd' }), '"apiKey"', 'a line break inside', 'Copy the API key again'],
  ['a key in quotes', () => init({ apiKey: '"abcd"' }), '"apiKey"', 'a string in quotes', 'Copy the API key again'],
  ['a key with its scheme', () => init({ apiKey: 'Bearer abcd' }), '"apiKey"', '"Bearer "', 'Copy the API key again'],
  ['a number as key', () => init({ apiKey: 12 }), '"apiKey"', 'got a number from code'],
  ['a promise of a key', () => init({ apiKey: Promise.resolve('key') }), '"apiKey"', 'a function that gives one', 'got a promise'],
  ['names of Python', () => init({ api_key: 'k', server_url: 'x' }), '"api_key"', 'mean "apiKey"', '"server_url"', 'mean "serverUrl"'],
  ['a flag of Python', () => init({ disable_http_tracing: true }), '"disable_http_tracing"', '"instrumentations"'],
  ['names of Langfuse', () => init({ publicKey: 'a', secretKey: 'b', baseUrl: 'c' }), '"publicKey"', '"apiKey"', 'Use "serverUrl"'],
  ['names of Traceloop', () => init({ appName: 'a', instrumentModules: {} }), '"appName"', 'service.name', 'new OpenAIInstrumentation()'],
  ['names of LangSmith', () => init({ apiUrl: 'a', projectName: 'b' }), '"apiUrl"', 'Use "serverUrl"', 'Use "project"'],
  ['names of Braintrust', () => init({ appUrl: 'a', asyncFlush: true }), '"appUrl"', 'Use "serverUrl"', 'forceFlush()'],
  ['names of Sentry', () => init({ dsn: 'a', tracesSampleRate: 1 }), '"dsn"', 'Use "apiKey"', 'Use "sampleRate"'],
  ['a mistyped option', () => init({ sesionName: 'a' }), '"sesionName"', 'Did you mean "sessionName"?'],
  ['a rate in per cent', () => init({ sampleRate: 50 }), '"sampleRate"', 'from 0 to 1, got 50', 'e.g. 0.1'],
  ['a truth value as text', () => init({ verbose: 'true' }), '"verbose"', 'got "true" from code', 'Give true or false'],
  ['seconds as text', () => init({ batch: { exportTimeoutMs: '5s' } }), '"batch.exportTimeoutMs"', 'got "5s"', 'milliseconds'],
  ['an address without scheme', () => init({ serverUrl: '127.0.0.1:4319' }), '"serverUrl"', 'http or https URL', 'e.g. "https://'],
  ['an address with a fragment', () => init({ serverUrl: 'http://127.0.0.1:4319/#/p' }), '"serverUrl"', 'fragment', 'base URL'],
  ['http to another host', () => init({ serverUrl: 'http://elsewhere' }), 'http://elsewhere', 'Use https', 'allowInsecureUrl: true'],
  ['instrumentors by name', () => init({ instrumentations: ['openai'] }), '"instrumentations"', 'index 0', 'new OpenAIInstrumentation()'],
  ['an instrumentor’s class', () => init({ instrumentations: [class A {}] }), 'a function without setTracerProvider()', 'Give instances'],
  ['one processor, no list', () => init({ spanProcessors: {} }), '"spanProcessors"', 'an array', 'new BatchSpanProcessor'],
  ['a filter as list', () => init({ spanFilter: ['http'] }), '"spanFilter"', 'got an array', '{ exclude: ["http."] }'],
  ['an unknown name', () => defineTracers({ production: { testMode: true, logger } }).get('prod'), '"prod"', 'Known names: "production"'],
  ['tracers as list', () => defineTracers([{}]), 'defineTracers', 'got an array', '{ production: { apiKey'],
  ['a missing file', () => loadTracers('nowhere.yaml'), '"nowhere.yaml"', 'does not exist', 'YAML or JSON'],
  ['a pool without create', () => createTracerPool({}), '"create"', '(key) => options'],
  ['a tracer for options', () => HoneyHiveTracer.init(tracer()), '"options"', 'got an object of a class', 'Give options by name'],
  ['tracers for options', () => defineTracers({ production: tracer() }), '"production"', 'got an object of a class', 'options by name'],
  [
    'a pool of tracers',
    () => createTracerPool({ create: tracer }).run('acme', () => 1),
    '"acme"',
    'got an object of a class',
    'Give options by name',
  ],
  ['a pool without work', () => createTracerPool({ create: () => ({}) }).run('acme'), 'got undefined', 'run(key, fn)'],
  ['the name of a test tracer', () => (createTestTracer as any)('checkout'), 'got a string', 'Give options by name'],
  ['a list to assertIsolated', () => (assertIsolated as any)([tracer()]), 'got an array', 'assertIsolated(a, b)'],
  ['a mistyped option of the server', () => startDevServer({ datbase: 'a' } as any), '"datbase"', 'mean "database"?'],
  ['a flag of the command', () => startDevServer({ db: 'a.db' } as any), '"db"', 'Use "database"'],
  ['a client by other names', () => (createClient as any)({ apiKey: 'key', baseUrl: 'https://a.example' }), '"baseUrl"', 'Use "serverUrl"'],
  ['a tracer for the client', () => (createClient as any)(tracer()), 'got an object of a class', 'Give options by name'],
  ['a handler alone', () => (traceFetchHandler as any)(tracer()), 'got undefined', 'traceFetchHandler(tracer, handler)'],
  ['a handler first', () => (traceHandler as any)(() => 1, tracer()), 'got an object', 'traceHandler(tracer, handler)'],
  ['a name as the default', () => setDefaultTracer('production'), 'setDefaultTracer', 'got "production"', 'tracers.get(name)'],
]

const RECORDING: readonly Row[] = [
  ['traceFn of a promise', () => traceFn(tracer(), Promise.resolve(1)), 'traceFn', 'got a promise', 'not traceFn(tracer, answer())'],
  ['traceFn the wrong way round', () => traceFn(() => 1, tracer()), 'got an object', 'traceFn(tracer, fn, options)'],
  ['traceFn without tracer', () => traceFn(() => 1), 'got undefined', 'traceFn(tracer, fn, options)'],
  ['traceFn with a name', () => traceFn(tracer(), () => 1, 'chat'), 'got a string', "{ eventName: 'answer' }"],
  ['traceFn of a promised tracer', () => traceFn(Promise.resolve(), () => 1), '"tracer"', 'got a promise', 'Give e.g. the tracer'],
  ['options of Python', () => traceFn(tracer(), () => 1, { event_type: 'tool' }), '"event_type"', 'mean "eventType"'],
  ['options of LangSmith', () => traceFn(tracer(), () => 1, { name: 'a', run_type: 'llm' }), '"eventName"', 'Use "eventType"'],
  ['options of Langfuse', () => traceFn(tracer(), () => 1, { asType: 'generation' }), '"asType"', 'Use "eventType"'],
  ['an event type of others', () => traceFn(tracer(), () => 1, { eventType: 'llm' }), "'model'", 'got "llm"', 'EventType.chain'],
  ['trace of a value', () => trace(tracer())(5), 'got a number', 'trace(tracer)(fn)'],
  ['trace of a promise', () => trace(tracer())(Promise.resolve()), 'got a promise', 'do not call it'],
  ['trace(tracer, fn)', () => trace(tracer(), () => 1), 'takes one value', 'trace(tracer)(fn)'],
  ['tracer.trace(name, fn)', () => tracer().trace('answer', () => 1), 'got a string', 'tracer.trace({ … })(fn)'],
  ['traceClass(Agent)', () => traceClass(class Agent {}), 'takes no class', 'traceClass(tracer)(Agent)'],
  ['traceClass(tracer, Agent)', () => traceClass(tracer(), class Agent {}), 'takes no class', 'traceClass(tracer)(Agent)'],
  ['trace(fn)', () => trace(() => 1)('a question'), 'got a string', 'trace(tracer)(fn), or traceFn(tracer, fn)'],
  ['@trace of a field', () => trace(tracer())({}, 'ask', undefined), 'the field "ask"', 'a method or a getter', '@traceClass'],
  ['@traceClass of a function', () => traceClass(tracer())(() => 1), 'Expected a class', 'traceFn(tracer, fn)'],
  [
    'a misspelt tracer',
    () => {
      defineTracers({ production: { testMode: true, logger }, staging: { testMode: true, logger } })
      return trace({ tracer: 'prodution', eventName: 'misspelt' })(() => 1)()
    },
    '"misspelt" runs untraced',
    '"prodution"',
    'did you mean "production"',
  ],
  ['no tracer', () => trace()(function lonely() {})(), '"lonely" runs untraced', 'no live tracer', 'Give it a `tracer`'],
  [
    'init twice',
    () => {
      init({ testMode: true })
      init({ testMode: true })
      return trace()(function between() {})()
    },
    '"between" runs untraced',
    '2 tracers are live',
    'each init() makes another',
  ],
  ['startActiveSpan without function', () => tracer().startActiveSpan('a'), 'got undefined', 'startActiveSpan(name, fn)'],
  ['startActiveSpan(fn, options)', () => tracer().startActiveSpan('a', () => 1, {}), 'got an object', 'startActiveSpan(name, options, fn)'],
  ['startSpan of text', () => tracer().startSpan('a', 'chain').end(), 'startSpan()', 'got a string', "{ eventType: 'chain' }"],
  ['startSpan without name', () => tracer().startSpan({}).end(), 'a name first, got an object', "startSpan('answer', { … })"],
  ['startSpan of Python', () => tracer().startSpan('a', { event_type: 'tool' }).end(), '"event_type"', 'mean "eventType"?'],
  ['a mistyped option of a span', () => tracer().startSpan('a', { input: 'b' }).end(), '"input"', 'ignored', 'mean "inputs"?'],
  ['an option of one’s own', () => tracer().startSpan('a', { tenant: 'b' }).end(), '"tenant"', 'ignored', '{ metadata: { … } }'],
  ['a span type of others', () => tracer().startSpan('a', { eventType: 'llm' }).end(), "'model'", 'got "llm"', 'EventType.chain'],
  ['startActiveSpan of Langfuse', () => tracer().startActiveSpan('a', { asType: 'span' }, () => 1), '"asType"', 'Use "eventType"'],
  ['startActiveSpan of text', () => tracer().startActiveSpan('a', 'chain', () => 1), 'got a string', "{ eventType: 'chain' }"],
  ['a name as option', () => tracer().startActiveSpan('a', { name: 'b' }, () => 1), '"name"', 'The name is the first argument'],
  ['enrichSpan outside of a span', () => tracer().enrichSpan({ metadata: {} }), 'no active span', 'inside of a function', 'updateEvent('],
  ['the free enrichSpan there', () => [tracer(), enrichSpan({ metadata: {} })].length, 'no active span', 'inside of a function'],
  ['enrichSpan between two tracers', () => [tracer(), tracer(), enrichSpan({ a: 1 })].length, '2 tracers are live', 'tracer.enrichSpan('],
  ['enrichSession without tracer', () => enrichSession({ a: 1 }), 'enrichSession()', 'no live tracer', 'tracer.enrichSession('],
  [
    'enrichSpan when the span is over',
    async () => {
      const own = tracer()
      const late = own.startActiveSpan('a', () => ({ run: own.bind(() => own.enrichSpan({ a: 1 })) }))
      late.run()
    },
    'no active span',
    'before it returns',
  ],
  [
    'enrichSpan(span, data)',
    () => inSpan((own) => own.startActiveSpan('b', (span: any) => own.enrichSpan(span, {}))),
    'got a span',
    '{ metadata',
  ],
  ['a promise to enrichSpan', () => inSpan((own) => own.enrichSpan({ outputs: Promise.resolve() })), 'a promise as "outputs"', 'Await it'],
  ['injectContext without headers', () => tracer().injectContext(), 'takes headers, got undefined', 'headers'],
  ['bind of a call', () => tracer().bind(Promise.resolve()), 'got a promise', 'bind(() => work())', 'not bind(work())'],
  ['withRemoteContext of a request', () => tracer().withRemoteContext({ headers: {} }, () => 1), 'takes headers', 'request.headers'],
  ['withRemoteContext without function', () => tracer().withRemoteContext({}), 'got undefined', 'withRemoteContext(request.headers, fn)'],
  ['withSession of a promise', () => tracer().withSession(Promise.resolve({}), () => 1), 'got a promise', 'Await it first'],
  ['withSession without function', () => tracer().withSession({}), 'got undefined', 'withSession({ sessionName }, fn)'],
  ['withSession of a name', () => tracer().withSession('checkout', () => 1), 'got a string', "{ sessionName: 'checkout' }"],
  ['withSession of another name', () => tracer().withSession({ name: 'a' }, () => 1), '"name"', 'ignored', 'mean "sessionName"?'],
  ['withSession of one’s own', () => tracer().withSession({ tenant: 'a' }, () => 1), '"tenant"', 'ignored', '{ metadata: { … } }'],
  [
    'createSession of a name',
    async () => void (await tracer().createSession('checkout')),
    'createSession()',
    'got a string',
    'sessionName',
  ],
  ['withSession of Python', () => tracer().withSession({ session_name: 'a' }, () => 1), '"session_name"', 'mean "sessionName"?'],
  ['createSession not awaited', () => void tracer().createSession({}), 'not awaited', 'await tracer.createSession', 'withSession()'],
  ['enrichSpan of text', () => inSpan((own) => own.enrichSpan('note')), 'enrichSpan()', 'got a string', '{ metadata: { … } }'],
  ['enrichSpan of nothing', () => inSpan((own) => own.enrichSpan(null)), 'enrichSpan()', 'got null', '{ metadata: { … } }'],
  ['enrichSpan(name, value)', () => inSpan(() => enrichSpan('user', 'ada')), 'enrichSpan()', 'got a string', '{ metadata: { … } }'],
  ['a mistyped bucket', () => inSpan((own) => own.enrichSpan({ metadta: {} })), '"metadta"', 'metadata', 'mean "metadata"?'],
  ['a bucket of Python', () => inSpan(() => enrichSpan({ user_properties: {} })), '"user_properties"', 'mean "userProperties"?'],
  ['enrichSession of text', () => tracer().enrichSession('note'), 'enrichSession()', 'got a string', '{ metadata: { … } }'],
  ['updateEvent without id', () => tracer().updateEvent({ metrics: {} }), 'an id is a text, got an object', 'updateEvent(eventId, { … })'],
  ['createEvent of a name', () => tracer().createEvent('answer'), 'got a string', "{ eventName: 'answer' }"],
  ['a time as text', () => tracer().forceFlush('5s'), 'forceFlush()', 'milliseconds, got "5s"', 'e.g. 5000'],
  [
    'a span that is never ended',
    () => {
      const own = tracer()
      own.startSpan('long job')
      return own.shutdown()
    },
    'honeyhive.unfinished',
    'The first is "long job"',
    'span.end()',
    'before shutdown()',
  ],
  [
    'data at the end of a span',
    () => tracer().startSpan('a').end({ output: 1 }),
    'span.end() takes a time, got an object',
    'ends now',
    'span.setAttribute()',
  ],
  [
    'a method left out that is none',
    () => {
      class Bank {
        transferMoney(): void {}
      }
      return traceClass({ tracer: tracer(), exclude: ['transferMony'] })(Bank)
    },
    '"exclude" names "transferMony"',
    'the class Bank does not have',
    'Did you mean "transferMoney"?',
  ],
  [
    'a span after shutdown',
    async () => {
      const own = tracer()
      await own.shutdown()
      own.startActiveSpan('late', () => 1)
    },
    'afterShutdown',
    'shut down last',
  ],
]

const EXPERIMENTS: readonly Row[] = [
  ['a mistyped gate', () => run({ threshold: { a: 1 } }), '"threshold"', 'Did you mean "thresholds"?'],
  ['evaluator for evaluators', () => run({ evaluator: [] }), '"evaluator"', 'Did you mean "evaluators"?'],
  ['options of Python', () => run({ max_workers: 4, api_key: 'a' }), '"max_workers"', '"maxConcurrency"', 'mean "apiKey"'],
  ['options of Braintrust', () => run({ task: () => 1, data: [] }), 'Use "function"', 'Use "dataset"'],
  ['a tracer', () => run({ tracer: tracer() }), '"tracer"', 'Each row has a tracer of its own'],
  [
    'rows without inputs',
    () => run({ dataset: [{ country: 'Spain' }] }),
    'row 0 has no "inputs", but "country"',
    '{ inputs: { country } }',
  ],
  ['rows of text', async () => (await run({ dataset: ['a'] })).rows[0].error.message, 'Row 0', 'Give an object with "inputs"'],
  [
    'streamed rows without inputs',
    async () => (await run({ dataset: new Set([{ country: 'Spain' }]).values() })).rows[0].error.message,
    'row 0 has no "inputs"',
    '"parse"',
  ],
  ['a dataset that is no list', () => run({ dataset: { a: 1 } }), '"dataset"', 'got an object', '[{ inputs'],
  ['a promised dataset', () => run({ dataset: Promise.resolve([]) }), '"dataset"', 'got a promise', 'await what reads it'],
  ['no options', () => (evaluate as any)(), '"function"', 'Give the function under test'],
  ['rows in lists', () => run({ dataset: [[1]] }), 'row 0 is a list', '{ inputs: { … } }', '"parse"'],
  ['rows with an input', () => run({ dataset: [{ input: { a: 1 } }] }), 'no "inputs", but "input"', '{ inputs: row.input }'],
  ['a file as dataset', () => run({ dataset: 'rows.csv' }), '"dataset"', 'got "rows.csv"', 'fromCsv(file)', '"datasetId"'],
  [
    'a ground truth of others',
    async () => (await run({ dataset: [{ inputs: {}, expected: 1 }], evaluators: [() => 1] })).warnings.join(),
    '"expected" and no "groundTruth"',
    'Rename it',
  ],
  ['a return forgotten', async () => (await run({ function: () => {} })).warnings.join(), 'returned nothing for any row', 'Return what'],
  [
    'an evaluator of Braintrust',
    async () => (await run({ evaluators: [({ output, expected }: any) => Number(output === expected)] })).warnings.join(),
    'takes { output, expected } of its first argument',
    '(outputs, inputs, groundTruth)',
  ],
  ['one evaluator, no list', () => run({ evaluators: () => 1 }), '"evaluators"', 'got a function', 'Give e.g. [exact]'],
  ['results one by one', () => mergeResults({}, {}), '"results"', 'got an object', 'mergeResults([first, second])'],
  ['an empty dataset', async () => (await run({ dataset: [] })).warnings.join(), 'The dataset is empty'],
  ['no function', () => run({ function: undefined }), '"function"', 'Give the function under test'],
  ['a function that was called', () => run({ function: Promise.resolve(1) }), '"function"', 'got a promise', 'the function under test'],
  ['a dataset of the server without key', () => run({ dataset: undefined, datasetId: 'a' }), 'needs an API key', 'HH_API_KEY'],
  ['an evaluator that was called', () => run({ evaluators: [5] }), 'Evaluator 1', 'Give a function, evaluator(name, fn)'],
  ['an evaluator without function', () => evaluator('exact'), 'evaluator "exact"', '(outputs, inputs, groundTruth) =>'],
  [
    'a function with a tracer of its own',
    async () => {
      const answer = traceFn(tracer(), () => 1)
      return (await run({ function: () => answer() })).warnings.join('\n')
    },
    'no spans of their own',
    'started 1 meanwhile',
    'leave its tracer out: trace()(fn)',
  ],
]

beforeEach(() => {
  said.length = 0
  vi.spyOn(process.stderr, 'write').mockImplementation((line) => Boolean(said.push(String(line))))
})

afterEach(async () => {
  vi.restoreAllMocks()
  await main.shutdownAll(100)
})

describe.each([
  ['making a tracer', MAKING],
  ['recording', RECORDING],
  ['experiments', EXPERIMENTS],
])('%s: the message leads to the fix', (_, rows) => {
  it.each(rows.map(([mistake, act, ...words]) => ({ mistake, act, words })))('$mistake', async ({ act, words }) => {
    const thrown = await attempt(act)
    // What is told after the call that went wrong.
    await new Promise((resolve) => setImmediate(resolve))
    expectInOrder([thrown, ...said].join('\n'), words)
  })
})

it('the key of the local server, which the pages name, hides no words that hold it', () => {
  const own = createTestTracer({ apiKey: 'local' })
  traceFn(own, (url: string) => url)('http://localhost:3000/local')
  expect(own.spans[0]?.attributes).toMatchObject({ 'honeyhive_inputs.arg0': 'http://localhost:3000/local' })
})

describe('delivery: the message leads to the fix', () => {
  /** One span to a server, and what is said of it. */
  async function send(serverUrl: string): Promise<string> {
    const own = HoneyHiveTracer.init({ apiKey: 'local', serverUrl, logger, batch: { retryBudgetMs: 1 } })
    own.startActiveSpan('answer', () => 1)
    await own.shutdown()
    return said.join('\n')
  }

  async function sendTo(status: number, type: string): Promise<string> {
    const server = createServer((request, reply) => {
      request.resume()
      reply.writeHead(status, { 'content-type': type }).end(type === 'text/html' ? '<html>' : '{}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      return await send(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    } finally {
      server.close()
      server.closeAllConnections()
    }
  }

  it('the address of a page of the local server', async () => {
    const server = await startDevServer({ port: 0 })
    try {
      expectInOrder(await send(`${server.url}/page/sessions`), [
        'HTTP 404',
        '`serverUrl` (HH_API_URL)',
        'the path "/page/sessions"',
        'without it',
      ])
    } finally {
      await server.close()
    }
  })

  it('the address of a web application', async () => {
    expectInOrder(await sendTo(200, 'text/html'), ['badReply', 'answered with an HTML page', '`serverUrl`'])
  })

  it('a key that is refused', async () => {
    expectInOrder(await sendTo(401, 'application/json'), ['HTTP 401', '`apiKey` (HH_API_KEY)'])
  })

  it('a port where nobody listens', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as AddressInfo
    await new Promise((resolve) => taken.close(resolve))
    expectInOrder(await send(`http://127.0.0.1:${port}`), ['ECONNREFUSED'])
  })
})

describe('programs: the message leads to the fix', () => {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const tsx = createRequire(import.meta.url).resolve('tsx')
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'first-hour-'))
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  function runNode(args: readonly string[], cwd = folder): Promise<string> {
    return new Promise((resolve) => {
      const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] } })
      let output = ''
      const keep = (part: Buffer): void => {
        output += part.toString()
      }
      for (const stream of [child.stdout, child.stderr]) stream.on('data', keep)
      child.on('close', () => resolve(output))
    })
  }

  it('evaluate not awaited before process.exit', async () => {
    const file = join(folder, 'not-awaited.mts')
    const source = JSON.stringify(join(root, 'src/experiments/index.ts'))
    await writeFile(
      file,
      `import { evaluate } from ${source}
void evaluate({ function: () => new Promise(() => {}), dataset: [{ inputs: {} }], progress: false })
setTimeout(() => process.exit(0), 100)
`,
    )
    const output = await runNode(['--import', tsx, file])
    expectInOrder(output, ['The process ended while evaluate() ran', 'no result', 'Await it before process.exit()'])
  })

  it('await forgotten before process.exit', async () => {
    const file = join(folder, 'forgotten.mts')
    const source = JSON.stringify(join(root, 'src/index.ts'))
    await writeFile(
      file,
      `import { HoneyHiveTracer } from ${source}
const tracer = HoneyHiveTracer.init({ apiKey: 'key', serverUrl: 'http://127.0.0.1:9' })
tracer.startActiveSpan('answer', () => 1)
tracer.shutdown()
process.exit(0)`,
    )
    expectInOrder(await runNode(['--import', tsx, file]), [
      '1 ended span of dev not delivered',
      'Await `shutdownAll()` before process.exit()',
    ])
  })

  it.each([
    ['a default import', "import HoneyHiveTracer from 'honeyhive-tracer'", 'import { HoneyHiveTracer }'],
    ['a name of Langfuse', "import { observe } from 'honeyhive-tracer'", '"traceFn"'],
    ['a name of LangSmith', "import { traceable } from 'honeyhive-tracer'", '"traceFn"'],
    ['a name of Python', "import { enrich_span } from 'honeyhive-tracer'", 'Did you mean "enrichSpan"?'],
    ['the name of the older package', "import { HoneyHive } from 'honeyhive-tracer'", '"HoneyHiveTracer"'],
    ['a name of another entry', "import { evaluate } from 'honeyhive-tracer'", '"honeyhive-tracer/experiments"'],
    ['a name of another entry’s', "import { Client } from 'honeyhive-tracer/client'", 'createClient()'],
    ['an entry that does not exist', "import { evaluate } from 'honeyhive-tracer/evaluate'", '"honeyhive-tracer/experiments"'],
    ['a method of Python', 'const tracer = {}\ntracer.enrich_span({})', 'Did you mean "enrichSpan"?'],
    ['a function as a method', 'const tracer = {}\ntracer.traceFn(() => 1)', 'traceFn(tracer, fn)'],
    ['a method of Langfuse', 'const tracer = {}\ntracer.startObservation("a")', 'tracer.startSpan()'],
    ['a method of Traceloop', 'class HoneyHiveTracer {}\nHoneyHiveTracer.initialize({})', 'HoneyHiveTracer.init()'],
    ['a decorator without compiler', 'class A {\n  @trace(tracer)\n  ask() {}\n}', 'tsx, or wrap the function: traceFn(tracer, fn)'],
  ])('doctor --entry on %s', async (_, source, advice) => {
    // The words of Node itself, with a package of this name that exports nothing.
    const own = await mkdtemp(join(folder, 'app-'))
    const fake = join(own, 'node_modules', 'honeyhive-tracer')
    await mkdir(fake, { recursive: true })
    await writeFile(
      join(fake, 'package.json'),
      '{ "name": "honeyhive-tracer", "type": "module", "exports": { ".": "./index.js", "./client": "./index.js" } }',
    )
    await writeFile(join(fake, 'index.js'), 'export const VERSION = 1')
    await writeFile(join(own, 'app.mjs'), source)
    expect(adviseOnSyntax(await runNode(['app.mjs'], own))).toContain(advice)
  })
})

async function attempt(act: () => unknown): Promise<string> {
  try {
    return String(await act())
  } catch (error) {
    return (error as Error).message
  }
}

function expectInOrder(message: string, words: readonly string[]): void {
  let from = 0
  for (const word of words) {
    const at = message.indexOf(word, from)
    expect(at, `${JSON.stringify(word)} after ${from} in: ${message}`).toBeGreaterThanOrEqual(0)
    from = at
  }
}
