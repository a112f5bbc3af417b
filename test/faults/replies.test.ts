import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Behaviour } from './fault-server.js'
import { createRig, isBalanced, SENTINEL_KEY, type Rig, type RigOptions } from './rig.js'
import { startFaultServer, type FaultServer } from './start-fault-server.js'

let server: FaultServer
let rig: Rig

beforeAll(async () => {
  server = await startFaultServer()
})
afterAll(() => server.stop())
afterEach(async () => {
  expect(isBalanced(rig.stats.snapshot())).toBe(true)
  expect(rig.warnings.join('\n')).not.toContain(SENTINEL_KEY)
  await rig.close()
})

function start(options: RigOptions = {}): Rig {
  rig = createRig({ serverUrl: server.url, processor: { random: () => 0 }, ...options })
  return rig
}

const always = (otherwise: Behaviour) => server.set({ otherwise })

describe('replies of the server', () => {
  it('F05 cuts batches the server calls too large and remembers the size', async () => {
    await always({ sizeLimit: 100_000 })
    start().record(512, { bytes: 1_000 })
    expect(await rig.processor.flush(60_000)).toBe(true)
    const first = await server.seen()
    expect(first.uniqueSpans).toBe(512)
    const bytes = first.requests.filter(({ status }) => status === 200).reduce((sum, request) => sum + request.bytes, 0)
    expect(first.requests.length).toBeLessThanOrEqual(4 * Math.ceil(bytes / 100_000))
    await always({ sizeLimit: 100_000 })
    rig.record(512, { bytes: 1_000 })
    expect(await rig.processor.flush(60_000)).toBe(true)
    expect((await server.seen()).requests.filter(({ status }) => status === 413)).toHaveLength(0)
  })

  it('F05 counts a single span that is too large and delivers its neighbours', async () => {
    await always({ sizeLimit: 100_000 })
    start().record(4)
    rig.record(1, { bytes: 200_000 })
    rig.record(4)
    expect(await rig.processor.flush(60_000)).toBe(false)
    expect(rig.stats.snapshot()).toMatchObject({ exported: 8, dropped: { tooLarge: 1 } })
  })

  it('F06 finds the one span the server cannot read within a bounded number of requests', async () => {
    await always({ poisonName: 'poison' })
    start().record(300)
    rig.record(1, { name: 'poison' })
    rig.record(211)
    expect(await rig.processor.flush(60_000)).toBe(false)
    expect(rig.stats.snapshot()).toMatchObject({ exported: 511, dropped: { httpStatus: 1 } })
    const { requests, uniqueSpans } = await server.seen()
    expect(uniqueSpans).toBe(511)
    expect(requests.length).toBeLessThanOrEqual(33)
    expect(new Set(requests.map(({ bodyHash }) => bodyHash)).size).toBe(requests.length)
  })

  it('F06 stops cutting when nothing of it is ever accepted', async () => {
    await always({ status: 400 })
    start().record(512)
    expect(await rig.processor.flush(60_000)).toBe(false)
    rig.record(512)
    expect(await rig.processor.flush(60_000)).toBe(false)
    expect(rig.stats.snapshot().dropped.httpStatus).toBe(1_024)
    expect((await server.seen()).requests.length).toBeLessThanOrEqual(34)
  })

  it.each([
    [401, 'apiKey'],
    [403, 'HH_API_KEY'],
    [404, 'serverUrl'],
  ])('F07 asks once on HTTP %i and names %s', async (status, setting) => {
    await always({ status })
    start().record(100)
    expect(await rig.processor.flush(60_000)).toBe(false)
    expect(rig.stats.snapshot().dropped.httpStatus).toBe(100)
    expect((await server.seen()).requests).toHaveLength(1)
    expect(rig.warnings).toHaveLength(1)
    expect(rig.warnings[0]).toContain(setting)
  })

  it.each([408, 500])('F08 does not retry HTTP %i', async (status) => {
    await server.set({ script: [{ status }] })
    start().record(10)
    expect(await rig.processor.flush(60_000)).toBe(false)
    expect(rig.stats.snapshot().dropped.httpStatus).toBe(10)
    expect((await server.seen()).requests).toHaveLength(1)
  })

  it('F15 counts what the server rejected in a JSON reply', async () => {
    await always({ partialRejected: 40 })
    start().record(100)
    expect(await rig.processor.flush(60_000)).toBe(false)
    expect(rig.stats.snapshot()).toMatchObject({ exported: 60, dropped: { serverRejected: 40 } })
    expect(rig.warnings[0]).toContain('too old')
    expect(rig.drops).toEqual([{ reason: 'serverRejected', count: 40 }])
  })

  it('F15 counts what the server rejected in a protobuf reply', async () => {
    // partial_success { rejected_spans: 40, error_message: "old" }
    const bodyBase64 = Buffer.from([0x0a, 0x07, 0x08, 0x28, 0x12, 0x03, 0x6f, 0x6c, 0x64]).toString('base64')
    await always({ bodyBase64, headers: { 'content-type': 'application/x-protobuf' } })
    start({ protocol: 'http/protobuf' }).record(100)
    expect(await rig.processor.flush(60_000)).toBe(false)
    expect(rig.stats.snapshot()).toMatchObject({ exported: 60, dropped: { serverRejected: 40 } })
  })

  it.each([
    ['an HTML page', { headers: { 'content-type': 'text/html; charset=utf-8' }, body: '<html>login</html>' }],
    ['garbage', { body: '{"partialSuccess":' }],
  ])('F17 does not count spans as exported when the reply is %s', async (_, behaviour) => {
    await always(behaviour)
    start().record(10)
    expect(await rig.processor.flush(60_000)).toBe(false)
    expect(rig.stats.snapshot()).toMatchObject({ exported: 0, dropped: { badReply: 10 } })
    expect(rig.warnings).toHaveLength(1)
    expect(rig.warnings[0]).toContain(`${server.url}/opentelemetry/v1/traces`)
  })

  it.each([
    ['empty', { body: '' }],
    ['JSON', { body: '{}' }],
    ['protobuf', { bodyBase64: '', headers: { 'content-type': 'application/x-protobuf' } }],
    ['204', { status: 204, body: '' }],
  ])('F17 counts a reply that is %s as exported', async (_, behaviour) => {
    await always(behaviour)
    start().record(10)
    expect(await rig.processor.flush(60_000)).toBe(true)
    expect(rig.stats.snapshot().exported).toBe(10)
  })

  it.each([302, 307])('F18 S15 does not follow HTTP %i with the key', async (status) => {
    const other = await startFaultServer()
    await always({ status, headers: { location: `${other.url}/opentelemetry/v1/traces` } })
    start().record(10)
    expect(await rig.processor.flush(60_000)).toBe(false)
    expect(rig.stats.snapshot().dropped.httpStatus).toBe(10)
    expect((await other.seen()).requests).toHaveLength(0)
    await other.stop()
  })

  it('F19 stops reading an endless reply and counts the batch as delivered', async () => {
    await always({ fillBytes: 100_000_000 })
    start().record(10)
    const before = process.memoryUsage().rss
    expect(await rig.processor.flush(60_000)).toBe(true)
    expect(process.memoryUsage().rss - before).toBeLessThan(40_000_000)
  })
})
