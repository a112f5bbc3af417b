// --only size: what a call costs from 100 B to 1 MB of arguments.
import { f, good, medianOf, ratiosTo, shownRatio, table } from '../lib/reading.mjs'

async function measure({ peers, rounds, quick, rotate, work, log, endpoint }) {
  const runs = Object.fromEntries(peers.map((peer) => [peer, []]))
  for (let round = 0; round < rounds; round++) {
    for (const peer of rotate(peers, round)) {
      log(`size ${round + 1}/${rounds} ${peer}`)
      runs[peer].push(await work(peer, 'size', { endpoint, warm: quick ? 8 : 15, timed: quick ? 20 : 40 }, 180_000))
    }
  }
  return runs
}

const partOf = (bytes, key) => (run) => run.sizes?.[bytes]?.[key]

function read(runs, note) {
  const rows = Object.entries(runs).flatMap(([peer, all]) => {
    note(`size ${peer}`, all)
    const fine = good(all)
    return Object.keys(fine[0]?.sizes ?? {}).map((bytes) => [
      bytes,
      peer,
      f(medianOf(fine, partOf(bytes, 'ns')) / 1000, 2),
      f(medianOf(fine, partOf(bytes, 'callCpuNs')) / 1000, 2),
      shownRatio(ratiosTo(all, runs['raw-otel'], partOf(bytes, 'callCpuNs'))),
      f(medianOf(fine, partOf(bytes, 'cpuUs'))),
      shownRatio(ratiosTo(all, runs['raw-otel'], partOf(bytes, 'cpuUs'))),
      peer === 'untraced' ? '-' : `${medianOf(fine, partOf(bytes, 'arrived'))} of ${fine[0].sizes[bytes].calls}`,
    ])
  })
  rows.sort((one, other) => one[0] - other[0])
  return [
    '',
    '## Size of the arguments',
    '',
    table(['bytes', 'peer', 'call us', 'CPU of it us', 'x raw', 'CPU with export us/call', 'x raw', 'arrived'], rows),
  ]
}

export const sizeSection = { measure, read }
