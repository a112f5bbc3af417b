// Where the microseconds of a call of this package go: a CPU profile of calls and their export, read by the source file a sample fell in.
// node steps.mjs [--calls N] [--kb10] [--json]. Bundles src/ with a source map first, so that no build is needed and no name is lost.
import inspector from 'node:inspector'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { payloads } from './lib/payloads.mjs'
import { startSink } from './lib/sink.mjs'

const kb10 = process.argv.includes('--kb10')
const callsAt = process.argv.indexOf('--calls')
const CALLS = callsAt > 0 ? Number(process.argv[callsAt + 1]) : kb10 ? 10_000 : 100_000
const BETWEEN_FLUSHES = 500
const root = fileURLToPath(new URL('../../', import.meta.url))

/** The first pattern that fits a source file, or a file of Node's, says what a sample was for. */
const IN_THE_CALL = [
  [/^node:(internal\/)?async_|async_hooks|src\/context\/|context-async-hooks/, 'context: who is current'],
  [
    /src\/provider\/(id-generator|clock)|node:internal\/(crypto|perf)|sdk-trace[^/]*\/.*(RandomIdGenerator|time)|opentelemetry\/core\/.*time|perf_hooks/,
    'ids and clock',
  ],
  [/src\/provider\/(finished-span|span-copy|span-room|value-length|cut-short|span-shrink)/, undefined],
  [/src\/provider\/|opentelemetry\/(sdk-trace|api|core|resources)/, 'the span, its guard and record'],
  [/src\/values\/(snapshot|web-objects|plain|binary|thrown|failure|text|stand-in|realm|growth)\.ts/, 'copy of arguments and result'],
  [
    /src\/wrap\/(late-result|settlement|audience|subscription|thenable|shared-promise|node-stream|web-stream|iteration|events|collector|unended|parts|stack-room|members)/,
    'search for parts that come later',
  ],
  [/src\/wrap\/|src\/tracer\//, 'wrapper and recording'],
  [/src\/export\/(batch-span-processor|span-queue|pending-span|pump|decision-log|stats|flush-barrier)/, 'hand-over and queue'],
]
const AT_EXPORT = [
  [/src\/values\/(secrets\/|redact|media)|src\/semantics\/redaction|src\/tracer\/instance-redactor/, 'redaction, media told by size'],
  [/src\/values\/|src\/provider\//, 'flattening and the exact cut'],
  [/src\/otlp\/|otlp-transformer|opentelemetry\/otlp|node:internal\/encoding/, 'OTLP serialiser, text to bytes'],
  [
    /^node:(_?http|net|internal\/(http|net|stream|js_stream|streams|url|buffer|timers|event_target|abort_controller|linkedlist)|stream|events|buffer|timers|url|dns|tty)/,
    'http and sockets',
  ],
  [/src\/(export|api|semantics)\//, 'batches and sending'],
]
const OUTSIDE = [
  [/bench\/peers/, 'the program itself'],
  [/^node:/, "Node's own, otherwise"],
]

const folder = mkdtempSync(join(tmpdir(), 'steps-'))
const outfile = join(folder, 'package.mjs')
await build({
  entryPoints: [join(root, 'src/index.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: true,
  logLevel: 'error',
  alias: { '@opentelemetry/api': join(root, 'node_modules/@opentelemetry/api') },
  banner: { js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);" },
})
const map = new SourceMap(JSON.parse(readFileSync(`${outfile}.map`, 'utf8')))
const { HoneyHiveTracer, traceFn } = await import(pathToFileURL(outfile).href)

const sink = await startSink()
const tracer = HoneyHiveTracer.init({ apiKey: 'k', project: 'bench', source: 'bench', sessionName: 'bench', serverUrl: sink.endpoint })
const call = traceFn(tracer, async (q) => ({ answer: q.q ?? 'ok', score: 0.5, n: 1 }), { eventName: 'call', eventType: 'tool' })
const work = async (calls) => {
  for (let i = 0; i < calls; ) {
    for (let j = 0; j < BETWEEN_FLUSHES; j++, i++) await call(kb10 ? payloads.kb10 : { q: 'what is an otter?', k: i })
    await tracer.forceFlush()
  }
}
await work(Math.min(20_000, CALLS))

const session = new inspector.Session()
session.connect()
const post = (method, params) =>
  new Promise((resolve, reject) => session.post(method, params, (error, reply) => (error ? reject(error) : resolve(reply))))
await post('Profiler.enable')
await post('Profiler.setSamplingInterval', { interval: 200 })
await post('Profiler.start')
await work(CALLS)
const { profile } = await post('Profiler.stop')

function fileOf({ url, lineNumber, columnNumber }) {
  if (!url.endsWith('package.mjs')) return url.replace(/^file:.*\/bench\//, 'bench/')
  return map.findEntry(lineNumber, columnNumber)?.originalSource ?? ''
}
const groupIn = (rules, file) => rules.find(([pattern]) => pattern.test(file))?.[1]
const named = { '(garbage collector)': 'garbage collection', '(idle)': 'idle', '(program)': 'native, not told apart' }
const stepOf = (frame) => {
  if (Object.hasOwn(named, frame.functionName)) return named[frame.functionName]
  if (frame.functionName === 'dispatch' && frame.url === '') return 'idle' // the profiler's own start and stop
  const file = fileOf(frame)
  if (file === '') return undefined // a built-in: whoever called it
  return groupIn([...IN_THE_CALL, ...AT_EXPORT, ...OUTSIDE], file) ?? groupIn([...AT_EXPORT, ...OUTSIDE], file)
}
const steps = new Map()
const nameSteps = (node, byId, above) => {
  const step = stepOf(node.callFrame) ?? above
  steps.set(node.id, step)
  for (const id of node.children ?? []) nameSteps(byId.get(id), byId, step)
}
nameSteps(profile.nodes[0], new Map(profile.nodes.map((node) => [node.id, node])), 'not told apart')

const spent = {}
profile.samples.forEach((id, i) => {
  const step = steps.get(id)
  if (step !== 'idle') spent[step] = (spent[step] ?? 0) + profile.timeDeltas[i]
})
await tracer.shutdown()
await sink.stop()
rmSync(folder, { recursive: true, force: true })

const total = Object.values(spent).reduce((sum, us) => sum + us, 0)
const place = (step) =>
  IN_THE_CALL.some(([, name]) => name === step) ? 'call' : AT_EXPORT.some(([, name]) => name === step) ? 'export' : 'both'
const rows = Object.entries(spent)
  .map(([step, us]) => ({ step, where: place(step), nsPerCall: Math.round((us / CALLS) * 1000), share: us / total }))
  .sort((one, other) => other.nsPerCall - one.nsPerCall)
if (process.argv.includes('--json'))
  console.log(JSON.stringify({ node: process.version, kb10, calls: CALLS, usPerCall: total / CALLS, rows }))
else {
  console.log(
    `${kb10 ? '10 KB' : 'small'}, node ${process.version}, ${CALLS} calls: ${(total / CALLS).toFixed(1)} us sampled on the main thread for a call`,
  )
  for (const where of ['call', 'export', 'both']) {
    const part = rows.filter((row) => row.where === where)
    console.log(`${where}: ${(part.reduce((sum, row) => sum + row.nsPerCall, 0) / 1000).toFixed(1)} us`)
    for (const { step, nsPerCall, share } of part)
      console.log(`  ${String(nsPerCall).padStart(6)} ns  ${(share * 100).toFixed(1).padStart(5)} %  ${step}`)
  }
}
process.exit(0)
