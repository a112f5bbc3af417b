// The slot for the SDK under design. OURS=<package name, or path of its entry or folder> puts it in the line-up.
// Expected: HoneyHiveTracer.init({apiKey, project, source, sessionName, serverUrl}) (a promise or not),
// traceFn(tracer, fn, {eventName, eventType}), tracer.forceFlush(), tracer.shutdown().
import { existsSync, statSync, readFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import path from 'node:path'
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
const init = ({ endpoint }) =>
  m.HoneyHiveTracer.init({
    apiKey: 'k',
    project: 'bench',
    source: 'bench',
    sessionName: 'bench',
    serverUrl: endpoint,
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
  flush: () => tracer.forceFlush(),
  shutdown: () => tracer.shutdown(),
  async instance(o) {
    const t = await init(o)
    return {
      call: m.traceFn(t, (x) => x, { eventName: 'one', eventType: 'tool' }),
      flush: () => t.forceFlush(),
      shutdown: () => t.shutdown(),
    }
  },
}
