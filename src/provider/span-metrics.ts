import { type Counter, createNoopMeter, type Meter, type MeterProvider, type UpDownCounter } from '@opentelemetry/api'
import type { Diagnostics } from '../diagnostics.js'

/** The meters that the SDK counts the spans of one instance with. They are the user's: what they throw stays here. */
export function guardMeters(meters: MeterProvider, diagnostics: Diagnostics): MeterProvider {
  const guard = <R>(fallback: R, work: () => R): R => {
    try {
      return work()
    } catch {
      diagnostics.warn(
        'meterProvider',
        'the configured meter provider threw; spans are recorded, and not counted there. Check the `meterProvider` option.',
      )
      return fallback
    }
  }
  const guardCounter = (make: () => Counter | UpDownCounter): Counter & UpDownCounter => {
    const counter = guard(undefined, make)
    return { add: (...amount) => guard(undefined, () => counter?.add(...amount)) }
  }
  return {
    getMeter: (...library) => {
      const meter = guard<Meter>(createNoopMeter(), () => meters.getMeter(...library))
      // On top of it and not into it: there is one for everybody.
      return Object.assign(Object.create(createNoopMeter()) as Meter, {
        createCounter: (...what: Parameters<Meter['createCounter']>) => guardCounter(() => meter.createCounter(...what)),
        createUpDownCounter: (...what: Parameters<Meter['createUpDownCounter']>) => guardCounter(() => meter.createUpDownCounter(...what)),
      })
    },
  }
}
