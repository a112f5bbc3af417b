// What loading this package costs a fresh process, beside the OpenTelemetry parts one would load by hand. CPU time, since the
// clock also counts what else the machine does.
// node scripts/measure-import.mjs [--rounds 15] [--max 0.6] [--entry dist/index.js]
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    max: { type: 'string' },
    entry: { type: 'string', default: 'dist/index.js' },
  },
})
if (!existsSync(values.entry)) throw new Error(`No ${values.entry}. Run "npm run build" first.`)

const cases = {
  ours: [pathToFileURL(resolve(values.entry)).href],
  byHand: ['@opentelemetry/api', '@opentelemetry/sdk-trace-node', '@opentelemetry/exporter-trace-otlp-http'],
}
/** Runs of one build lie up to a tenth apart: the best of so many counts, as in `bench/check.mjs`. */
const ATTEMPTS = 6
const max = Number(values.max ?? Number.POSITIVE_INFINITY)

let isAbove = true
for (let attempt = 0; attempt < ATTEMPTS && isAbove; attempt += 1) isAbove = measure() > max
if (isAbove) {
  process.stdout.write(`The ratio is above ${values.max}, ${ATTEMPTS} times.\n`)
  process.exitCode = 1
}

function measure() {
  const samples = { ours: [], byHand: [] }
  for (let round = 0; round < Number(values.rounds) + 1; round += 1) {
    for (const [name, modules] of Object.entries(cases)) {
      const ms = cpuMs(modules)
      // The first round only warms the file cache.
      if (round > 0) samples[name].push(ms)
    }
  }
  const [ours, byHand] = [median(samples.ours), median(samples.byHand)]
  const ratio = ours / byHand
  process.stdout.write(
    `${values.entry} ${ours.toFixed(1)} ms of CPU, OpenTelemetry by hand ${byHand.toFixed(1)} ms, ratio ${ratio.toFixed(2)}\n`,
  )
  return ratio
}

function cpuMs(modules) {
  const load = modules.map((name) => `await import('${name}')`).join('; ')
  const code = `const from = process.cpuUsage(); ${load}; const { user, system } = process.cpuUsage(from); console.log((user + system) / 1e3)`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return Number(stdout)
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
