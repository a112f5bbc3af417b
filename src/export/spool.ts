import {
  constants,
  closeSync,
  createReadStream,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { monotonicMs, unixMs, NativeSet, NativeAbortController } from '../builtins.js'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { Diagnostics } from '../diagnostics.js'
import { makeFolder, toAbsolutePath } from '../folders.js'
import { runDetached } from './detached.js'
import { toOutcome } from '../otlp/reply.js'
import { backoffMs } from './backoff.js'
import { toPlace } from './otlp-sender.js'
import { toSerializer, type OtlpProtocol, type TraceSerializer } from '../otlp/encode.js'
import { toExportable } from '../otlp/span-writer.js'
import {
  isAbandoned,
  parseLine,
  toLine,
  toSpanCount,
  toSpoolKind,
  toSpoolName,
  type SpoolOwner,
  type SpoolRecord,
  UNFINISHED_PREFIX,
} from './spool-file.js'
import { ClaimedFile } from './claimed-file.js'
import type { SpanStats } from './stats.js'
import { pause, withinMs } from '../time.js'
import { readLines } from '../values/lines.js'
import type { TracesTransport } from './transport.js'

/** Settings of {@link Spool}. */
export interface SpoolOptions {
  readonly directory: string
  /** Key the spans belong to: another process delivers them only with the same key, to the same address. */
  readonly apiKey: string
  readonly protocol: OtlpProtocol
  readonly transport: TracesTransport
  readonly diagnostics: Diagnostics
  /** Counts what becomes of spans of earlier processes. */
  readonly stats: Pick<SpanStats, 'tookOver' | 'exportedFromSpool' | 'droppedFromSpool'>
  /** Most bytes all files of the directory may take. @defaultValue 67_108_864 */
  readonly maxBytes?: number | undefined
  /** Limit of one request, milliseconds. @defaultValue 10_000 */
  readonly timeoutMs?: number | undefined
}

const MAX_BYTES = 67_108_864
/** Spans in one record, so that a damaged record costs few. */
const SPANS_PER_RECORD = 128
/** How long a replay goes on asking a server that does not answer, milliseconds. */
const RETRY_BUDGET_MS = 60_000

/** Keeps spans of one tracer on disk that could not be delivered before the process ended. Touches the disk only when something is kept or replayed. */
export class Spool {
  readonly #options: SpoolOptions
  readonly #owner: SpoolOwner
  readonly #ended = new NativeAbortController()
  #replaying: Promise<void> | undefined
  /** Spans of earlier processes that stay on disk. */
  #left = 0

  constructor(options: SpoolOptions) {
    // The host may change its working directory, or lose it, before the folder is written to.
    this.#options = { ...options, directory: toAbsolutePath(options.directory) }
    this.#owner = { url: options.transport.tracesUrl, apiKey: options.apiKey }
  }

  /**
   * Writes spans at once, without waiting; they must be redacted already.
   *
   * @returns the spans that are on disk now; the rest did not fit or cannot be written.
   */
  keep(spans: readonly ReadableSpan[]): ReadonlySet<ReadableSpan> {
    const { directory, protocol, diagnostics, maxBytes = MAX_BYTES } = this.#options
    const kept = new NativeSet<ReadableSpan>()
    try {
      makeFolder(directory, 0o700)
      if (!this.#isTrusted()) return kept
      let room = maxBytes - usedBytes(directory)
      const lines: string[] = []
      for (const { line, members } of toRecords(spans, toSerializer(protocol))) {
        room -= line.length
        if (room < 0) break
        lines.push(line)
        for (const span of members) kept.add(span)
      }
      if (lines.length === 0 || writeWhole(directory, toSpoolName(this.#owner, kept.size), lines.join(''), maxBytes)) return kept
      diagnostics.warn('spool-full', `the spool ${directory} holds as much as it may (${maxBytes} bytes): others write to it too.`)
      return new NativeSet()
    } catch (error) {
      diagnostics.warn('spool-write', `the spool ${directory} cannot be written (${toErrorCode(error)}). Check \`spool\` (HH_SPOOL_DIR).`)
      return new NativeSet()
    }
  }

  /** Delivers what earlier processes left for this address and key. Never rejects. */
  replay(): Promise<void> {
    const { directory, diagnostics } = this.#options
    this.#replaying ??= runDetached(async () => {
      try {
        await this.#replayAll()
      } catch (error) {
        diagnostics.warn(
          'spool-read-error',
          `the spool ${directory} cannot be read (${toErrorCode(error)}). Check \`spool\` (HH_SPOOL_DIR).`,
        )
      }
    })
    return this.#replaying
  }

  /** Waits for {@link replay}; false at the deadline, and when something stays on disk. Keeps the process alive meanwhile. */
  async settled(timeoutMs: number): Promise<boolean> {
    if (this.#replaying === undefined) return true
    return (await withinMs(this.#replaying, timeoutMs)) && this.#left === 0
  }

  /** Stops a replay; what it did not send stays on disk. */
  stop(): void {
    this.#ended.abort()
  }

  async #replayAll(): Promise<void> {
    const { directory, diagnostics } = this.#options
    if (listFiles(directory).length === 0 || !this.#isTrusted()) return
    collectRemnants(directory)
    const names = listFiles(directory)
    const isForeign = (name: string): boolean =>
      toSpoolKind(name, this.#owner, unixMs()) === 'foreign' && !name.startsWith(UNFINISHED_PREFIX)
    const foreign = names.filter(isForeign).length
    let corrupt = 0
    for (const name of names) {
      if (this.#ended.signal.aborted) return
      if (toSpoolKind(name, this.#owner, unixMs()) === 'own') corrupt += await this.#replayFile(name)
    }
    if (corrupt + foreign > 0)
      diagnostics.warnOnce(
        'spool-read',
        `the spool ${directory} holds ${corrupt} damaged records and ${foreign} foreign files; they were skipped.`,
      )
  }

  /** Whether nobody else can decide what this process reads and writes there; says so when not. */
  #isTrusted(): boolean {
    const { directory, diagnostics } = this.#options
    const reason = describeDistrust(lstatSync(directory))
    if (reason === undefined) return true
    diagnostics.warn(
      'spool-trust',
      `the spool ${directory} is not used: ${reason}. Give \`spool\` (HH_SPOOL_DIR) a folder of this user alone.`,
    )
    return false
  }

  /** Sends one file and removes it, or leaves what it could not send; gives back the number of damaged records. */
  async #replayFile(name: string): Promise<number> {
    const { directory } = this.#options
    const found: Found = { sent: 0, left: 0, corrupt: 0, rest: [] }
    let claimed: ClaimedFile | undefined
    let input: ReturnType<typeof createReadStream> | undefined
    try {
      claimed = new ClaimedFile(directory, name)
      input = createReadStream('', { fd: openPlainFile(claimed.path), encoding: 'utf8' })
      for await (const line of readLines(input)) {
        await this.#replayLine(line, found)
        claimed.renew()
      }
    } catch (error) {
      if (claimed === undefined && toErrorCode(error) === 'ENOENT') return 0
      this.#leaveUnread(name, found, error)
      claimed?.giveBack()
      return found.corrupt
    } finally {
      input?.destroy()
    }
    return this.#finish(name, claimed, found)
  }

  async #replayLine(line: string, found: Found): Promise<void> {
    const record = parseLine(line)
    if (record === undefined) {
      found.corrupt++
      return
    }
    const { spans } = record
    this.#options.stats.tookOver(spans)
    if (found.rest.length === 0 && (await this.#sendRecord(record))) {
      found.sent += spans
      return
    }
    // What the server does not take now stays on disk, and pending.
    found.rest.push(`${line}\n`)
    found.left += spans
    this.#left += spans
  }

  /** Not its fault perhaps: a permission, a disk, too few descriptors. What it holds stays for a start that can read it. */
  #leaveUnread(name: string, { sent, left }: Found, error: unknown): void {
    const unread = Math.max(0, toSpanCount(name) - sent - left)
    this.#options.stats.tookOver(unread)
    this.#left += unread
    this.#options.diagnostics.warn(
      'spool-read-error',
      `the spool file ${name} cannot be read (${toErrorCode(error)}). It stays, its spans are pending, and it is tried again at the next start.`,
    )
  }

  /** Counts what is missing and lets go of the file; gives back the number of damaged records. */
  #finish(name: string, claimed: ClaimedFile, { sent, left, corrupt, rest }: Found): number {
    // A crash of the machine may leave a file of this name without all of its records, or without any.
    const damaged = Math.max(corrupt === 0 ? 0 : 1, toSpanCount(name) - sent - left)
    this.#options.stats.tookOver(damaged)
    this.#options.stats.droppedFromSpool('unserializable', damaged, 'the record in the spool is damaged or missing')
    if (rest.length === 0) claimed.remove()
    else if (sent + damaged === 0) claimed.giveBack()
    else claimed.giveBackRest(toSpoolName(this.#owner, left), rest.join(''))
    return damaged === 0 ? 0 : Math.max(1, corrupt)
  }

  /** Whether the record is done with: delivered, or refused for good. */
  async #sendRecord(record: SpoolRecord): Promise<boolean> {
    const { signal } = this.#ended
    const startedAtMs = monotonicMs()
    for (let failures = 1; !signal.aborted; failures++) {
      const waitMs = await this.#attemptRecord(record, failures)
      if (waitMs === undefined) return true
      if (monotonicMs() - startedAtMs + waitMs > RETRY_BUDGET_MS) return false
      await pause(waitMs, { signal, ref: false })
    }
    return false
  }

  /** Milliseconds to wait before another attempt; `undefined` when none is needed. */
  async #attemptRecord({ body, contentType, spans }: SpoolRecord, failures: number): Promise<number | undefined> {
    const { transport, diagnostics, stats, timeoutMs = 10_000 } = this.#options
    const url = transport.tracesUrl
    try {
      const reply = await transport.send({ url, body, contentType, timeoutMs, signal: this.#ended.signal })
      const outcome = toOutcome(reply, { place: toPlace(url), nowMs: unixMs() })
      if (outcome.kind === 'retry') return Math.max(outcome.afterMs ?? 0, backoffMs(failures))
      if (outcome.kind === 'accepted') {
        const rejected = Math.min(spans, outcome.rejected)
        stats.exportedFromSpool(spans - rejected)
        stats.droppedFromSpool('serverRejected', rejected, outcome.message)
        return undefined
      }
      diagnostics.warn('spool-refused', `${spans} spans from the spool were refused: ${outcome.detail}`)
      stats.droppedFromSpool(outcome.kind === 'refused' ? outcome.reason : 'httpStatus', spans, outcome.detail)
      return undefined
    } catch {
      return backoffMs(failures)
    }
  }
}

/**
 * Opens a file to read it, and nothing else: a link in a shared folder may lead anywhere, and a pipe that nobody writes to would
 * hold up the whole process.
 */
function openPlainFile(path: string): number {
  const fd = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
  if (fstatSync(fd).isFile()) return fd
  closeSync(fd)
  throw Object.assign(new Error('not a file'), { code: 'not a file' })
}

function listFiles(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (toErrorCode(error) === 'ENOENT') return []
    throw error
  }
}

/** What became of one file so far, in spans; `corrupt` in records. */
interface Found {
  sent: number
  left: number
  corrupt: number
  /** Lines that were not sent. */
  readonly rest: string[]
}

/** Others could put in a link that leads elsewhere, or files that are sent in this tracer's name. */
function describeDistrust(folder: Stats): string | undefined {
  if (folder.isSymbolicLink()) return 'it is a symbolic link'
  if (!folder.isDirectory()) return 'it is no folder'
  const user = process.getuid?.()
  const isOpenToAll = (folder.mode & 0o002) !== 0
  return user !== undefined && isOpenToAll && folder.uid !== user ? 'it belongs to another user, and everybody may write to it' : undefined
}

/** What a process left that died while it wrote: whole records are delivered like any others. */
function collectRemnants(directory: string): void {
  for (const name of listFiles(directory)) {
    if (!name.startsWith(UNFINISHED_PREFIX)) continue
    const path = join(directory, name)
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found === undefined || !found.isFile() || !isAbandoned(found.mtimeMs, unixMs())) continue
    try {
      renameSync(path, join(directory, name.slice(UNFINISHED_PREFIX.length)))
    } catch {
      // Somebody else collects it, or it may not be touched; then it stays.
    }
  }
}

function usedBytes(directory: string): number {
  return readdirSync(directory).reduce((sum, name) => sum + (lstatSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0), 0)
}

/**
 * Readers see the whole file or none of it.
 *
 * @returns false when it is too much together with what others wrote meanwhile; then it is gone again.
 */
function writeWhole(directory: string, name: string, text: string, maxBytes: number): boolean {
  const temporary = join(directory, `${UNFINISHED_PREFIX}${name}`)
  try {
    writeFileSync(temporary, text, { mode: 0o600, flag: 'wx' })
    // Only now, because whoever writes at the same time counts this one too: between them none goes over it unseen.
    if (usedBytes(directory) > maxBytes) {
      rmSync(temporary, { force: true })
      return false
    }
    renameSync(temporary, join(directory, name))
    return true
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

interface PackedRecord {
  readonly line: string
  readonly members: readonly ReadableSpan[]
}

function* toRecords(spans: readonly ReadableSpan[], serializer: TraceSerializer): Generator<PackedRecord> {
  for (let at = 0; at < spans.length; at += SPANS_PER_RECORD) yield* packGroup(spans.slice(at, at + SPANS_PER_RECORD), serializer)
}

/** One record, or the records of the halves when a span among them cannot be written. */
function* packGroup(members: readonly ReadableSpan[], serializer: TraceSerializer): Generator<PackedRecord> {
  const body = toBytes(members, serializer)
  if (body !== undefined) {
    yield { line: toLine({ contentType: serializer.contentType, spans: members.length, body }), members }
  } else if (members.length > 1) {
    const middle = members.length >> 1
    yield* packGroup(members.slice(0, middle), serializer)
    yield* packGroup(members.slice(middle), serializer)
  }
}

function toBytes(members: readonly ReadableSpan[], serializer: TraceSerializer): Uint8Array | undefined {
  try {
    return serializer.toBytes(members.map(toExportable))
  } catch {
    return undefined
  }
}

function toErrorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error'
}
