import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDiagnostics } from '../../src/diagnostics.js'
import { ClaimedFile } from '../../src/export/claimed-file.js'
import { Spool } from '../../src/export/spool.js'
import { toClaimedName } from '../../src/export/spool-file.js'
import { SpanStats } from '../../src/export/stats.js'
import { HttpTransport } from '../../src/export/transport.js'
import { toReadableSpan } from '../faults/rig.js'
import { startFaultServer, type FaultServer } from '../faults/start-fault-server.js'

let server: FaultServer
let directory: string
const transports: HttpTransport[] = []
/** Those of the spool that was opened last. */
let books: SpanStats

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
  const diagnostics = createDiagnostics({ logger })
  const stats = new SpanStats({ diagnostics })
  books = stats
  return new Spool({ directory: at, apiKey, protocol: 'http/json', transport, diagnostics, stats, maxBytes })
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

  /** Leaves the file as claimed by this process; the number of the process, and when it began, may be another's. */
  function claimAs({ pid = process.pid, start }: { readonly pid?: number; readonly start?: string | undefined }): void {
    const [name = ''] = readdirSync(directory)
    const [at, claimPid, mark, ownStart] = (toClaimedName(name, Date.now()).split('.claimed-')[1] ?? '').split('-')
    expect(claimPid).toBe(String(process.pid))
    const parts = [at, pid, mark, start ?? ownStart].filter((part) => part !== undefined)
    renameSync(join(directory, name), join(directory, `${name.replace(/\.claimed-.*/, '')}.claimed-${parts.join('-')}`))
  }

  it('takes over the claim of a process of this machine at once when that process is gone', async () => {
    fill()
    claimAs({})
    await open().replay()
    expect((await server.seen()).uniqueSpans).toBe(0)
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    claimAs({ pid })
    await open().replay()
    expect((await server.seen()).uniqueSpans).toBe(2)
  })

  it.skipIf(process.platform !== 'linux').each([
    ['of this one, as in a container', process.pid],
    ['of another that lives', process.ppid],
  ])('takes over the claim of a process whose number is now that %s', async (_, pid) => {
    fill()
    claimAs({ pid, start: '1' })
    await open().replay()
    expect((await server.seen()).uniqueSpans).toBe(2)
  })

  it('keeps its claim for as long as it is at work', async () => {
    const name = fill()
    const claimed = new ClaimedFile(directory, name)
    const [made] = readdirSync(directory)
    claimed.renew()
    expect(readdirSync(directory)).toEqual([made])
    const laterMs = Date.now() + 300_000
    claimed.renew(laterMs)
    expect(readdirSync(directory)).toEqual([toClaimedName(name, laterMs)])
    claimed.giveBack()
    expect(readdirSync(directory)).toEqual([name])
  })

  it('keeps its claim from one minute after the last time on', () => {
    const claimed = new ClaimedFile(directory, fill())
    const [made = ''] = readdirSync(directory)
    const madeMs = Number(/claimed-(\d+)/.exec(made)?.[1])
    claimed.renew(madeMs + 59_999)
    expect(readdirSync(directory)).toEqual([made])
    claimed.renew(madeMs + 60_000)
    const renewed = readdirSync(directory)
    expect(renewed).toEqual([expect.stringContaining(`claimed-${madeMs + 60_000}-`)])
    claimed.renew(madeMs + 119_999)
    expect(readdirSync(directory)).toEqual(renewed)
  })

  it('gives a file back whole where there is no room for what is left of it', () => {
    const name = fill()
    const text = readFileSync(join(directory, name), 'utf8')
    const claimed = new ClaimedFile(directory, name)
    // As of a process that ended while it wrote: it is in the way, and nobody else takes it away.
    writeFileSync(join(directory, '.tmp-rest'), 'half')
    claimed.giveBackRest('rest', 'what is left')
    expect([readdirSync(directory), readFileSync(join(directory, name), 'utf8')]).toEqual([[name], text])
  })

  it('writes its files for their owner alone, and goes on where the folder was removed', () => {
    const modes = (): number[] => readdirSync(directory).map((name) => lstatSync(join(directory, name)).mode & 0o777)
    const claimed = new ClaimedFile(directory, fill())
    expect(modes()).toEqual([0o600])
    claimed.giveBackRest('rest', 'what is left')
    expect([readdirSync(directory), modes(), readFileSync(join(directory, 'rest'), 'utf8')]).toEqual([['rest'], [0o600], 'what is left'])
    rmSync(directory, { recursive: true })
    for (const leave of [
      () => claimed.giveBackRest('again', 'x'),
      () => claimed.giveBack(),
      () => claimed.renew(0),
      () => claimed.remove(),
    ])
      expect(leave).not.toThrow()
  })

  it('counts what is on disk: delivered, refused, damaged, or pending where it stays', async () => {
    fill()
    await open().replay()
    expect(books.snapshot()).toMatchObject({ started: 2, ended: 2, exported: 2, pending: 0 })
    fill()
    await server.set({ otherwise: { status: 403 } })
    await open().replay()
    expect(books.snapshot()).toMatchObject({ started: 2, ended: 2, pending: 0, dropped: { httpStatus: 2 } })
    writeFileSync(join(directory, fill()), 'damaged')
    await open().replay()
    expect(books.snapshot()).toMatchObject({ started: 2, ended: 2, pending: 0, dropped: { unserializable: 2 } })
    const name = fill()
    rmSync(join(directory, name))
    mkdirSync(join(directory, name))
    const spool = open()
    await spool.replay()
    expect(books.snapshot()).toMatchObject({ started: 2, ended: 2, pending: 2 })
    expect(await spool.settled(1_000)).toBe(false)
    rmdirSync(join(directory, name))
  })

  it('counts spans that a crash of the machine took out of their file, and says so', async () => {
    const name = fill()
    const whole = readFileSync(join(directory, name), 'utf8')
    const lines: string[] = []
    writeFileSync(join(directory, name), '')
    await open({ lines }).replay()
    expect(books.snapshot()).toMatchObject({ started: 2, ended: 2, pending: 0, dropped: { unserializable: 2 } })
    expect(lines).toEqual([expect.stringContaining('holds 1 damaged records')])
    // The first record of two.
    writeFileSync(join(directory, name.replace('-2.spool', '-5.spool')), whole)
    await open().replay()
    expect(books.snapshot()).toMatchObject({ started: 5, ended: 5, exported: 2, pending: 0, dropped: { unserializable: 3 } })
    expect(readdirSync(directory)).toEqual([])
  })

  it.skipIf(process.platform === 'win32')('does not wait for a pipe in the place of a file', async () => {
    const name = fill()
    rmSync(join(directory, name))
    expect(spawnSync('mkfifo', [join(directory, name)]).status).toBe(0)
    const lines: string[] = []
    await open({ lines }).replay()
    expect(books.snapshot()).toMatchObject({ started: 2, ended: 2, pending: 2 })
    expect(lines).toEqual([expect.stringContaining('cannot be read (not a file)')])
    expect(readdirSync(directory)).toEqual([name])
  })

  it('leaves only what was not sent', async () => {
    const spans = Array.from({ length: 300 }, (_, at) => toReadableSpan('work', at.toString(16).padStart(16, '0'), 10))
    expect(open().keep(spans).size).toBe(300)
    await server.set({ script: [{}], otherwise: { status: 503 } })
    const spool = open()
    const replay = spool.replay()
    while ((await server.seen()).requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    spool.stop()
    await replay
    expect(books.snapshot()).toMatchObject({ exported: 128, pending: 172 })
    expect(readdirSync(directory)).toEqual([expect.stringMatching(/-172\.spool$/)])
    await server.set({})
    await open().replay()
    expect(await server.seen()).toMatchObject({ uniqueSpans: 172, totalSpans: 172 })
  })

  it('counts what the server took but for what it rejected', async () => {
    fill()
    const body = JSON.stringify({ partialSuccess: { rejectedSpans: '1', errorMessage: 'no' } })
    await server.set({ otherwise: { status: 200, headers: { 'content-type': 'application/json' }, body } })
    const spool = open()
    await spool.replay()
    expect([await spool.settled(0), books.snapshot()]).toMatchObject([
      true,
      { started: 2, exported: 1, pending: 0, dropped: { serverRejected: 1 } },
    ])
    expect(readdirSync(directory)).toEqual([])
  })

  it('sends nothing once it is stopped, and what waits for another attempt stays', async () => {
    const name = fill()
    const stopped = open()
    stopped.stop()
    await stopped.replay()
    expect(books.snapshot().started).toBe(0)
    const spool = open()
    await server.set({ otherwise: { status: 503 } })
    const replay = spool.replay()
    expect(spool.replay()).toBe(replay)
    expect(await spool.settled(0)).toBe(false)
    while ((await server.seen()).requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
    spool.stop()
    await replay
    expect([await spool.settled(0), books.snapshot().pending, readdirSync(directory)]).toEqual([false, 2, [name]])
  })

  it('says how much of the folder it does not understand, and keeps it', async () => {
    fill()
    open({ apiKey: 'other' }).keep([toReadableSpan('work', 'c3'.repeat(8), 10)])
    const [name = ''] = readdirSync(directory)
    writeFileSync(join(directory, 'notes.txt'), '')
    writeFileSync(join(directory, `.tmp-${name}`), '')
    writeFileSync(join(directory, '.tmp-notes'), '')
    const lines: string[] = []
    await open({ lines }).replay()
    expect(lines).toEqual([expect.stringMatching(/holds 0 damaged records and 1 foreign files; they were skipped\.$/)])
    expect(readdirSync(directory)).toContain('notes.txt')
    for (const each of readdirSync(directory)) rmSync(join(directory, each))
    const broken = fill()
    const kept = readFileSync(join(directory, broken), 'utf8')
    writeFileSync(join(directory, broken), `${kept}x\ny\n${kept}`)
    await open({ lines }).replay()
    expect(lines[1]).toMatch(/holds 2 damaged records and 0 foreign files/)
    // The name says two spans and four were sent: at least one was in what is damaged.
    expect(books.snapshot()).toMatchObject({ exported: 4, pending: 0, dropped: { unserializable: 1 } })
    lines.length = 0
    await open({ lines, at: join(directory, 'not-there') }).replay()
    expect(lines).toEqual([])
  })

  it('keeps the spans that can be written, as many as fit', () => {
    const spans = Array.from({ length: 130 }, (_, at) => toReadableSpan('work', at.toString(16).padStart(16, '0'), 10))
    const broken = { ...(spans[5] as (typeof spans)[0]), spanContext: () => ({}) as never, attributes: null as never }
    const kept = open().keep(spans.with(5, broken))
    expect([kept.size, kept.has(broken), kept.has(spans[4] as never), kept.has(spans[129] as never)]).toEqual([129, false, true, true])
    const [name = ''] = readdirSync(directory)
    const lines = readFileSync(join(directory, name), 'utf8').trimEnd().split('\n')
    expect(Math.max(...lines.map((line) => Number(JSON.parse(line).spans)))).toBe(64)
    rmSync(join(directory, name))
    const without = open({ maxBytes: 0 })
    expect([without.keep(spans).size, without.keep([broken]).size, readdirSync(directory)]).toEqual([0, 0, []])
    expect(open().keep(spans).size).toBe(130)
    const { size } = lstatSync(join(directory, String(readdirSync(directory)[0])))
    rmSync(join(directory, String(readdirSync(directory)[0])))
    // Two records, and room for one and for both.
    expect(open({ maxBytes: size - 1 }).keep(spans).size).toBe(128)
    rmSync(join(directory, String(readdirSync(directory)[0])))
    expect(open({ maxBytes: size }).keep(spans).size).toBe(130)
  })

  it('says that the folder cannot be used, and keeps nothing', async () => {
    const at = join(directory, 'file')
    writeFileSync(at, '')
    const lines: string[] = []
    expect(open({ at, lines }).keep([toReadableSpan('work', 'a1'.repeat(8), 10)]).size).toBe(0)
    expect(lines).toEqual([expect.stringMatching(/cannot be written \(EEXIST\)\. Check `spool` \(HH_SPOOL_DIR\)\.$/)])
    const spool = open({ at, lines })
    expect(await spool.settled(0)).toBe(true)
    await spool.replay()
    expect(lines[1]).toMatch(/cannot be read \(ENOTDIR\)/)
    expect(await spool.settled(0)).toBe(true)
  })

  it('keeps to the folder that it was given, whatever the working directory becomes', () => {
    const at = relative(process.cwd(), join(directory, 'file'))
    writeFileSync(at, '')
    const lines: string[] = []
    open({ at, lines }).keep([toReadableSpan('work', 'a1'.repeat(8), 10)])
    expect(lines).toEqual([expect.stringContaining(`the spool ${join(directory, 'file')} cannot be written`)])
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
