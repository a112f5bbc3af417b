/** A library of the program that instrumentors patch, as the probe found it. */
export interface SeenLibrary {
  readonly name: string
  /** As it was asked for. */
  readonly file?: string | undefined
  /** Imported by an ES module, whatever its own format. */
  readonly isImported: boolean
  readonly isRequired: boolean
  /** Its modules could be looked at; not when the program ended itself before. */
  readonly isRead: boolean
  /** Something in it is wrapped. */
  readonly isPatched: boolean
  /** It was imported through a loader hook. */
  readonly isHooked: boolean
  /** Methods that are wrapped more than once. */
  readonly wrappedTwice: readonly string[]
}

/** What the probe saw inside the program. */
export interface Seen {
  readonly apis: readonly { readonly key: string; readonly version: string; readonly parts: Readonly<Record<string, string>> }[]
  readonly tracers: number
  /** Packages that instrument, by name. */
  readonly instrumentors: readonly string[]
  readonly libraries: readonly SeenLibrary[]
  readonly langChainVariable: string | null
}

/** A library to look for: its package, and part of the path of the file that is patched. */
export interface Wanted {
  readonly library: string
  readonly file: string | undefined
}

/**
 * The source of a module that is loaded before a program and tells, after `HONEYHIVE_DOCTOR_MS` milliseconds or at its exit, what
 * it looks like; it writes to the file `HONEYHIVE_DOCTOR_REPORT`.
 */
export function createProbe(wanted: readonly Wanted[]): string {
  return PROBE.replace('__WANTED__', () => JSON.stringify(wanted))
}

