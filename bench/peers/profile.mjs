// Where raw OpenTelemetry spends its CPU: profiles a busy minute's worth of traced calls with export and sorts the
// samples by what the code is for. node profile.mjs [--calls N] [--small|--kb10] (start it with the node to profile)
import inspector from 'node:inspector'
import { startSink } from './lib/sink.mjs'
import { getAdapter } from './lib/adapters.mjs'
import { payloads } from './lib/payloads.mjs'
const arg = (n) => {
  const i = process.argv.indexOf(`--${n}`)
  return i >= 0 ? process.argv[i + 1] : undefined
}
const name = arg('adapter') ?? 'raw-otel',
  kb10 = process.argv.includes('--kb10')
const calls = Number(arg('calls') ?? (kb10 ? 8000 : 120_000))
const a = await getAdapter(name),
  sink = await startSink()
Object.assign(process.env, a.env?.(sink) ?? {})
await a.load()
await a.setup(sink)
const f = a.wrap(async (q) => ({ answer: 'ok', n: 1 }), { name: 'x', type: 'tool' })
const work = async (n) => {
  for (let i = 0; i < n; ) {
    for (let j = 0; j < 500; j++, i++) await f(kb10 ? payloads.kb10 : { q: 'what is an otter?', k: i })
    await a.flush()
  }
}
await work(Math.min(10_000, calls))
const s = new inspector.Session()
s.connect()
const post = (m, p) => new Promise((ok, no) => s.post(m, p, (e, r) => (e ? no(e) : ok(r))))
await post('Profiler.enable')
await post('Profiler.setSamplingInterval', { interval: 200 })
await post('Profiler.start')
await work(calls)
const { profile } = await post('Profiler.stop')
const rules = [
  // first match wins; url then function
  [/RandomIdGenerator|writeUInt32BE|writeU_Int32BE|hexSlice|generateId/, 'ids'],
  [/core\/build\/src\/common\/time|otperformance|_getTime|hrTime|(^| )now |perf_hooks|performance/, 'clock'],
  [/otlp-transformer/, 'serialise: span to OTLP tree'],
  [/TextEncoder|encode node:internal\/encoding|encodeUtf8/, 'serialise: text to bytes'],
  [
    /otlp-exporter-base|node:_?http|node:net|node:internal\/stream|node:internal\/js_stream|node:url|node:internal\/url|node:events|node:buffer|undici|writev|writeGeneric|stream_base|node:internal\/http/,
    'http',
  ],
  [/zlib/, 'gzip'],
  [/setAttribute|sanitizeAttributes|isAttributeValue|_truncate|attributes\.js/, 'attributes'],
  [
    /api\/build\/src\/(context|trace\/context|api\/context|internal)|context-async-hooks|node:async_hooks|internal\/async_hooks|getStore|AsyncLocalStorage|suppress-tracing/,
    'context',
  ],
  [/sampler|Sampler/, 'sampler'],
  [/BatchSpanProcessor|MultiSpanProcessor|SpanProcessorMetrics/, 'batch processor'],
  [/sdk-trace\/build\/src\/(Span|Tracer)/, 'span and tracer objects'],
  [/resources\/build/, 'resource'],
  [/hand-traced/, 'the wrapper (with JSON.stringify of inputs and outputs)'],
  [/garbage collector/, 'garbage collection'],
  [/\(idle\)/, 'idle'],
  [/\(program\)/, 'native, unattributed'],
]
const by = {},
  top = {},
  nodes = new Map(profile.nodes.map((n) => [n.id, n]))
profile.samples.forEach((id, i) => {
  const c = nodes.get(id).callFrame,
    url = c.url.replace(/^.*node_modules\//, '').replace(/^file:.*\/bench\//, 'bench/')
  const key = `${c.functionName} ${url}`
  const k = rules.find(([r]) => r.test(key))?.[1] ?? 'other'
  by[k] = (by[k] ?? 0) + profile.timeDeltas[i]
  if (k !== 'idle') top[`${key}:${c.lineNumber}`] = (top[`${key}:${c.lineNumber}`] ?? 0) + profile.timeDeltas[i]
})
const busy = Object.entries(by)
  .filter(([k]) => k !== 'idle')
  .reduce((x, [, v]) => x + v, 0)
console.log(`${name}, ${kb10 ? '10 KB' : 'small'}, node ${process.version}: ${(busy / calls).toFixed(1)} us of CPU sampled per call`)
for (const [k, v] of Object.entries(by).sort((x, y) => y[1] - x[1]))
  if (k !== 'idle')
    console.log(`${((v / busy) * 100).toFixed(1).padStart(6)} %  ${((v / calls) * 1000).toFixed(0).padStart(6)} ns/call  ${k}`)
console.log('hottest:')
for (const [k, v] of Object.entries(top)
  .sort((x, y) => y[1] - x[1])
  .slice(0, 18))
  console.log(`${((v / busy) * 100).toFixed(1).padStart(6)} %  ${k}`)
await a.shutdown()
await sink.stop()
process.exit(0)
