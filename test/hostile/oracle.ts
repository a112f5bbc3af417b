import { inspect } from 'node:util'
import { cpuMs, toReferenceMs } from '../fixtures/cost.js'
import { checkPrototypesUntouched } from '../fixtures/hostile.js'
import { PATIENT } from '../fixtures/receiver.js'
import type { TracerOptions } from '../../src/config/options.js'
import type { TracerStats } from '../../src/export/stats.js'
import { HoneyHiveTracer } from '../../src/tracer/tracer.js'
import { readWire, startWire, type Wire, type WireRequest } from './wire.js'

/** The key of the tracer under test; it may stand in the Authorization header and nowhere else. */
export const SENTINEL_KEY = 'hh-sentinel-key-8b1f2c77'

/** One place where a user's value enters the library. `act` gets a fresh value each time. */
export interface Site {
  readonly name: string
  /** Gives back, or resolves to, complaints; nothing when all went well. */
  readonly act: (tracer: HoneyHiveTracer, make: () => unknown) => unknown
}

/** A tracer with a real server and everything watched that a hostile value could disturb. */
export interface Oracle {
  readonly tracer: HoneyHiveTracer
  readonly wire: Wire
  readonly log: string[]
  /** Runs the sites with nine good neighbours and gives back everything that is wrong. */
  run(sites: readonly Site[], make: () => unknown, options?: RunOptions): Promise<Verdict>
  close(): Promise<void>
}

export interface RunOptions {
  /** The result is a promise or stream that nobody finishes: its span may stay open. */
  readonly mayStayOpen?: boolean
  /** Most processor time one site may take, in milliseconds. */
  readonly limitMs?: number
}

/** What one run showed. */
export interface Verdict {
  readonly complaints: string[]
  readonly requests: readonly WireRequest[]
  readonly stats: TracerStats
}

/** 50 ms of the catalogue times a factor for small, shared machines. */
const MACHINE_FACTOR = 20
export const LIMIT_MS: number = 50 * MACHINE_FACTOR

export async function createOracle(options: TracerOptions = {}): Promise<Oracle> {
  const wire = await startWire()
  const log: string[] = []
  const push = (line: string): void => void log.push(line)
  const tracer = HoneyHiveTracer.init({
    apiKey: SENTINEL_KEY,
    serverUrl: wire.url,
    project: 'hostile',
    sessionName: 'hostile',
    protocol: 'http/json',
    verbose: true,
    batch: PATIENT,
    logger: { debug: push, warn: push, error: push },
    ...options,
  })
  return {
    tracer,
    wire,
    log,
    run: (sites, make, settings) => judge({ tracer, wire, log }, sites, make, settings),
    async close() {
      await tracer.shutdown(60_000)
      await wire.close()
    },
  }
}

async function judge(
  { tracer, wire, log }: Pick<Oracle, 'tracer' | 'wire' | 'log'>,
  sites: readonly Site[],
  make: () => unknown,
  { mayStayOpen = false, limitMs = LIMIT_MS }: RunOptions = {},
): Promise<Verdict> {
  const complaints: string[] = []
  const disturbances = watchProcess()
  const checkPrototypes = checkPrototypesUntouched()
  const before = tracer.stats()
  const good = Array.from({ length: 9 }, (_, i) => `good neighbour ${i}`)
  for (const name of good.slice(0, 5)) tracer.startSpan(name).end()
  for (const site of sites) complaints.push(...(await runSite(site, tracer, make, limitMs)))
  for (const name of good.slice(5)) tracer.startSpan(name).end()
  await tracer.forceFlush(60_000)
  const requests = wire.take()
  const { names, faults } = readWire(requests)
  complaints.push(...faults.map((fault) => `wire: ${fault}`))
  for (const name of good) if (!names.includes(name)) complaints.push(`lost: ${name}`)
  complaints.push(...checkBooks(before, tracer.stats(), names.length, mayStayOpen), ...(await disturbances()))
  try {
    checkPrototypes()
  } catch (error) {
    complaints.push(String(error))
  }
  const texts = [...log.splice(0), ...requests.map(({ body }) => body.toString('latin1'))]
  if (texts.some((text) => text.includes(SENTINEL_KEY))) complaints.push('the API key is in a body or log line')
  return { complaints, requests, stats: tracer.stats() }
}

