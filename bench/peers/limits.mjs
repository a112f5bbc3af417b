// What the engine, the OpenTelemetry packages and the wire cost at the least. node --expose-gc limits.mjs [--quick] [--json]
import { createRequire } from 'node:module'
import { AsyncLocalStorage } from 'node:async_hooks'
import http from 'node:http'
import zlib from 'node:zlib'
import { micro, microAsync } from './lib/micro.mjs'
import { payloads } from './lib/payloads.mjs'
import { handTraced } from './lib/hand-traced.mjs'

const require = createRequire(new URL('./adapters/raw-otel/package.json', import.meta.url))
const api = require('@opentelemetry/api')
const { NodeTracerProvider } = require('@opentelemetry/sdk-trace-node')
const { BatchSpanProcessor, RandomIdGenerator } = require('@opentelemetry/sdk-trace-base')
const { JsonTraceSerializer, ProtobufTraceSerializer } = require('@opentelemetry/otlp-transformer')
const o = process.argv.includes('--quick') ? { ms: 8, samples: 7 } : { ms: 25, samples: 15 }
const out = {}
const m = (k, fn, x) => {
  out[k] = micro(fn, { ...o, ...x })
}
const ma = async (k, fn, x) => {
  out[k] = await microAsync(fn, { ...o, ...x })
}
const small = payloads.small

// --- before any AsyncLocalStorage is on
const asyncFn = async (q) => q
await ma('await an async function, no AsyncLocalStorage', () => asyncFn(small))
m('Date.now()', () => Date.now())
m('performance.now()', () => performance.now())
m('process.hrtime.bigint()', () => process.hrtime.bigint())
const als = new AsyncLocalStorage()
const store = { a: 1 }
const nop = () => 1
m('AsyncLocalStorage.run(store, empty)', () => als.run(store, nop))
await ma('await an async function, one AsyncLocalStorage on', () => als.run(store, asyncFn, small))
als.run(store, () => m('AsyncLocalStorage.getStore()', () => als.getStore().a))
als.disable()

// --- OpenTelemetry, part by part
const bare = new NodeTracerProvider({ spanProcessors: [] })
bare.register()
const tBare = bare.getTracer('bench')
const nothing = { export: (_s, cb) => cb({ code: 0 }), shutdown: async () => {}, forceFlush: async () => {} }
const batched = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(nothing)] })
const tBatched = batched.getTracer('bench')
const ids = new RandomIdGenerator()
m('RandomIdGenerator.generateSpanId()', () => ids.generateSpanId())
m('RandomIdGenerator.generateTraceId()', () => ids.generateTraceId())
m('api.context.active()', () => api.context.active())
const span0 = tBare.startSpan('x')
m('api.trace.setSpan(context, span)', () => api.trace.setSpan(api.ROOT_CONTEXT, span0))
const ctx0 = api.trace.setSpan(api.ROOT_CONTEXT, span0)
m('api.context.with(context, empty)', () => api.context.with(ctx0, nop))
m('startSpan + end, no processor', () => {
  const s = tBare.startSpan('x')
  s.end()
  return s
})
m('startSpan + 4 setAttribute + end, no processor', () => {
  const s = tBare.startSpan('x')
  s.setAttribute('a', 'b')
  s.setAttribute('c', 'd')
  s.setAttribute('e', 'f')
  s.setAttribute('g', 'h')
  s.end()
  return s
})
m('startSpan({attributes: 4}) + end, no processor', () => {
  const s = tBare.startSpan('x', { attributes: { a: 'b', c: 'd', e: 'f', g: 'h' } })
  s.end()
  return s
})
m('startActiveSpan + end, no processor', () =>
  tBare.startActiveSpan('x', (s) => {
    s.end()
    return s
  }),
)
m('startActiveSpan + end, BatchSpanProcessor, exporter that does nothing', () =>
  tBatched.startActiveSpan('x', (s) => {
    s.end()
    return s
  }),
)
const f = handTraced(api, tBatched, (q) => ({ answer: q.q, score: 0.5, n: q.k }), { name: 'x', type: 'tool' })
m('the traced call of adapter raw-otel, exporter that does nothing', () => f(small))

// --- payloads
m('JSON.stringify small args', () => JSON.stringify(small))
m('JSON.stringify 10 KB', () => JSON.stringify(payloads.kb10))
m('JSON.stringify 1 MB', () => JSON.stringify(payloads.mb1))
m('structuredClone small args', () => structuredClone(small))
m('structuredClone 10 KB', () => structuredClone(payloads.kb10))

// --- a batch of 512 spans, as exported
const collect = async (fn, n = 512) => {
  const got = []
  const p = new NodeTracerProvider({
    spanProcessors: [{ onStart() {}, onEnd: (s) => got.push(s), shutdown: async () => {}, forceFlush: async () => {} }],
  })
  const g = handTraced(api, p.getTracer('bench'), fn, { name: 'batch', type: 'tool' })
  return { got, g, n }
}
for (const [label, arg] of [
  ['small', small],
  ['10 KB', payloads.kb10],
]) {
  const { got, g, n } = await collect(() => ({ answer: 'ok', score: 0.5 }))
  for (let i = 0; i < n; i++) g(arg)
  const json = JsonTraceSerializer.serializeRequest(got),
    proto = ProtobufTraceSerializer.serializeRequest(got)
  m(`OTLP JSON serializer, per ${label} span (${(json.length / n).toFixed(0)} B)`, () => JsonTraceSerializer.serializeRequest(got), {
    batch: n,
  })
  m(
    `OTLP protobuf serializer, per ${label} span (${(proto.length / n).toFixed(0)} B)`,
    () => ProtobufTraceSerializer.serializeRequest(got),
    { batch: n },
  )
  for (const [enc, body] of [
    ['JSON', json],
    ['protobuf', proto],
  ])
    for (const level of [1, 6]) {
      const z = zlib.gzipSync(body, { level })
      m(`gzip -${level} of the ${enc} batch, per ${label} span (${(z.length / n).toFixed(0)} B)`, () => zlib.gzipSync(body, { level }), {
        batch: n,
      })
    }
  if (zlib.zstdCompressSync) {
    const z = zlib.zstdCompressSync(proto)
    m(`zstd of the protobuf batch, per ${label} span (${(z.length / n).toFixed(0)} B)`, () => zlib.zstdCompressSync(proto), { batch: n })
  }
}

// --- one keep-alive POST on loopback (both ends in this process)
const server = http.createServer((req, res) => {
  req.resume()
  req.on('end', () => res.end('{}'))
})
await new Promise((r) => server.listen(0, '127.0.0.1', r))
const agent = new http.Agent({ keepAlive: true })
const body = Buffer.alloc(300_000, 97)
const post = () =>
  new Promise((ok, no) => {
    const r = http.request(
      { host: '127.0.0.1', port: server.address().port, method: 'POST', agent, headers: { 'content-length': body.length } },
      (res) => {
        res.resume()
        res.on('end', ok)
      },
    )
    r.on('error', no)
    r.end(body)
  })
await ma('one keep-alive POST of 300 KB on loopback, client and server, per request', post, { ms: 60, samples: 5 })
server.closeAllConnections?.()
server.close()
agent.destroy()

if (process.argv.includes('--json')) console.log(JSON.stringify(out))
else
  for (const [k, v] of Object.entries(out))
    console.log(`${v.med.toFixed(1).padStart(12)} ns  (${v.min.toFixed(1)}..${v.max.toFixed(1)})  ${k}`)
process.exit(0)
