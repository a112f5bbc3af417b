// Runs examples/*.ts and the larger ones, two at a time, as a newcomer would: no HH_* variables, no input, nothing on the network.
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const LIMIT_MS = 60_000
const AT_ONCE = 2
/** What the examples share; not an example itself. */
const SHARED = 'local.ts'
const folder = 'examples'
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HH|OTEL)_/.test(name)))

const wanted = process.argv.slice(2)
/** Examples of several files that need nothing installed besides. */
const QUEUES = ['async-queue', 'bottleneck', 'dataloader', 'event-emitter', 'generic-pool', 'p-queue']
const FOLDERS = [
  'demo/main.ts',
  'evaluate-judges/main.ts',
  'evaluate-retrieval/main.ts',
  'next-instrumentation/main.ts',
  ...QUEUES.map((name) => `queues/${name}.ts`),
]
const files = [...readdirSync(folder), ...FOLDERS]
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts') && name !== SHARED)
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .sort()

let failures = 0
const waiting = [...files]
await Promise.all(Array.from({ length: AT_ONCE }, runWaiting))
process.stdout.write(`${files.length - failures} examples passed, ${failures} failed\n`)
process.exitCode = failures > 0 ? 1 : 0

async function runWaiting() {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const startedMs = Date.now()
    const { code, output } = await run(join(folder, name))
    const seconds = ((Date.now() - startedMs) / 1000).toFixed(1)
    const report = code === 0 ? '' : `${output.trimEnd()}\n  ended with ${code}\n`
    process.stdout.write(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)\n${report}`)
    if (code !== 0) failures += 1
  }
}

function run(file) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', tsx, file], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS)
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    child.stderr.on('data', (chunk) => {
      output += chunk
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code: code ?? signal, output })
    })
  })
}
