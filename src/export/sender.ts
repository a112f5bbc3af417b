import { randomUUID } from 'node:crypto'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { ExchangeError } from './exchange.js'
import type { Ledger } from './ledger.js'
import { toOutcome, type Outcome } from '../otlp/reply.js'
import { toSerializer, type OtlpProtocol } from '../otlp/encode.js'
import type { Transport } from './transport.js'

/** Limits of one attempt. */
export interface SendOptions {
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** A batch ready to travel, as often as needed. */
export interface Parcel {
  /** Size before compression. */
  readonly bytes: number
  /** The serialised request, when there is one. */
  readonly body: Uint8Array | undefined
  /** Makes one attempt; never rejects. */
  send(options: SendOptions): Promise<Outcome>
}

/** Where the queue hands its batches to. */
export interface BatchSender {
  /** Loads what packing needs; called before the first {@link pack}. */
  prepare(): Promise<void>
  /** Serialises; throws when a span cannot be written. */
  pack(spans: readonly ReadableSpan[]): Parcel
  /** Lets go of sockets. */
  close(): Promise<void>
}

/** Where OTLP requests go, below the base URL. */
export const TRACES_PATH = '/opentelemetry/v1/traces'

/** Settings of {@link createOtlpSender}. */
export interface OtlpSenderOptions {
  readonly transport: Transport
  readonly protocol: OtlpProtocol
  readonly ledger: Ledger
  /** Milliseconds since the Unix epoch. @defaultValue `Date.now` */
  readonly now?: (() => number) | undefined
}

/** Sends batches as OTLP over HTTP. The transport is closed by its owner. */
export function createOtlpSender({ transport, protocol, ledger, now = Date.now }: OtlpSenderOptions): BatchSender {
  const place = `${transport.baseUrl}${TRACES_PATH}`
  const instance = randomUUID()
  const serializer = toSerializer(protocol)

  function headers(): Record<string, string> {
    const dropped = ledger.dropHeader()
    return dropped === undefined ? {} : { 'hh-client-dropped': dropped, 'hh-client-instance': instance }
  }

  async function attempt(body: Uint8Array, contentType: string, options: SendOptions): Promise<Outcome> {
    ledger.requestMade()
    try {
      const reply = await transport.send({ path: TRACES_PATH, body, contentType, headers: headers(), ...options })
      return toOutcome(reply, { place, nowMs: now() })
    } catch (error) {
      const why = error instanceof ExchangeError ? error.message : 'the request could not be made'
      return { kind: 'retry', afterMs: undefined, detail: `${place}: ${why}` }
    }
  }

  return {
    prepare: () => Promise.resolve(),
    pack(spans) {
      const { contentType } = serializer
      const body = serializer.toBytes(spans)
      return { bytes: body.byteLength, body, send: (options) => attempt(body, contentType, options) }
    },
    close: () => Promise.resolve(),
  }
}
