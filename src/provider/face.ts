import { reflectGet, NativeProxy } from '../builtins.js'
import type { Span } from '@opentelemetry/api'
import { isRecordingSpan } from './foreign-span.js'

/**
 * One of our spans as an instrumentor is given it inside a span of the host. Products hang state of their own on the active
 * span under names with an underscore (Sentry: children and root of a transaction; Datadog: the span behind it) and build
 * their trees from it: whoever makes ours active by hand must find that state where it is, on the host's span.
 *
 * A span that nobody records also says of itself what the host's says, because what starts inside is the host's alone.
 */
export function createFace<S extends Span>(span: S, host: Span): S {
  const isRecording = span.isRecording() ? undefined : () => isRecordingSpan(host)
  return new NativeProxy(span, {
    get(target, key) {
      if (key === 'isRecording' && isRecording !== undefined) return isRecording
      if (key in target) return reflectGet(target, key)
      // Sentry leaves it unset on the root itself.
      return reflectGet(host, key) ?? (key === '_sentryRootSpan' ? host : undefined)
    },
    has: (target, key) => key in target || key in host,
    set: (target, key, value) => Reflect.set(holderOf(target, host, key), key, value),
    defineProperty: (target, key, descriptor) => Reflect.defineProperty(holderOf(target, host, key), key, descriptor),
  })
}

function holderOf(target: object, host: object, key: string | symbol): object {
  const isHostState = !(key in target) && (key in host || (typeof key === 'string' && key.startsWith('_')))
  return isHostState ? host : target
}
