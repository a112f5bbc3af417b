import { monotonicMs, resolved, areAllTrue, outcomesOf } from '../builtins.js'
import { RestClient } from '../api/client.js'
import { createFetchTransport } from '../api/fetch-transport.js'
import { withMask } from '../api/masked-transport.js'
import type { ResolvedConfig } from '../config/resolved.js'
import type { Diagnostics } from '../diagnostics.js'
import { BatchSpanProcessor } from '../export/batch-span-processor.js'
import {
  type ExitTask,
  type ExitWrite,
  type LostAtExit,
  offExit,
  offNaturalEnd,
  onExit,
  onNaturalEnd,
  REMEDY_AT_EXIT,
} from '../export/exit.js'
import { ExporterSender } from '../export/exporter-sender.js'
import { toRequestHeaders } from '../export/headers.js'
import { OtlpSender } from '../export/otlp-sender.js'
import { Spool } from '../export/spool.js'
import type { SpanStats } from '../export/stats.js'
import type { Clock } from '../provider/clock.js'
import { HttpTransport, type Transport } from '../export/transport.js'
import type { Exporters, Memory } from './exporter-types.js'
import { apiKeyFor } from './instance-key.js'
import { redactorFor } from './instance-redactor.js'
import { createMemoryExporters } from './memory.js'
import { SessionCalls } from './session-calls.js'
import type { UnfinishedSpans } from './unfinished.js'

/** The part of our span processor that ways out other than the server need to have. */
type SpanExport = Pick<BatchSpanProcessor, 'enqueue' | 'flush' | 'drain' | 'close' | 'giveUp'>

/** What {@link createExporters} needs. */
export interface ExporterParts {
  readonly config: ResolvedConfig
  readonly stats: SpanStats
  readonly diagnostics: Diagnostics
  readonly clock: Clock
  /** What is open when the process ends. */
  readonly open: Pick<UnfinishedSpans, 'exportAll' | 'exportAtNaturalEnd'>
  /** What the tracer is called where something is said of it. */
  readonly label: string
  /** Masks the tracer's own key in what is sent beside spans. */
  readonly mask: (text: string) => string
}

/** Opens the ways out of an instance: memory in test mode, else its exporter or the server. */
export function createExporters(parts: ExporterParts): Exporters {
  const { config, stats, diagnostics } = parts
  if (config.testMode) {
    const memory: Memory = { spans: [], calls: [] }
    return createMemoryExporters(memory, stats, config.batch.maxQueueSize, parts.mask)
  }
  const transport = openTransport(config)
  const spool = openSpool(parts, transport)
  const restTransport = openRestTransport(config, transport)
  const client = new RestClient({
    transport: restTransport && withMask(restTransport, parts.mask),
    stats,
    diagnostics,
    retryBudgetMs: config.batch.retryBudgetMs,
  })
  const rest = new SessionCalls(client, parts.clock)
  return new OpenExporters(parts, { spans: openProcessor(parts, transport, spool), rest, spool, transport, restTransport })
}

/** REST has no use for a tracer without a key: the backend would refuse every call. */
function openRestTransport(config: ResolvedConfig, transport: Transport): Transport | undefined {
  if (config.apiKey === undefined && config.askKey === undefined) return undefined
  return config.fetch === undefined
    ? transport
    : createFetchTransport({ serverUrl: config.serverUrl, headers: toHeaders(config), key: apiKeyFor(config), fetch: config.fetch })
}

function openTransport(config: ResolvedConfig): HttpTransport {
  const { serverUrl, exportUrl, compression, proxy, agent, ca } = config
  const headers = toHeaders(config)
  const foreignHeaders = exportUrl === undefined ? undefined : headers
  return new HttpTransport({ serverUrl, exportUrl, compression, headers, foreignHeaders, key: apiKeyFor(config), proxy, agent, ca })
}

/** Without the key, which the transport adds for the server it belongs to. */
function toHeaders(config: ResolvedConfig): Readonly<Record<string, string>> {
  const { source, headers } = config
  return toRequestHeaders({ apiKey: undefined, source: redactorFor(config).label(source), headers })
}

function openSpool({ config, stats, diagnostics }: ExporterParts, transport: HttpTransport): Spool | undefined {
  const { spool: directory, apiKey, protocol } = config
  if (directory === undefined) return undefined
  if (apiKey === undefined) {
    diagnostics.warnOnce('spool-key', 'nothing is kept in `spool`: its files belong to a key, and `apiKey` is not given as a text.')
    return undefined
  }
  const spool = new Spool({ directory, apiKey, protocol, transport, diagnostics, stats })
  void spool.replay()
  return spool
}

