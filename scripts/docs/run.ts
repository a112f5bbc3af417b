// Runs the programs of the pages: each in a process of its own, against the local server and the models' stand-in on this machine.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { build, transform } from 'esbuild'
import { startDevServer } from '../../src/dev/server.js'
import { startModelServer } from '../../test/integrations/model-server.js'
import { entryPoints } from '../entry-points.js'
import { type Block, isTypeScript, type Problem, root } from './blocks.js'

const LIMIT_MS = 60_000
/** Said by a program behind its last line, when all that it awaits is done. */
const OVER = 'over'

type Environment = Readonly<Record<string, string | undefined>>

/** How a process ended, and what it said. */
interface Outcome {
  readonly ending: number | string
  readonly output: string
}

/**
 * Runs blocks as they stand. A program must end by itself with 0; one that is marked as serving is stopped once its last line was run.
 * `files` are written into the folder of their page before.
 */
export async function runBlocks(blocks: readonly Block[], files: readonly Block[]): Promise<readonly Problem[]> {
  mkdirSync(join(root, 'artifacts'), { recursive: true })
  const room = mkdtempSync(join(root, 'artifacts', 'docs-'))
  const [server, model] = await Promise.all([startDevServer({ port: 0, database: ':memory:' }), startModelServer(), buildPackage(room)])
  const problems: Problem[] = []
  try {
    for (const file of files) writeFileSync(join(toFolder(room, file), file.fileName ?? ''), file.text)
    const waiting = [...blocks]
    const env = toEnvironment(server.url, model.url)
    const work = async (): Promise<void> => {
      for (let block = waiting.shift(); block !== undefined; block = waiting.shift()) problems.push(...(await runBlock(room, block, env)))
    }
    await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, work))
  } finally {
    await Promise.all([server.close(), model.close()])
    rmSync(room, { recursive: true, force: true })
  }
  return problems
}

/** The package from its sources, where the programs' imports find it; other packages are those of the repository. */
async function buildPackage(room: string): Promise<void> {
  const folder = join(room, 'node_modules/honeyhive-tracer')
  await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(entryPoints.map(({ name, file }) => [name, file])),
    outdir: join(folder, 'dist'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'error',
  })
  // A package of its own: from within the repository the name would mean the repository.
  writeFileSync(join(room, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const exports = Object.fromEntries(entryPoints.map(({ key, name }) => [key, `./dist/${name}.js`]))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'honeyhive-tracer', type: 'module', exports }))
}

function toFolder(room: string, { page }: Block): string {
  const folder = join(room, page.replace(/\.md$/, '').replaceAll('/', '-'))
  mkdirSync(folder, { recursive: true })
  return folder
}

/** Nothing of the machine's own settings, and the places where the clients of the providers look for their servers and keys. */
function toEnvironment(serverUrl: string, modelUrl: string): Environment {
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:HH_|OTEL_|NODE_OPTIONS$|VITEST|TSX_)/.test(name)))
  return {
    ...own,
    HH_API_URL: serverUrl,
    HH_API_KEY: 'local',
    HH_API_KEY_EXPERIMENTS: 'key-of-experiments',
    OPENAI_API_KEY: 'key',
    OPENAI_BASE_URL: `${modelUrl}/v1`,
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
  }
}

async function runBlock(room: string, block: Block, env: Environment): Promise<readonly Problem[]> {
  const folder = toFolder(room, block)
  const isTest = /from 'vitest'/.test(block.text)
  const file = join(folder, `line-${block.line}${isTest ? '.test' : ''}.mjs`)
  writeFileSync(file, await toJavaScript(block, isTest))
  const vitest = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--config', toTestSettings(folder), '--root', folder, file]
  const { ending, output } = await run(isTest ? vitest : [file], folder, env, block.mark?.kind === 'until stopped')
  if (ending === 0) return []
  return [{ page: block.page, line: block.line, text: `the program ended with ${ending}:\n${output.trimEnd()}` }]
}

/** Vitest would look for those of the repository. */
function toTestSettings(folder: string): string {
  const file = join(folder, 'vitest.config.mjs')
  writeFileSync(file, 'export default {}\n')
  return file
}

async function toJavaScript({ language, text }: Block, isTest: boolean): Promise<string> {
  const settings = { loader: 'ts', target: 'node20', format: 'esm', tsconfigRaw: '{}' } as const
  // A port that another program has is no fault of the page.
  const free = text.replace(/\.listen\(8080\)/, '.listen(0)')
  const code = isTypeScript(language) ? (await transform(free, settings)).code : free
  return isTest ? code : `${code}\nprocess.send?.('${OVER}')\n`
}

function run(args: readonly string[], cwd: string, env: Environment, isServer: boolean): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS)
    let output = ''
    let isStopped = false
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (data) => {
        output += data
      })
    }
    child.on('message', () => {
      if (!isServer) return
      isStopped = true
      child.kill('SIGTERM')
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (signal === 'SIGKILL') return resolve({ ending: 'no end within a minute', output })
      resolve({ ending: isServer ? toServerEnding(isStopped, code) : (code ?? signal ?? 'nothing'), output })
    })
  })
}

/** A server goes on until it is stopped; then it ends by the signal, or with 0 where it listens to it. */
function toServerEnding(isStopped: boolean, code: number | null): number | string {
  if (!isStopped) return `${code} before it was stopped; is the mark still true?`
  return code ?? 0
}
