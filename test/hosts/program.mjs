// One program beside one monitoring product, with us (WITH_US=1) or without. It prints nothing; what both sides saw goes to the file RESULT.
// Started in a host's folder, so that every package is the one that this folder has.
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createSides } from './sides.mjs'
import { createWays } from './ways.mjs'

const { ADAPTER, MODE, SAMPLER, START, WITH_US, RESULT, ECHO, RUN } = process.env
const require = createRequire(join(process.cwd(), 'package.json'))
const { start } = await import(`./adapters/${ADAPTER}.mjs`)

const isWithUs = WITH_US === '1'
const createUs = () => (isWithUs ? createSides(require, { serverUrl: ECHO, apiKey: RUN }) : undefined)

let us = START === 'after' ? undefined : createUs()
if (START === 'read') us?.readProviders()
const isSlotTaken = globalThis[Symbol.for('opentelemetry.js.api.1')]?.context !== undefined
const host = await start({ require, isOn: SAMPLER === 'on', mode: MODE })
us ??= createUs()

// A host span without one around it is what some products call a transaction, so the program says which it is.
const inHostSpan = new AsyncLocalStorage()
const hostSpan = (name, fn) => host.span(name, { isRoot: inHostSpan.getStore() === undefined, fn: () => inHostSpan.run(true, fn) })

const observed = []
const observe = (scope, place, what, value) => observed.push({ scope, place, what, value })
const request = (path) => fetch(`${ECHO}${path}`).then((response) => response.json())

function look(scope, place, way) {
  observe(scope, place, 'active', host.current())
  if (!way.isRouted) host.mark?.(place)
  host.capture?.(new Error(`${scope}: ${place}`))
  host.log(`${scope}: ${place}`)
}

/** What the host does at one place: spans, a log line, an error, a mark on its active span, a request. */
const hostWork =
  (scope, way) =>
  async (suffix = '') => {
    const place = `${way.name}${suffix}`
    await hostSpan(`${place}, step`, async () => {
      await hostSpan(`${place}, inside the step`, async () => await null)
      if (way.isInStep) us?.library.startSpan('in step').end()
      observe(scope, `${place}, step`, 'active', host.current())
    })
    look(scope, place, way)
    observe(scope, place, 'headers', await request('/echo'))
    await hostSpan(`${place}, step with a request`, async () => observe(scope, `${place}, step`, 'headers', await request('/echo')))
    if (way.isWithInner) us?.library.startSpan('inner').end()
  }

/** The same without a pause, for functions that return at once. */
const hostWorkAtOnce = (scope, way) => () => {
  hostSpan(`${way.name}, step`, () => hostSpan(`${way.name}, inside the step`, () => undefined))
  look(scope, way.name, way)
  if (way.isWithInner) us?.library.startSpan('inner').end()
}

async function runWay(way, scope) {
  const work = way.isAtOnce ? hostWorkAtOnce(scope, way) : hostWork(scope, way)
  await (us === undefined ? (way.plain ?? ((act) => act()))(work) : way.run(work))
  observe(scope, 'after', 'active', host.current())
}

// Each scenario has an asynchronous context of its own: products that enter one without leaving it do not reach the next.
const apart = (fn) => new AsyncResource('scenario').runInAsyncScope(fn)
const trees = {}
for (const way of createWays(us, require)) {
  for (const where of ['outside', 'inside']) {
    const scope = `${way.name}, ${where} a host span`
    await apart(() => (where === 'outside' ? runWay(way, scope) : hostSpan(`request of ${way.name}`, () => runWay(way, scope))))
    if (us !== undefined) trees[scope] = { actual: us.takeTrees(), expected: way.trees ?? {} }
  }
}

// Two tenants behind the host's HTTP server, ten requests each at the same time; the echo server sends them, so nothing here traces the sending.
// Required after the product has started, or its HTTP instrumentation would come too late.
const server = require('node:http').createServer((incoming, outgoing) => {
  const [, tenant, number] = incoming.url.split('/')
  const name = `${tenant}${number}`
  const handle = async () => {
    await hostSpan(`handler of ${name}`, async () => {
      await hostSpan(`query of ${name}`, async () => await null)
      observe(name, 'handler', 'active', host.current())
      host.log(`${name}: handler`)
      observe(name, 'handler', 'headers', await request('/echo'))
      await (us?.model(name) ?? ((fn) => fn()))(() => hostSpan(`model call of ${name}`, async () => await request('/echo')))
    })
  }
  void (us?.serve(tenant, name, handle) ?? handle()).then(() => outgoing.end())
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
await apart(() => request(`/drive?port=${server.address().port}`))
server.close()
server.closeAllConnections()
const tenants = us?.takeTenants()

// Our own deliveries, from inside a span of the host.
await apart(() => hostSpan('delivery', () => us?.deliver()))
const deliveries = await apart(() => request(`/deliveries?run=${RUN}`))

const { spans, logs, errors = [] } = await host.finish()
const ours = us?.finish()
writeFileSync(RESULT, JSON.stringify({ spans, logs, errors, observed, trees, tenants, deliveries, isSlotTaken, ours }))
process.exit(0)
