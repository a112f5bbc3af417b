import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base'
import type { Outcome } from '../otlp/reply.js'
import type { BatchSender, SendOptions } from './sender.js'

/** Hands batches to an OpenTelemetry exporter of the user; each batch is tried once, since the exporter has its own retries. */
export function sendWithExporter(exporter: SpanExporter): BatchSender {
  return {
    prepare: () => Promise.resolve(),
    pack: (spans) => ({ bytes: 0, body: undefined, send: (options) => exportOnce(exporter, spans, options) }),
    async close() {
      // The exporter is user code; its failure to close is not the host's business.
      await Promise.resolve()
        .then(() => exporter.shutdown())
        .catch(() => undefined)
    },
  }
}

function exportOnce(exporter: SpanExporter, spans: readonly ReadableSpan[], { timeoutMs, signal }: SendOptions): Promise<Outcome> {
  return new Promise((resolve) => {
    const deadline = setTimeout(() => finish(lost(`the exporter did not answer within ${timeoutMs} ms`)), timeoutMs)
    deadline.unref()
    const abort = (): void => finish(lost('the export was aborted'))
    signal.addEventListener('abort', abort)

    function finish(outcome: Outcome): void {
      clearTimeout(deadline)
      signal.removeEventListener('abort', abort)
      resolve(outcome)
    }

    try {
      exporter.export([...spans], (result) => finish(result.code === 0 ? ACCEPTED : lost('the exporter reported a failure')))
    } catch {
      finish(lost('the exporter threw'))
    }
  })
}

const ACCEPTED: Outcome = { kind: 'accepted', rejected: 0, message: '' }

function lost(detail: string): Outcome {
  return { kind: 'refused', reason: 'retryExhausted', detail }
}
