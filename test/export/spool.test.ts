import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
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

interface Opened {
  readonly apiKey?: string
  readonly exportUrl?: string
  readonly maxBytes?: number
  /** Folder it is given. */
  readonly at?: string
  /** Takes what it says. */
  readonly lines?: string[]
}

function open({ apiKey = 'key', exportUrl, maxBytes, at = directory, lines = [] }: Opened = {}): Spool {
  const transport = new HttpTransport({ serverUrl: server.url, exportUrl, headers: {} })
  transports.push(transport)
  const logger = { debug: () => undefined, warn: (line: string) => void lines.push(line), error: () => undefined }
  return new Spool({ directory: at, apiKey, protocol: 'http/json', transport, diagnostics: createDiagnostics({ logger }), maxBytes })
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

  it('takes over the claim of a process of this machine at once when that process is gone', async () => {
    const name = fill()
    const mark = createHash('sha1').update(hostname()).digest('hex').slice(0, 8)
    renameSync(join(directory, name), join(directory, `${name}.claimed-${Date.now()}-${process.pid}-${mark}`))
    await open().replay()
    expect((await server.seen()).uniqueSpans).toBe(0)
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    renameSync(join(directory, String(readdirSync(directory)[0])), join(directory, `${name}.claimed-${Date.now()}-${pid}-${mark}`))
    await open().replay()
    expect((await server.seen()).uniqueSpans).toBe(2)
  })

  it('leaves what it cannot read where it is, for a start that can', async () => {
    const name = fill()
    // A folder in its place fails as a file without permission does, for root too.
    renameSync(join(directory, name), join(directory, 'aside'))
    mkdirSync(join(directory, name))
    await open().replay()
    expect(readdirSync(directory).sort()).toEqual([name, 'aside'].sort())
    rmdirSync(join(directory, name))
    renameSync(join(directory, 'aside'), join(directory, name))
    await open().replay()
    expect((await server.seen()).uniqueSpans).toBe(2)
  })

  it('does not follow a link to a file', async () => {
    const name = fill()
    renameSync(join(directory, name), join(directory, 'aside'))
    symlinkSync('aside', join(directory, name))
    await open().replay()
    expect((await server.seen()).requests).toEqual([])
    expect(lstatSync(join(directory, name)).isSymbolicLink()).toBe(true)
  })

  it('delivers what a process left that died while it wrote', async () => {
    const name = fill()
    const remnant = join(directory, `.tmp-${name}`)
    renameSync(join(directory, name), remnant)
    await open().replay()
    expect((await server.seen()).requests).toEqual([])
    utimesSync(remnant, new Date(), new Date(Date.now() - 601_000))
    await open().replay()
    expect((await server.seen()).uniqueSpans).toBe(2)
    expect(readdirSync(directory)).toEqual([])
  })

  it('counts what others write at the same time, so that the folder holds no more than it may', () => {
    fill()
    const size = lstatSync(join(directory, String(readdirSync(directory)[0]))).size
    writeFileSync(join(directory, '.tmp-of-another-writer'), 'x'.repeat(100))
    const spans = ['c3', 'd4'].map((id) => toReadableSpan('work', id.repeat(8), 10))
    expect(open({ maxBytes: 2 * size + 50 }).keep(spans).size).toBe(0)
    expect(readdirSync(directory)).toHaveLength(2)
    expect(open({ maxBytes: 2 * size + 500 }).keep(spans).size).toBe(2)
  })

  it('uses no folder that is a link', () => {
    const link = `${directory}-link`
    symlinkSync(directory, link)
    const lines: string[] = []
    expect(open({ at: link, lines }).keep([toReadableSpan('work', 'a1'.repeat(8), 10)]).size).toBe(0)
    rmSync(link)
    expect(lines).toEqual([expect.stringContaining('it is a symbolic link')])
    expect(readdirSync(directory)).toEqual([])
  })

  it.skipIf(process.getuid?.() !== 0)('uses no folder of another user that everybody may write to', () => {
    chmodSync(directory, 0o777)
    chownSync(directory, 65_534, 65_534)
    const lines: string[] = []
    expect(open({ lines }).keep([toReadableSpan('work', 'a1'.repeat(8), 10)]).size).toBe(0)
    expect(lines).toEqual([expect.stringContaining('belongs to another user')])
  })
})
