import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Receiver, startReceiver } from '../fixtures/receiver.js'
import { runFixture } from './run-fixture.js'

let receiver: Receiver
let folder: string

beforeAll(async () => {
  receiver = await startReceiver()
  folder = await mkdtemp(join(tmpdir(), 'reloaded-'))
})
afterAll(async () => {
  await receiver.close()
  await rm(folder, { recursive: true })
})

describe('instrumentations of a module that is evaluated again', () => {
  it.each([
    ['made anew each time', '0'],
    ['kept in a module that is not', '1'],
  ])('%s: each call of a library is recorded once, by the newest tracer', async (_, SHARED) => {
    const { stdout, stderr } = await runFixture('reloaded.ts', { SERVER_URL: receiver.url, FOLDER: folder, SHARED })
    expect(stderr).not.toContain('no original')
    const report = JSON.parse(stdout) as { seen: string[][]; arrived: boolean[]; exported: number[] }
    // One span of node:http, one of OpenAI, and one of the fetch in there.
    expect(report.seen).toEqual(Array.from({ length: 5 }, (__, at) => Array(3).fill(`tracer ${at}`)))
    expect(report.arrived).toEqual([true, true, true, true, true])
  })
})