/** Kept, since a generator that is collected ends its span, which may be in the middle of the count. */
const made: unknown[] = []

/** The value is judged by the site; here only what it throws or delays. */
async function runSite({ name, act }: Site, tracer: HoneyHiveTracer, make: () => unknown, limitMs: number): Promise<string[]> {
  let madeMs = 0
  const timed = (): unknown => {
    const at = cpuMs()
    const value = make()
    made.push(value)
    madeMs += cpuMs() - at
    return value
  }
  const startedAt = cpuMs()
  try {
    const outcome = await withDeadline(act(tracer, timed))
    const tookMs = toReferenceMs(cpuMs() - startedAt - madeMs, limitMs)
    const slow = tookMs > limitMs ? [`${name}: took ${Math.round(tookMs)} ms`] : []
    return typeof outcome === 'string' ? [`${name}: ${outcome}`, ...slow] : slow
  } catch (error) {
    return [`${name}: threw ${describe(error)}`]
  }
}

async function withDeadline(outcome: unknown): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve('never settled'), 60_000)
  })
  const settled = await Promise.race([outcome, late])
  clearTimeout(timer)
  return settled
}

/** started = ended + open, ended = exported + pending + dropped, and the server has exactly what counts as exported. */
function checkBooks(before: TracerStats, after: TracerStats, arrived: number, mayStayOpen: boolean): string[] {
  const complaints: string[] = []
  const lost = (stats: TracerStats): number => Object.values(stats.dropped).reduce((sum, count) => sum + count, 0)
  if (after.started !== after.ended + after.open) complaints.push('books: started')
  if (after.ended !== after.exported + after.pending + lost(after)) complaints.push('books: ended')
  if (after.pending !== 0) complaints.push(`books: ${after.pending} pending after a flush`)
  if (after.exported - before.exported !== arrived)
    complaints.push(`books: ${after.exported - before.exported} exported, ${arrived} arrived`)
  if (!mayStayOpen && after.open !== before.open) complaints.push(`books: ${after.open - before.open} stayed open`)
  return complaints
}

/** What happens in the process besides: uncaught errors, unhandled rejections, warnings. */
function watchProcess(): () => Promise<string[]> {
  const seen: string[] = []
  const onRejection = (reason: unknown): void => void seen.push(`unhandledRejection: ${describe(reason)}`)
  const onException = (error: unknown): void => void seen.push(`uncaughtException: ${describe(error)}`)
  const onWarning = (warning: Error): void => void seen.push(`warning: ${warning.message}`)
  process.on('unhandledRejection', onRejection)
  process.on('uncaughtException', onException)
  process.on('warning', onWarning)
  return async () => {
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', onRejection)
    process.off('uncaughtException', onException)
    process.off('warning', onWarning)
    return seen
  }
}

export function describe(value: unknown): string {
  try {
    return value instanceof Error ? (value.stack ?? value.message).split('\n').slice(0, 4).join(' ') : inspect(value)
  } catch {
    return 'an unreadable value'
  }
}

/** What can be seen of an object without running its code; equal before and after means not mutated. */
export function fingerprint(value: unknown): string {
  try {
    if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return typeof value
    const keys = Reflect.ownKeys(value)
    if (keys.length > 10_000) return `${keys.length} keys`
    const fields = keys.map((key) => {
      const { value: held, get, set, ...flags } = Object.getOwnPropertyDescriptor(value, key) ?? {}
      return `${String(key).slice(0, 100)}:${typeof held}:${typeof get}:${typeof set}:${JSON.stringify(flags)}`
    })
    return `${Object.isFrozen(value)} ${Object.isExtensible(value)} ${fields.join()}`
  } catch {
    return 'unreadable'
  }
}
