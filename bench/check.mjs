// Whether this version costs no more than the released one: ratios to raw OpenTelemetry by hand, taken inside each round of one run, and
// counts. What is slower than `released.json` by more than ROOM fails; a machine that is busy makes one run slow, so the better of two
// counts. npm run build && npm run bench:check [-- --write: make these figures the released ones]
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { median } from './peers/lib/stats.mjs'

/** A figure may be so many times the released one: runs on one machine differ by a tenth, machines by more. */
const ROOM = 1.35
const ROUNDS = 5

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const runNode = (args, options = {}) => execFileSync(process.execPath, args, { cwd: here('./peers'), encoding: 'utf8', ...options })

function measure() {
  // Not a quick run: that is too short for the just-in-time compiler, and its figures lie anywhere.
  const peers = ['--rounds', `${ROUNDS}`, '--only', 'hot,cpu,memory', '--peers', 'ours,raw-otel', '--out', 'check']
  runNode(['run.mjs', ...peers], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, OURS: here('..') } })
  const { hot, cpu, memory } = JSON.parse(readFileSync(here('./peers/results/check.json'), 'utf8'))
  const [ours, raw] = ['ours', 'raw-otel']
  const ratioOf = (runs, read) => median(runs[ours].map((run, i) => read(run) / read(runs[raw][i])))
  const ofHot = Object.fromEntries(
    ['sync', 'async', 'nested5', 'kb10', 'mb1'].map((shape) => [shape, ratioOf(hot, (run) => run[shape].ns)]),
  )
  const ofMemory = Object.fromEntries(['idleKB', 'usedKB', 'initUs'].map((what) => [what, ratioOf(memory[1000], (run) => run[what])]))
  const most = (runs, read) => Math.max(...runs[ours].map(read))
  return {
    ratios: {
      ...ofHot,
      cpu: ratioOf(cpu, (run) => run.cpuUs),
      ...ofMemory,
      ...JSON.parse(runNode([here('./unrecorded-cost.mjs'), '--json'])),
    },
    counts: {
      plainPerSpan: most(cpu, (run) => run.plainPerSpan),
      socketsUsed: most(memory[1000], (run) => run.socketsUsed),
      socketsLeft: most(memory[1000], (run) => run.socketsLeft),
      lost: most(cpu, (run) => run.made - run.arrived),
      burstLost: most(cpu, (run) => run.burstMade - run.burstArrived),
    },
  }
}

function betterOf(one, other) {
  const better = (kind) => Object.fromEntries(Object.keys(one[kind]).map((name) => [name, Math.min(one[kind][name], other[kind][name])]))
  return { ratios: better('ratios'), counts: better('counts') }
}

/** Names of the figures that are worse, each with a line about it. */
function compare(now, released) {
  const worse = []
  for (const [kind, room] of [
    ['ratios', ROOM],
    ['counts', 1],
  ]) {
    for (const [name, before] of Object.entries(released[kind])) {
      const figure = now[kind][name]
      const isWorse = !(figure <= before * room)
      if (isWorse) worse.push(name)
      console.log(`${isWorse ? 'WORSE' : '  ok '} ${name.padEnd(13)} ${figure.toFixed(3).padStart(10)}   released ${before}, room ${room}`)
    }
  }
  return worse
}

runNode(['install.mjs', 'raw-otel'], { stdio: ['ignore', 'ignore', 'inherit'] })
const released = JSON.parse(readFileSync(here('./released.json'), 'utf8'))
let now = measure()
let worse = compare(now, released)
if (worse.length > 0) {
  console.log('\nonce more:')
  now = betterOf(now, measure())
  worse = compare(now, released)
}
if (process.argv.includes('--write')) {
  const round = (figures) => Object.fromEntries(Object.entries(figures).map(([name, figure]) => [name, Number(figure.toFixed(2))]))
  const { version } = JSON.parse(readFileSync(here('../package.json'), 'utf8'))
  const figures = { version, node: process.versions.node.split('.')[0], ratios: round(now.ratios), counts: round(now.counts) }
  writeFileSync(here('./released.json'), `${JSON.stringify(figures, undefined, 2)}\n`)
} else if (worse.length > 0) {
  console.error(
    `\nWorse than ${released.version}: ${worse.join(', ')}. Find out why with bench/peers/profile.mjs; what it buys is said in docs/performance.md.`,
  )
  process.exitCode = 1
}
