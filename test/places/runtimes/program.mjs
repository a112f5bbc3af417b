// Two tracers at once, nested and in sessions; prints what each says of itself.
import { HoneyHiveTracer, traceFn } from 'honeyhive-tracer'

const settings = { serverUrl: process.env.RECEIVER, protocol: 'http/json' }
const red = HoneyHiveTracer.init({ ...settings, apiKey: 'key-of-red' })
const blue = HoneyHiveTracer.init({ ...settings, apiKey: 'key-of-blue' })

const inner = traceFn(red, async function inner(name) {
  await new Promise((resolve) => setTimeout(resolve, 5))
  return name.length
})
// The other tracer's span lies between both and takes no part in their tree.
const outer = traceFn(red, async function outer(name) {
  await new Promise((resolve) => setTimeout(resolve, 5))
  return blue.startActiveSpan('between', () => inner(name))
})

const sessions = await Promise.all(
  ['a', 'bb'].map((name) =>
    red.withSession({ sessionName: name }, async ({ sessionId }) => ({ sessionId, current: red.sessionId, length: await outer(name) })),
  ),
)
await red.forceFlush()
const flushed = red.stats().exported
const isClosed = await Promise.all([red.shutdown(), blue.shutdown()])
console.log(JSON.stringify({ sessions, flushed, isClosed, exported: [red.stats().exported, blue.stats().exported] }))
