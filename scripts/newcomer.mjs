// Does what README and quickstart say, word by word, with the packed package in a fresh `npm init -y` folder.
//
//   node scripts/newcomer.mjs [--skip-build] [page ...]
//
// Every ```sh block is run, in its order. A block after a sentence that names a file ("Save this as `app.mjs`", "the file `app.mjs`")
// is written to that file first. The lines of a ```text block must be in what the command before it printed. Two things differ from the
// page: the package comes from the tarball, and the local server has a free port. A command that does not end, the local server, goes on
// in the background. Variables of the machine (HH_*, OTEL_*) are left out. What a clone is told (`npm ci && …`) is run by `.ci/run`.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const LIMIT_MS = 120_000
const DEFAULT_PORT = '4319'
const root = resolve(import.meta.dirname, '..')
const given = process.argv.slice(2)
const pages = given.filter((name) => !name.startsWith('--'))
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(HH_|OTEL_|npm_|VITEST_|TSX_|NODE_(?!EXTRA_CA_CERTS))/i.test(name)),
)

const room = mkdtempSync(join(tmpdir(), 'newcomer-'))
const running = []
let failed = 0
try {
  if (!given.includes('--skip-build')) runOrThrow('npm', ['run', 'build'])
  const [{ filename }] = JSON.parse(runOrThrow('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', room]))
  for (const page of pages.length > 0 ? pages : ['README.md', 'docs/quickstart.md']) await followPage(page, join(room, filename))
} finally {
  for (const child of running) await end(child)
  rmSync(room, { recursive: true, force: true })
}
process.stdout.write(failed === 0 ? 'everything on these pages runs\n' : `${failed} commands failed\n`)
process.exitCode = failed === 0 ? 0 : 1

async function followPage(page, tarball) {
  const folder = mkdtempSync(join(room, 'app-'))
  const port = String(await findFreePort())
  let isReady = false
  let printed = ''
  for (const block of readBlocks(page)) {
    if (block.file !== undefined) writeFileSync(join(folder, block.file), block.text)
    if (block.language === 'text') checkOutput(page, block, printed)
    if (block.language !== 'sh') continue
    for (const command of block.text.split('\n').filter((line) => line.trim() !== '' && !/^npm ci\b/.test(line))) {
      if (!isReady && command !== 'npm init -y') await runCommand(page, 'npm init -y', folder, { tarball, port })
      isReady = true
      printed = await runCommand(page, command, folder, { tarball, port })
    }
  }
}

/** Code blocks of a page, up to its first heading that asks no longer to do something. */
function readBlocks(page) {
  const [text] = readFileSync(join(root, page), 'utf8').split('\n## What is promised')
  const blocks = []
  let before = ''
  for (const part of text.split(/^(```[\s\S]*?^```)$/m)) {
    const fence = /^```(\w*)\n([\s\S]*?)^```$/m.exec(part)
    if (fence === null) {
      before = part
      continue
    }
    const [, language, code] = fence
    const name = ['js', 'ts'].includes(language) ? /(?:Save this as|the file) `([\w.-]+)`[^`]*$/.exec(before)?.[1] : undefined
    blocks.push({ language, text: code, file: name })
    before = ''
  }
  return blocks
}

async function runCommand(page, written, folder, { tarball, port }) {
  const command = written
    .replace(/^npm install honeyhive-tracer\b/, `npm install --no-audit --no-fund ${tarball}`)
    .replaceAll(DEFAULT_PORT, port)
    .replace(/^npx honeyhive-tracer dev$/, `npx honeyhive-tracer dev --port ${port}`)
    .replace(/^npx honeyhive-tracer traces$/, `npx honeyhive-tracer traces --url http://127.0.0.1:${port}`)
  const startedMs = Date.now()
  const child = spawn(command, { cwd: folder, env, shell: '/bin/bash', detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      output += data
    })
  }
  const isServer = / dev( |$)/.test(command)
  const code = await (isServer ? waitForLine(child, () => output) : waitForEnd(child))
  if (isServer) running.push(child)
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1)
  process.stdout.write(`${code === 0 ? 'ok    ' : 'FAILED'} ${page}: ${written} (${seconds} s)\n`)
  if (code !== 0) {
    failed += 1
    process.stdout.write(`${output.trimEnd()}\n  ended with ${code}\n`)
  }
  return output
}

function checkOutput(page, { text }, printed) {
  // A server's line names its port.
  const plain = (words) => words.replace(/127\.0\.0\.1:\d+/g, '127.0.0.1')
  const missing = text.split('\n').filter((line) => line.trim() !== '' && !plain(printed).includes(plain(line.trim())))
  if (missing.length === 0) return
  failed += 1
  process.stdout.write(`FAILED ${page}: not printed: ${missing.join(' / ')}\n  but: ${printed.trim()}\n`)
}

async function waitForEnd(child) {
  const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), LIMIT_MS)
  const [code, signal] = await once(child, 'close')
  clearTimeout(timer)
  return code ?? signal
}

/** The server is up once it has printed its line. */
async function waitForLine(child, output) {
  const ended = once(child, 'exit').then(([code]) => code ?? 'a signal')
  for (let waited = 0; waited < LIMIT_MS; waited += 100) {
    if (output().includes('HoneyHive is at')) return 0
    const code = await Promise.race([ended, new Promise((done) => setTimeout(done, 100, undefined))])
    if (code !== undefined) return code === 0 ? 'an end before its line' : code
  }
  return 'no line'
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  process.kill(-child.pid, 'SIGTERM')
  await ended
}

async function findFreePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  return port
}

function runOrThrow(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`)
  return stdout
}
