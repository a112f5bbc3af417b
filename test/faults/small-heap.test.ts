import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runFixture } from './run-fixture.js'

const server = createServer(() => undefined)
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

test.each([
  ['64 MB', '--max-old-space-size=64'],
  ['its usual size', ''],
])(
  'a dead server, 400 MB of spans and a heap of %s: the process goes on, and each span is pending or counted',
  async (_, flags) => {
    const SERVER_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { code, stdout, stderr } = await runFixture('small-heap.ts', { SERVER_URL, NODE_OPTIONS: flags })
    expect([code, stderr.includes('heap out of memory')]).toEqual([0, false])
    const { started, ended, pending, exported, dropped, peakMb } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
    const lost = Object.values<number>(dropped).reduce((sum, count) => sum + count, 0)
    expect([started, ended, pending + exported + lost]).toEqual([2_000, 2_000, 2_000])
    expect(dropped.bytesFull).toBeGreaterThan(0)
    expect(peakMb).toBeLessThan(200)
  },
  60_000,
)
