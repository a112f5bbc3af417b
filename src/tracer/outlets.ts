import type { SpanExporter } from '@opentelemetry/sdk-trace'
import { createRestClient, type RestClient } from '../api/client.js'
import { createFetchTransport } from '../api/fetch-transport.js'
import type { ResolvedConfig } from '../config/resolved.js'
import type { Diagnostics } from '../diagnostics.js'
import { createDelivery, type Delivery } from '../export/delivery.js'
import { onExit, onNaturalEnd } from '../export/exit.js'
import { sendWithExporter } from '../export/exporter-sender.js'
import { toRequestHeaders } from '../export/headers.js'
import type { Ledger } from '../export/ledger.js'
import { createOtlpSender } from '../export/sender.js'
import { createSpool, type Spool } from '../export/spool.js'
import { createTransport, type Transport } from '../export/transport.js'
import { VERSION } from '../version.js'
import { createMemoryOutlets, type Memory } from './memory.js'

/** REST calls made in the background. They never reject; false means that the call was lost. */
export type RestCalls = Pick<RestClient, 'startSession' | 'updateEvent' | 'createEvent' | 'flush'>

/** The ways out of one instance. */
export interface Outlets {
  readonly spans: Delivery
  readonly rest: RestCalls
  /** Filled in test mode only. */
  readonly memory: Memory | undefined
  /** Waits for both ways and for a replay of the spool. @returns true only if everything arrived. */
  flush(timeoutMs: number): Promise<boolean>
  /** Flushes both ways within the time, then closes them. @returns true only if everything arrived. */
  shutdown(timeoutMs: number): Promise<boolean>
}

/** What {@link createOutlets} needs. */
export interface OutletParts {
  readonly config: ResolvedConfig
  readonly ledger: Ledger
  readonly diagnostics: Diagnostics
}

/** Opens the ways out of an instance: memory in test mode, else its exporter or the server. */
export function createOutlets(parts: OutletParts): Outlets {
  const { config, ledger, diagnostics } = parts
  if (config.testMode) {
    const memory: Memory = { spans: [], calls: [] }
    return createMemoryOutlets(memory, ledger, config.batch.maxQueueSize)
  }
  const transport = openTransport(config)
  const spool = openSpool(config, transport, diagnostics)
  const restTransport = openRestTransport(config, transport)
  const rest: RestClient = createRestClient({ transport: restTransport, ledger, diagnostics, retryBudgetMs: config.batch.retryBudgetMs })
  return joinEnds(openDelivery(parts, transport, spool), rest, spool, () => {
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

function openTransport(config: ResolvedConfig): Transport {
  return createTransport({ serverUrl: config.serverUrl, compression: config.compression, headers: toHeaders(config) })
}

function toHeaders({ apiKey = '', source, headers }: ResolvedConfig): Record<string, string> {
  return toRequestHeaders({ apiKey, source, version: VERSION, headers })
}

function openSpool(
  { spool: directory, serverUrl, apiKey, protocol }: ResolvedConfig,
  transport: Transport,
  diagnostics: Diagnostics,
): Spool | undefined {
  if (directory === undefined || apiKey === undefined) return undefined
  const spool = createSpool({ directory, serverUrl, apiKey, protocol, transport, diagnostics })
  void spool.replay()
  return spool
}

function openDelivery({ config, ledger, diagnostics }: OutletParts, transport: Transport, spool: Spool | undefined): Delivery {
  if (config.exporter === false) return handOver(ledger)
  const sender =
    config.exporter === undefined
      ? createOtlpSender({ transport, protocol: config.protocol, ledger })
      : sendWithExporter(config.exporter || NO_EXPORTER)
  const rescue = spool === undefined ? undefined : (spans: Parameters<Spool['keep']>[0]) => spool.keep(spans)
  return createDelivery({ sender, batch: config.batch, disableBatch: config.disableBatch, ledger, diagnostics, rescue })
}

/** In place of `exporter: false`: what is handed over is accepted and goes nowhere. */
const NO_EXPORTER: SpanExporter = { export: (_, done) => done({ code: 0 }), shutdown: () => Promise.resolve() }

/** Where nothing but the user's processors exports, they have a span once it ended. */
function handOver(ledger: Ledger): Delivery {
  const done = (): Promise<boolean> => Promise.resolve(true)
  return { enqueue: (span) => ledger.exported([span]), forceFlush: done, drain: done, shutdown: done, giveUp: () => undefined }
}

/** Joins the ends: what is pending is delivered when the process ends by itself, and `shutdown` gives everything back. */
function joinEnds(spans: Delivery, rest: RestClient, spool: Spool | undefined, closeTransports: () => void): Outlets {
  const drainAll = (timeoutMs: number): Promise<unknown> =>
    Promise.all([spans.drain(timeoutMs), rest.drain(timeoutMs), spool?.settled(timeoutMs).then((isSettled) => isSettled || spool.stop())])
  const releases = [onNaturalEnd(drainAll), ...(spool === undefined ? [] : [onExit(() => spans.giveUp())])]
  return {
    spans,
    rest,
    memory: undefined,
    async flush(timeoutMs) {
      const arrived = await Promise.all([spans.forceFlush(timeoutMs), rest.flush(timeoutMs), spool?.settled(timeoutMs) ?? true])
      return arrived.every(Boolean)
    },
    async shutdown(timeoutMs) {
      const arrived = await Promise.all([spans.shutdown(timeoutMs), rest.shutdown(timeoutMs), spool?.settled(timeoutMs) ?? true])
      spool?.stop()
      closeTransports()
      for (const release of releases) release()
      return arrived.every(Boolean)
    },
  }
}
