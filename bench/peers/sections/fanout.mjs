// --only fanout: a low rate of calls spread over 1 to 1,000 tracers, each with a key of its own.
import { f, good, medianOf, ratiosTo, shownRatio, table } from '../lib/reading.mjs'
import { median } from '../lib/stats.mjs'

const COUNTS = [1, 10, 100, 1000]
const RATE = 2000

async function measure({ peers, rounds, quick, rotate, work, log, endpoint }) {
  const out = {}
  for (let round = 0; round < rounds; round++) {
    for (const n of COUNTS) {
      for (const peer of rotate(peers, round)) {
        log(`fanout ${round + 1}/${rounds} ${n} ${peer}`)
        const options = { endpoint, n, rate: RATE, seconds: quick ? 10 : 20, warmSeconds: 6 }
        const result = await work(peer, 'fanout', options, 180_000)
        if (result.none) continue
        out[n] ??= {}
        out[n][peer] ??= []
        out[n][peer].push(result)
      }
    }
  }
  return out
}

/** CPU of a span beyond what the loop that makes the calls costs itself. */
const netOf = (byPeer, peer) => (byPeer[peer] ?? []).map((run, round) => run.cpuUs - (byPeer.untraced?.[round]?.cpuUs ?? 0))

function read(out, note) {
  const lines = ['', `## Fan-out: ${RATE} calls/s in turn over all tracers, each with a key of its own`, '']
  const head = [
    'tracers',
    'peer',
    'CPU us/span',
    'without the loop',
    'x one tracer',
    'x raw',
    'requests/s',
    'spans/request',
    'wire B/span',
    'sockets',
    'left',
    'lost',
    'loop p99 ms',
  ]
  const rows = Object.entries(out).flatMap(([n, byPeer]) =>
    Object.entries(byPeer).map(([peer, all]) => {
      note(`fanout ${n} ${peer}`, all)
      const fine = good(all)
      if (fine.length === 0) return [n, peer, 'failed']
      const of = (key) => medianOf(fine, (run) => run[key])
      const net = netOf(byPeer, peer)
      const one = netOf(out[1] ?? {}, peer)
      const quiet = peer === 'untraced'
      return [
        n,
        peer,
        f(of('cpuUs')),
        f(median(net)),
        quiet || one.length === 0 ? '-' : `**${f(median(net.map((cpu, round) => cpu / one[round])), 2)}**`,
        shownRatio(ratiosTo(all, byPeer['raw-otel'], (run) => run.cpuUs)),
        f(of('requestsPerS')),
        f(of('spansPerRequest')),
        f(of('wirePerSpan'), 0),
        f(Math.max(0, of('sockets') - 1), 0),
        f(Math.max(0, of('socketsLeft') - 1), 0),
        quiet ? '-' : `${f(100 * Math.max(0, 1 - medianOf(fine, (run) => run.arrived / run.made)))} %`,
        f(of('loopP99Ms')),
      ]
    }),
  )
  return [...lines, table(head, rows)]
}

export const fanoutSection = { measure, read }
