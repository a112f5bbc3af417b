import { NativePromise, clearTimeout, setTimeout } from '../builtins.js'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'
import type { Outcome } from '../otlp/reply.js'
import type { ExportableSpan } from '../otlp/span-writer.js'
import type { ExportRequest, SendOptions, SpanSender } from './span-sender.js'
import { silencePromise } from '../promises.js'
import { toTimerMs } from '../time.js'
import { describeThrown, readField } from '../values/thrown.js'
import { runDetached } from './detached.js'

/** Hands batches to an OpenTelemetry exporter of the user; each batch is tried once, since the exporter has its own retries. */
export class ExporterSender implements SpanSender {
  readonly place = 'the exporter'
  readonly #exporter: SpanExporter

  constructor(exporter: SpanExporter) {
    this.#exporter = exporter
  }

  toRequest(spans: readonly ExportableSpan[]): ExportRequest {
    const readables = spans.map((span) => span.toReadable())
    return { bytes: 0, send: (options) => this.#export(readables, options) }
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

      function fail(error: unknown): void {
        finish(lost(`the exporter threw${toReason(error)}`))
      }

      // Around the very call, whatever became of the context on the way here: instrumented requests of an exporter are no spans.
      try {
        const given: unknown = runDetached(() => this.#exporter.export([...spans], (result) => finish(toOutcome(result))))
        silencePromise(given, fail)
      } catch (error) {
        fail(error)
      }
    })
  }
}

const ACCEPTED: Outcome = { kind: 'accepted', rejected: 0, message: '' }

function toOutcome(result: Parameters<Parameters<SpanExporter['export']>[1]>[0]): Outcome {
  try {
    return result.code === 0 ? ACCEPTED : lost(`the exporter reported a failure${toReason(result.error)}`)
  } catch {
    return lost('the exporter gave no result that can be read')
  }
}

const MAX_CODE_CHARS = 100

/** Kind and code of an error: a message may repeat what was sent. */
function toReason(error: unknown): string {
  if (error === undefined || error === null) return ''
  const code = typeof error === 'object' ? readField(error, 'code') : undefined
  const isCode = typeof code === 'number' || (typeof code === 'string' && code !== '')
  return `: ${describeThrown(error).type}${isCode ? ` (${String(code).slice(0, MAX_CODE_CHARS)})` : ''}`
}

function lost(detail: string): Outcome {
  return { kind: 'refused', reason: 'retryExhausted', detail }
}
