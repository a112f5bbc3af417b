import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDiagnostics } from '../../src/diagnostics.js'
import { Spool } from '../../src/export/spool.js'
import { HttpTransport } from '../../src/export/transport.js'
import { toReadableSpan } from '../faults/rig.js'
import { startFaultServer, type FaultServer } from '../faults/start-fault-server.js'

let server: FaultServer
let directory: string
const transports: HttpTransport[] = []

beforeAll(async () => {
  server = await startFaultServer()
})
afterAll(() => server.stop())
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'spool-'))
  await server.set({})
})
afterEach(() => {
  for (const transport of transports.splice(0)) transport.close()
  rmSync(directory, { recursive: true, force: true })
})

function open({ apiKey = 'key', exportUrl }: { apiKey?: string; exportUrl?: string } = {}): Spool {
  const transport = new HttpTransport({ serverUrl: server.url, exportUrl, headers: {} })
  transports.push(transport)
  const silent = { debug: () => undefined, warn: () => undefined, error: () => undefined }
  return new Spool({ directory, apiKey, protocol: 'http/json', transport, diagnostics: createDiagnostics({ logger: silent }) })
}

/** Keeps two spans; gives back the name of their file. */
function fill(): string {
  const spans = ['a1', 'b2'].map((id) => toReadableSpan('work', id.repeat(8), 10))
  expect(open().keep(spans).size).toBe(2)
  return String(readdirSync(directory)[0])
}

describe('Spool', () => {
  it('takes over a claim of a process that died, not one that is at work', async () => {
    const name = fill()
    renameSync(join(directory, name), join(directory, `${name}.claimed-${Date.now() - 60_000}`))
    await open().replay()
    expect((await server.seen()).requests).toEqual([])
    renameSync(join(directory, String(readdirSync(directory)[0])), join(directory, `${name}.claimed-${Date.now() - 601_000}`))
    await open().replay()
    expect((await server.seen()).uniqueSpans).toBe(2)
    expect(readdirSync(directory)).toEqual([])
  })

  it('delivers only with the key and to the address the spans were meant for', async () => {
    fill()
    await open({ apiKey: 'other' }).replay()
    await open({ exportUrl: `${server.url}/collector` }).replay()
    expect((await server.seen()).requests).toEqual([])
    await open().replay()
    expect((await server.seen()).requests.map(({ path }) => path)).toEqual(['/opentelemetry/v1/traces'])
  })
})
