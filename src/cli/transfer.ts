import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import type { ProjectList } from '../dev/page-api/contract.js'
import { HoneyHiveError } from '../errors.js'
import { checkInput } from './input.js'
import { SERVER_OPTIONS, type ServerFlags, type TraceSource, withSource } from './server-api.js'

interface ExportFlags extends ServerFlags {
  readonly project?: string
}

interface ImportFlags {
  readonly url: string
  readonly key: string
}

/** `honeyhive-tracer export` and `import`: traces as lines of OTLP JSON, one request a line. */
export function addTransferCommands(program: Command): void {
  const out = program.command('export').description('write traces to standard output as OTLP JSON, one request a line')
  for (const [flags, description, fallback] of SERVER_OPTIONS) out.option(flags, description, fallback)
  out
    .option('--project <name>', 'only this project')
    .action((flags: ExportFlags) => withSource(flags, (source) => exportTraces(source, flags.project)))
  program
    .command('import <file>')
    .description('send lines of OTLP JSON to a server; - reads standard input')
    .option('--url <url>', 'address of the server', 'http://127.0.0.1:4319')
    .option('--key <key>', 'API key that chooses the project', 'imported')
    .action(importTraces)
}

async function exportTraces(source: TraceSource, project: string | undefined): Promise<void> {
  if (project !== undefined) {
    const { projects } = await source.getJson<ProjectList>('/projects')
    if (!projects.some(({ name, id }) => name === project || id === project))
      throw new HoneyHiveError('DEV_SERVER', `There is no project "${project}".`)
  }
  const { body } = await source.ask(`/export${project === undefined ? '' : `?project=${encodeURIComponent(project)}`}`)
  // The two declarations of the same standard stream differ.
  if (body !== null) await pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), process.stdout, { end: false })
}

async function importTraces(file: string, { url, key }: ImportFlags): Promise<void> {
  if (file !== '-') await checkInput(file)
  const lines = createInterface({ input: file === '-' ? process.stdin : createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })
  let sent = 0
  let lineNumber = 0
  for await (const line of lines) {
    lineNumber++
    if (line.trim() === '') continue
    await sendLine(line, `${url.replace(/\/+$/, '')}/opentelemetry/v1/traces`, key, `${file}:${lineNumber}`)
    sent++
  }
  process.stdout.write(`sent ${sent} request${sent === 1 ? '' : 's'} to ${url}\n`)
}

async function sendLine(body: string, target: string, key: string, where: string): Promise<void> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` }
  const response = await fetch(target, { method: 'POST', headers, body }).catch((cause: unknown) => {
    throw new HoneyHiveError('HTTP_NETWORK', `${target} does not answer. Nothing after ${where} was sent.`, { cause })
  })
  if (!response.ok)
    throw new HoneyHiveError('HTTP_STATUS', `${where} was refused with status ${response.status}. Lines before it were sent.`)
}
