import { type Context, type TextMapGetter, type TextMapPropagator, type TextMapSetter, trace } from '@opentelemetry/api'
import type { Instance } from '../context/instance.js'
import { findOwned } from '../provider/owner.js'
import { FIELDS } from './propagator.js'
import { implicitInstance } from './registry.js'
import type { HoneyHiveTracer } from './tracer.js'

/** Hands each call to the propagator of the tracer it concerns; see `createRoutingPropagator`. */
export class RoutingPropagator implements TextMapPropagator {
  /** A span of ours in the context is written, whoever is active. */
  inject(at: Context, carrier: unknown, setter: TextMapSetter): void {
    propagatorOf(findOwned(trace.getSpan(at))?.owner ?? implicitInstance())?.inject(at, carrier, setter)
  }

  extract(at: Context, carrier: unknown, getter: TextMapGetter): Context {
    return propagatorOf(implicitInstance())?.extract(at, carrier, getter) ?? at
  }

  fields(): string[] {
    return [...FIELDS]
  }
}

function propagatorOf(instance: Instance | undefined): TextMapPropagator | undefined {
  return (instance?.tracer as HoneyHiveTracer | undefined)?.propagator
}
