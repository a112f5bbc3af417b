import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { installGroups } from '../fixtures/group-install.js'
import { type SpanReceiver, startSpanReceiver } from './receiver.js'
import { findLeaks, toRequests } from './requests.js'

const folder = join(import.meta.dirname, 'mcp')

describe.runIf('mcp'.startsWith(process.env['ROWS'] ?? ''))('MCP over stdio, each server a process of its own', () => {
  let receiver: SpanReceiver
  beforeAll(async () => {
    receiver = await startSpanReceiver()
    await installGroups([{ folder }])
  })
  afterAll(() => receiver.close())

  test.each(['by hand', 'openinference'])('goes on in the trace and the session of the client: %s', async (way) => {
    const run = randomUUID()
    const env = { ...process.env, RUN: run, SERVER_URL: receiver.url, WAY: way }
    await promisify(execFile)(process.execPath, [join(folder, 'stdio-client.mjs')], { cwd: folder, env, timeout: 60_000 })
    for (const tenant of ['A', 'B']) {
      const { requests, strays } = toRequests(receiver.take(`${tenant}-${run}`))
      expect(findLeaks(tenant, requests, strays)).toEqual([])
      expect(requests.map(({ tree }) => tree)).toEqual(Array.from({ length: 10 }, () => 'request(serve get_weather)'))
    }
  })
})
