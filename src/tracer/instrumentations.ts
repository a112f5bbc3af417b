import type { MeterProvider, TracerProvider } from '@opentelemetry/api'
import type { InstrumentationLike, LoggerLike } from '../config/resolved.js'

/** What an instrumentation writes to. */
export interface Providers {
  readonly tracers: TracerProvider
  readonly meters: MeterProvider
  readonly loggers: { getLogger(name: string, version?: string): LoggerLike }
}

/** Gives an instrumentation its providers, as `registerInstrumentations` of OpenTelemetry does, and enables it where it is not. */
export function enableInstrumentation(instrumentation: InstrumentationLike, { tracers, meters, loggers }: Providers): void {
  instrumentation.setTracerProvider(tracers)
  instrumentation.setMeterProvider?.(meters)
  instrumentation.setLoggerProvider?.(loggers)
  if (instrumentation.isEnabled?.() !== true) instrumentation.enable?.()
}
