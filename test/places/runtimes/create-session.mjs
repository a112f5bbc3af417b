// Makes a session current for the rest of a function, where the runtime can do that; prints what came of it.
import { HoneyHiveTracer } from 'honeyhive-tracer'

const lines = []
const logger = { debug() {}, warn: (line) => lines.push(line), error() {} }
const tracer = HoneyHiveTracer.init({ apiKey: 'key', testMode: true, logger })
const id = await tracer.createSession({ sessionName: 'one' })
console.log(JSON.stringify({ isCurrent: tracer.sessionId === id, lines }))
await tracer.shutdown()
