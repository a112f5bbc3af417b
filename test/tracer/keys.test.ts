import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTracerPool, HoneyHiveTracer, loadTracers, shutdownAll, type TracerOptions } from '../../src/index.js'
import { type Receiver, startReceiver } from '../fixtures/receiver.js'

/** Keys the server takes; any other is refused. */
let good: string
let refused: string[]
let status: number
let receiver: Receiver
let lines: string[]
let options: Omit<TracerOptions, 'apiKey'>

beforeEach(async () => {
  good = 'key-of-spring'
  refused = []
  status = 401
  receiver = await startReceiver(({ headers }, response: ServerResponse) => {
    if (headers.authorization === `Bearer ${good}`) return false
    refused.push(headers.authorization ?? 'none')
    response.writeHead(status).end()
    return true
  })
  lines = []
  const keep = (line: string): void => void lines.push(line)
  options = { serverUrl: receiver.url, logger: { debug: keep, warn: keep, error: keep }, verbose: true, batch: { retryBudgetMs: 20_000 } }
})
afterEach(async () => {
  await shutdownAll()
  await receiver.close()
})

const names = (): string[] => receiver.spans.map(({ name }) => name).sort()
const lost = (tracer: HoneyHiveTracer): number => Object.values(tracer.stats().dropped).reduce((sum, count) => sum + count, 0)

describe('`apiKey` as a function', () => {
  test.each([
    ['gives a text', () => good],
    ['gives a promise', async () => good],
  ])('%s: asked at the first use, once, and never shown', async (_, ask) => {
    let asked = 0
    const apiKey = (): string | Promise<string> => {
      asked++
      return ask()
    }
    const tracer = HoneyHiveTracer.init({ ...options, apiKey })
    expect([tracer.isEnabled, asked]).toEqual([true, 0])
    for (let n = 0; n < 20; n++) tracer.startSpan('step', { metadata: { note: `the key is ${good}` } }).end()
    expect(await tracer.forceFlush()).toBe(true)
    expect([asked, receiver.spans.length, receiver.calls.map(({ path }) => path)]).toEqual([1, 20, ['/session/start', '/events']])
    expect(
      JSON.stringify([receiver.spans.map(({ attributes }) => attributes), receiver.calls.map(({ body }) => body), lines]),
    ).not.toContain(good)
  })

  test.each([401, 403])('a key that is refused with %d is asked for again, and nothing is lost', async (code) => {
    status = code
    const tracer = HoneyHiveTracer.init({ ...options, apiKey: () => good })
    tracer.startSpan('spring').end()
    expect(await tracer.forceFlush()).toBe(true)
    good = 'key-of-summer'
    tracer.startSpan('summer').end()
    await tracer.withSession({ sessionName: 'summer' }, () => tracer.enrichSession({ metadata: { a: 1 } }))
    expect(await tracer.forceFlush()).toBe(true)
    expect([names(), lost(tracer)]).toEqual([['spring', 'summer'], 0])
    expect(refused.length).toBeGreaterThan(0)
  })

  test('one that gives the old key for a while, fails or gives nonsense is asked until the retries are over', async () => {
    const answers: (() => unknown)[] = [
      () => 'old-key-one',
      () => Promise.reject(new Error('the vault says: secret-text')),
      () => '',
      () => 'line\nbreak',
      () => undefined,
      () => good,
    ]
    const tracer = HoneyHiveTracer.init({ ...options, apiKey: () => (answers.length > 1 ? answers.shift() : answers[0])?.() as string })
    tracer.startSpan('patient').end()
    expect(await tracer.forceFlush()).toBe(true)
    expect([names(), lost(tracer)]).toEqual([['patient'], 0])
    expect(lines.join()).not.toContain('secret-text')
  }, 30_000)

  test('a key that stays refused is a counted loss', async () => {
    const tracer = HoneyHiveTracer.init({ ...options, apiKey: () => 'wrong-key', batch: { retryBudgetMs: 0 } })
    tracer.startSpan('lost').end()
    expect(await tracer.forceFlush()).toBe(false)
    expect(tracer.stats().dropped.retryExhausted).toBe(1)
    expect(tracer.stats().lastError).toContain('401')
  })
})

test('a tracer of a file reads its key again when it is refused', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'keys-'))
  const file = join(directory, 'tracers.json')
  const write = (apiKey: string): void => writeFileSync(file, JSON.stringify({ tracers: { eu: { apiKey, serverUrl: receiver.url } } }))
  write(good)
  const tracer = loadTracers(file).get('eu')
  tracer.startSpan('before').end()
  expect(await tracer.forceFlush()).toBe(true)
  good = 'key-of-autumn'
  write(good)
  tracer.startSpan('after').end()
  expect(await tracer.forceFlush()).toBe(true)
  expect(names()).toEqual(['after', 'before'])
  rmSync(directory, { recursive: true })
})

describe('a pool', () => {
  test('asks `create` again when the key of a busy tenant is refused, and nothing is lost', async () => {
    const pool = createTracerPool({ create: () => ({ ...options, apiKey: good }) })
    await pool.run('acme', async (tracer) => {
      tracer.startSpan('before').end()
      await tracer.forceFlush()
      good = 'key-of-winter'
      tracer.startSpan('after').end()
      expect(await tracer.forceFlush()).toBe(true)
    })
    expect(names()).toEqual(['after', 'before'])
    expect(await pool.shutdown()).toBe(true)
  })

  test('`refresh` flushes the tracer of a key and makes a new one at its next use; work under way finishes in its own', async () => {
    let made = 0
    const pool = createTracerPool({ create: () => ({ ...options, apiKey: good, source: `made-${++made}` }), max: 2 })
    const sources: string[] = []
    await pool.run('acme', async (tracer) => {
      tracer.startSpan('under way').end()
      expect(await pool.refresh('acme')).toBe(true)
      expect(names()).toEqual(['under way'])
      await pool.run('acme', (newer) => sources.push(newer.source))
      tracer.startSpan('goes on').end()
      sources.push(tracer.source)
    })
    await pool.run('acme', (tracer) => sources.push(tracer.source))
    expect(sources).toEqual(['made-2', 'made-1', 'made-2'])
    expect(await pool.refresh('acme')).toBe(true)
    expect(await pool.refresh('nobody')).toBe(true)
    await pool.run('acme', (tracer) => sources.push(tracer.source))
    expect(sources.at(-1)).toBe('made-3')
    expect(await pool.shutdown()).toBe(true)
    expect(names()).toEqual(['goes on', 'under way'])
    expect(pool.stats()).toMatchObject({ size: 0, leased: 0, closing: 0, created: 3 })
  })

  test('a tenant without a key stays off', async () => {
    const pool = createTracerPool({ create: () => ({ ...options, apiKey: '' }) })
    expect(await pool.run('nobody', (tracer) => tracer.isEnabled)).toBe(false)
    await pool.shutdown()
  })
})