/** Plain JavaScript because it is written to a file. */
const PROBE = `
import { writeFileSync } from 'node:fs'
import { createRequire, register } from 'node:module'
const require = createRequire(import.meta.url)
const wanted = __WANTED__
const { HONEYHIVE_DOCTOR_REPORT: report, HONEYHIVE_DOCTOR_MS: ms, HONEYHIVE_DOCTOR_OPTIONS: options } = process.env
// Processes that the program starts are none of ours.
for (const name of ['HONEYHIVE_DOCTOR_REPORT', 'HONEYHIVE_DOCTOR_MS', 'HONEYHIVE_DOCTOR_OPTIONS']) delete process.env[name]
if (options === undefined || options === '') delete process.env.NODE_OPTIONS
else process.env.NODE_OPTIONS = options

const seen = new Map() // URL to what is known of it
const channel = new MessageChannel()
const note = ({ url, format, isHooked }) => {
  const known = seen.get(url) ?? { format, isHooked: false }
  seen.set(url, { format: format ?? known.format, isHooked: known.isHooked || isHooked === true })
}
channel.port1.on('message', note).unref()
const hook = (source, options) => register('data:text/javascript,' + encodeURIComponent(source), import.meta.url, options)
hook(\`
  let port
  export function initialize(data) { port = data.port }
  export async function resolve(specifier, context, next) {
    const found = await next(specifier, context)
    if (String(context.parentURL).includes('iitm=true')) port.postMessage({ url: found.url, isHooked: true })
    return found
  }
  export async function load(url, context, next) {
    if (url.includes('node_modules') || url.startsWith('node:')) port.postMessage({ url, format: context.format })
    return next(url, context)
  }
\`, { data: { port: channel.port2 }, transferList: [channel.port2] })

const attempt = (work, fallback) => { try { return work() } catch { return fallback } }
const toPath = (place) => attempt(() => decodeURIComponent(place), place).replaceAll('\\\\', '/')
const isOf = (place, { library, file }) => {
  const path = toPath(place)
  if (library.startsWith('node:')) return path === library
  const inside = path.split('/node_modules/').at(-1)
  return path.includes('/node_modules/') && inside.startsWith(library + '/') && (file === undefined || inside.includes(file))
}
const packageOf = (place) => /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(toPath(place))?.[1]

// Only what the program has loaded already, so that nothing runs that would not have run: past all hooks, by the very URL.
const namespaces = new Map()
async function readNamespaces() {
  hook("export const resolve = (specifier, context, next) => specifier.startsWith('doctor:') ? { url: specifier.slice(7), shortCircuit: true } : next(specifier, context)")
  for (const [url, { format }] of seen) {
    if (format !== 'module' || url.includes('iitm=true') || !wanted.some((library) => isOf(url, library))) continue
    namespaces.set(url, await import('doctor:' + url).catch(() => undefined))
  }
}

const depthOf = (fn) => { let depth = 0; for (let at = fn; typeof at?.__original === 'function'; at = at.__original) depth++; return depth }
// Data alone: a getter may run code of the program.
function findWrapped(roots) {
  const found = [], visited = new Set(), queue = roots.map((root) => [root, '', 0])
  for (let i = 0; i < queue.length && i < 50_000; i++) {
    const [value, name, level] = queue[i]
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || visited.has(value)) continue
    visited.add(value)
    if (value.openInferencePatched === true || value._traceloopPatched === true) found.push([name, 1])
    const depth = typeof value === 'function' ? depthOf(value) : 0
    if (depth > 0) found.push([name, depth])
    if (level > 5) continue
    for (const key of Object.getOwnPropertyNames(value)) {
      if (['caller', 'callee', 'arguments', '__original', '__unwrap', 'constructor'].includes(key)) continue
      const property = Object.getOwnPropertyDescriptor(value, key)
      if (property !== undefined && 'value' in property) queue.push([property.value, key, level + 1])
    }
  }
  return found
}
let isRead = false
function lookAt(library) {
  const urls = [...seen].filter(([url]) => isOf(url, library))
  const files = Object.keys(require.cache ?? {}).filter((file) => isOf(file, library))
  const roots = [
    ...urls.map(([url]) => namespaces.get(url)),
    ...files.map((file) => require.cache[file]?.exports),
    ...(library.library.startsWith('node:') ? [require(library.library)] : []),
  ]
  const wrapped = attempt(() => findWrapped(roots), [])
  return {
    name: library.library,
    file: library.file,
    isImported: urls.length > 0,
    isRequired: files.length > 0,
    isRead: isRead || !urls.some(([, { format }]) => format === 'module'),
    isPatched: wrapped.length > 0,
    isHooked: urls.some(([, { isHooked }]) => isHooked),
    // Modules of Node are patched as ES module and as CommonJS, one through the other.
    wrappedTwice: library.library.startsWith('node:') ? [] : [...new Set(wrapped.filter(([, depth]) => depth > 1).map(([name]) => name))],
  }
}
function look() {
  const apis = Object.getOwnPropertySymbols(globalThis).filter((s) => (s.description ?? '').startsWith('opentelemetry.js.api.'))
    .map((s) => { const api = globalThis[s]; return { key: s.description, version: String(api.version), parts: Object.fromEntries(Object.entries(api).filter(([, v]) => typeof v === 'object' && v).map(([k, v]) => [k, v.constructor.name])) } })
  const state = Object.getOwnPropertySymbols(globalThis).find((s) => (s.description ?? '').startsWith('honeyhive-tracer.process-state'))
  const packages = new Set([...seen.keys(), ...Object.keys(require.cache ?? {})].map(packageOf))
  writeFileSync(report, JSON.stringify({
    apis,
    tracers: state ? globalThis[state].instances.size : 0,
    instrumentors: [...packages].filter((name) => /instrumentation-|^@fastify\\/otel$/.test(name ?? '')),
    libraries: wanted.map(lookAt).filter(({ isImported, isRequired }) => isImported || isRequired),
    langChainVariable: process.env.LANGCHAIN_CALLBACKS_BACKGROUND ?? null,
  }))
}
const pause = (time) => new Promise((resolve) => setTimeout(resolve, time))
pause(Number(ms)).then(() => Promise.race([readNamespaces().then(() => { isRead = true }), pause(2_000)])).then(() => { look(); process.exit(0) })
process.on('exit', () => attempt(look))
`
