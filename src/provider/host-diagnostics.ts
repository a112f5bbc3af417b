import { diag } from '@opentelemetry/api'

/** Speaks to OpenTelemetry's diagnostics, whose logger is the host's: what it throws stays here. */
export function tellHost(level: 'warn' | 'debug', ...said: [message: string, place?: Error]): void {
  try {
    diag[level](...said)
  } catch {
    // A logger that fails is no reason for the span's user to.
  }
}
