// The slot for the SDK under design. OURS=<package name, or path of its entry or folder> puts it in the line-up.
// Expected: HoneyHiveTracer.init({apiKey, project, source, sessionName, serverUrl}) (a promise or not),
// traceFn(tracer, fn, {eventName, eventType}), tracer.forceFlush(), tracer.shutdown().
import { readFlat } from '../lib/read-span.mjs'
import { existsSync, statSync, readFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import path from 'node:path'
import { createRequire } from 'node:module'
const where = process.env.OURS ?? fileURLToPath(new URL('../../../', import.meta.url))
let m, tracer
function entry(p) {
  if (!existsSync(p)) return p // a bare package name
  if (!statSync(p).isDirectory()) return pathToFileURL(path.resolve(p)).href
  const pkg = JSON.parse(readFileSync(path.join(p, 'package.json'), 'utf8'))
  const pick = (e) => (typeof e === 'string' ? e : e && (pick(e.node) ?? pick(e.import) ?? pick(e.default) ?? pick(e.require)))
  const main = pick(pkg.exports?.['.'] ?? pkg.exports) ?? pkg.module ?? pkg.main ?? 'index.js'
  return pathToFileURL(path.resolve(p, main)).href
}
const init = ({ endpoint, key = 'k', redact }) =>
  m.HoneyHiveTracer.init({
    apiKey: key,
    project: 'bench',
    source: 'bench',
    sessionName: 'bench',
    serverUrl: endpoint,
    ...(redact ? { redact: { patterns: [redact] } } : {}),
    ...(process.env.OURS_INIT ? JSON.parse(process.env.OURS_INIT) : {}),
  })
export default {
  name: 'ours',
  absent: where ? false : 'OURS is not set',
  async load() {
    m = await import(entry(where))
  },
  async setup(o) {
    tracer = await init(o)
  },
  wrap: (fn, { name, type }) => m.traceFn(tracer, fn, { eventName: name, eventType: type }),
  read: ({ attributes }) => ({
    input: readFlat(attributes, 'honeyhive_inputs.value'),
    output: readFlat(attributes, 'honeyhive_outputs.result'),
    marks: attributes['honeyhive.truncated'] ? ['honeyhive.truncated'] : [],
  }),
  enrich: (values) => tracer.enrichSpan({ metadata: values }),
  inSession: (id, fn) => tracer.withSession({ sessionId: id, sessionName: 'bench' }, fn),
  sessionOf: ({ attributes }) => attributes['honeyhive.session_id'],
  async routed(o) {
    const tracers = await Promise.all(['key-a', 'key-b'].map((key) => init({ ...o, key })))
    const api = await import(createRequire(entry(where)).resolve('@opentelemetry/api'))
    api.default.trace.setGlobalTracerProvider(m.createRoutingProvider())
    return {
      api: api.default,
      places: tracers.map((t) => m.traceFn(t, async (run) => run(), { eventName: 'place', eventType: 'chain', inputs: false })),
      flush: () => Promise.all(tracers.map((t) => t.forceFlush())),
    }
  },
  flush: () => tracer.forceFlush(),
  shutdown: () => tracer.shutdown(),
  async instance(o) {
    const t = await init(o)
    return {
      wrap: (fn, { name, type }) => m.traceFn(t, fn, { eventName: name, eventType: type }),
      call: m.traceFn(t, (x) => x, { eventName: 'one', eventType: 'tool' }),
      flush: () => t.forceFlush(),
      shutdown: () => t.shutdown(),
    }
  },
}
