import type { ResolvedConfig } from '../config/resolved.js'
import type { Diagnostics } from '../diagnostics.js'
import { createDelivery, type Delivery } from '../pipeline/delivery.js'
import { sendWithExporter } from '../pipeline/exporter-sender.js'
import { toRequestHeaders } from '../pipeline/headers.js'
import type { Ledger } from '../pipeline/ledger.js'
import { createOtlpSender } from '../pipeline/sender.js'
import { createTransport, type Transport } from '../pipeline/transport.js'
import { VERSION } from '../version.js'
import { createMemoryOutlets, type Memory } from './memory.js'

/** REST calls made in the background. They never reject; false means that the call was lost. */
export interface RestCalls {
  startSession(body: Readonly<Record<string, unknown>>): Promise<boolean>
  updateEvent(body: Readonly<Record<string, unknown>>): Promise<boolean>
  createEvent(body: Readonly<Record<string, unknown>>): Promise<boolean>
  /** Waits for the calls made before; true when all of them arrived. */
  flush(timeoutMs: number): Promise<boolean>
  shutdown(timeoutMs: number): Promise<boolean>
}

/** The ways out of one instance. */
export interface Outlets {
  readonly spans: Delivery
  readonly rest: RestCalls
  /** Filled in test mode only. */
  readonly memory: Memory | undefined
}

/** What {@link createOutlets} needs. */
export interface OutletParts {
  readonly config: ResolvedConfig
  readonly ledger: Ledger
  readonly diagnostics: Diagnostics
}

/** Opens the ways out of an instance: memory in test mode, else its exporter or the server, else none. */
export function createOutlets({ config, ledger, diagnostics }: OutletParts): Outlets {
  if (config.testMode) {
    const memory: Memory = { spans: [], calls: [] }
    return { ...createMemoryOutlets(memory, ledger, config.batch.maxQueueSize), memory }
  }
  const transport = openTransport(config)
  const sender = config.exporter === undefined ? createOtlpSender({ transport, protocol: config.protocol, ledger }) : sendWithExporter(config.exporter)
  const spans = createDelivery({ sender, batch: config.batch, disableBatch: config.disableBatch, ledger, diagnostics })
  return { spans, rest: NO_CALLS, memory: undefined }
}

function openTransport({ serverUrl, apiKey = '', source, headers, compression }: ResolvedConfig): Transport {
  return createTransport({ serverUrl, compression, headers: toRequestHeaders({ apiKey, source, version: VERSION, headers }) })
}

const lost = (): Promise<boolean> => Promise.resolve(false)
const done = (): Promise<boolean> => Promise.resolve(true)

/** For tracers that may not use the network. */
const NO_CALLS: RestCalls = { startSession: lost, updateEvent: lost, createEvent: lost, flush: done, shutdown: done }
