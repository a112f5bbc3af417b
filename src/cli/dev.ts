import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Command, InvalidArgumentError } from 'commander'
import { HoneyHiveError } from '../errors.js'
import type { PriceOptions } from '../dev/prices/price-table.js'
import { readInput } from './input.js'
import { toOneLine } from '../terminal-text.js'

interface DevFlags {
  readonly port: number
  readonly host: string
  readonly db: string
  readonly project: Readonly<Record<string, string>>
  readonly projectsFile?: string
  readonly prices?: string
  readonly open?: boolean
}

/** `honeyhive-tracer dev`: the local server and its page. */
export function addDevCommand(program: Command): void {
  program
    .command('dev')
    .description('start a local HoneyHive: a server on loopback with a page that shows projects, sessions, traces and experiments')
    .option('--port <number>', 'TCP port, 0 for a free one', toPort, 4319)
    .option('--host <address>', 'loopback address to listen on', '127.0.0.1')
    .option('--db <file>', 'SQLite file, or :memory:', '.honeyhive/dev.db')
    .option('--project <name=key>', 'API key of a project; may be repeated', addProject, {})
    .option('--projects-file <file>', 'JSON file of project names and their keys')
    .option('--prices <file>', 'JSON file of prices by model, in US dollars per million tokens; before the usual ones')
    .option('--open', 'open the page in the browser')
    .action(runDev)
}

async function runDev({ port, host, db, project, projectsFile, prices, open }: DevFlags): Promise<void> {
  const { startDevServer } = await import('../dev/server.js')
  const projects = { ...(projectsFile === undefined ? {} : await readProjects(projectsFile)), ...project }
  const server = await startDevServer({
    port,
    host,
    database: db,
    projects,
    ...(prices === undefined ? {} : { prices: await readPrices(prices) }),
  })
  const [key = 'local', ...others] = Object.values(projects)
  process.stdout.write(`HoneyHive is at ${server.url}  —  set HH_API_URL=${server.url} HH_API_KEY=${toOneLine(key)}\n`)
  if (others.length > 0)
    for (const [name, ownKey] of Object.entries(projects)) process.stdout.write(`${toOneLine(`  ${name}: HH_API_KEY=${ownKey}`)}\n`)
  if (open === true) openPage(server.url)
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  await server.close()
}

function toPort(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new InvalidArgumentError('Give a number from 0 to 65535.')
  return port
}

function addProject(text: string, known: Readonly<Record<string, string>>): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('Write it as name=key.')
  return { ...known, [text.slice(0, at)]: text.slice(at + 1) }
}

async function readProjects(file: string): Promise<Record<string, string>> {
  const content = parse(await readInput(file))
  const entries = typeof content === 'object' && content !== null ? Object.entries(content) : []
  if (entries.length === 0 || entries.some(([, key]) => typeof key !== 'string')) {
    throw new HoneyHiveError('CONFIG_FILE', `${file}: expected an object of project names and their keys, e.g. { "shop": "my-key" }.`)
  }
  return Object.fromEntries(entries) as Record<string, string>
}

async function readPrices(file: string): Promise<PriceOptions> {
  const { parsePrices } = await import('../dev/prices/price-table.js')
  try {
    return parsePrices(parse(await readInput(file)))
  } catch (cause) {
    if (!(cause instanceof HoneyHiveError) || cause.code !== 'DEV_SERVER') throw cause
    throw new HoneyHiveError('CONFIG_FILE', `${file}: ${cause.message}`, { cause })
  }
}

/** What is no JSON is no object of projects either. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function openPage(url: string): void {
  const [command, ...args] =
    process.platform === 'darwin' ? ['open'] : process.platform === 'win32' ? ['cmd', '/c', 'start', ''] : ['xdg-open']
  const child = spawn(command ?? 'xdg-open', [...args, url], { stdio: 'ignore', detached: true })
  child.on('error', () => process.stderr.write(`No browser could be started; open ${url} yourself.\n`))
  child.unref()
}