function openProcessor({ config, stats, diagnostics }: ExporterParts, transport: HttpTransport, spool: Spool | undefined): SpanExport {
  if (config.exporter === false) return handOver(stats)
  const sender =
    config.exporter === undefined
      ? new OtlpSender({ transport, protocol: config.protocol, stats, ready: toReady(config) })
      : new ExporterSender(config.exporter)
  const rescue = spool === undefined ? undefined : (spans: Parameters<Spool['keep']>[0]) => spool.keep(spans)
  return new BatchSpanProcessor({ sender, limits: config.batch, disableBatch: config.disableBatch, stats, diagnostics, rescue })
}

/** A key that is asked for is known before spans are written, so that it is masked in them. */
function toReady(config: ResolvedConfig): (() => Promise<unknown>) | undefined {
  if (config.askKey === undefined || config.apiKey !== undefined) return undefined
  return async () => {
    try {
      await apiKeyFor(config).read()
    } catch {
      // It is asked for again with the request itself.
    }
  }
}

/** Where nothing but the user's processors exports, they have a span once it ended. */
function handOver(stats: SpanStats): SpanExport {
  const done = (): Promise<boolean> => resolved(true)
  return { enqueue: (span) => stats.exported([span]), flush: done, drain: done, close: done, giveUp: () => 0 }
}

interface Ends {
  readonly spans: SpanExport
  readonly rest: SessionCalls
  readonly spool: Spool | undefined
  readonly transport: HttpTransport
  readonly restTransport: Transport | undefined
}

/** The ways out of one instance to its server: what is pending is delivered when the process ends by itself. */
class OpenExporters implements Exporters {
  readonly memory: undefined
  readonly #parts: ExporterParts
  readonly #ends: Ends
  /** The natural end comes twice where spans are open, and both together have the time of one. */
  #spentMs = 0
  readonly #drainAll: ExitTask = (timeoutMs, isLast) => this.#drainAtEnd(timeoutMs, isLast)
  readonly #leave: ExitWrite = () => this.#leaveNow()

  constructor(parts: ExporterParts, ends: Ends) {
    this.#parts = parts
    this.#ends = ends
    onNaturalEnd(this.#drainAll)
    onExit(this.#leave)
  }

  get spans(): SpanExport {
    return this.#ends.spans
  }

  get rest(): SessionCalls {
    return this.#ends.rest
  }

  async flush(timeoutMs: number): Promise<boolean> {
    const { spans, rest, spool } = this.#ends
    return await areAllTrue([spans.flush(timeoutMs), rest.flush(timeoutMs), spool?.settled(timeoutMs) ?? true])
  }

  async shutdown(timeoutMs: number): Promise<boolean> {
    const { spans, rest, spool, transport, restTransport } = this.#ends
    const hasArrived = await areAllTrue([spans.close(timeoutMs), rest.close(timeoutMs), spool?.settled(timeoutMs) ?? true])
    spool?.stop()
    transport.close()
    restTransport?.close()
    offNaturalEnd(this.#drainAll)
    offExit(this.#leave)
    return hasArrived
  }

  async #drainAtEnd(timeoutMs: number, isLast = false): Promise<void> {
    const { open } = this.#parts
    if (isLast) open.exportAll()
    const comesAgain = !isLast && open.exportAtNaturalEnd()
    const startedMs = monotonicMs()
    await this.#drain(Math.max(0, timeoutMs - this.#spentMs))
    this.#spentMs = comesAgain ? monotonicMs() - startedMs : 0
  }

  #drain(timeoutMs: number): Promise<unknown> {
    const { spans, rest, spool } = this.#ends
    const spooled = spool === undefined ? undefined : settleOrStop(spool, timeoutMs)
    return outcomesOf<unknown>([spans.drain(timeoutMs), rest.drain(timeoutMs), spooled])
  }

  #leaveNow(): LostAtExit | undefined {
    const { spans, rest, spool } = this.#ends
    const { open, stats } = this.#parts
    // Without a spool they are lost as well, and are counted as what they are.
    if (spool !== undefined) open.exportAll()
    const lost = [toAmount(spans.giveUp(), 'ended span'), toAmount(stats.open, 'open span'), toAmount(rest.unsettled, 'API call')]
    return tellLost(this.#parts, lost.filter((what) => what !== undefined).join(' and '))
  }
}

async function settleOrStop(spool: Spool, timeoutMs: number): Promise<void> {
  if (!(await spool.settled(timeoutMs))) spool.stop()
}

function toAmount(count: number, what: string): string | undefined {
  return count > 0 ? `${count} ${what}${count === 1 ? '' : 's'}` : undefined
}

/** A logger of the user's hears of its own tracer; all others share one line. */
function tellLost({ config, label, diagnostics }: ExporterParts, what: string): LostAtExit | undefined {
  if (what === '') return undefined
  if (config.logger === undefined) return { label, what }
  diagnostics.warn('exit', `the process ended with ${what} not delivered. ${REMEDY_AT_EXIT}`)
  return undefined
}
