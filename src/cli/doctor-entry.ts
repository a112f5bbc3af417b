import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { readInherited } from '../config/sources.js'
import { adviseOnSyntax } from './doctor-imports.js'
import { createProbe, type Seen, type SeenLibrary, type Wanted } from './doctor-probe.js'
import type { Finding } from './finding.js'
import { describeRemedy, findInstrumentors, INSTRUMENTORS, type Instrumentor } from './instrumentors.js'
import { describeCallbacks } from './langchain-callbacks.js'

/** How a program is started and watched. */
export interface Watch {
  readonly entry: string
  readonly seconds: number
  /** What `node --import` is given when the program is started. */
  readonly imports: readonly string[]
}

/** How a program ends that nothing went wrong in. */
const FINE = 'exit code 0'
/** For a program that does not end by itself, and for a probe that is still looking. */
const GRACE_MS = 8_000

/**
 * Starts a program with a probe in front of it, ends it after some seconds, and tells what its OpenTelemetry looks like: whose
 * context manager is registered, which modules were loaded before they could be patched, what is instrumented twice.
 */
export async function checkEntry(watch: Watch): Promise<Finding[]> {
  const { entry } = watch
  const folder = await mkdtemp(join(tmpdir(), 'honeyhive-doctor-'))
  try {
    const report = join(folder, 'report.json')
    const probe = join(folder, 'probe.mjs')
    await writeFile(probe, createProbe(listWanted()))
    const { exit, stderr } = await runProgram(watch, pathToFileURL(probe).href, report)
    const remedy = adviseOnSyntax(stderr) ?? 'Run it by itself first.'
    const text = await readFile(report, 'utf8').catch(() => undefined)
    if (text === undefined) return [{ level: 'problem', message: `${entry} ended before it could be looked at (${exit})`, remedy }]
    const findings = judge(JSON.parse(text) as Seen)
    if (exit === FINE) return findings
    return [{ level: 'problem', message: `${entry} failed while it was watched (${exit})`, remedy }, ...findings]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Each library once; two instrumentors may patch different files of one. */
function listWanted(): Wanted[] {
  const wanted = new Map(INSTRUMENTORS.map(({ library, file }) => [`${library} ${file ?? ''}`, { library, file }]))
  return [...wanted.values()]
}

/** How a program ended, and the end of what it wrote to standard error. */
interface Ending {
  readonly exit: string
  readonly stderr: string
}

const MAX_STDERR_CHARS = 10_000

function runProgram({ entry, seconds, imports }: Watch, probe: string, report: string): Promise<Ending> {
  return new Promise((resolve) => {
    const env = readInherited()
    const options = env['NODE_OPTIONS']
    const child = spawn(process.execPath, [...imports.map((file) => `--import=${file}`), entry], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...env,
        // The probe comes first, also before what NODE_OPTIONS itself loads.
        NODE_OPTIONS: `--import=${probe} ${options ?? ''}`.trim(),
        HONEYHIVE_DOCTOR_OPTIONS: options,
        HONEYHIVE_DOCTOR_REPORT: report,
        HONEYHIVE_DOCTOR_MS: String(Math.max(1, seconds) * 1000),
      },
    })
    const limit = setTimeout(() => child.kill('SIGKILL'), Math.max(1, seconds) * 1000 + GRACE_MS)
    let stderr = ''
    child.stderr.on('data', (part: Buffer) => {
      process.stderr.write(part)
      stderr = (stderr + part.toString()).slice(-MAX_STDERR_CHARS)
    })
    child.on('error', (error) => resolve({ exit: error.message, stderr }))
    child.on('close', (code, signal) => {
      clearTimeout(limit)
      resolve({ exit: signal ?? `exit code ${code ?? 0}`, stderr })
    })
  })
}

function judge(seen: Seen): Finding[] {
  const { apis, tracers } = seen
  return [
    {
      level: tracers > 0 ? 'ok' : 'warning',
      message: `${tracers} live tracer${tracers === 1 ? '' : 's'}`,
      remedy: tracers > 0 ? undefined : 'Call HoneyHiveTracer.init() when the program starts.',
    },
    judgeManager(apis.map(({ parts }) => parts['context']).filter((name) => name !== undefined)),
    ...(apis.length > 1
      ? [{ level: 'problem' as const, message: `${apis.length} copies of the OpenTelemetry API are active`, remedy: 'npm dedupe.' }]
      : []),
    ...seen.libraries.flatMap(judgeLibrary),
    ...judgePatches(seen),
    ...judgeCallbacks(seen),
  ]
}

function judgeManager(managers: readonly string[]): Finding {
  const foreign = managers.find((name) => name !== 'AsyncLocalStorageContextManager')
  if (managers.length === 0)
    return { level: 'ok', message: 'no OpenTelemetry context manager yet: the first span of an instrumentor registers the standard one' }
  return {
    level: foreign === undefined ? 'ok' : 'warning',
    message: `context manager: ${managers.join(', ')}`,
    remedy:
      foreign === undefined ? undefined : 'A foreign one is used as it is; instrumentors nest only if it keeps contexts across await.',
  }
}

function judgeLibrary({ name, wrappedTwice }: SeenLibrary): Finding[] {
  return wrappedTwice.map((method) => ({
    level: 'problem',
    message: `${name} ${method} is instrumented twice`,
    remedy: 'Enable one instrumentation only.',
  }))
}

/** What was loaded before the instrumentors that the program uses could patch it. */
function judgePatches({ instrumentors, libraries }: Seen): Finding[] {
  const pairs = instrumentors.flatMap((name) => findInstrumentors(name).map((row) => ({ name, row })))
  const findings = pairs.flatMap(({ name, row }) => {
    const library = libraries.find((seen) => seen.name === row.library && seen.file === row.file)
    return library === undefined || !isPassedBy(row, library) ? [] : [describePassedBy(name, row, library)]
  })
  return [...new Map(findings.map((finding) => [finding.message, finding])).values()]
}

function isPassedBy({ nothing, isUnmarked }: Instrumentor, { isRead, isPatched, isImported, isHooked }: SeenLibrary): boolean {
  if (nothing !== undefined || isPatched || !isRead) return false
  return isUnmarked === true ? isImported && !isHooked : true
}

function describePassedBy(name: string, row: Instrumentor, { isImported }: SeenLibrary): Finding {
  const { library } = row
  if (row.broken !== undefined) return { level: 'problem', message: `${name} does not patch ${library}`, remedy: describeRemedy(row) }
  if (!isImported) {
    const remedy = 'Require the file that makes the instrumentation before it.'
    return { level: 'problem', message: `${library} was required before it could be patched by ${name}`, remedy }
  }
  return {
    level: 'problem',
    message: `${library} was imported as ES module before it could be patched by ${name}`,
    remedy: row.name === name ? describeRemedy(row) : 'Call manuallyInstrument() with it.',
  }
}

function judgeCallbacks({ instrumentors, langChainVariable, tracers }: Seen): Finding[] {
  const name = instrumentors.find((found) => found.includes('langchain'))
  if (name === undefined || langChainVariable === 'false' || tracers < 2) return []
  return [{ level: 'problem', ...describeCallbacks(`${tracers} tracers are live`) }]
}
