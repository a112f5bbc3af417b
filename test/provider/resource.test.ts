import { afterEach, describe, expect, test } from 'vitest'
import { createTestTracer, type TestTracer, type TestTracerOptions } from '../../src/testing/index.js'

const opened: TestTracer[] = []
afterEach(async () => {
  for (const tracer of opened.splice(0)) await tracer.shutdown()
})

function resourceOf(options: TestTracerOptions): TestTracer['spans'][number]['resource'] {
  const tracer = createTestTracer(options)
  opened.push(tracer)
  tracer.startSpan('one').end()
  return tracer.spans[0]?.resource as never
}

describe('the resource of a tracer', () => {
  test('is one object for tracers that say the same of themselves, and nobody can write into it', () => {
    const [one, other] = [resourceOf({ project: 'same' }), resourceOf({ project: 'same' })]
    expect(other).toBe(one)
    expect(() => Object.assign(one.attributes, { tenant: 'one' })).toThrow(TypeError)
    expect(other.attributes).not.toHaveProperty('tenant')
  })

  test('is its own where anything differs', () => {
    const [one, other] = [
      resourceOf({ project: 'same', resourceAttributes: { team: 'one' } }),
      resourceOf({ project: 'same', resourceAttributes: { team: 'other' } }),
    ]
    expect([one.attributes['team'], other.attributes['team']]).toEqual(['one', 'other'])
  })

  test('shows no key of the tracer in names and values', () => {
    const { attributes } = resourceOf({ apiKey: 'hh_secret_key', resourceAttributes: { 'a.hh_secret_key': 'is hh_secret_key' } })
    expect(attributes).toHaveProperty(['a.[REDACTED]'], 'is [REDACTED]')
    expect(JSON.stringify(attributes)).not.toContain('hh_secret_key')
  })
})
