import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { readInherited } from '../config/sources.js'
import type { Finding } from './finding.js'

/** How a program ends that nothing went wrong in. */
const FINE = 'exit code 0'

/** What the probe saw inside the program. */
interface Seen {
  readonly apis: readonly { readonly key: string; readonly version: string; readonly parts: Readonly<Record<string, string>> }[]
  readonly loadedTwice: readonly string[]
  readonly wrappedTwice: readonly string[]
  readonly unpatchedModules: readonly string[]
  readonly tracers: number
}

/**
 * Starts a program with a probe in front of it, ends it after `seconds`, and tells what its OpenTelemetry looks like: whose
 * context manager is registered, which modules were loaded before they could be patched, what is instrumented twice.
 */
export async function checkEntry(entry: string, seconds: number): Promise<Finding[]> {
  const folder = await mkdtemp(join(tmpdir(), 'honeyhive-doctor-'))
  try {
    const report = join(folder, 'report.json')
    const probe = join(folder, 'probe.mjs')
    await writeFile(probe, PROBE)
    const exit = await runProgram(entry, probe, report, seconds)
    const text = await readFile(report, 'utf8').catch(() => undefined)
    if (text === undefined)
      return [{ level: 'problem', message: `${entry} ended before it could be looked at (${exit})`, remedy: 'Run it by itself first.' }]
    const findings = judge(JSON.parse(text) as Seen)
    if (exit === FINE) return findings
    return [{ level: 'problem', message: `${entry} failed while it was watched (${exit})`, remedy: 'Run it by itself first.' }, ...findings]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function runProgram(entry: string, probe: string, report: string, seconds: number): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', pathToFileURL(probe).href, entry], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...readInherited(), HONEYHIVE_DOCTOR_REPORT: report, HONEYHIVE_DOCTOR_MS: String(Math.max(1, seconds) * 1000) },
    })
    const limit = setTimeout(() => child.kill('SIGKILL'), Math.max(1, seconds) * 1000 + 5_000)
    child.on('error', (error) => resolve(error.message))
    child.on('exit', (code, signal) => {
      clearTimeout(limit)
      resolve(signal ?? `exit code ${code ?? 0}`)
    })
  })
}

function judge({ apis, loadedTwice, wrappedTwice, unpatchedModules, tracers }: Seen): Finding[] {
  const managers = apis.map(({ parts }) => parts['context']).filter((name) => name !== undefined)
  const foreign = managers.find((name) => name !== 'AsyncLocalStorageContextManager')
  return [
    {
      level: tracers > 0 ? 'ok' : 'warning',
      message: `${tracers} live tracer${tracers === 1 ? '' : 's'}`,
      remedy: tracers > 0 ? undefined : 'Call HoneyHiveTracer.init() when the program starts.',
    },
    managers.length === 0
      ? {
          level: 'ok',
          message: 'no OpenTelemetry context manager yet: the first span of an instrumentor registers the standard one',
          remedy: undefined,
        }
      : {
          level: foreign === undefined ? 'ok' : 'warning',
          message: `context manager: ${managers.join(', ')}`,
          remedy:
            foreign === undefined
              ? undefined
              : 'A foreign one is used as it is; instrumentors nest only if it keeps contexts across await.',
        },
    ...(apis.length > 1
      ? [{ level: 'problem' as const, message: `${apis.length} copies of the OpenTelemetry API are active`, remedy: 'npm dedupe.' }]
      : []),
    ...loadedTwice.map(
      (name): Finding => ({
        level: 'warning',
        message: `${name} is loaded twice, as ES module and as CommonJS`,
        remedy: 'Instrument the copy that your program uses.',
      }),
    ),
    ...wrappedTwice.map(
      (name): Finding => ({ level: 'problem', message: `${name} is instrumented twice`, remedy: 'Enable one instrumentation only.' }),
    ),
    ...unpatchedModules.map(
      (name): Finding => ({
        level: 'problem',
        message: `${name} was imported as ES module before it could be patched`,
        remedy: `Call manuallyInstrument() with it.`,
      }),
    ),
  ]
}

