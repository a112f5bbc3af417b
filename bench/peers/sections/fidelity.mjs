// --only fidelity: whether what is passed is what arrives.
import { table } from '../lib/reading.mjs'

async function measure({ peers, work, log, endpoint }) {
  const out = {}
  for (const peer of peers) {
    log(`fidelity ${peer}`)
    const result = await work(peer, 'fidelity', { endpoint }, 90_000)
    if (!result.none) out[peer] = [result]
  }
  return out
}

/** One word where argument and result fare alike, two where they do not; what the program itself felt of it behind. */
function shown(entry) {
  if (!entry) return '-'
  const { input, output, thrown, returned } = entry
  const fate = input === output ? input : `${input} / ${output}`
  if (thrown !== undefined) return `${fate}, the call throws`
  return returned === undefined ? fate : `${fate}, the call returns ${returned}`
}

function read(out, note) {
  const peers = Object.keys(out)
  for (const peer of peers) note(`fidelity ${peer}`, out[peer])
  const names = Object.keys(Object.values(out).find(([run]) => run.cases)?.[0].cases ?? {})
  const rows = names.map((name) => [name, ...peers.map((peer) => shown(out[peer][0].cases?.[name]))])
  return [
    '',
    '## Fidelity: what a reader of the span finds of a value (argument / result)',
    '',
    '`whole`; `cut and said`: a mark tells that something is missing; `changed`: nothing tells; `lost`.',
    '',
    table(['value', ...peers], rows),
  ]
}

export const fidelitySection = { measure, read }
