/**
 * `npm run bench:reliability [scenario …]`: the same faults for this package, the stock OpenTelemetry SDK and other tracers, each
 * with its default settings, in processes of their own, against a server on this machine. Prints a Markdown table.
 * The other tracers are installed once into `peers/node_modules`, at the versions of `peers/package.json`.
 */
import { execFileSync, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = fileURLToPath(new URL('.', import.meta.url))
const peers = `${here}peers`
const ours = fileURLToPath(new URL('../results/reliability/index.mjs', import.meta.url))
const LIMIT_MS = 75_000

const SCENARIOS = [
  { name: 'burst of 10,000', run: 'burst', count: 10_000, rules: {} },
  { name: 'burst of 50,000', run: 'burst', count: 50_000, rules: {} },
  { name: '5 s outage (503), 200/s', run: 'steady', count: 1_200, rules: { status: 503, forMs: 5_000 } },
  { name: 'first attempt hangs', run: 'burst', count: 100, rules: { hang: true, times: 1 } },
  { name: 'partial success, 40 of 100', run: 'burst', count: 100, rules: { rejected: 40 }, possible: 60 },
  { name: 'HTML reply (wrong address)', run: 'burst', count: 100, rules: { html: true }, possible: 0 },
  { name: '413 above 20 kB', run: 'burst', count: 500, rules: { maxBytes: 20_000 } },
  { name: 'one span ends with NaN, 99 good', run: 'poison', count: 99, rules: {}, total: 100 },
  { name: 'exit without a flush', run: 'exit', count: 100, rules: {} },
  { name: 'shutdown, hanging server', run: 'shutdown', count: 100, rules: { hang: true }, possible: 0 },
  { name: 'sockets after 200 instances', run: 'sockets', count: 200, rules: {}, total: 203 },
]
const CONTESTANTS = ['honeyhive-tracer', 'OpenTelemetry SDK 2.12.0', 'OpenInference core 2.7.1', 'Langfuse 5.11.1']

if (!existsSync(`${peers}/node_modules/@langfuse/otel`)) {
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts'], {
    cwd: peers,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
}
await build({
  entryPoints: [fileURLToPath(new URL('../../src/index.ts', import.meta.url))],
  outfile: ours,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  logLevel: 'error',
})

const sink = fork(`${here}sink.mjs`, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
const [{ port }] = await once(sink, 'message')
const url = `http://127.0.0.1:${port}`
const control = async (rules) => (await fetch(`${url}/control`, { method: 'PUT', body: JSON.stringify(rules) })).text()
const seen = async () => (await fetch(`${url}/seen`)).json()

async function measure(who, { run, count, rules, total = count, possible = total }) {
  await control(rules)
  const startedAt = performance.now()
  const child = spawn(process.execPath, [`${here}run-one.mjs`, who, run, url, String(count)], {
    env: { PATH: process.env.PATH, PEERS: peers, OURS: ours },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  let errors = ''
  child.stdout.on('data', (chunk) => (text += chunk))
  child.stderr.on('data', (chunk) => (errors += chunk))
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS)
  const [code] = await once(child, 'close')
  clearTimeout(timer)
  const tookMs = performance.now() - startedAt
  const { spans } = await seen()
  const report = text.trim() === '' ? undefined : JSON.parse(text.trim().split('\n').at(-1))
  if (report === undefined)
    return { who, delivered: spans, lost: '-', said: code === null ? 'killed after 75 s' : errors.slice(0, 80), tookMs }
  const lost = total - spans
  return {
    who,
    delivered: spans,
    lost,
    said: toSaid(report, lost, errors),
    tookMs: report.ms,
    left: report.left,
    wholeMs: tookMs,
    possible,
  }
}

function toSaid({ flush, lost: counted, said }, lost, errors) {
  if (lost === 0) return 'nothing to say'
  const ways = []
  if (counted > 0) ways.push(counted === lost ? 'counted exactly' : `counted ${counted}`)
  if (said > 0 || errors.trim() !== '') ways.push('log')
  if (flush === 'false' || flush.startsWith('rejected')) ways.push(flush === 'false' ? 'flush false' : 'flush rejects')
  return ways.length === 0 ? '**silent**' : ways.join(', ')
}

const wanted = process.argv.slice(2)
const print = (line) => process.stdout.write(`${line}\n`)
print('| scenario | tracer | delivered | lost | said | time | sockets left |')
print('| --- | --- | ---: | ---: | --- | ---: | ---: |')
for (const scenario of SCENARIOS) {
  if (wanted.length > 0 && !wanted.some((word) => scenario.name.includes(word))) continue
  for (const who of CONTESTANTS) {
    const { delivered, lost, said, tookMs, left = '' } = await measure(who, scenario)
    print(`| ${scenario.name} | ${who} | ${delivered} | ${lost} | ${said} | ${(tookMs / 1000).toFixed(1)} s | ${left} |`)
  }
}
sink.kill('SIGTERM')
