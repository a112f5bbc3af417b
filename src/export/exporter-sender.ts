import { NativePromise, clearTimeout, setTimeout } from '../builtins.js'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'
import type { Outcome } from '../otlp/reply.js'
import type { ExportRequest, SendOptions, SpanSender } from './span-sender.js'
import { toTimerMs } from '../time.js'

/** Hands batches to an OpenTelemetry exporter of the user; each batch is tried once, since the exporter has its own retries. */
export class ExporterSender implements SpanSender {
  readonly place = 'the exporter'
  readonly #exporter: SpanExporter

  constructor(exporter: SpanExporter) {
    this.#exporter = exporter
  }

  toRequest(spans: readonly ReadableSpan[]): ExportRequest {
    return { bytes: 0, send: (options) => this.#export(spans, options) }
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.()
  }

  async shutdown(): Promise<void> {
    await this.#exporter.shutdown()
  }

  #export(spans: readonly ReadableSpan[], { timeoutMs, signal }: SendOptions): Promise<Outcome> {
    return new NativePromise((resolve) => {
      const deadline = setTimeout(() => finish(lost(`the exporter did not answer within ${timeoutMs} ms`)), toTimerMs(timeoutMs))
      deadline.unref()
      const abort = (): void => finish(lost('the export was aborted'))
      signal.addEventListener('abort', abort)

      function finish(outcome: Outcome): void {
        clearTimeout(deadline)
        signal.removeEventListener('abort', abort)
        resolve(outcome)
      }

      try {
        this.#exporter.export([...spans], (result) => finish(result.code === 0 ? ACCEPTED : lost('the exporter reported a failure')))
      } catch {
        finish(lost('the exporter threw'))
      }
    })
  }
}

const ACCEPTED: Outcome = { kind: 'accepted', rejected: 0, message: '' }

function lost(detail: string): Outcome {
  return { kind: 'refused', reason: 'retryExhausted', detail }
}
