// --only stream,tracers5,routed,redaction,enrichment,sessions: shapes of use beyond a plain call.
import { furtherNames, furtherShapes } from '../lib/further-shapes.mjs'
import { f, good, medianOf, ratiosTo, shownRatio, table } from '../lib/reading.mjs'

async function measure(shape, { peers, rounds, quick, rotate, work, log, endpoint }) {
  const runs = Object.fromEntries(peers.map((peer) => [peer, []]))
  for (let round = 0; round < rounds; round++) {
    for (const peer of rotate(peers, round)) {
      log(`${shape} ${round + 1}/${rounds} ${peer}`)
      const options = { endpoint, shape, warm: quick ? 25 : 40, timed: quick ? 30 : 60, spans: quick ? 5000 : 20_000 }
      runs[peer].push(await work(peer, 'further', options, 90_000))
    }
  }
  return runs
}

function read(shape, runs, note) {
  const rows = Object.entries(runs).map(([peer, all]) => {
    note(`${shape} ${peer}`, all)
    const cannot = all.find((run) => run.cannot)
    if (cannot) return [peer, `no: ${cannot.cannot}`, '-', '-', '-', '-', '-', '-', '-']
    const fine = good(all)
    if (fine.length === 0) return [peer, 'failed', '-', '-', '-', '-', '-', '-', '-']
    return [
      peer,
      f(medianOf(fine, (run) => run.ns) / 1000, 1),
      f(medianOf(fine, (run) => run.callCpuNs) / 1000, 1),
      shownRatio(ratiosTo(all, runs['raw-otel'], (run) => run.callCpuNs)),
      f(medianOf(fine, (run) => run.cpuUs)),
      shownRatio(ratiosTo(all, runs['raw-otel'], (run) => run.cpuUs)),
      f(
        medianOf(fine, (run) => run.requests),
        0,
      ),
      peer === 'untraced' ? '-' : `${f(100 * Math.max(0, 1 - medianOf(fine, (run) => run.arrived / run.made)))} %`,
      peer === 'untraced' ? '-' : [...new Set(fine.map((run) => run.says))].join('; '),
    ]
  })
  const head = ['peer', 'call us', 'CPU of it us', 'x raw', 'CPU with export us/call', 'x raw', 'requests', 'lost', 'what arrives']
  return ['', `## ${shape}: ${furtherShapes[shape].what}`, '', table(head, rows)]
}

export const furtherSections = Object.fromEntries(
  furtherNames.map((shape) => [shape, { measure: (context) => measure(shape, context), read: (runs, note) => read(shape, runs, note) }]),
)
