// Whether what was passed is what arrives: each value is an argument and a result of a traced call, read back from what the sink got.
import { cases, grade } from '../lib/fidelity-cases.mjs'
import { askSink } from '../lib/sink.mjs'
import { sleep } from '../lib/stats.mjs'

const shown = (value) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined')).slice(0, 160)

export async function fidelity({ a, opt, flushQuietly }) {
  if (!a.read) return { none: true }
  await a.setup(opt)
  const out = {}
  for (const [name, entry] of Object.entries(cases)) {
    await askSink(opt.endpoint, 'reset')
    const value = entry.make()
    const call = a.wrap(async (question) => question.value, { name: 'fidelity', type: 'tool' })
    let thrown
    let same = false
    try {
      same = (await call({ value })) === value
    } catch (error) {
      thrown = String(error?.message ?? error).slice(0, 120)
    }
    entry.after?.(value)
    await flushQuietly(10_000)
    await sleep(150)
    const span = (await askSink(opt.endpoint, 'spans')).find((each) => each.name === 'fidelity')
    const { input, output, marks = [] } = span ? a.read(span) : {}
    const sides = { input, output }
    out[name] = {
      ...(thrown === undefined ? {} : { thrown }),
      ...(same || thrown !== undefined ? {} : { returned: 'another value' }),
      arrived: Boolean(span),
    }
    for (const [side, got] of Object.entries(sides)) {
      out[name][side] = span ? grade(entry, got, marks) : 'lost'
      out[name][`${side}Shown`] = shown(got)
    }
  }
  return { cases: out }
}
