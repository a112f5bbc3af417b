// Whether the engine's machine code for traced calls holds: each kind of call, many times, in processes with a small heap, where a garbage
// collection comes between any two steps sooner or later. A process that ends otherwise than by itself is told and fails the run.
//   npm run build && npm run soak:compiled                   60 processes of each kind
//   npm run soak:compiled -- --runs 5 --kinds sync,async
import { spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '60' },
    calls: { type: 'string', default: '12000' },
    kinds: { type: 'string' },
    only: { type: 'string' },
  },
})
const BETWEEN_FLUSHES = 400

/** How one call of each kind is made with a tracer. */
const KINDS = {
  sync: ({ tracer, traceFn }) => traceFn(tracer, answer, { eventName: 'call' }),
  async: ({ tracer, traceFn }) => traceFn(tracer, async (asked) => answer(asked), { eventName: 'call' }),
  nested({ tracer, traceFn }) {
    let call = traceFn(tracer, async (asked) => answer(asked), { eventName: 'innermost' })
    for (let depth = 4; depth > 0; depth -= 1) {
      const inner = call
      call = traceFn(tracer, async (asked) => inner(asked), { eventName: `level ${depth}` })
    }
    return call
  },
  stream({ tracer, traceFn }) {
    const stream = traceFn(
      tracer,
      async function* ({ q }) {
        yield q
        yield 'end'
      },
      { eventName: 'stream' },
    )
    return async (asked) => {
      for await (const _ of stream(asked));
    }
  },
  routed({ tracer }) {
    const library = tracer.provider.getTracer('library', '1')
    return ({ k }) =>
      library
        .startSpan('routed', { attributes: { a: 1, b: 'text' } })
        .setAttribute('c', k)
        .end()
  },
  enriched: ({ tracer, traceFn }) =>
    traceFn(
      tracer,
      (asked) => {
        tracer.enrichSpan({ metadata: { k: asked.k } })
        return answer(asked)
      },
      { eventName: 'call' },
    ),
  session({ tracer, traceFn }) {
    const call = traceFn(tracer, answer, { eventName: 'call' })
    return (asked) => tracer.withSession({ skipSessionCreation: true }, () => call(asked))
  },
  active:
    ({ tracer }) =>
    (asked) =>
      tracer.startActiveSpan('call', () => answer(asked)),
  manual:
    ({ tracer }) =>
    (asked) => {
      const span = tracer.startSpan('call', { inputs: asked })
      span.addEvent('event', { a: 1 }).setAttributes({ b: 2 }).end()
    },
  failing({ tracer, traceFn }) {
    const call = traceFn(tracer, ({ k }) => Promise.reject(new Error(`no ${k}`)), { eventName: 'call' })
    return (asked) => call(asked).catch(() => undefined)
  },
}

function answer({ q, k }) {
  return { answer: q, score: 0.5, n: k }
}

async function callMany(kind) {
  const { HoneyHiveTracer, traceFn } = await import('../../dist/index.js')
  const server = createServer((request, response) => {
    request.resume()
    response.end('{}')
  })
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  const serverUrl = `http://127.0.0.1:${server.address().port}`
  const tracer = HoneyHiveTracer.init({
    apiKey: 'key',
    project: 'soak',
    serverUrl,
    skipSessionCreation: true,
    batch: { maxQueueSize: 100_000 },
  })
  const call = KINDS[kind]({ tracer, traceFn })
  for (let done = 0; done < Number(values.calls); done += BETWEEN_FLUSHES) {
    for (let k = 0; k < BETWEEN_FLUSHES; k += 1) await call({ q: 'what is an otter?', k })
    await tracer.forceFlush()
  }
  process.exit(0)
}

if (values.only !== undefined) await callMany(values.only)
let failed = 0
for (const kind of values.kinds?.split(',') ?? Object.keys(KINDS)) {
  const ends = Array.from({ length: Number(values.runs) }, () => {
    const args = ['--max-semi-space-size=1', fileURLToPath(import.meta.url), '--only', kind, '--calls', values.calls]
    const { status, signal } = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    return status === 0 ? undefined : (signal ?? `code ${status}`)
  }).filter((end) => end !== undefined)
  failed += ends.length
  console.log(
    `${kind.padEnd(10)} ${values.runs} processes, ${ends.length === 0 ? 'all ended by themselves' : `ended otherwise: ${ends.join(', ')}`}`,
  )
}
process.exitCode = failed > 0 ? 1 : 0