/** Runs inside the program; plain JavaScript because it is written to a file. */
const PROBE = `
import { writeFileSync } from 'node:fs'
import { createRequire, register } from 'node:module'
const require = createRequire(import.meta.url)
const { HONEYHIVE_DOCTOR_REPORT: report, HONEYHIVE_DOCTOR_MS: ms } = process.env
const seenAsModule = new Map()
const namespaces = new Map()
const channel = new MessageChannel()
channel.port1.on('message', ({ name, url }) => seenAsModule.set(name, [...(seenAsModule.get(name) ?? []), url])).unref()
register('data:text/javascript,' + encodeURIComponent(\`
  let port
  export function initialize(data) { port = data.port }
  export async function load(url, context, next) {
    const match = /node_modules[\\\\\\\\/]((?:@[^\\\\\\\\/]+[\\\\\\\\/])?[^\\\\\\\\/]+)[\\\\\\\\/](?!.*node_modules)/.exec(url)
    if (match && context.format !== 'commonjs') port.postMessage({ name: match[1], url })
    return next(url, context)
  }
\`), import.meta.url, { data: { port: channel.port2 }, transferList: [channel.port2] })
const LIBRARIES = { openai: (m) => [[m?.OpenAI?.Chat?.Completions?.prototype, 'create']], '@anthropic-ai/sdk': (m) => [[m?.Anthropic?.Messages?.prototype, 'create']] }
const depth = (fn) => { let n = 0; for (let at = fn; typeof at?.__original === 'function'; at = at.__original) n++; return n }
const holdersOf = (name, exported) => LIBRARIES[name](exported).filter(([holder]) => holder !== undefined)
// Only what the program has loaded already, so that nothing runs that would not have run.
async function readNamespaces() {
  for (const name of Object.keys(LIBRARIES)) for (const url of seenAsModule.get(name) ?? []) {
    if (namespaces.has(name) || !/index\\.m?js$/.test(url)) continue
    const namespace = await import(url).catch(() => undefined)
    if (holdersOf(name, namespace).length > 0) namespaces.set(name, namespace)
  }
}
function look() {
  const apis = Object.getOwnPropertySymbols(globalThis).filter((s) => (s.description ?? '').startsWith('opentelemetry.js.api.'))
    .map((s) => { const api = globalThis[s]; return { key: s.description, version: String(api.version), parts: Object.fromEntries(Object.entries(api).filter(([, v]) => typeof v === 'object' && v).map(([k, v]) => [k, v.constructor.name])) } })
  const cached = Object.keys(require.cache ?? {})
  const inCache = (name) => cached.some((file) => file.includes('/node_modules/' + name + '/') || file.includes('\\\\\\\\node_modules\\\\\\\\' + name + '\\\\\\\\'))
  const names = Object.keys(LIBRARIES)
  const wrappedTwice = [], wrapped = new Set()
  for (const name of names) {
    const file = cached.find((f) => f.includes(name) && /index\\.c?js$/.test(f))
    const holders = new Map([file ? require.cache[file]?.exports : undefined, namespaces.get(name)].flatMap((exported) => holdersOf(name, exported)))
    for (const [holder, method] of holders) { const d = depth(holder[method]); if (d > 0) wrapped.add(name); if (d > 1) wrappedTwice.push(name + ' ' + method) }
  }
  const state = Object.getOwnPropertySymbols(globalThis).find((s) => (s.description ?? '').startsWith('honeyhive-tracer.process-state'))
  const isInstrumented = cached.some((file) => /instrumentation/.test(file)) || [...seenAsModule.keys()].some((name) => /instrumentation/.test(name))
  writeFileSync(report, JSON.stringify({ apis, tracers: state ? globalThis[state].instances.size : 0, wrappedTwice,
    loadedTwice: names.filter((name) => seenAsModule.has(name) && inCache(name)),
    unpatchedModules: isInstrumented ? names.filter((name) => namespaces.has(name) && !inCache(name) && !wrapped.has(name)) : [] }))
}
const pause = (time) => new Promise((resolve) => setTimeout(resolve, time))
pause(Number(ms)).then(() => Promise.race([readNamespaces(), pause(500)])).then(() => { look(); process.exit(0) })
process.on('exit', look)
`
