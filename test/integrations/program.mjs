// One row in a process of its own: first each case once and after the other, then, with us, the requests of two tenants at the same time.
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const { ROW, SIDE, MODEL_URL, MODEL_HTTP2_URL, RESULT, PLAN } = process.env
const plan = JSON.parse(PLAN)
const here = pathToFileURL(`${process.cwd()}/`).href
const require = createRequire(here)
const isCommonJs = ROW.endsWith('.cjs')
const load = async (name) => (isCommonJs ? require(name) : import(import.meta.resolve(name, here)))

/** What each failure is: the case that is called, and the model that makes it so. */
const FAILURES = {
  refused: { of: 'chat', model: 'm-429' },
  failed: { of: 'chat', model: 'm-500' },
  break: { of: 'stream' },
  abort: { of: 'stream', model: 'm-slow' },
  cut: { of: 'stream', model: 'm-cut' },
}

const row = await load(ROW)
const side = await (await import(`./${SIDE}.mjs`)).createSide({ load, instrumentations: row.instrumentations ?? [] })
const calls = await row.setup({ url: MODEL_URL, http2Url: MODEL_HTTP2_URL, ...side })
const enter = calls.enter ?? side.enter
const thrown = {}
/** Cases whose answer did not reach the application. */
const unanswered = new Set()
/** By case, how many spans were never ended. */
const open = {}

/** What an application can read in an answer; a part of a stream may be bytes. */
const show = (value) => JSON.stringify(value, (_, part) => (part instanceof Uint8Array ? Buffer.from(part).toString() : part)) ?? ''

/** One call as an application makes it; what fails on purpose is caught as an application would. */
async function request(tenant, kind, name) {
  const { of = kind, model = 'm-1' } = FAILURES[kind] ?? {}
  const marker = `marker-${tenant}-${name}`
  const text = `Say ${marker} please`
  const question = `What is the weather in ${marker} ?`
  const controller = new AbortController()
  const run = async () => {
    const result = await calls[of]({ marker, text, question, model, signal: controller.signal })
    let seen = result === undefined ? marker : show(result)
    if (typeof result?.[Symbol.asyncIterator] === 'function') {
      for await (const chunk of result) {
        seen += show(chunk)
        if (kind === 'break') break
        if (kind === 'abort') controller.abort()
      }
    }
    if (!(kind in FAILURES) && !seen.includes(marker) && !kind.startsWith('embed')) unanswered.add(kind)
  }
  try {
    await enter(tenant, `request ${kind} ${marker}`, marker, run)
  } catch (error) {
    if (!(kind in FAILURES)) thrown[`${kind} ${marker}`] = String(error?.stack ?? error)
  }
}

/** Spans may end after the call did; those that never do are waited for in vain. */
async function settle() {
  const before = Object.values(open).reduce((sum, count) => sum + count, 0)
  for (let count = 0; count < 25 && side.countOpen() > before; count++) await new Promise((resolve) => setTimeout(resolve, 20))
}

for (const kind of plan.cases) {
  const before = side.countOpen()
  await request(plan.tenants[0], kind, kind)
  await settle()
  open[kind] = side.countOpen() - before
}

const waiting = Array.from({ length: plan.load }, (_, index) => index)
async function work() {
  for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
    await request(plan.tenants[index % 2], plan.mixed[(index >> 1) % plan.mixed.length], String(index).padStart(4, '0'))
  }
}
await Promise.all(Array.from({ length: 16 }, work))
await settle()
await calls.close?.()
writeFileSync(RESULT, JSON.stringify({ thrown, open, unanswered: [...unanswered], ...(await side.finish()) }))
process.exit(0)
