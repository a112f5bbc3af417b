import { randomUUID } from 'node:crypto'
import { unixMs } from '../builtins.js'
import { toSerializer, type OtlpProtocol, type TraceSerializer } from '../otlp/encode.js'
import { toOutcome, type Outcome } from '../otlp/reply.js'
import type { ExportableSpan } from '../otlp/span-writer.js'
import { isKeyRefused } from './api-key.js'
import { ExchangeError } from './exchange.js'
import type { ExportRequest, SendOptions, SpanSender } from './span-sender.js'
import type { SpanStats } from './stats.js'
import type { TracesTransport } from './transport.js'

/** Settings of {@link OtlpSender}. */
export interface OtlpSenderOptions {
  readonly transport: TracesTransport
  readonly protocol: OtlpProtocol
  readonly stats: SpanStats
  /** Waits for what spans cannot be written without. Never rejects. @defaultValue nothing */
  readonly ready?: (() => Promise<unknown>) | undefined
}

/** Sends batches as OTLP over HTTP. The transport is closed by its owner. */
export class OtlpSender implements SpanSender {
  readonly #transport: TracesTransport
  readonly #serializer: TraceSerializer
  readonly #stats: SpanStats
  readonly #ready: (() => Promise<unknown>) | undefined
  /** Names this tracer beside its losses. */
  #instanceId: string | undefined

  constructor({ transport, protocol, stats, ready }: OtlpSenderOptions) {
    this.#ready = ready
    this.#transport = transport
    this.#serializer = toSerializer(protocol)
    this.#stats = stats
  }

  get place(): string {
    return toPlace(this.#transport.tracesUrl)
  }

  get sharers(): number {
    return this.#transport.sharers ?? 1
  }

  async ready(): Promise<void> {
    await this.#ready?.()
  }

  toRequest(spans: readonly ExportableSpan[]): ExportRequest {
    const serializer = this.#serializer
    const body = serializer.toBytes(spans)
    return { bytes: body.byteLength, send: (options) => this.#attempt(body, serializer.contentType, options) }
  }

  async #attempt(body: Uint8Array, contentType: string, options: SendOptions): Promise<Outcome> {
    const url = this.#transport.tracesUrl
    const { place } = this
    this.#stats.requestMade()
    try {
      const reply = await this.#transport.send({ url, body, contentType, headers: this.#headers(), ...options })
      const outcome = toOutcome(reply, { place, nowMs: unixMs() })
      const mayPass = this.#transport.hasRenewableKey === true && isKeyRefused(reply.status)
      // Who rotates a key may give the old one for a while.
      return mayPass && outcome.kind === 'refused' ? { kind: 'retry', afterMs: undefined, detail: outcome.detail } : outcome
    } catch (error) {
      const why = error instanceof ExchangeError ? error.message : 'the request could not be made'
      return { kind: 'retry', afterMs: undefined, detail: `${place}: ${why}`, isLasting: error instanceof ExchangeError && error.isLasting }
    }
  }

  #headers(): Record<string, string> {
    const dropped = this.#stats.dropHeader()
    if (dropped === undefined) return {}
    this.#instanceId ??= randomUUID()
    return { 'hh-client-dropped': dropped, 'hh-client-instance': this.#instanceId }
  }
}

/** A URL as messages may show it: its query or user info may hold a secret. */
export function toPlace(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}
