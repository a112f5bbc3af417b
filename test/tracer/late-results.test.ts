import { describe, expect } from 'vitest'
import { traceFn } from '../../src/tracer/tracing.js'
import { tracerTest as test } from '../fixtures/tracer.js'

async function* letters(): AsyncGenerator<string> {
  yield 'a'
  yield 'b'
}

async function readAll(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

describe('the metrics of an answer that comes in pieces', () => {
  test('are the number of pieces and the time to the first of them', async ({ tracer }) => {
    await readAll(traceFn(tracer, letters)())
    const { 'honeyhive_metrics.chunk_count': count, 'honeyhive_metrics.ttft_ms': ttftMs } = tracer.spans[0]?.attributes ?? {}
    expect(count).toBe(2)
    expect(ttftMs).toBeGreaterThanOrEqual(0)
    expect(ttftMs).toBeLessThan(5000)
  })

  test('give way to what the user measured', async ({ tracer }) => {
    await readAll(traceFn(tracer, letters, { metrics: { chunk_count: 'mine' } })())
    expect(tracer.spans[0]?.attributes).toMatchObject({
      'honeyhive_metrics.chunk_count': 'mine',
      'honeyhive_metrics.ttft_ms': expect.any(Number),
    })
  })

  test('are there without outputs, and what was read is there beside a failure', async ({ tracer }) => {
    await readAll(traceFn(tracer, letters, { outputs: false })())
    expect(tracer.spans[0]?.attributes).toMatchObject({ 'honeyhive_metrics.chunk_count': 2 })
    expect(Object.keys(tracer.spans[0]?.attributes ?? {}).filter((key) => key.startsWith('honeyhive_outputs'))).toEqual([])
    const failing = traceFn(tracer, async function* failing() {
      yield 'half'
      throw new Error('cut')
    })
    await expect(readAll(failing())).rejects.toThrow('cut')
    expect(tracer.spans[1]?.attributes).toMatchObject({ honeyhive_error: 'cut', 'honeyhive_outputs.result': 'half' })
  })

  test('no other call has them', ({ tracer }) => {
    traceFn(tracer, () => ({ a: 1 }), { eventName: 'plain' })()
    expect(Object.keys(tracer.spans[0]?.attributes ?? {}).filter((key) => key.startsWith('honeyhive_metrics'))).toEqual([])
  })
})

describe('the causes of an error', () => {
  test('are on the span and its event', ({ tracer }) => {
    const error = new Error('fetch failed', { cause: Object.assign(new Error('connect refused'), { code: 'ECONNREFUSED' }) })
    const failing = traceFn(
      tracer,
      () => {
        throw error
      },
      { eventName: 'call' },
    )
    expect(failing).toThrow(error)
    expect(tracer.spans[0]?.attributes.honeyhive_error).toBe('fetch failed\ncaused by: Error: connect refused (code ECONNREFUSED)')
    const { attributes = {} } = tracer.spans[0]?.events[0] ?? {}
    expect(attributes['exception.message']).toBe('fetch failed')
    expect(attributes['exception.stacktrace']).toMatch(/\[cause\]: Error: connect refused.*code: 'ECONNREFUSED'/s)
    expect(attributes['exception.stacktrace']).not.toContain('honeyhiveCall')
  })
})
