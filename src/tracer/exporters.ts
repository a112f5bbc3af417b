import { RestClient } from '../api/client.js'
import { createFetchTransport } from '../api/fetch-transport.js'
import type { ResolvedConfig } from '../config/resolved.js'
import type { Diagnostics } from '../diagnostics.js'
import { BatchSpanProcessor } from '../export/batch-span-processor.js'
import { onExit, onNaturalEnd } from '../export/exit.js'
import { ExporterSender } from '../export/exporter-sender.js'
import { toRequestHeaders } from '../export/headers.js'
import { OtlpSender } from '../export/otlp-sender.js'
import { Spool } from '../export/spool.js'
import type { SpanStats } from '../export/stats.js'
import { HttpTransport, type Transport } from '../export/transport.js'
import { VERSION } from '../version.js'
import type { Exporters, Memory } from './exporter-types.js'
import { createMemoryExporters } from './memory.js'

/** The part of our span processor that ways out other than the server need to have. */
type SpanExport = Pick<BatchSpanProcessor, 'enqueue' | 'flush' | 'drain' | 'close' | 'giveUp'>

/** What {@link createExporters} needs. */
export interface ExporterParts {
  readonly config: ResolvedConfig
  readonly stats: SpanStats
  readonly diagnostics: Diagnostics
}

/** Opens the ways out of an instance: memory in test mode, else its exporter or the server. */
export function createExporters(parts: ExporterParts): Exporters {
  const { config, stats, diagnostics } = parts
  if (config.testMode) {
    const memory: Memory = { spans: [], calls: [] }
    return createMemoryExporters(memory, stats, config.batch.maxQueueSize)
  }
  const transport = openTransport(config)
  const spool = openSpool(config, transport, diagnostics)
  const restTransport = openRestTransport(config, transport)
  const rest = new RestClient({ transport: restTransport, stats, diagnostics, retryBudgetMs: config.batch.retryBudgetMs })
  return joinEnds(openProcessor(parts, transport, spool), rest, spool, () => {
    transport.close()
    restTransport?.close()
  })
}

/** REST has no use for a tracer without a key: the backend would refuse every call. */
function openRestTransport(config: ResolvedConfig, transport: Transport): Transport | undefined {
  if (config.apiKey === undefined) return undefined
  return config.fetch === undefined
    ? transport
    : createFetchTransport({ serverUrl: config.serverUrl, headers: toHeaders(config), fetch: config.fetch })
}

function openTransport(config: ResolvedConfig): HttpTransport {
  const { serverUrl, exportUrl, compression } = config
  const foreignHeaders = exportUrl === undefined ? undefined : toHeaders({ ...config, apiKey: undefined })
  return new HttpTransport({ serverUrl, exportUrl, compression, headers: toHeaders(config), foreignHeaders })
}

function toHeaders({ apiKey, source, headers }: ResolvedConfig): Record<string, string> {
  return toRequestHeaders({ apiKey, source, version: VERSION, headers })
}

function openSpool(
  { spool: directory, apiKey, protocol }: ResolvedConfig,
  transport: HttpTransport,
  diagnostics: Diagnostics,
): Spool | undefined {
  if (directory === undefined || apiKey === undefined) return undefined
  const spool = new Spool({ directory, apiKey, protocol, transport, diagnostics })
  void spool.replay()
  return spool
}

function openProcessor({ config, stats, diagnostics }: ExporterParts, transport: HttpTransport, spool: Spool | undefined): SpanExport {
  if (config.exporter === false) return handOver(stats)
  const sender =
    config.exporter === undefined ? new OtlpSender({ transport, protocol: config.protocol, stats }) : new ExporterSender(config.exporter)
  const rescue = spool === undefined ? undefined : (spans: Parameters<Spool['keep']>[0]) => spool.keep(spans)
  return new BatchSpanProcessor({ sender, limits: config.batch, disableBatch: config.disableBatch, stats, diagnostics, rescue })
}

/** Where nothing but the user's processors exports, they have a span once it ended. */
function handOver(stats: SpanStats): SpanExport {
  const done = (): Promise<boolean> => Promise.resolve(true)
  return { enqueue: (span) => stats.exported([span]), flush: done, drain: done, close: done, giveUp: () => undefined }
}

/** Joins the ends: what is pending is delivered when the process ends by itself, and `shutdown` gives everything back. */
function joinEnds(spans: SpanExport, rest: RestClient, spool: Spool | undefined, closeTransports: () => void): Exporters {
  const drainAll = (timeoutMs: number): Promise<unknown> =>
    Promise.all([spans.drain(timeoutMs), rest.drain(timeoutMs), spool?.settled(timeoutMs).then((isSettled) => isSettled || spool.stop())])
  const releases = [onNaturalEnd(drainAll), ...(spool === undefined ? [] : [onExit(() => spans.giveUp())])]
  return {
    spans,
    rest,
    memory: undefined,
    async flush(timeoutMs) {
      const arrived = await Promise.all([spans.flush(timeoutMs), rest.flush(timeoutMs), spool?.settled(timeoutMs) ?? true])
      return arrived.every(Boolean)
    },
    async shutdown(timeoutMs) {
      const arrived = await Promise.all([spans.close(timeoutMs), rest.close(timeoutMs), spool?.settled(timeoutMs) ?? true])
      spool?.stop()
      closeTransports()
      for (const release of releases) release()
      return arrived.every(Boolean)
    },
  }
}
