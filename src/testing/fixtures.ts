import { NativePromise } from '../builtins.js'
import { createTestTracer, type TestTracer, type TestTracerOptions } from './test-tracer.js'

type Use<T> = (value: T) => Promise<void>

/** Fixtures for `test.extend(tracerFixtures)` of vitest; every tracer a test made is shut down after it. */
export interface TracerFixtures {
  /** One tracer in test mode. */
  readonly tracer: TestTracer
  /** Makes as many isolated tracers as a test wants, e.g. one per user. */
  readonly createTracer: (options?: TestTracerOptions) => TestTracer
}

/** See {@link TracerFixtures}. */
export const tracerFixtures: {
  /** One tracer in test mode, shut down after the test. */
  tracer: (context: object, use: Use<TestTracer>) => Promise<void>
  /** Makes further isolated tracers, all shut down after the test. */
  createTracer: (context: object, use: Use<TracerFixtures['createTracer']>) => Promise<void>
} = {
  // The empty pattern is how vitest learns that a fixture depends on no other.
  tracer: async ({}, use) => {
    const tracer = createTestTracer()
    await use(tracer)
    await tracer.shutdown()
  },
  createTracer: async ({}, use) => {
    const made: TestTracer[] = []
    await use((options) => {
      const tracer = createTestTracer(options)
      made.push(tracer)
      return tracer
    })
    await NativePromise.all(made.map((tracer) => tracer.shutdown()))
  },
}
