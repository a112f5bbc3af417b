import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { type Command, Option } from 'commander'
import type { ProjectList } from '../dev/page-api/contract.js'
import { HoneyHiveError } from '../errors.js'
import { decodeOtlpJson } from '../otlp/decode.js'
import { toOneLine } from '../terminal-text.js'
import { decodeText, withoutMark } from '../values/decode-text.js'
import { readLines } from '../values/lines.js'
import { checkInput } from './input.js'
import { SERVER_OPTIONS, type ServerFlags, type TraceSource, withSource } from './server-api.js'

const compress = promisify(gzip)
/** Lines larger than this are sent compressed. */
const PLAIN_CHARS = 65_536
/** How often a busy server is asked again, and for how long it is waited for at least. */
const ATTEMPTS = 6
const BUSY_MS = 1_000

interface ExportFlags extends ServerFlags {
  readonly project?: string
  readonly session?: string
  readonly format: string
}

interface ImportFlags {
  readonly url: string
  readonly key: string
}

/** `honeyhive-tracer export` and `import`: traces as lines of OTLP JSON, one request a line; `export` knows other forms too. */
export function addTransferCommands(program: Command): void {
  const out = program.command('export').description('write traces to standard output, as OTLP JSON for import unless another form is named')
  for (const [flags, description, fallback] of SERVER_OPTIONS) out.option(flags, description, fallback)
  out
    .option('--project <name>', 'only this project')
    .option('--session <id>', 'only this session')
    .addOption(new Option('--format <form>', 'form of what is written').choices(['otlp', 'json', 'jsonl', 'csv']).default('otlp'))
    .action((flags: ExportFlags) => withSource(flags, (source) => exportTraces(source, flags)))
  program
    .command('import <file>')
    .description('send lines of OTLP JSON to a server; - reads standard input')
    .option('--url <url>', 'address of the server', 'http://127.0.0.1:4319')
    .option('--key <key>', 'API key that chooses the project', 'imported')
    .action(importTraces)
}

async function exportTraces(source: TraceSource, { project, session, format }: ExportFlags): Promise<void> {
  if (project !== undefined) {
    const { projects } = await source.getJson<ProjectList>('/projects')
    if (!projects.some(({ name, id }) => name === project || id === project))
      throw new HoneyHiveError('DEV_SERVER', `There is no project "${project}".`)
  }
  if (session !== undefined && !(await isThere(source, session, project)))
    throw new HoneyHiveError('DEV_SERVER', `There is no session "${session}".`)
  const query = new URLSearchParams({
    format,
    ...(project === undefined ? {} : { project }),
    ...(session === undefined ? {} : { session }),
  })
  const { body } = await source.ask(`/export?${query.toString()}`)
  // The two declarations of the same standard stream differ.
  if (body !== null) await pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), process.stdout, { end: false })
}

async function isThere(source: TraceSource, session: string, project: string | undefined): Promise<boolean> {
  const query = project === undefined ? '' : `?project=${encodeURIComponent(project)}`
  try {
    await source.ask(`/sessions/${encodeURIComponent(session)}${query}`)
    return true
  } catch (error) {
    if (error instanceof HoneyHiveError && error.code === 'HTTP_STATUS') return false
    throw error
  }
}

async function importTraces(file: string, { url, key }: ImportFlags): Promise<void> {
  if (file !== '-') await checkInput(file)
  const input = file === '-' ? process.stdin : createReadStream(file)
  const lines = readLines(decodeText(input, (problem) => new HoneyHiveError('DEV_SERVER', `${file}, ${problem}`)))
  let sent = 0
  let refused = 0
  let hasSpans = false
  let lineNumber = 0
  for await (const text of lines) {
    lineNumber++
    const line = lineNumber === 1 ? withoutMark(text) : text
    if (line.trim() === '') continue
    refused += await sendLine(line, `${url.replace(/\/+$/, '')}/opentelemetry/v1/traces`, key, `${file}:${lineNumber}`)
    sent++
    hasSpans ||= isWithSpans(line)
  }
  if (!hasSpans) throw new HoneyHiveError('DEV_SERVER', describeNothing(file, sent))
  process.stdout.write(`sent ${sent} request${sent === 1 ? '' : 's'} to ${url}\n`)
  if (refused > 0) process.exitCode = 1
}

/** Servers take any object, such as an event of `export --format jsonl`, and store nothing of it. */
function isWithSpans(line: string): boolean {
  try {
    const { spans, rejected } = decodeOtlpJson(JSON.parse(line), { maxSpans: Number.POSITIVE_INFINITY, nowMs: 0 })
    return spans.length + rejected > 0
  } catch {
    return false
  }
}

function describeNothing(file: string, lines: number): string {
  const name = file === '-' ? 'Standard input' : `"${file}"`
  const found = lines === 0 ? 'is empty' : `has ${lines} line${lines === 1 ? '' : 's'} and no span in ${lines === 1 ? 'it' : 'them'}`
  return `${name} ${found}; nothing was imported. Give lines of OTLP JSON, {"resourceSpans":[…]}, as "honeyhive-tracer export" writes them without --format.`
}

/** Gives back how many spans of the line the server did not take; each loss is said. */
async function sendLine(line: string, target: string, key: string, where: string): Promise<number> {
  const response = await sendPatiently(line, target, key, where)
  if (!response.ok)
    throw new HoneyHiveError('HTTP_STATUS', `${where} was refused with status ${response.status}. Lines before it were sent.`)
  const { rejected, because } = readPartial(await response.text())
  if (rejected > 0) process.stderr.write(`${toOneLine(`${where}: ${rejected} spans were refused: ${because}`)}\n`)
  return rejected
}

/** A server whose file another program holds is asked again. */
async function sendPatiently(line: string, target: string, key: string, where: string): Promise<Response> {
  const isLarge = line.length > PLAIN_CHARS
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${key}`,
    ...(isLarge ? { 'content-encoding': 'gzip' } : {}),
  }
  const body = isLarge ? new Uint8Array(await compress(line)) : line
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(target, { method: 'POST', headers, body }).catch((cause: unknown) => {
      throw new HoneyHiveError('HTTP_NETWORK', `${target} does not answer. Nothing after ${where} was sent.`, { cause })
    })
    if (response.status !== 503 || attempt === ATTEMPTS) return response
    await pause(Math.max(BUSY_MS, (Number(response.headers.get('retry-after')) || 0) * 1_000))
  }
}

/** What an OTLP server says it did not take; an answer in no form known says nothing. */
function readPartial(text: string): { readonly rejected: number; readonly because: string } {
  try {
    const { partialSuccess } = JSON.parse(text) as { partialSuccess?: { rejectedSpans?: unknown; errorMessage?: unknown } | null }
    return { rejected: Number(partialSuccess?.rejectedSpans) || 0, because: String(partialSuccess?.errorMessage ?? 'no reason given') }
  } catch {
    return { rejected: 0, because: '' }
  }
}
